"""No note, question or search may hold a person's number, however it is written."""

from __future__ import annotations

import pytest

from gateway.cases.texts import MAX_TEXT, checked
from gateway.errors import InvalidRequest
from tests.cast import AN

NUMBER = AN["idNumber"]


@pytest.mark.parametrize(
    "text",
    [
        NUMBER,
        f"当事人{NUMBER}来电",
        f"{NUMBER[:6]} {NUMBER[6:14]} {NUMBER[14:]}",
        "-".join([NUMBER[:6], NUMBER[6:10], NUMBER[10:12], NUMBER[12:14], NUMBER[14:]]),
        " ".join(NUMBER),
        NUMBER.translate({ord(str(n)): chr(0xFF10 + n) for n in range(10)}),
        NUMBER[:9] + "\u200b" + NUMBER[9:],
        "11010519491231002x",
        "990101900101001",
        "13800000007",
        "电话 138 0000 0007",
        "+86 138-0000-0007",
        "6222 0200 0000 0000 123",
        "a\u202eb",
        "a\x00b",
        "",
        "  \n ",
        "字" * (MAX_TEXT + 1),
    ],
)
def test_refused(text: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        checked(text)
    digits = "".join(c for c in text if c.isdigit())
    assert not digits or len(digits) < 6 or digits not in str(caught.value.members) + caught.value.detail_zh


@pytest.mark.parametrize(
    "text",
    [
        "条目 1024，案件 SQ-2026-0042，2026-11-20 至 2026-11-21 之间 300 次。",
        "officer:off_01KB0000000000000000000000 since:2026-11-01T00:00:00Z",
        "电话 0755-00000000",
        "第一行\n第二行",
        "cas_01KB2V5N9T3Q4R5S6T7V8W9X0Y",
    ],
)
def test_accepted(text: str) -> None:
    assert checked(f"  {text} \r\n") == text
