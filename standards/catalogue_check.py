"""What a catalogue entry must say beside its form: the rules of the Regulation that no schema here can hold.

The dialect has no conditions between fields (docs/decisions/0018-code-lists.md); ``check`` is asked after the
validator of ``catalogue-entry`` has taken the record.

>>> [violation.pointer for violation in check({"sharingAttribute": "2", "sharingModes": [{"mode": "api"}]})]
['/conditions']
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from standards.validate import Violation

CONDITIONAL: Final = "2"
REFUSED: Final = "3"


def check(entry: Mapping[str, Any]) -> list[Violation]:
    """What is missing or too much for the entry's sharing attribute; an empty list if nothing.

    Articles 14 and 15 of the Regulation on Government Data Sharing (政务数据共享条例, State Council decree 809): an
    entry shared on conditions states scope and purpose, one that is not shared reason and basis. ``entry`` obeys
    the standard catalogue-entry.
    """
    attribute = entry["sharingAttribute"]
    asked = {
        "sharingModes": attribute != REFUSED,
        "conditions": attribute == CONDITIONAL,
        "refusal": attribute == REFUSED,
    }
    return [_violation(field, wanted) for field, wanted in asked.items() if bool(entry.get(field)) is not wanted]


def _violation(field: str, wanted: bool) -> Violation:
    if wanted:
        return Violation(f"/{field}", "missing", f"按共享属性应填写 {field}", f"the sharing attribute asks for {field}")
    return Violation(
        f"/{field}", "not_allowed", f"按共享属性不应填写 {field}", f"with this sharing attribute {field} has no place"
    )
