"""From when on a resident sees a look-up (plain Python): what the agreement that permitted it says.

``immediate``; ``delayed:P30D``: after so many days; ``withheld``: never, as where telling would defeat a lawful duty
(PIPL 18 and 35). Of what is not shown yet, only how many there are is told.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

IMMEDIATE: Final = "immediate"
WITHHELD: Final = "withheld"
_DELAYED: Final = "delayed:P"


def shown_from(agreement: Mapping[str, Any] | None, at: datetime) -> datetime | None:
    """The instant from which it is shown; None: never. Without an agreement nobody had a right to it: at once."""
    rule = agreement["subject_visibility"] if agreement else IMMEDIATE
    if rule == IMMEDIATE:
        return at
    if rule.startswith(_DELAYED):
        return at + timedelta(days=int(rule.removeprefix(_DELAYED).removesuffix("D")))
    return None  # withheld, and whatever a later version of this gateway may have understood
