"""What each function of a crosswalk makes of what departments write. A refusal is shown by its code."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.standards.crosswalking import made
from tests.standards.people import resident

GOOD = resident()
X = next(number for serial in range(1000) if (number := resident("19580101", serial)).endswith("X"))


def table(*rows: tuple[Any, Any]) -> Any:
    return pytest.mark.parametrize(("value", "expected"), rows, ids=[repr(row[0])[:40] for row in rows])


ID: dict[str, Any] = {"fn": ["id15to18"]}


@table(
    (GOOD, GOOD),
    (f"'{GOOD}", GOOD),
    (f"’{GOOD}", GOOD),
    (f"{GOOD[:6]} {GOOD[6:14]} {GOOD[14:]}", GOOD),
    (f"\u3000{GOOD}\u00a0", GOOD),
    (X.lower(), X),
    (X.replace("X", "ｘ"), X),
    ("".join(chr(ord(digit) + 0xFEE0) for digit in GOOD), GOOD),
    (GOOD[:6] + GOOD[8:17], GOOD),
    (int(GOOD[:6] + GOOD[8:17]), GOOD),
    (int(GOOD), GOOD),
    (float(GOOD), "digits_lost"),
    ("4.40399E+17", "digits_lost"),
    ("4.40399e+17", "digits_lost"),
    (f"{GOOD[:17]}{'1' if GOOD[17] != '1' else '2'}", "id_checksum"),
    ("990101199013010011", "id_date"),
    ("9901011958010101", "id_length"),
    ("无", "id_length"),
    ("/", "id_length"),
    ("同上", "ditto"),
    (True, "id_length"),
    ([GOOD], "not_a_scalar"),
    ({"id": GOOD}, "not_a_scalar"),
    (b"990101195801010192", "not_a_scalar"),
    ("9" * 5000, "too_long"),
)
def test_identity_numbers_come_in_one_spelling(value: Any, expected: str) -> None:
    assert made(ID, value, "idNumber") == expected


NAME: dict[str, Any] = {"fn": [{"fn": "trim", "kind": "name"}]}


@table(
    ("示例", "示例"),
    (" 示例 ", "示例"),
    ("\u3000示例\u3000", "示例"),
    ("张\u3000三", "张三"),
    ("张 三", "张三"),
    ("阿依古丽·买买提", "阿依古丽·买买提"),
    ("阿依古丽.买买提", "阿依古丽·买买提"),
    ("阿依古丽•买买提", "阿依古丽·买买提"),
    ("阿依古丽‧买买提", "阿依古丽·买买提"),
    ("阿依古丽・买买提", "阿依古丽·买买提"),
    ("阿依古丽．买买提", "阿依古丽·买买提"),
    ("阿依古丽 · 买买提", "阿依古丽·买买提"),
    ("阿依古丽 买买提", "name_with_space"),
    ("司马䶮", "司马䶮"),
    ("示例𠮷", "示例𠮷"),
    ("J. Smith", "J. Smith"),
    ("示例\n", "示例"),
    ("同上", "ditto"),
)
def test_names_keep_one_middle_dot(value: Any, expected: str) -> None:
    assert made(NAME, value) == expected


@table(("  a \t b\r\nc ", "a b c"), ("e\u0301", "é"), (5.0, "5"), (1.5, "1.5"), (Decimal("7.0"), "7"), (False, "false"))
def test_text_is_trimmed_and_normalised(value: Any, expected: str) -> None:
    assert made({"fn": ["trim"]}, value) == expected


@table(("a b", "a b"), (" a ", " a "), (7, "7"), (date(2024, 1, 2), "2024-01-02"), (float("nan"), "not_a_number"))
def test_copy_changes_nothing_but_the_type(value: Any, expected: str) -> None:
    assert made({}, value) == expected
    assert made({"fn": ["copy"]}, value) == expected


@table(
    ("", None), ("   ", None), ("\u3000", None), (None, None), ("\u200b", None), ("-", None), ("无", None), ("有", "有")
)
def test_blanks_and_declared_words_are_nothing(value: Any, expected: str | None) -> None:
    assert made({"missing": ["-", "无"]}, value) == expected


def dates(*formats: str, **more: Any) -> dict[str, Any]:
    return {"fn": [{"fn": "date", "formats": list(formats), **more}]}


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        (dates("yyyyMMdd"), "19900101", "1990-01-01"),
        (dates("yyyyMMdd"), 19900101.0, "1990-01-01"),
        (dates("yyyyMMdd"), "１９９００１０１", "1990-01-01"),
        (dates("yyyy-MM-dd"), "1990-01-01", "1990-01-01"),
        (dates("yyyy-MM-dd HH:mm:ss"), "2012-10-12 00:00:00", "2012-10-12"),
        (dates("yyyy/M/d"), "2024/1/5", "2024-01-05"),
        (dates("yyyy/M/d"), "2024/12/25", "2024-12-25"),
        (dates("yyyy.MM.dd"), "2024.01.05", "2024-01-05"),
        (dates("yyyy年M月d日"), "二〇二四年三月五日", "2024-03-05"),
        (dates("yyyy年M月d日"), "二○二四年十二月三十一日", "2024-12-31"),
        (dates("yyyy年M月d日"), "一九四九年十月一日", "1949-10-01"),
        (dates("yyyy年M月", missing_day="first"), "二零二四年二十月", "impossible_date"),
        (dates("yyyy年M月d日"), "二〇二四年二月三十日", "impossible_date"),
        (dates("yyyy年M月d日"), "二〇二四年三三月五日", "not_a_date"),
        (dates("yyyyMMdd"), "二〇二四年三月五日", "not_a_date"),
        (dates("yy年M月d日", pivot=2030), "24年1月5日", "2024-01-05"),
        (dates("yy年M月d日", pivot=2030), "30年1月5日", "2030-01-05"),
        (dates("yy年M月d日", pivot=2030), "31年1月5日", "1931-01-05"),
        (dates("excel"), 45296, "2024-01-05"),
        (dates("excel"), "45296", "2024-01-05"),
        (dates("excel"), 45296.75, "2024-01-05"),
        (dates("excel"), 60, "not_a_date"),
        (dates("excel1904"), 43834, "2024-01-05"),
        (dates("yyyy.MM", "yyyy年M月", "yyyyMM", missing_day="first"), "2020.10", "2020-10-01"),
        (dates("yyyy.MM", "yyyy年M月", "yyyyMM", missing_day="first"), "2020年1月", "2020-01-01"),
        (dates("yyyy.MM", "yyyy年M月", "yyyyMM", missing_day="last"), 202402.0, "2024-02-29"),
        (dates("yyyy.MM", missing_day="first"), 2020.1, "not_a_date"),  # a spreadsheet ate the nought of 2020.10
        (dates("yyyy.M", missing_day="first"), 2020.1, "not_a_date"),
        (dates("yyyy.M", missing_day="first"), Decimal("2020.1"), "not_a_date"),
        (dates("yyyy.M", missing_day="first"), "2020.1", "2020-01-01"),
        (dates("yyyyMMdd"), float("inf"), "not_a_number"),
        (dates("yyyy.MM", missing_day="first"), date(2025, 9, 28), "2025-09-28"),
        (dates("yyyyMMdd"), datetime(2025, 9, 28, 23, 59), "2025-09-28"),
        (dates("d/M/yyyy", "M/d/yyyy"), "3/4/2024", "ambiguous_date"),
        (dates("d/M/yyyy", "M/d/yyyy"), "4/4/2024", "2024-04-04"),
        (dates("d/M/yyyy", "M/d/yyyy"), "13/4/2024", "2024-04-13"),
        (dates("yyyyMMdd", "excel"), "19900101", "1990-01-01"),
        (dates("yyyyMMdd"), "19901301", "impossible_date"),
        (dates("yyyyMMdd"), "20230229", "impossible_date"),
        (dates("yyyyMMdd"), "00010101", "impossible_date"),
        (dates("yyyyMMdd"), "1990-01-01", "not_a_date"),
        (dates("yyyyMMdd"), "19900101\n19900102", "not_a_date"),
        (dates("yyyyMMdd"), "去年", "not_a_date"),
        (dates("yyyyMMdd"), "同上", "ditto"),
    ],
)
def test_a_date_is_certain_or_refused(rule: dict[str, Any], value: Any, expected: str) -> None:
    assert made(rule, value, "deathDate") == expected


def money(source: str = "元", to: str = "元") -> dict[str, Any]:
    return {"fn": [{"fn": "unit", "from": source, "to": to, "decimals": 2}]}


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        (money(), "1,365.00", "1365.00"),
        (money(), "1365", "1365.00"),
        (money(), 2048.5, "2048.50"),
        (money(), 1365.1000000000001, "1365.10"),  # what a spreadsheet makes of 1365.1
        (money(), Decimal("0.3"), "0.30"),
        (money(), "￥1，365.00元", "1365.00"),
        (money(), "１３６５", "1365.00"),
        (money("万元"), "1.2", "12000.00"),
        (money("分"), "136500", "1365.00"),
        (money(), "-0", "0.00"),
        (money(), "-12", "-12.00"),
        (money(), "0.005", "not_exact"),
        (money(), "1,36,5", "not_a_number"),
        (money(), "暂停", "not_a_number"),
        (money(), "1e3", "not_a_number"),
        (money(), "nan", "not_a_number"),
        (money(), float("inf"), "not_a_number"),
        (money(), True, "not_a_number"),
        (money(), "9" * 30, "too_long"),
    ],
)
def test_an_amount_is_exact_or_refused(rule: dict[str, Any], value: Any, expected: str) -> None:
    assert made(rule, value) == expected


def look(**parameters: Any) -> dict[str, Any]:
    return {"fn": [{"fn": "lookup", **parameters}], "on_unknown": "refuse"}


@pytest.mark.parametrize(
    ("rule", "value", "target", "expected"),
    [
        (look(codelist="gbt-2261.1-2003-sex"), "1", "sex", "1"),
        (look(codelist="gbt-2261.1-2003-sex"), 1, "sex", "1"),
        (look(codelist="gbt-2261.1-2003-sex"), " 女 ", "sex", "2"),
        (look(codelist="gbt-2261.1-2003-sex"), "男性", "sex", "1"),
        (look(codelist="gbt-2261.1-2003-sex"), "3", "sex", "unknown_code"),
        (look(table={"男": "1", "女": "2"}), "男", "sex", "1"),
        (look(table={"男": "1", "女": "2"}), "1", "sex", "unknown_code"),
        (look(table={"true": "1", "false": "2"}), True, "sex", "1"),
        (look(codelist="gbt-2261.2-2003-marital-status", table={"已婚初": "21"}), "已婚初", "maritalStatus", "21"),
        (look(codelist="gbt-2261.2-2003-marital-status"), "离异", "maritalStatus", "40"),
        (look(codelist="gbt-3304-1991-ethnic-group"), 1, "ethnicGroup", "unknown_code"),
        (look(codelist="gbt-3304-1991-ethnic-group", width=2), 1, "ethnicGroup", "01"),
        (
            look(codelist="gat-517-2004-certificate-type", from_codelist="ws364.3-cv02.01.101-certificate-type"),
            "01",
            "certType",
            "111",
        ),
        (
            look(codelist="gat-517-2004-certificate-type", from_codelist="ws364.3-cv02.01.101-certificate-type"),
            "111",  # a code of the other list: unknown here
            "certType",
            "unknown_code",
        ),
    ],
)
def test_a_code_is_known_or_refused(rule: dict[str, Any], value: Any, target: str, expected: str) -> None:
    assert made(rule, value, target) == expected


@table(
    ("990100", "990100"),
    (990100, "990100"),
    ("990100001000", "990100001"),
    ("990100000000", "990100"),
    ("990100001005", "990100001005"),
    ("9901", "not_a_division"),
    ("99010000100A", "not_a_division"),
    ("090100", "not_a_division"),
)
def test_a_division_code_is_as_precise_as_it_is(value: Any, expected: str) -> None:
    assert made({"fn": ["region_code"]}, value) == expected


@pytest.mark.parametrize(
    ("level", "value", "expected"),
    [
        ("division", "990100001005", "990100"),
        ("street", "990100001005", "990100001"),
        ("street", "990100", "not_precise_enough"),
        ("community", "990100001000", "not_precise_enough"),
    ],
)
def test_a_division_code_is_never_made_more_precise(level: str, value: str, expected: str) -> None:
    assert made({"fn": [{"fn": "region_code", "level": level}]}, value) == expected


@pytest.mark.parametrize(
    ("step", "value", "expected"),
    [
        ({"separator": "街道", "index": 0}, "测试街道样例大道1号", "测试"),
        ({"separator": "/", "index": -1}, "a/b/c", "c"),
        ({"separator": "/", "index": 5}, "a/b/c", None),
        ({"separator": "/", "index": 1}, "a//c", None),
        ({"start": 6, "end": 14}, GOOD, "19580101"),
        ({"start": 6, "end": 14}, "9901", None),
    ],
)
def test_split_takes_one_piece_or_nothing(step: dict[str, Any], value: str, expected: str | None) -> None:
    assert made({"fn": [{"fn": "split", **step}]}, value) == expected


@table(
    (["甲", None, " 乙 "], "甲、乙"),
    ([], None),
    (["", None], None),
    (["甲"] * 201, "too_many"),
    (["甲" * 150] * 20, "too_long"),
)
def test_join_puts_a_list_together_within_bounds(value: Any, expected: str | None) -> None:
    items = {"fn": [{"fn": "join", "separator": "、"}], "from": "/x/[]"}
    assert made(items, value) == expected


def test_first_takes_the_first_that_is_there() -> None:
    assert made({"fn": ["first"], "from": "/x/[]/n"}, [{"n": ""}, {}, {"n": "乙"}, {"n": "丙"}]) == "乙"


@pytest.mark.parametrize(
    ("mask", "expected"),
    [("last-four", "*******0000"), ("hide-middle", "13*******00"), ("hidden", "***"), ("year-only", "1380")],
)
def test_mask_hides(mask: str, expected: str) -> None:
    assert made({"fn": [{"fn": "mask", "mask": mask}]}, "13800000000") == expected


@pytest.mark.parametrize(
    ("step", "value", "expected"),
    [
        ({"value": "0", "then": "示例甲", "else": "示例乙"}, 0, "示例甲"),
        ({"value": "0", "then": "示例甲", "else": "示例乙"}, "1", "示例乙"),
        ({"value": ["0", "2"], "then": "示例甲"}, 2.0, "示例甲"),
        ({"value": ["0", "2"], "then": "示例甲"}, 1, None),
        ({"value": "甲"}, "甲", "甲"),
        ({"value": "甲", "else": "示例乙"}, "丙", "示例乙"),
    ],
)
def test_when_eq_compares_text(step: dict[str, Any], value: Any, expected: str | None) -> None:
    assert made({"fn": [{"fn": "when-eq", **step}]}, value) == expected
