"""What four departments of the demo city have: each its own columns, codes and file format."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
from collections.abc import Sequence
from pathlib import Path

import xlsxwriter

from gateway.demo.people import CITY, MAPLE, Person

TWICE = 7  # the resident whom the health commission has on file twice
ON_ASSISTANCE = range(0, 60, 4)  # every fourth household


def write_police(people: Sequence[Person], file: Path) -> None:
    """Permanent residents: a GB18030 CSV export with pinyin initials and compact dates."""
    out = io.StringIO()
    table = csv.writer(out, lineterminator="\r\n")
    table.writerow(
        [
            "GMSFHM",
            "XM",
            "XB",
            "MZ",
            "CSRQ",
            "HYZK",
            "SSXQ",
            "JLX",
            "MLPH",
            "MLXZ",
            "XZJD",
            "JCWH",
            "LXDH",
            "RHYZBZ",
            "GXSJ",
        ]
    )
    for person in people:
        table.writerow(
            [
                person.id,
                person.name,
                person.sex,
                person.ethnic,
                f"{person.born:%Y%m%d}",
                person.marital,
                CITY,
                person.road,
                f"{person.number}号",
                person.room,
                person.street,
                person.community,
                person.phone,
                "1",
                "20261101083000",
            ]
        )
    file.write_bytes(out.getvalue().encode("gb18030"))


def write_civil_affairs(people: Sequence[Person], file: Path) -> None:
    """The ledger of minimum living allowances: an Excel sheet with a title and merged headings."""
    book = xlsxwriter.Workbook(str(file))
    sheet = book.add_worksheet("低保台账")
    sheet.merge_range(0, 0, 0, 10, "示范市最低生活保障家庭台账（2026年10月）")
    for column, heading in ((0, "序号"), (4, "家庭住址"), (9, "银行卡号"), (10, "经办人")):
        sheet.merge_range(1, column, 2, column, heading)
    sheet.merge_range(1, 1, 1, 3, "户主信息")
    sheet.merge_range(1, 5, 1, 8, "保障情况")
    for column, heading in zip(
        (1, 2, 3, 5, 6, 7, 8), ("姓名", "身份证号", "性别", "类别", "街道代码", "月保障金(元)", "起始年月"), strict=True
    ):
        sheet.write_string(2, column, heading)
    chosen = [people[number] for number in ON_ASSISTANCE if number < len(people)]
    for row, person in enumerate(chosen, 3):
        sheet.write_number(row, 0, row - 2)
        spaced = f"{person.id[:6]} {person.id[6:14]} {person.id[14:]}" if row % 3 == 0 else person.id
        texts = {1: f" {person.name} ", 2: spaced, 3: "男" if person.sex == "1" else "女", 4: person.address}
        texts |= {5: ("城市低保", "低保边缘", "特困(分散)")[row % 3], 6: person.street, 7: f"1,{300 + row}.50"}
        texts |= {8: ("2024.03", "202311", "2025年1月")[row % 3], 9: f"62000000000{row:08d}", 10: "经办甲"}
        for column, text in texts.items():
            sheet.write_string(row, column, text)
    sheet.write_string(len(chosen) + 3, 0, "合计")
    sheet.write_string(len(chosen) + 4, 0, "制表人：")
    book.close()


def write_population(people: Sequence[Person], file: Path) -> None:
    """The floating-population office: a SQLite table with words for codes and dates without zeros."""
    base = sqlite3.connect(file)
    base.execute(
        "CREATE TABLE t_ldrk (xh INTEGER PRIMARY KEY, xingming TEXT, xb TEXT, sfzhm TEXT, haici INTEGER, "
        "xzdz TEXT, jddm TEXT, lrrq TEXT, lxdh TEXT, cjsj TEXT, zxbz INTEGER)"
    )
    rows = [
        (
            number,
            person.name,
            "男" if person.sex == "1" else "女",
            person.id.lower(),
            number % 3,
            person.address,
            person.street,
            f"{person.arrived.year}/{person.arrived.month}/{person.arrived.day}",
            person.phone,
            "2026/10/31 09:30:00",
            0,
        )
        for number, person in enumerate(people, 1)
        if number % 2
    ]
    base.executemany(f"INSERT INTO t_ldrk VALUES ({','.join('?' * 11)})", rows)  # noqa: S608  # only question marks
    base.commit()
    base.close()


def write_health(people: Sequence[Person], file: Path) -> None:
    """The health commission: an old HTTP interface over records with element numbers as names."""
    records = [_health_record(person) for person in people]
    records.append(_health_record(people[TWICE]) | {"WS02_01_039_01": people[TWICE].name + "（重复建档）"})
    file.write_text(json.dumps(records, ensure_ascii=False), encoding="utf-8")


def _health_record(person: Person) -> dict[str, str]:
    return {
        "WS02_01_030_00": person.id,
        "WS02_01_039_01": person.name,
        "WS02_01_040_01": {"1": "M", "2": "F"}[person.sex],
        "WS02_01_005_01": f"{person.born:%Y-%m-%d} 00:00:00",
        "WS02_01_018_01": {"10": "1", "20": "2", "30": "3", "40": "4"}[person.marital],
        "WS02_01_010_00": person.phone,
        "JD_DM": person.street,
        "JZ_DZ": person.address,
        "XX_DM": "O",  # blood type: no standard carries it, so it must never leave
    }


def outside(people: Sequence[Person]) -> Person:
    """Somebody whom the population office has and who does not live in the maple street's division."""
    return next(p for number, p in enumerate(people, 1) if number % 2 and p.street != MAPLE)


def inside(people: Sequence[Person]) -> Person:
    return next(p for number, p in enumerate(people, 1) if number % 2 and p.street == MAPLE)
