"""What an element tells about the person, family and address of its record: by its place, or by its dictionary name.

A role is only a proposal: the writer takes it if the element's own limits allow it, and makes something up otherwise.
So these tables can make a record likelier, never invalid.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, Final

from standards.generate_people import TODAY, Family, Person, Registrar, family
from standards.generate_words import COUNTY, ELSEWHERE, PHRASES

OMIT: Final = object()  # the scene says that there is no such thing: no date of death of somebody alive


@dataclass(frozen=True, slots=True)
class Scene:
    """Whom one record is about, and who keeps it."""

    family: Family
    person: Person
    other: Person  # of another family: a landlord, a guardian, a contact
    office: str  # credit code of the organisation that keeps the record
    random: Random
    office_name: str = ""
    number: int = 1  # of the record within its standard
    facts: Mapping[str, Any] = field(default_factory=dict)  # by dotted path: what this record says, whatever the roles

    @classmethod
    def alone(cls, random: Random) -> Scene:
        """A family made up for one record."""
        own, registrar = family(random), Registrar(random)
        return cls(own, random.choice(own.members), registrar.stranger(), registrar.organisation("11"), random)

    def about(self, person: Person, **facts: Any) -> Scene:
        """The same family, another of its members; ``partyA__name`` stands for the path ``partyA.name``."""
        return replace(self, person=person, facts=_paths(facts))

    def saying(self, **facts: Any) -> Scene:
        """With facts of its own, beside those it has."""
        return replace(self, facts={**self.facts, **_paths(facts)})


def _paths(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {name.replace("__", "."): value for name, value in facts.items()}


Role = Callable[[Scene], Any]


def _of(person: Person | None, what: str) -> Any:
    return OMIT if person is None else getattr(person, what)


def _members(scene: Scene) -> list[Scene]:
    return [scene.about(person) for person in scene.family.members]


def _child(scene: Scene) -> Person | None:
    return scene.family.children[0] if scene.family.children else None


def _spouse(scene: Scene) -> Person:
    return scene.family.spouse_of(scene.person) or scene.other


def _numbered(scene: Scene) -> str:
    return f"{COUNTY}{TODAY.year}{scene.number:08d}"


def _employment(scene: Scene) -> str:
    """GB/T 2261.4: student, retired, employee, or without work."""
    if scene.person.age < 22 or scene.person.age >= 60:
        return "31" if scene.person.age < 22 else "80"
    return "17" if scene.person.employer else "70"


# The place within the record says more than the dictionary: a mother's name is not the subject's.
BY_PATH: Mapping[str, Role] = {
    "headIdNumber": lambda scene: scene.family.head.number,
    "headName": lambda scene: scene.family.head.name,
    "motherIdNumber": lambda scene: _of(scene.family.mother, "number"),
    "motherName": lambda scene: _of(scene.family.mother, "name"),
    "fatherIdNumber": lambda scene: _of(scene.family.father, "number"),
    "fatherName": lambda scene: _of(scene.family.father, "name"),
    "childName": lambda scene: _of(_child(scene), "name"),
    "childSex": lambda scene: _of(_child(scene), "sex"),
    "childBirthDate": lambda scene: OMIT if (child := _child(scene)) is None else child.birth.isoformat(),
    "spouse.idNumber": lambda scene: _spouse(scene).number,
    "spouse.name": lambda scene: _spouse(scene).name,
    "spouse.certNumber": lambda scene: _spouse(scene).number,
    "ownerIdNumber": lambda scene: scene.other.number,
    "ownerName": lambda scene: scene.other.name,
    "ownerPhone": lambda scene: scene.other.phone,
    "managerName": lambda scene: scene.other.name,
    "managerPhone": lambda scene: scene.other.phone,
    "guardian.idNumber": lambda scene: scene.other.number,
    "guardian.name": lambda scene: scene.other.name,
    "guardian.phone": lambda scene: scene.other.phone,
    "guardian.relationship": lambda scene: scene.other.kinship,
    "legalRepresentative": lambda scene: scene.other.name,
    "reporterPhone": lambda scene: scene.other.phone,
    "employer": lambda scene: scene.person.employer or OMIT,
    "domicileDivision": lambda scene: ELSEWHERE if scene.family.floating else COUNTY,
    "members": _members,
    "householdMembers": _members,
    "tenants": _members,
    **dict.fromkeys(("ownerCertType", "ownerCertNumber", "tenants.certType", "tenants.certNumber"), lambda _: OMIT),
    "householdMembers.relationship": lambda scene: "01" if scene.person is scene.family.head else scene.person.kinship,
    "disabilityCertNumber": lambda scene: f"{scene.person.number}{scene.number % 7 + 1}{scene.number % 4 + 1}",
    "disabilityType": lambda scene: str(scene.number % 7 + 1),
    "disabilityGrade": lambda scene: str(scene.number % 4 + 1),
}

BY_ELEMENT: Mapping[str, Role] = {
    "idNumber": lambda scene: scene.person.number,
    "name": lambda scene: scene.person.name,
    "contactName": lambda scene: scene.other.name,
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
    "employmentStatus": _employment,
    "phone": lambda scene: scene.person.phone,
    "officePhone": lambda scene: Registrar(scene.random).phone(),
    "uscc": lambda scene: scene.office,
    "organisationName": lambda scene: scene.office_name or scene.random.choice(PHRASES["organisationName"]),
    "yearMonth": lambda scene: f"{scene.random.randrange(2012, TODAY.year)}-{scene.random.randrange(1, 13):02d}",
    "divisionCode": lambda scene: scene.family.address.community,
    "countyCode": lambda _: COUNTY,
    "streetCode": lambda scene: scene.family.address.street,
    "communityCode": lambda scene: scene.family.address.community,
    "gridCode": lambda scene: f"{scene.family.address.community}{scene.family.number % 20 + 1:03d}",
    "addressCode": lambda scene: scene.family.address.house,
    "houseCode": lambda scene: scene.family.address.house,
    "road": lambda scene: scene.family.address.road,
    "houseNumber": lambda scene: f"{scene.family.address.number}号",
    "compound": lambda _: OMIT,
    "building": lambda scene: f"{scene.family.address.building}栋",
    "buildingUnit": lambda scene: f"{scene.family.address.unit}单元",
    "room": lambda scene: str(scene.family.address.room),
    "addressText": lambda scene: scene.family.address.text,
    "matchLevel": lambda _: "room",
    # open sea, so that no house stands there
    "longitude": lambda scene: f"131.{scene.random.randrange(10**6):06d}",
    "latitude": lambda scene: f"20.{scene.random.randrange(10**6):06d}",
    "amount": lambda scene: f"{scene.random.randrange(300, 9000)}.{scene.random.choice(('00', '50', '35'))}",
    "area": lambda scene: f"{scene.random.randrange(18, 160)}.{scene.random.randrange(100):02d}",
    "webAddress": lambda _: "https://tongqu.example/",
    "standardId": lambda _: "person-basic/1.0.0",
    "elementPath": lambda _: "idNumber",
    "version": lambda _: "1.0.0",
    **dict.fromkeys(
        ("recordNumber", "caseNumber", "eventNumber", "hazardNumber", "taskNumber", "informationIndex"), _numbered
    ),
}


def told(schema: Mapping[str, Any], path: str, scene: Scene) -> Any:
    """What the scene says here: a value, OMIT, or None if it has nothing to say.

    For a list it may be a list of scenes, one for each item.
    """
    if path in scene.facts:
        return scene.facts[path]
    element = schema.get("x-element", "")
    role = BY_PATH.get(path) or BY_ELEMENT.get(element)
    if role is not None:
        return role(scene)
    return scene.random.choice(PHRASES[element]) if element in PHRASES else None
