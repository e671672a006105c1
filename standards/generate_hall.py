"""The offices, enterprises and services of the made-up city, and what happens in its streets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

from standards.generate_people import TODAY, Family, Registrar
from standards.generate_roles import OMIT, Scene
from standards.generate_words import GIVEN, OFFICES, PHRASES, STREETS, TRADES
from standards.registry import REGISTRY, get, versions

Told = tuple[str, Scene]

DAYS = 300  # before TODAY, within which things happen


@dataclass(frozen=True, slots=True)
class Hall:
    """Who keeps records: the offices by name."""

    offices: Mapping[str, str]

    @classmethod
    def of(cls, registrar: Registrar) -> Hall:
        return cls({name: registrar.organisation("11") for name in OFFICES})

    def kept_by(self, scene: Scene, name: str) -> Scene:
        """The same scene, recorded by this office."""
        return replace(scene, office=self.offices[name], office_name=name)

    def of_the_street(self, scene: Scene, family: Family) -> Scene:
        """The scene at this family's address, recorded by its street office."""
        return self.kept_by(replace(scene, family=family), f"{STREETS[family.address.street]}办事处")


def of_the_hall(hall: Hall, people: list[Family], registrar: Registrar) -> Iterator[Told]:
    """What is recorded of offices, enterprises, services and events, in proportion to the number of families."""
    random = registrar.random
    scene = Scene(people[0], people[0].head, registrar.stranger(), "", random, number=0)
    yield from _organisations(scene, hall)
    yield from _enterprises(scene, hall, people, registrar)
    items = {f"11990101{number:04d}": title for number, title in enumerate(PHRASES["title"], 1)}
    yield from _services(scene, hall, people, items)
    for _ in people[: len(people) * 2 // 3]:
        yield "grid-event", _event(hall.of_the_street(scene, random.choice(people)), random)
    for family in [one for one in people if one.floating]:
        yield "hazard-inspection", _inspection(hall.kept_by(replace(scene, family=family), "应急管理局"), random)
    yield from _papers(scene, hall, items)


def _organisations(scene: Scene, hall: Hall) -> Iterator[Told]:
    for name, code in hall.offices.items():
        facts = {"uscc": code, "name": name, "shortName": OMIT, "status": "active", "endedAt": OMIT, "successors": OMIT}
        yield (
            "organisation",
            hall.kept_by(scene, name).saying(**facts, formerNames=OMIT, supervisor=OMIT, parent=OMIT),
        )


def _enterprises(scene: Scene, hall: Hall, people: list[Family], registrar: Registrar) -> Iterator[Told]:
    """Everybody's employer is registered, with an address of its own."""
    random = registrar.random
    employers = sorted({person.employer for family in people for person in family.members if person.employer})
    for code in employers:
        name = "".join(random.sample(GIVEN, 2)) + random.choice(TRADES) + "有限公司"
        place = replace(scene, family=random.choice(people), other=registrar.stranger())
        yield (
            "market-entity",
            hall.kept_by(place, "市场监督管理局").saying(
                uscc=code, name=name, status="existing", listedAbnormal=random.random() < 0.05
            ),
        )


def _services(scene: Scene, hall: Hall, people: list[Family], items: Mapping[str, str]) -> Iterator[Told]:
    random = scene.random
    for code, title in items.items():
        at = hall.kept_by(scene, random.choice(list(hall.offices)))
        yield "service-item", at.saying(itemCode=code, name=title, validTo=OMIT)
    for number, family in enumerate(people, 1):
        grade = random.choice("5555544443") if random.random() < 0.95 else random.choice("21")
        handling = {} if grade in "21" else {"handling": OMIT, "reasons": OMIT}
        yield (
            "service-evaluation",
            replace(hall.of_the_street(scene, family), number=number).saying(
                itemCode=random.choice(list(items)), grade=grade, evaluatedAt=_text(_moment(random)), **handling
            ),
        )


def _event(scene: Scene, random: Random) -> Scene:
    """Reported, handled and closed within days; one in six is still open."""
    reported = _moment(random)
    handled = reported + timedelta(hours=random.randrange(1, 120))
    closed = random.random() < 0.84
    later = {"handledAt": _text(handled), "closedAt": _text(handled + timedelta(hours=3))}
    kind = random.choice(get(f"grid-event/{versions('grid-event')[-1]}").element("eventKind").schema["enum"])
    facts: dict[str, Any] = {"stage": "7" if closed else "3", "occurredAt": OMIT, "reportedAt": _text(reported)}
    facts |= {"eventClass": kind[:2], "eventKind": kind}
    facts |= later if closed else dict.fromkeys((*later, "result", "satisfaction"), OMIT)
    return scene.saying(**facts, dueAt=_text(reported + timedelta(days=5)), progress=OMIT, mergedInto=OMIT)


def _inspection(scene: Scene, random: Random) -> Scene:
    """A rented house looked at; half of them have something to mend, most of which was mended."""
    inspected = _moment(random)
    status = random.choice(("none", "none", "none", "done", "done", "open", "overdue"))
    facts: dict[str, Any] = {"rectificationStatus": status, "inspectedAt": _text(inspected)}
    if status == "none":
        facts |= dict.fromkeys(("hazardCategory", "hazardLevel", "hazard", "measure", "rectifyBy"), OMIT)
    else:
        facts |= {"rectifyBy": (inspected + timedelta(days=15)).date().isoformat(), "hazardLevel": "general"}
    done = _text(inspected + timedelta(days=random.randrange(1, 14))) if status == "done" else OMIT
    facts |= {"rectifiedAt": done, "reinspectedAt": OMIT, "transferredTo": OMIT, "targetUscc": OMIT, "eventId": OMIT}
    return scene.saying(targetType="rental-house", targetName=OMIT, targetHouseCode=scene.family.address.house, **facts)


def _papers(scene: Scene, hall: Hall, items: Mapping[str, str]) -> Iterator[Told]:
    """What the offices publish and hand down."""
    bureau = hall.kept_by(scene, "政务服务和数据管理局")
    for code, title in items.items():
        matter = scene.saying(**{"matters.itemCode": code, "matters.name": title})
        yield "information-release", bureau.saying(title=f"{title}办事指南", category="guide", matters=[matter])
    for key in REGISTRY:
        yield "catalogue-entry", bureau.saying(name=REGISTRY[key].zh, standard=key, refusal=OMIT)
    for standard in ("statistical-indicator", "collection-form", "task-request"):
        for _ in range(4):
            yield standard, bureau


def _moment(random: Random) -> datetime:
    """An office hour of the past year."""
    day = TODAY - timedelta(days=random.randrange(1, DAYS))
    return datetime(day.year, day.month, day.day, random.randrange(8, 18), random.randrange(60))


def _text(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%S}+08:00"
