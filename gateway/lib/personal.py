"""Does a text hold something in the form of a personal number? For texts that stay where everybody reads them."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_GAP = r"[\s\-_.·]?"


def _digits(count: int) -> str:
    return _GAP.join(["[0-9]"] * count)


# GB 11643: division, day of birth, sequence, check character; with anything usual between them
_DAY = _GAP.join(
    (
        rf"(?:1{_GAP}[89]|2{_GAP}0)",
        _digits(2),
        rf"(?:0{_GAP}[1-9]|1{_GAP}[0-2])",
        rf"(?:0{_GAP}[1-9]|[12]{_GAP}[0-9]|3{_GAP}[01])",
    )
)
_RESIDENT = _GAP.join((_digits(6), _DAY, _digits(3), "[0-9Xx]"))
_ALONE = r"(?<![0-9A-Za-z])", r"(?![0-9A-Za-z])"
_PERSONAL: Final = tuple(
    (re.compile(_ALONE[0] + pattern + _ALONE[1]), zh, en)
    for pattern, zh, en in (
        (r"[0-9]{17}[0-9Xx]", "居民身份证号", "a resident identity number"),
        (_RESIDENT, "居民身份证号", "a resident identity number"),
        (r"[0-9]{15}", "旧身份证号", "an old identity number"),
        (r"[0-9]{16,19}|[0-9]{4}(?: [0-9]{4}){3}(?: [0-9]{1,3})?", "银行卡号", "a bank card number"),
        (rf"(?:\+?86{_GAP})?1[3-9][0-9]{_GAP}[0-9]{{4}}{_GAP}[0-9]{{4}}", "手机号码", "a mobile number"),
    )
)


def personal_number(text: str) -> tuple[str, str] | None:
    """What it looks like, in Chinese and English, or None. Full-width digits are digits; the invisible is not read."""
    read = unicodedata.normalize("NFKC", text)
    read = "".join(c for c in read if unicodedata.category(c) != "Cf")
    return next(((zh, en) for pattern, zh, en in _PERSONAL if pattern.search(read)), None)
