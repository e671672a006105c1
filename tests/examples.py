"""How many examples a test that draws them at random looks at: every day a fifth, in the long tests all.

TONGQU_TEST_EXAMPLES=all     all of them (``make torture`` does so)
"""

from __future__ import annotations

import os


def examples(number: int) -> int:
    return number if os.environ.get("TONGQU_TEST_EXAMPLES") == "all" else max(number // 5, 10)
