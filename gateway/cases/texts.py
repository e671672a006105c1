"""What may be written on a case: bounded, without controls, and without anything in the form of a personal number.

A case says which *entry* it is about. Who the resident is, two people open together (unmasking.py); written on a case
it would stand there for everybody, for ever. Plain Python, no I/O.
"""

from __future__ import annotations

import re
from typing import Final

from gateway.errors import InvalidRequest
from gateway.lib.personal import personal_number

MAX_TEXT: Final = 2000
MAX_SEARCH: Final = 500
# C0 but line feed, DEL, C1; marks and overrides of direction; line and paragraph separators; byte order mark
_UNSAFE = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


def checked(text: str, *, name: str = "text", most: int = MAX_TEXT) -> str:
    """The text, its ends trimmed. Raises InvalidRequest; the error says where it is wrong, never what stood there."""
    plain = text.replace("\r\n", "\n").strip()
    if not plain:
        raise _wrong(name, "请填写内容", "expected some words")
    if len(plain) > most:
        raise _wrong(name, f"最多 {most} 个字，实有 {len(plain)} 个", f"expected at most {most}, got {len(plain)}")
    if _UNSAFE.search(plain):
        raise _wrong(name, "含有控制字符或改变文字方向的字符", "holds control characters or changes of direction")
    if (found := personal_number(plain)) is not None:
        zh, en = found
        raise _wrong(
            name,
            f"含有形似{zh}的数字；案件中不写个人号码，请引用日志条目",
            f"holds digits in the form of {en}: name the entry of the log, never the person",
        )
    return plain


def _wrong(name: str, zh: str, en: str) -> InvalidRequest:
    return InvalidRequest(f"{name}：{zh}。", f"{name}: {en}.", errors=[{"pointer": f"/{name}", "zh": zh, "en": en}])
