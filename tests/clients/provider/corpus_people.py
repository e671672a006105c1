"""Made-up people, homes, firms and families that the extracts of the corpus are filled from. Deterministic."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from standards.identifiers import resident_check_digit

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高梁郑谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余于杜叶程魏苏吕丁任"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰文辉建国志红梅婷雪梓涵浩宇欣怡子轩"
_ROADS = ("示范里", "样例大道", "测试一路", "演示街", "虚构巷", "样本东路")
_FIRMS = (
    "样例科技有限公司",
    "示范餐饮店",
    "测试便利超市",
    "演示五金厂",
    "虚构物业管理有限公司",
    "样本服装店",
    "示例物流部",
)
_USCC = "0123456789ABCDEFGHJKLMNPQRTUWXY"
COUNTY = "440399"  # not an assigned county code


@dataclass(frozen=True)
class Person:
    """One person: ``sex`` 1 or 2 (GB/T 2261.1), ``id`` with the right check digit."""

    id: str
    name: str
    sex: str
    born: date
    phone: str
    ethnic: str
    marital: str
    education: str


@dataclass(frozen=True)
class Home:
    """An address in parts and its codes."""

    street: str
    community: str
    road: str
    number: str
    room: str

    @property
    def text(self) -> str:
        return f"示例市测试区{self.road}{self.number}{self.room}"


def person(random: Random, oldest: int = 1940, youngest: int = 2006, sex: str | None = None) -> Person:
    """Anybody born between the two years."""
    born = date(oldest, 1, 1) + timedelta(days=random.randrange((youngest - oldest) * 365))
    sex = sex or random.choice("12")
    order = random.randrange(0, 490) * 2 + (1 if sex == "1" else 2)
    first = f"{COUNTY}{born:%Y%m%d}{order:03d}"
    name = random.choice(_SURNAMES) + "".join(random.sample(_GIVEN, random.choice((1, 2, 2))))
    phone = f"1{random.choice('3578')}{random.randrange(10**9):09d}"
    ethnic = random.choice(("01",) * 6 + ("08", "15", "11", "02", "03", "05"))
    marital = random.choice(("10", "20", "20", "30", "40", "21", "22"))
    education = random.choice(("21", "31", "61", "71", "81", "10", "90"))
    return Person(first + resident_check_digit(first), name, sex, born, phone, ethnic, marital, education)


def home(random: Random) -> Home:
    """Anywhere in the made-up county."""
    street = f"{COUNTY}00{random.randrange(1, 5)}"
    community = f"{street}00{random.randrange(1, 7)}"
    number, room = f"{random.randrange(1, 99)}号", f"{random.randrange(1, 9)}栋{random.randrange(101, 999)}"
    return Home(street, community, random.choice(_ROADS), number, room)


def firm(random: Random) -> str:
    """The name of a shop or company."""
    return random.choice("宏顺福兴安达鑫隆") + random.choice("源达盛旺泰和美佳") + random.choice(_FIRMS)


def uscc(random: Random, kind: str = "91") -> str:
    """A unified social credit code of the made-up county, its check character right (GB 32100)."""
    body = kind + COUNTY + "MA" + "".join(random.choice(_USCC[:10]) for _ in range(7))
    total = sum(_USCC.index(character) * pow(3, at, 31) for at, character in enumerate(body))
    return body + _USCC[(31 - total % 31) % 31]


def some_day(random: Random, first: int = 2012, last: int = 2026) -> date:
    """A day between the two years."""
    return date(first, 1, 1) + timedelta(days=random.randrange((last - first) * 365))


OFFICES = tuple(uscc(Random(seed), "11") for seed in range(3))
