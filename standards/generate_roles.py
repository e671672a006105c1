"""What an element tells about the person, family and address of its record: by dictionary name, or by its place.

A role is only a proposal: the writer takes it if the element's own limits allow it, and makes something up otherwise.
So this table can make a record likelier, never invalid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from random import Random
from typing import Any, Final

from standards.generate_people import COUNTY, ELSEWHERE, TODAY, Family, Person, Registrar, family

OMIT: Final = object()  # the scene says that there is no such thing: no date of death of somebody alive


@dataclass(frozen=True, slots=True)
class Scene:
    """Whom one record is about, and who writes it."""

    family: Family
    person: Person
    office: str  # credit code of the organisation that keeps the record
    random: Random
    number: int = 1  # of the record within its standard
    told: Mapping[str, Any] | None = None  # by dotted path: what this record says, whatever the roles say

    @classmethod
    def alone(cls, random: Random) -> Scene:
        """A family made up for one record."""
        own = family(random)
        return cls(own, random.choice(own.members), Registrar(random).organisation("11"), random)

    def about(self, person: Person) -> Scene:
        """The same record where it speaks of another member of the family."""
        return replace(self, person=person, told=None)

    def saying(self, **told: Any) -> Scene:
        """With facts of its own; ``partyA__idNumber`` stands for the path ``partyA.idNumber``."""
        return replace(self, told={name.replace("__", "."): value for name, value in told.items()})


Role = Callable[[Scene], Any]

BY_ELEMENT: Mapping[str, Role] = {
    "idNumber": lambda scene: scene.person.number,
    "name": lambda scene: scene.person.name,
    "contactName": lambda scene: scene.person.name,
    "sex": lambda scene: scene.person.sex,
    "birthDate": lambda scene: scene.person.birth.isoformat(),
    "deathDate": lambda _: OMIT,
    "formerName": lambda _: OMIT,
    "certType": lambda _: "111",
    "certNumber": lambda scene: scene.person.number,
    "ethnicGroup": lambda scene: scene.person.ethnic,
    "nationality": lambda _: "CHN",
    "maritalStatus": lambda scene: scene.person.marital,
    "personStatus": lambda _: "active",
    "kinship": lambda scene: scene.person.kinship,
    "employmentStatus": lambda scene: _employment(scene.person),
    "phone": lambda scene: scene.person.phone,
    "officePhone": lambda scene: f"154{scene.random.randrange(10**8):08d}",
    "uscc": lambda scene: scene.office,
    "divisionCode": lambda scene: scene.family.address.community,
    "countyCode": lambda scene: ELSEWHERE if scene.family.floating else COUNTY,
    "streetCode": lambda scene: scene.family.address.street,
    "communityCode": lambda scene: scene.family.address.community,
    "gridCode": lambda scene: f"{scene.family.address.community}{scene.family.number % 20 + 1:03d}",
    "road": lambda scene: scene.family.address.road,
    "houseNumber": lambda scene: f"{scene.family.address.number}号",
    "building": lambda scene: f"{scene.family.address.building}栋",
    "buildingUnit": lambda scene: f"{scene.family.address.unit}单元",
    "room": lambda scene: str(scene.family.address.room),
    "addressText": lambda scene: scene.family.address.text,
    "matchLevel": lambda _: "room",
    "houseCode": lambda scene: scene.family.address.house,
    # open sea, so that no house stands there
    "longitude": lambda scene: f"131.{scene.random.randrange(10**6):06d}",
    "latitude": lambda scene: f"20.{scene.random.randrange(10**6):06d}",
    "webAddress": lambda _: "https://tongqu.example/",
    "standardId": lambda _: "person-basic/1.0.0",
    "elementPath": lambda _: "idNumber",
    "version": lambda _: "1.0.0",
    "recordNumber": lambda scene: f"990101{TODAY.year}{scene.number:08d}",
    "caseNumber": lambda scene: f"990101{TODAY.year}{scene.number:08d}",
}

# Elements that are not of the dictionary, by the last step of their path.
BY_NAME: Mapping[str, str] = {
    "domicileDivision": "countyCode", "text": "addressText", "number": "houseNumber", "unit": "buildingUnit",
    "applicantIdNumber": "idNumber", "headIdNumber": "idNumber", "relationship": "kinship",
    "relationToHead": "kinship", "employer": "employer", "recordId": "recordNumber", "caseId": "recordNumber",
}  # fmt: skip


def told(schema: Mapping[str, Any], path: str, scene: Scene) -> Any:
    """What the scene says here: a value, OMIT, or None if it has nothing to say."""
    if scene.told is not None and path in scene.told:
        return scene.told[path]
    last = path.rpartition(".")[2]
    if last == "employer":
        return scene.person.employer or OMIT
    role = BY_ELEMENT.get(schema.get("x-element", "")) or BY_ELEMENT.get(BY_NAME.get(last, last))
    return role(scene) if role else None


def _employment(person: Person) -> str:
    """GB/T 2261.4: student, retired, employee, or without work."""
    if person.age < 22:
        return "31"
    if person.age >= 60:
        return "80"
    return "17" if person.employer else "70"


def days_ago(random: Random, least: int, most: int) -> str:
    """A date before TODAY, ISO 8601."""
    return (TODAY - timedelta(days=random.randrange(least, most))).isoformat()
