"""A merged heading and the short name beneath it, put together: 补贴发放/起始年月 is 发放起始年月 and 补贴起始年月.

Of the heading above, the words that only say that something is done or noted may be left out, and so may either half
of four characters. What is found this way is never certain: the group may be of something else.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache

_DONE = re.compile(
    "(发放|登记|管理|办理|享受|认定|评估|领取|缴纳|审批|审核|采集|备案|期限|期间|时限|时间|日期|明细|基本|有关|相关)"
)


@cache
def readings(above: str, leaf: str) -> tuple[str, ...]:
    """Names that a leaf may have with the heading above it, other than the two just joined."""
    groups = dict.fromkeys(_variants(above))
    leaves = dict.fromkeys(_leaves(above, leaf))
    found = (group + one for group in groups for one in leaves)
    return tuple(text for text in dict.fromkeys(found) if text != leaf)


def _variants(above: str) -> Iterator[str]:
    yield above
    bare = _DONE.sub("", above)
    if len(bare) > 1:
        yield bare
    if len(above) == 4 and not above.isascii():
        yield above[:2]
        yield above[2:]
    if above.endswith(("人", "者", "证", "单位", "机构", "部门", "对象")) and len(above) > 2:
        yield re.sub("(人|者|单位|机构|部门|对象)$", "", above)


def _leaves(above: str, leaf: str) -> Iterator[str]:
    yield leaf
    for length in range(len(above), 1, -1):
        if leaf.startswith(above[-length:]):
            yield leaf[length:]  # 残疾人证/证号 keeps its leaf, 评估/评估日期 loses the echo
            break
