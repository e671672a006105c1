"""The people of the benchmark, their records in a department's own columns, and the crosswalks of those.

All made up: region 99 does not exist, so no identifier can be anybody's.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from standards.identifiers import resident_check_digit

PEOPLE = 256  # residents; each has a consent of their own
PAGE = 200  # records in an answer of the page; the contract allows no more
AS_OF = "2026-11-23T00:30:00.000Z"

PERSON, ASSISTANCE = "person-basic/1.0.0", "social-assistance/1.0.0"
PERSON_FIELDS = (
    "idNumber", "name", "sex", "ethnicGroup", "birthDate", "maritalStatus", "domicileDivision", "domicileAddress",
    "phone", "personStatus",
)  # fmt: skip
ASSISTANCE_FIELDS = ("caseId", "assistanceType", "applicantIdNumber", "approvedFrom", "monthlyAmount", "status")


@cache
def ids() -> tuple[str, ...]:
    """The residents that are on file."""
    return tuple(_id(number) for number in range(PEOPLE))


def stranger() -> str:
    """A right number that is on file nowhere."""
    return _id(999)


def _id(number: int) -> str:
    first17 = f"9901011990{number // 28 % 12 + 1:02d}{number % 28 + 1:02d}{number:03d}"
    return first17 + resident_check_digit(first17)


def person(id: str) -> dict[str, str]:
    """The police's row of one person: 1 KB of JSON, a third of it columns that no standard knows."""
    return {
        "GMSFHM": id,
        "XM": "采薇" + "一二三四五六七八九十"[int(id[-2])],
        "XB": "2",
        "MZ": "01",
        "CSRQ": id[6:14],
        "HYZK": "20",
        "SSXQ": "990100",
        "JLX": "示范市示范区椴树街道桂花社区解放东路",
        "MLPH": f"{int(id[14:17])}号",
        "MLXZ": "桂花苑小区12栋3单元1502室",
        "XZJD": "990100001",
        "JCWH": "990100001003",
        "LXDH": f"138{id[9:17]}",
        "RHYZBZ": "1",
        "GXSJ": "20261101083000",
        "BZ": "户籍地与居住地一致；" * 21,
    }


def case_of(id: str, number: int) -> dict[str, str]:
    """One row of the ledger of allowances: about 0.5 KB of JSON."""
    return {
        "序号": str(number + 1),
        "户主信息/姓名": "安采薇",
        "户主信息/身份证号": id,
        "户主信息/性别": "女",
        "家庭住址": "示范市示范区椴树街道桂花社区解放东路7号桂花苑小区12栋3单元1502室",
        "保障情况/类别": "城市低保",
        "保障情况/街道代码": "990100001",
        "保障情况/月保障金(元)": "1,300.50",
        "保障情况/起始年月": "2024.03",
        "银行卡号": f"62000000000{number:08d}",
        "经办人": "经办甲",
    }


def crosswalk(standard: str) -> dict[str, Any]:
    """From those columns to the standard: the crosswalk of the demo city's department, with one more column ignored."""
    name = {PERSON: "police", ASSISTANCE: "civil-affairs"}[standard]
    document: dict[str, Any] = json.loads(
        (resources.files("gateway.demo") / "crosswalks" / f"{name}.json").read_text(encoding="utf-8")
    )
    if standard == PERSON:
        document["ignored"]["/BZ"] = {"zh": "备注，标准未设", "en": "not part of the standard"}
    return document


def answers(standard: str, id: str) -> dict[str, Any]:
    """What the department answers about one person, as provider-openapi.yaml has it."""
    rows: list[Mapping[str, str]] = []
    if id in ids():
        rows = [person(id)] if standard == PERSON else [case_of(id, number) for number in range(PAGE)]
    return {"records": rows, "as_of": AS_OF}
