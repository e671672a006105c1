"""A department registers a source of a published standard."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

import standards
from gateway import db
from gateway.audit.log import Log
from gateway.catalogue import store
from gateway.catalogue.actions import Catalogue
from gateway.errors import CrosswalkInvalid, InvalidRequest, NotFound, TongquError, UnknownStandard, WrongState
from gateway.registry.actions import Registry
from gateway.registry.library import Library
from gateway.registry.model import Acting
from gateway.registry.shelf import Shelf
from gateway.registry.terms import Terms
from tests.clock import FixedClock
from tests.gateway.catalogue.conftest import BUREAU, LINDEN, POLICE, TAX, entries_of, manifest

CROSSWALK = {
    "crosswalk": "tongqu-crosswalk/1",
    "standard": "person-basic/1.0.0",
    "targets": {
        "idNumber": {"from": "/ID", "fn": ["id15to18"]},
        "name": {"from": "/XM"},
        "sex": {"from": "/XB", "fn": [{"fn": "lookup", "table": {"M": "1"}}], "on_unknown": "refuse"},
        "birthDate": {"from": "/CSRQ", "fn": [{"fn": "date", "formats": ["yyyyMMdd"]}]},
        "personStatus": {"fn": [{"fn": "const", "value": "active"}]},
    },
}


def test_a_registered_service_is_in_the_log_and_not_yet_in_use(
    catalogue: Catalogue, log: Log, database: db.Database
) -> None:
    service = catalogue.register(POLICE, manifest())
    assert (service.party, service.state) == ("police", "registered")
    last = entries_of(database)[-1]
    assert (last["type"], last["service"]["id"], last["actor"]["party"]) == ("service.registered", service.id, "police")
    with database.read() as conn:
        assert store.active_service(conn, "police", "person-basic/1.0.0") is None


def test_what_is_not_in_use_is_known_to_its_department_and_the_bureau_only(catalogue: Catalogue) -> None:
    service = catalogue.register(POLICE, manifest())
    assert catalogue.get(POLICE, service.id) == catalogue.get(BUREAU, service.id) == service
    for stranger in (TAX, LINDEN):
        with pytest.raises(NotFound):
            catalogue.get(stranger, service.id)
        assert catalogue.search(stranger, "人口") == []


@pytest.mark.daily_on_one
def test_a_crosswalk_is_compiled_when_it_is_registered(catalogue: Catalogue) -> None:
    service = catalogue.register(POLICE, manifest(crosswalk=CROSSWALK))
    compiled = service.crosswalk(standards.get(service.standard))
    assert compiled is not None
    row = {"ID": "990101199001010014", "XM": "测试", "XB": "M", "CSRQ": "19900101"}
    assert compiled.apply(row).record is None or compiled.apply(row).record["sex"] == "1"  # type: ignore[index]


BAD: dict[str, tuple[dict[str, Any], type[TongquError], str]] = {
    "unknown standard": ({"standard": "nothing/1.0.0"}, UnknownStandard, ""),
    "plain http elsewhere": ({"base_url": "http://10.0.0.1"}, InvalidRequest, "/base_url"),
    "user name in the address": ({"base_url": "http://a:b@127.0.0.1:1"}, InvalidRequest, "/base_url"),
    "query in the address": ({"base_url": "http://127.0.0.1:1/?x=1"}, InvalidRequest, "/base_url"),
    "file": ({"base_url": "file:///etc/passwd"}, InvalidRequest, "/base_url"),
    "no time": ({"timeout_ms": 0}, InvalidRequest, "/timeout_ms"),
    "an hour": ({"timeout_ms": 3_600_000}, InvalidRequest, "/timeout_ms"),
    "too many at once": ({"max_concurrent": 100_000}, InvalidRequest, "/max_concurrent"),
    "crosswalk of no shape": ({"crosswalk": {"a": 1}}, CrosswalkInvalid, ""),
    "crosswalk to another field": (
        {"crosswalk": CROSSWALK | {"targets": {"nothing": {"from": "/A"}}}},
        CrosswalkInvalid,
        "/targets/nothing",
    ),
}


@pytest.mark.daily_on_one
@pytest.mark.parametrize("defect", BAD)
def test_a_bad_manifest_is_refused_by_pointer_and_leaves_nothing(
    catalogue: Catalogue, database: db.Database, defect: str
) -> None:
    changes, error, pointer = BAD[defect]
    before = len(entries_of(database))
    with pytest.raises(error) as refused:
        catalogue.register(POLICE, manifest(**changes))
    assert any(each["pointer"].startswith(pointer) for each in refused.value.members.get("errors", [{"pointer": ""}]))
    assert len(entries_of(database)) == before


def test_for_a_withdrawn_version_nothing_is_registered_and_the_answer_names_what_follows(
    catalogue: Catalogue, database: db.Database, log: Log, clock: FixedClock
) -> None:
    library = Library(database)
    registry = Registry(database, log, clock, library, Shelf(database, library), Terms.of_days(0, 0))
    bureau, standard = Acting.of(BUREAU), manifest()["standard"]
    registry.deprecate(bureau, standard, clock.now() + timedelta(days=1), "residence-record/1.0.0")
    assert catalogue.register(POLICE, manifest()).state == "registered"  # until its grace is over
    clock.advance(seconds=86_400)
    with pytest.raises(WrongState) as refused:
        catalogue.register(POLICE, manifest())
    assert "residence-record/1.0.0" in (refused.value.fix_en or "")
