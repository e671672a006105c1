"""Break-glass (rule R15) over HTTP: two officers, a time box, an alarm, a review; and what it never sets aside."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from tongqu_client import errors

from gateway.agreements.model import Agreement
from gateway.errors import WrongState
from gateway.exchange.emergencies.model import CONFIRM_TYPE, OPEN_TYPE, REVIEW_TYPE
from gateway.identity.model import OPERATOR
from gateway.lib.canonical_json import canonical
from gateway.lib.clock import rfc3339
from tests.cast import AUDIT, BUREAU, LINDEN, MAPLE, POLICE, key_of
from tests.journeys.officers import ask, officer
from tests.running import City

NIGHT = {"days": [1, 2, 3, 4, 5, 6, 7], "from": "00:00", "until": "00:01"}
FORBIDDING: dict[str, Any] = {"consent": "required", "quota": {"unit": "total", "max": 1}, "hours": NIGHT}


def post(city: City, party: str, path: str, body: dict[str, Any] | None = None, scope: str = "agreements:write") -> Any:
    return city.client(party).request("POST", f"/v1/emergencies{path}", json=body or {}, scope=scope)


def asked(city: City, agreement: Agreement, by: str = "clerk", **changes: Any) -> dict[str, Any]:
    what = {"reason": "danger_to_life", "hours": 1, "at": rfc3339(city.gateway.clock.now()), **changes}
    signed = what | {"agreement_id": agreement.id, "agreement_digest": agreement.digest, "party": LINDEN}
    jws = key_of(f"{LINDEN}/{by}").sign_payload(OPEN_TYPE, canonical(signed))
    return what | {"agreement_id": agreement.id, "jws": jws}


def confirmation(emergency: dict[str, Any], by: str = "witness") -> dict[str, Any]:
    payload = canonical({"emergency": emergency["id"], "digest": emergency["digest"]})
    return {"jws": key_of(f"{LINDEN}/{by}").sign_payload(CONFIRM_TYPE, payload)}


def opened(city: City, agreement: Agreement) -> dict[str, Any]:
    emergency = post(city, LINDEN, "", asked(city, agreement))
    return dict(post(city, LINDEN, f"/{emergency['id']}/confirm", confirmation(emergency)))


def review(city: City, emergency: dict[str, Any], party: str = AUDIT) -> dict[str, Any]:
    key = key_of(f"{party}/reviewer")
    if f"{party}/reviewer" not in city.cast.officers:
        made = city.gateway.deps.identity.add_officer(
            OPERATOR, party, role="compliance", title="合规", key=key.public_jwk()
        )
        city.cast.officers[f"{party}/reviewer"] = made.id
    payload = canonical({"emergency": emergency["id"], "digest": emergency["digest"], "outcome": "justified"})
    body = {"outcome": "justified", "jws": key.sign_payload(REVIEW_TYPE, payload)}
    return dict(post(city, party, f"/{emergency['id']}/review", body, scope="agreements:read"))


def test_with_two_officers_consent_quota_and_hours_are_set_aside_and_an_alarm_is_raised(city: City) -> None:
    agreement = city.cast.agreement(**FORBIDDING, emergency=True)
    with pytest.raises(errors.Denied):
        ask(city, agreement.id, officer(city))
    emergency = opened(city, agreement)
    for _ in range(3):  # no quota
        assert ask(city, agreement.id, officer(city), emergency=emergency["id"]).found
    *_, permit = city.entries("exchange.authorized")
    rules = set(permit["decision"]["rules"])
    assert "R15" in rules and not rules & {"R8", "R9", "R11"} and permit["consent"] is None
    assert permit["decision"]["facts"]["emergency"]["id"] == emergency["id"]
    (alarm,) = city.entries("alarm.raised")
    assert alarm["code"] == "emergency_opened" and alarm["actor"]["officer"] == city.cast.officers[f"{LINDEN}/witness"]
    (case,) = city.entries("case.opened")
    assert case["code"] == "danger_to_life"
    post(city, LINDEN, f"/{emergency['id']}/close")
    with pytest.raises(errors.Denied) as caught:
        ask(city, agreement.id, officer(city), emergency=emergency["id"])
    assert "R15" in {reason["rule"] for reason in caught.value.reasons}
    assert review(city, emergency)["state"] == "reviewed"


@pytest.mark.daily_on_one
def test_everything_else_still_holds_in_an_emergency(city: City) -> None:
    agreement = city.cast.agreement(emergency=True, access={"roles": ["counter"], "automated": True})
    emergency = opened(city, agreement)["id"]
    with pytest.raises(errors.EmergencyNotOpen):  # a system cannot call upon it
        ask(city, agreement.id, None, emergency=emergency)
    with pytest.raises(errors.RoleNotCovered):
        ask(city, agreement.id, officer(city, roles=("archive",)), emergency=emergency)
    with pytest.raises(errors.FieldNotCovered):
        ask(city, agreement.id, officer(city), emergency=emergency, fields=["personStatus"])
    other = city.cast.agreement(emergency=True)
    with pytest.raises(errors.EmergencyNotOpen):  # it is for one agreement
        ask(city, other.id, officer(city), emergency=emergency)
    theirs = city.cast.agreement(consumer=MAPLE, emergency=True)
    with pytest.raises(errors.EmergencyNotOpen):  # and for one office
        ask(city, theirs.id, officer(city, party=MAPLE), emergency=emergency)
    assert not city.department.requests


@pytest.mark.daily_on_one
def test_one_officer_alone_opens_nothing(city: City) -> None:
    agreement = city.cast.agreement(emergency=True)
    emergency = post(city, LINDEN, "", asked(city, agreement))
    for wrong in (confirmation(emergency, by="clerk"), {"jws": "a.b.c"}):
        with pytest.raises((errors.Denied, errors.InvalidRequest)):
            post(city, LINDEN, f"/{emergency['id']}/confirm", wrong)
    with pytest.raises(errors.NotFound):  # nor does another office, for which it does not exist
        post(city, MAPLE, f"/{emergency['id']}/confirm", confirmation(emergency))
    same, forged, neighbour = city.entries("emergency.refused")  # each is in the log, with who and why
    assert (same["step"], same["code"], same["rule"]) == ("confirm", "same_officer", "R15")
    assert same["actor"]["officer"] == city.cast.officers[f"{LINDEN}/clerk"]
    assert (same["emergency"], same["agreement"]) == (emergency["id"], agreement.id)
    assert (forged["code"], forged["actor"]["officer"]) == ("malformed", None)
    assert (neighbour["code"], neighbour["actor"]["party"]) == ("not_found", MAPLE)
    assert neighbour["emergency"] is None and neighbour["agreement"] is None, "nothing that only the caller says"
    with pytest.raises(errors.EmergencyNotOpen):
        ask(city, agreement.id, officer(city), emergency=emergency["id"])


@pytest.mark.daily_on_one
def test_what_cannot_be_opened(city: City) -> None:
    plain, agreement = city.cast.agreement(), city.cast.agreement(emergency=True)
    with pytest.raises(errors.Denied):
        post(city, LINDEN, "", asked(city, plain))
    with pytest.raises(errors.Denied):  # the provider does not open one
        post(city, POLICE, "", asked(city, agreement))
    with pytest.raises(errors.InvalidRequest):
        post(city, LINDEN, "", asked(city, agreement, hours=5))
    with pytest.raises(errors.InvalidRequest):
        post(city, LINDEN, "", asked(city, agreement, at="2026-01-01T00:00:00.000Z"))
    body = asked(city, agreement)
    with pytest.raises(errors.InvalidRequest):  # signed for one hour
        post(city, LINDEN, "", body | {"hours": 2})
    post(city, LINDEN, "", body)
    with pytest.raises(errors.InvalidRequest) as caught:  # a signature opens once
        post(city, LINDEN, "", body)
    refused = city.entries("emergency.refused")
    assert [(each["step"], each["code"]) for each in refused] == [
        ("open", code)
        for code in ("forbidden", "forbidden", "invalid_request", "invalid_request", "other_content", "already_exists")
    ]
    assert [each["actor"]["party"] for each in refused] == [LINDEN, POLICE, LINDEN, LINDEN, LINDEN, LINDEN]
    assert refused[-1]["actor"]["officer"] == city.cast.officers[f"{LINDEN}/clerk"]
    assert caught.value.log_index, "and the refusal says where"


@pytest.mark.daily_on_one
def test_it_ends_by_itself_and_a_review_that_is_overdue_blocks_the_next(own_city: City) -> None:
    city, clock = own_city, own_city.gateway.clock
    agreement = city.cast.agreement(emergency=True)
    emergencies, emergency = city.gateway.deps.emergencies, opened(city, agreement)
    ends = clock.now() + timedelta(hours=1, seconds=1)
    emergencies.tidy(ends)
    (closed,) = city.entries("emergency.closed")
    assert closed["actor"] == OPERATOR and closed["emergency"] == emergency["id"]
    with pytest.raises(errors.EmergencyNotOpen):
        ask(city, agreement.id, officer(city), emergency=emergency["id"])
    for _ in range(2):  # told once
        emergencies.tidy(clock.now() + timedelta(hours=25))
    assert [each["code"] for each in city.entries("alarm.raised")] == ["emergency_opened", "emergency_review_overdue"]
    caller, later = city.cast.caller(LINDEN), clock.now() + timedelta(hours=25)
    clock.advance(seconds=25 * 3600)
    with pytest.raises(WrongState):
        body = asked(city, agreement)
        emergencies.open(caller, body | {"at": later}, body["jws"])
    clock.advance(seconds=-25 * 3600)
    assert review(city, emergency, party=BUREAU)["outcome"] == "justified"
    assert opened(city, agreement)["state"] == "open"
