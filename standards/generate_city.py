"""A whole made-up city, in which every record agrees with every other.

One family has one address; its members stand in the household, in the registers of marriages, births, insurance and
work, and in the residence register if they came from elsewhere; a birth date is the one in the number, and spouses name
each other. Events and hazards happen at addresses of the city, and are handled by its offices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

from standards.generate_hall import Hall, of_the_hall
from standards.generate_people import TODAY, Family, Person, Registrar, families
from standards.generate_record import written
from standards.generate_roles import OMIT, Scene
from standards.generate_words import ELSEWHERE
from standards.registry import REGISTRY, get, versions

Told = tuple[str, Scene]  # the name of a standard, and what one record of it tells


def city(seed: int, families_count: int) -> dict[str, list[dict[str, Any]]]:
    """Records by standard (``name/version``, the newest of each) of a city of so many families.

    The same seed and number give the same city. Standards that this module has no part for get no records.
    """
    random = Random(f"city|{seed}|{families_count}")  # noqa: S311  # repeatable on purpose
    registrar = Registrar(random)
    hall = Hall.of(registrar)
    people = list(families(registrar, families_count))
    records: dict[str, list[dict[str, Any]]] = {key: [] for key in REGISTRY if key.split("/")[1] == _newest(key)}
    for name, scene in (*_of_families(people, hall, registrar), *of_the_hall(hall, people, registrar)):
        kept = records[f"{name}/{_newest(name)}"]
        numbered = replace(scene, number=scene.number or len(kept) + 1)
        kept.append(written(get(f"{name}/{_newest(name)}").schema, "usual", numbered))
    return records


def _newest(standard: str) -> str:
    return versions(standard.split("/")[0])[-1]


def _of_families(people: list[Family], hall: Hall, registrar: Registrar) -> Iterator[Told]:
    landlord = registrar.stranger()
    for family in people:
        scene = hall.kept_by(Scene(family, family.head, landlord, "", registrar.random, number=0), "公安局")
        yield from _dwelling(scene, hall)
        for person in family.members:
            yield "person-basic", scene.about(person, **(_from_elsewhere() if family.floating else {}))
            yield from _work(scene.about(person), hall)
            yield from _care(scene.about(person), hall)
        yield from _family_events(scene, hall)
        if not family.floating:
            landlord = family.head  # somebody registered here owns the rooms the next family rents


def _from_elsewhere() -> dict[str, Any]:
    """Registered in another county, of which nothing is known here but its code."""
    unknown = ("addressCode", "streetCode", "communityCode", "road", "number", "building", "unit", "room")
    known = {
        "domicileAddress.divisionCode": ELSEWHERE,
        "domicileAddress.text": "外地户籍",
        "domicileAddress.matchLevel": "division",
    }
    return known | {f"domicileAddress.{part}": OMIT for part in unknown}


def _dwelling(scene: Scene, hall: Hall) -> Iterator[Told]:
    family, arrived = scene.family, scene.family.arrived_on.isoformat()
    yield "standard-address", scene.saying(status="active", successors=OMIT, validTo=OMIT)
    if not family.floating:
        yield "household", scene.saying(householdType="family", members=_all_of(scene, "members__residesHere"))
        return
    lease = {"leaseFrom": arrived, "leaseTo": OMIT, "isRented": True, "rentalUse": "residential", "ownerUscc": OMIT}
    tenants = [scene.about(person, **{"tenants.since": arrived}) for person in family.members if person.age >= 18]
    yield "rental-housing", scene.saying(**lease, buildingUse="residential", tenants=tenants, occupants=len(tenants))
    for person in family.members:
        facts = {"arrivalDate": arrived, "leaveDate": OMIT, "plannedUntil": OMIT}
        yield "residence-record", hall.of_the_street(scene, family).about(person, **facts)


def _all_of(scene: Scene, flag: str) -> list[Scene]:
    return [scene.about(person, **{flag: True}) for person in scene.family.members]


def _family_events(scene: Scene, hall: Hall) -> Iterator[Told]:
    family = scene.family
    civil = hall.kept_by(scene, "民政局")
    if family.couple and family.married_on:
        number = f"J990101-{family.married_on.year}-{family.number:06d}"
        for person in family.couple:
            yield "marriage-record", civil.about(
                person, recordNumber=number, operationType="IA", registeredAt=family.married_on.isoformat(),
                currentStatus="20", spouse__certType="111",
            )  # fmt: skip
    for order, child in enumerate(family.children, 1):
        if family.mother is not None:
            facts = {"childName": child.name, "childSex": child.sex, "childBirthDate": child.birth.isoformat()}
            health = hall.kept_by(scene, "卫生健康局")
            yield "birth-service", health.about(child, **facts, birthOrder=order, registeredAt=OMIT)
    if family.needy:
        since = max(family.arrived_on, TODAY.replace(year=TODAY.year - 2)).isoformat()
        yield "social-assistance", civil.saying(
            assistanceType="最低生活保障", status="approved", approvedFrom=since, approvedTo=OMIT,
        )  # fmt: skip


def _work(scene: Scene, hall: Hall) -> Iterator[Told]:
    person = scene.person
    if person.age < 18:
        return
    social = hall.kept_by(scene, "人力资源和社会保障局")
    retired = person.age >= 60
    kind = "employee" if person.employer else "resident"
    for insurance in (f"pension-{kind}", f"medical-{kind}"):
        status = "retired" if retired and insurance.startswith("pension") else "active"
        benefit = {} if retired else {"benefitFrom": OMIT, "benefitMonthly": OMIT}
        yield "social-insurance", social.saying(insuranceType=insurance, insuredStatus=status, **benefit)
    if not retired:
        out_of_work = person.age >= 22 and person.employer is None
        form = "unit" if person.employer else "none"
        dates = {"employedFrom": OMIT} if person.employer is None else {"unemployedFrom": OMIT, "hardshipGroup": OMIT}
        since = {"unemployedFrom": _since(person, scene.random)} if out_of_work else {"unemployedFrom": OMIT}
        yield "employment", social.saying(employmentForm=form, **(dates | since))


def _since(person: Person, random: Random) -> str:
    return TODAY.replace(year=TODAY.year - random.randrange(0, min(4, person.age - 18))).replace(day=1).isoformat()


def _care(scene: Scene, hall: Hall) -> Iterator[Told]:
    """Everybody of 65 or more, and one in thirty with a disability."""
    person, random = scene.person, scene.random
    disabled = random.random() < 0.034
    if person.age < 65 and not disabled:
        return
    facts: dict[str, Any] = {}
    if not disabled:
        names = ("disabilityCertNumber", "disabilityType", "disabilityGrade", "certIssuedAt", "certValidTo")
        facts |= dict.fromkeys(names, OMIT)
    if person.age < 65:
        facts |= {"careLevel": OMIT, "assessedAt": OMIT}
    alone = len(scene.family.members) == 1
    yield "elderly-disability", hall.kept_by(scene, "民政局").saying(livingAlone=alone, **facts)
