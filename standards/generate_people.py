"""Made-up families and where they live. Nobody here can be anybody: every number is from a range that is never issued.

Identity numbers and divisions begin with 990101 (GB/T 2260 has no province 99); mobile numbers begin with 154 (given to
no operator); credit codes carry the same division. Check digits are right, so that every check passes on them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from random import Random

from standards.generate_words import COUNTY, GIVEN, LONG_SURNAMES, OTHER_NAMES, ROADS, STREETS, SURNAMES
from standards.identifiers import resident_check_digit, uscc_check_character

TODAY = date(2026, 11, 1)  # the day on which the made-up city stands still


@dataclass(frozen=True, slots=True)
class Address:
    """One dwelling. Codes of 9 and 12 digits begin with the county."""

    street: str
    community: str
    road: str
    number: int
    building: int
    unit: int
    room: int

    @property
    def text(self) -> str:
        return f"{STREETS[self.street]}{self.road}{self.number}号{self.building}栋{self.unit}单元{self.room}室"

    @property
    def house(self) -> str:
        """The code of the dwelling, the same wherever it is mentioned."""
        return f"{self.community}{self.number:04d}{self.building:02d}{self.unit}{self.room:04d}"


@dataclass(frozen=True, slots=True)
class Person:
    """One made-up resident. ``kinship``: to the head of the family, GB/T 4761 two-digit; ``sex``: GB/T 2261.1."""

    number: str
    name: str
    sex: str
    birth: date
    ethnic: str
    phone: str
    kinship: str
    marital: str  # GB/T 2261.2
    employer: str | None

    @property
    def age(self) -> int:
        """Completed years on TODAY."""
        return TODAY.year - self.birth.year - ((TODAY.month, TODAY.day) < (self.birth.month, self.birth.day))


@dataclass(frozen=True, slots=True)
class Family:
    """One family at one address; the head comes first. ``floating``: registered elsewhere, living here."""

    number: int
    address: Address
    members: tuple[Person, ...]
    floating: bool
    needy: bool
    married_on: date | None
    arrived_on: date

    @property
    def head(self) -> Person:
        return self.members[0]

    @property
    def mother(self) -> Person | None:
        """The woman of the older generation, if there is one."""
        grown = [person for person in self.members if person.kinship in ("02", "11", "12") and person.sex == "2"]
        return grown[0] if grown else None

    @property
    def father(self) -> Person | None:
        grown = [person for person in self.members if person.kinship in ("02", "11", "12") and person.sex == "1"]
        return grown[0] if grown else None

    @property
    def children(self) -> tuple[Person, ...]:
        return tuple(person for person in self.members if person.kinship[0] in "23" and person.kinship[1] in "123")

    def spouse_of(self, person: Person) -> Person | None:
        """The other of the couple, if the person is one of it."""
        couple = self.couple
        if couple is None or person not in couple:
            return None
        return couple[1] if person is couple[0] else couple[0]

    @property
    def couple(self) -> tuple[Person, Person] | None:
        """Head and spouse, if they are married."""
        spouses = [person for person in self.members if person.kinship in ("11", "12")]
        return (self.head, spouses[0]) if spouses else None


@dataclass(slots=True)
class Registrar:
    """Gives out numbers, each once."""

    random: Random
    taken: set[str] = field(default_factory=set)

    def resident(self, birth: date, sex: str) -> str:
        """A resident number with this birth date; its 17th digit is odd for a man (GB 11643-1999)."""
        while True:
            serial = self.random.randrange(0, 1000, 2) + (1 if sex == "1" else 0)
            first17 = f"{COUNTY}{birth:%Y%m%d}{serial:03d}"
            if first17 not in self.taken:
                self.taken.add(first17)
                return first17 + resident_check_digit(first17)

    def organisation(self, kind: str = "91") -> str:
        """A credit code: ``kind`` is its first two characters (11 an organ, 91 an enterprise; GB 32100-2015)."""
        while True:
            first17 = f"{kind}{COUNTY}MA{self.random.randrange(10**7):07d}"
            if first17 not in self.taken:
                self.taken.add(first17)
                return first17 + uscc_check_character(first17)

    def phone(self) -> str:
        """A mobile number of a range given to no operator."""
        return f"154{self.random.randrange(10**8):08d}"

    def stranger(self) -> Person:
        """A grown-up outside the family: a landlord, a guardian, a contact."""
        years = self.random.randrange(28, 70)
        return self.person(_born(self.random, years), self.random.choice("12"), "97", "", "20", None)

    def person(self, birth: date, sex: str, kinship: str, surname: str, marital: str, employer: str | None) -> Person:
        """``surname`` empty: one is drawn."""
        random = self.random
        family = surname or (random.choice(LONG_SURNAMES) if random.random() < 0.04 else random.choice(SURNAMES))
        name = family + "".join(random.sample(GIVEN, random.choice((1, 2, 2))))
        ethnic = "01"
        if not surname and random.random() < 0.03:
            name, ethnic = random.choice(OTHER_NAMES), random.choice(("05", "04", "02"))
        number = self.resident(birth, sex)
        return Person(number, name, sex, birth, ethnic, self.phone(), kinship, marital, employer)


def families(registrar: Registrar, count: int) -> Iterator[Family]:
    """Families of the city, one after another; the same registrar gives the same ones."""
    employers = [registrar.organisation() for _ in range(max(3, count // 12))]
    for number in range(1, count + 1):
        yield _family(registrar, number, employers)


def family(random: Random) -> Family:
    """One family by itself, for a record that stands alone."""
    registrar = Registrar(random)
    return _family(registrar, 1, [registrar.organisation()])


def _family(registrar: Registrar, number: int, employers: list[str]) -> Family:
    random = registrar.random
    age = random.choice((24, 31, 36, 42, 48, 55, 63, 71, 79, 84)) + random.randrange(6)
    couple = age < 75 and random.random() < 0.65
    marital = "20" if couple else random.choice(("10", "30", "40") if age < 60 else ("30", "30", "40"))
    sex = random.choice("12")
    head = registrar.person(_born(random, age), sex, "02", "", marital, _employer(random, age, employers))
    members = [head]
    married_on = None
    if couple:
        spouse_age = max(22, age + random.randrange(-5, 4))
        spouse = registrar.person(
            _born(random, spouse_age), "2" if sex == "1" else "1", "12" if sex == "1" else "11", "", "20",
            _employer(random, spouse_age, employers),
        )  # fmt: skip
        members.append(spouse)
        grown = max(head.birth, spouse.birth) + timedelta(days=22 * 366)  # 民法典 1047: he 22, she 20
        married_on = grown + timedelta(days=random.randrange(max(1, (TODAY - grown).days)))
    members += _children(registrar, members, age)
    arrived = TODAY - timedelta(days=random.randrange(30, 3000))
    return Family(
        number, _address(random), tuple(members), random.random() < 0.3, random.random() < 0.12, married_on, arrived
    )


def _children(registrar: Registrar, parents: list[Person], age: int) -> list[Person]:
    """Up to two, born when the younger parent was between 20 and 36, still living at home."""
    if age > 60 or (parents[0].marital == "10"):
        return []
    random = registrar.random
    surname = _surname(parents[0].name if parents[0].sex == "1" or len(parents) == 1 else parents[1].name)
    youngest = min(person.age for person in parents)
    ages = sorted({youngest - random.randrange(20, 37) for _ in range(random.choice((0, 1, 1, 2)))}, reverse=True)
    born = [years for years in ages if 0 <= years < 24]
    children = [registrar.person(_born(random, years), random.choice("12"), "", surname, "10", None) for years in born]
    return [replace(child, kinship=_of_child(child, children)) for child in children]


def _of_child(child: Person, children: list[Person]) -> str:
    """Only, first or second son or daughter, in the codes of GB/T 4761."""
    tens = "2" if child.sex == "1" else "3"
    if len(children) == 1:
        return tens + "1"
    same = [other for other in children if other.sex == child.sex]
    return tens + ("2" if same[0] is child else "3")


def _surname(name: str) -> str:
    if "·" in name or name in OTHER_NAMES:
        return ""
    return next((long for long in LONG_SURNAMES if name.startswith(long)), name[0])


def _born(random: Random, age: int) -> date:
    """A birth date that makes somebody exactly ``age`` completed years old on TODAY."""
    last = date(TODAY.year - age, TODAY.month, TODAY.day)
    return last - timedelta(days=random.randrange(0, 365))


def _employer(random: Random, age: int, employers: list[str]) -> str | None:
    return random.choice(employers) if 18 <= age < 60 and random.random() < 0.75 else None


def _address(random: Random) -> Address:
    street = random.choice(list(STREETS))
    return Address(
        street,
        f"{street}{random.randrange(1, 5):03d}",
        random.choice(ROADS),
        random.randrange(1, 200),
        random.randrange(1, 12),
        random.randrange(1, 4),
        random.randrange(1, 28) * 100 + random.randrange(1, 5),
    )
