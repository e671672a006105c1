"""Before a draft is signed: what would it have done with the queries of the last month, and is all of it needed?"""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from tongqu_client import errors

from tests.cast import AN, BUREAU, FIELDS, LINDEN, MAPLE, POLICE, PURPOSE, STANDARD, Paper
from tests.journeys import commands
from tests.running import City

SCOPE = "agreements:read"


@pytest.fixture(scope="module")
def asked(shared_city: City) -> City:
    """Linden asked four times: twice for everything, once for the name, once for more than it may have."""
    agreement = shared_city.cast.agreement()
    for _ in range(2):
        shared_city.ask(agreement.id)
    shared_city.ask(agreement.id, fields=["name"])
    consented = shared_city.cast.agreement(consent="required")
    with contextlib.suppress(errors.ConsentRequired):
        shared_city.ask(consented.id)
    return shared_city


def forecast(city: City, party: str = LINDEN, since: str = "30d", **terms: Any) -> dict[str, Any]:
    draft = Paper(**terms).document(city.gateway.deps.clock.now())
    told: dict[str, Any] = city.client(party).request(
        "POST", "/v1/agreements/what-if", scope=SCOPE, json=draft, query={"since": since}
    )
    return told


def test_a_draft_like_the_old_one_allows_what_was_allowed(asked: City) -> None:
    told = forecast(asked)
    assert (told["queries"], told["allowed"], told["denied"]) == (4, 4, 0)
    assert (told["newly_allowed"], told["newly_denied"]) == (1, 0)  # the one that lacked a consent
    assert {each["field"]: each["count"] for each in told["asked"]} == {
        name: 4 if name == "name" else 3 for name in FIELDS
    }


def test_a_narrower_draft_says_what_it_would_deny_and_why(asked: City) -> None:
    told = forecast(asked, fields=("name", "phone"))
    assert (told["allowed"], told["denied"], told["newly_denied"]) == (1, 3, 2)
    assert [(each["rule"], each["count"]) for each in told["reasons"]] == [("R5", 3)]
    assert "idNumber" in told["reasons"][0]["en"] and told["reasons"][0]["zh"]


def test_a_wider_draft_says_which_fields_nobody_asked_for(asked: City) -> None:
    told = forecast(asked, fields=(*FIELDS, "ethnicGroup"), purposes=(PURPOSE, "dibao.initial"))
    assert told["never_asked"] == [{"standard": STANDARD, "field": "ethnicGroup"}]
    assert told["purposes_never_used"] == ["dibao.initial"]


def test_quotas_and_hours_are_counted_as_they_would_have_been(asked: City) -> None:
    told = forecast(asked, quota={"unit": "total", "max": 3})
    assert told["allowed"] == 3 and [each["rule"] for each in told["reasons"]] == ["R9"]
    closed = {"days": [1, 2, 3, 4, 5, 6, 7], "from": "00:00", "until": "00:01"}
    hours = forecast(asked, hours=closed)
    assert hours["allowed"] in (0, 4) and (hours["allowed"] or [each["rule"] for each in hours["reasons"]] == ["R11"])


def test_what_would_need_consent_is_counted(asked: City) -> None:
    assert forecast(asked, consent="required")["consent_needed"] == 4


def test_the_department_and_the_bureau_see_the_same_and_the_look_is_logged(asked: City) -> None:
    asked.begin()
    for party in (POLICE, BUREAU):
        assert forecast(asked, party)["queries"] == 4
    assert [entry["actor"]["party"] for entry in asked.entries("audit.viewed")] == [POLICE, BUREAU]


def test_the_neighbour_cannot_try_a_draft_of_others(asked: City) -> None:
    with pytest.raises(errors.Denied):
        forecast(asked, MAPLE)


@pytest.mark.any_database
def test_a_draft_that_is_not_sound_is_refused(asked: City) -> None:
    with pytest.raises(errors.InvalidRequest) as refused:
        forecast(asked, fields=("shoeSize",))
    assert refused.value.errors
    with pytest.raises(errors.InvalidRequest):
        forecast(asked, since="yesterday-ish")


@pytest.mark.any_database
def test_the_command_says_the_same(asked: City, tmp_path: Path) -> None:
    file = tmp_path / "draft.json"
    file.write_text(json.dumps(Paper(fields=("name", "phone")).document(asked.gateway.deps.clock.now())))
    done = commands.gateway(asked, tmp_path, "audit", "what-if", str(file), "--json")
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert (told["queries"], told["denied"]) == (4, 3)
    assert AN["idNumber"] not in done.stdout
    shown = commands.gateway(asked, tmp_path, "audit", "what-if", str(file))
    assert "R5" in shown.stdout and "拒绝" in shown.stdout
