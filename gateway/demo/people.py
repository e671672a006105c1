"""The residents of the demo city. All made up: region 99 does not exist, so no identifier can be anybody's."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import date, timedelta

from standards.identifiers import resident_check_digit

CITY = "990100"
LINDEN, MAPLE = "990100001", "990100002"  # the divisions of the two street offices
STREET_NAMES = {LINDEN: "椴树街道", MAPLE: "枫林街道"}
SEED = 20261123  # the same people in every demo

_FAMILY = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨朱秦尤许"
_GIVEN = (
    "安",
    "伯言",
    "采薇",
    "丹",
    "恩泽",
    "芳",
    "广义",
    "海棠",
    "嘉禾",
    "可",
    "兰",
    "明远",
    "楠",
    "沛",
    "清",
    "若水",
    "书",
    "桐",
    "维",
    "晓",
)
_FAMILY_TWO = ("欧阳", "司马", "阿依古丽·")


@dataclass(frozen=True, slots=True)
class Person:
    """One resident as all departments would agree, if they could read each other."""

    id: str
    name: str
    sex: str  # GB/T 2261.1
    born: date
    ethnic: str  # GB/T 3304
    marital: str  # GB/T 2261.2
    street: str  # nine-digit division
    road: str
    number: int
    room: str
    phone: str
    arrived: date

    @property
    def community(self) -> str:
        return f"{self.street}{1 + self.number % 5:03d}"

    @property
    def address(self) -> str:
        return f"{STREET_NAMES[self.street]}{self.road}{self.number}号{self.room}"


def resident_id(division: str, born: date, sequence: int) -> str:
    """An 18-character number with the right check digit (GB 11643)."""
    first17 = f"{division}{born:%Y%m%d}{sequence:03d}"
    return first17 + resident_check_digit(first17)


def residents(count: int = 60) -> list[Person]:
    """The same people every time. Odd sequence numbers are men, as in GB 11643."""
    chance = random.Random(SEED)  # noqa: S311  # reproducible people, not secrets
    people = []
    for number in range(count):
        born = date(1935, 1, 1) + timedelta(days=chance.randrange(31_000))
        family = chance.choice(_FAMILY_TWO) if number % 17 == 3 else chance.choice(_FAMILY)
        people.append(
            Person(
                id=resident_id(CITY, born, 100 + number),
                name=family + chance.choice(_GIVEN),
                sex="2" if number % 2 == 0 else "1",
                born=born,
                ethnic="15" if number % 17 == 3 else "01",
                marital=chance.choice(("10", "20", "30", "40")),
                street=LINDEN if number % 3 else MAPLE,
                road=chance.choice(("银杏路", "河沿街", "书院里")),
                number=chance.randrange(1, 99),
                room=f"{chance.randrange(1, 9)}栋{chance.randrange(1, 30)}0{chance.randrange(1, 5)}",
                phone=f"1380000{number:04d}",
                arrived=date(2018, 1, 1) + timedelta(days=chance.randrange(2_900)),
            )
        )
    return people


def stranger() -> str:
    """A well-formed identifier that no department knows."""
    return resident_id(CITY, date(1990, 1, 1), 999)
