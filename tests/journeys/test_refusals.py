"""Every way in which a query is refused: by which rule, in which words, with which entry, and nothing else said."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tongqu_client import Answer, errors

from gateway.lib.jose import encode64
from tests.cast import AN, BO, LINDEN, LINDEN_DIVISION, MAPLE, NOBODY, POLICE, PURPOSE, SCHEME, STANDARD, key_of
from tests.journeys.by_hand import ByHand
from tests.running import City

CHINESE = re.compile(r"[\u4e00-\u9fff]")


def refused(city: City, ask: Callable[[], Answer], *, code: str, rule: str, entry: str | None) -> errors.GatewayError:
    """``ask`` must be refused so, and the log must say so in an entry of type ``entry`` at the index given."""
    with pytest.raises(errors.GatewayError) as caught:
        ask()
    error = caught.value
    assert (error.problem_code, error.rule) == (code, rule)
    assert CHINESE.search(error.detail_zh) and error.detail_en and not CHINESE.search(error.detail_en)
    assert error.request_id
    if entry is not None:
        assert error.log_index is not None
        written = city.gateway.entries()[error.log_index]
        assert written["type"] == entry
        assert rule in (
            written["decision"]["rules"] if "decision" in written else written.get("rules", [written.get("rule")])
        )
        of_this_query = [each["type"] for each in city.entries() if each.get("query", error) == written.get("query")]
        assert "exchange.released" not in of_this_query
    return error


def warm(city: City, agreement: str, **question: Any) -> None:
    """Ask once and be answered, so that the client holds a token and the gateway holds everything in memory."""
    assert city.ask(agreement, **question).found


# ── the agreement ─────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.daily_on_one
def test_an_agreement_that_does_not_exist_refuses(city: City) -> None:
    unknown = "agr_01KAR3" + "0" * 20
    refused(city, lambda: city.ask(unknown), code="no_agreement", rule="R1", entry="identity.refused")


@pytest.mark.daily_on_one
def test_an_agreement_of_others_refuses_in_the_same_words_as_one_that_does_not_exist(city: City) -> None:
    theirs = city.cast.agreement()
    one = refused(
        city, lambda: city.ask(theirs.id, party=MAPLE), code="no_agreement", rule="R1", entry="identity.refused"
    )
    none = refused(
        city,
        lambda: city.ask("agr_01KAR3" + "0" * 20, party=MAPLE),
        code="no_agreement",
        rule="R1",
        entry="identity.refused",
    )
    assert (one.detail_zh, one.detail_en, one.status) == (none.detail_zh, none.detail_en, none.status)
    assert not city.department.requests


@pytest.mark.daily_on_one
def test_a_stranger_with_a_token_of_its_own_learns_nothing_of_an_agreement_of_others(city: City) -> None:
    theirs, own = city.cast.agreement(), city.cast.agreement(consumer=MAPLE)
    maple = ByHand(city, MAPLE)
    problem = maple.query(theirs.id, maple.token(own.id)).json()
    absent = maple.query("agr_01KAR3" + "0" * 20, maple.token(own.id)).json()
    assert problem["code"] == absent["code"] == "no_agreement"
    assert [reason["rule"] for reason in problem["reasons"]] == [reason["rule"] for reason in absent["reasons"]]
    assert problem["detail_zh"] == absent["detail_zh"]
    assert not city.department.requests


@pytest.mark.daily_on_one
def test_an_agreement_that_waits_for_a_signature_refuses(city: City) -> None:
    pending = city.cast.agreement(signed=False)
    refused(city, lambda: city.ask(pending.id), code="agreement_not_active", rule="R1", entry="identity.refused")


@pytest.mark.daily_on_one
@pytest.mark.parametrize("by", [LINDEN, POLICE])
def test_an_agreement_suspended_by_either_party_refuses(city: City, by: str) -> None:
    agreement = city.cast.agreement()
    warm(city, agreement.id)
    city.gateway.deps.agreements.suspend(city.cast.caller(by), agreement.id)
    refused(city, lambda: city.ask(agreement.id), code="agreement_suspended", rule="R1", entry="exchange.refused")
    with city.client(language="en") as newcomer:  # has no token yet, and gets none
        refused(
            city,
            lambda: newcomer.query(
                STANDARD, {SCHEME: AN["idNumber"]}, agreement=agreement.id, purpose=PURPOSE, case="1"
            ),
            code="agreement_suspended",
            rule="R1",
            entry="identity.refused",
        )


@pytest.mark.daily_on_one
def test_a_terminated_agreement_refuses_and_its_neighbour_does_not(city: City) -> None:
    agreement, neighbour = city.cast.agreement(), city.cast.agreement()
    warm(city, agreement.id)
    city.gateway.deps.agreements.terminate(city.cast.caller(POLICE), agreement.id)
    refused(city, lambda: city.ask(agreement.id), code="agreement_terminated", rule="R1", entry="exchange.refused")
    assert city.ask(neighbour.id).found


@pytest.mark.daily_on_one
def test_an_agreement_refuses_from_the_instant_at_which_it_ends(own_city: City) -> None:
    agreement = own_city.cast.agreement(until=datetime.now(UTC) + timedelta(seconds=6))
    warm(own_city, agreement.id)
    own_city.gateway.clock.advance(seconds=6.5)
    refused(own_city, lambda: own_city.ask(agreement.id), code="agreement_expired", rule="R1", entry="exchange.refused")


# ── what is asked, and what for ───────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.daily_on_one
def test_a_purpose_that_was_not_agreed_gets_no_token(city: City) -> None:
    agreement = city.cast.agreement()
    refused(
        city,
        lambda: city.ask(agreement.id, purpose="dibao.initial"),
        code="purpose_not_covered",
        rule="R3",
        entry="identity.refused",
    )


@pytest.mark.daily_on_one
def test_a_token_for_one_purpose_does_not_serve_another(city: City) -> None:
    agreement = city.cast.agreement(purposes=(PURPOSE, "dibao.initial"))
    linden = ByHand(city)
    token = linden.token(agreement.id)
    assert linden.query(agreement.id, token).status_code == 200
    problem = linden.query(agreement.id, token, purpose="dibao.initial").json()
    assert (problem["code"], problem["rule"]) == ("token_mismatch", "R17")
    other = linden.query(agreement.id, token, purpose="marriage.check").json()
    assert other["code"] == "purpose_not_covered"
    assert {reason["rule"] for reason in other["reasons"]} == {"R3", "R17"}
    assert city.gateway.entries()[other["log_index"]]["decision"]["rules"] == ["R3", "R17"]


@pytest.mark.daily_on_one
def test_a_token_for_one_agreement_does_not_serve_another(city: City) -> None:
    first, second = city.cast.agreement(), city.cast.agreement()
    linden = ByHand(city)
    problem = linden.query(second.id, linden.token(first.id)).json()
    assert (problem["code"], problem["rule"]) == ("token_mismatch", "R17")


@pytest.mark.daily_on_one
def test_a_field_that_was_not_granted_refuses_the_whole_query(city: City) -> None:
    agreement = city.cast.agreement()
    error = refused(
        city,
        lambda: city.ask(agreement.id, fields=["name", "ethnicGroup"]),
        code="field_not_covered",
        rule="R5",
        entry="exchange.refused",
    )
    assert "ethnicGroup" in error.detail_zh and "ethnicGroup" in error.detail_en
    assert not city.department.requests


@pytest.mark.daily_on_one
def test_a_missing_case_number_refuses_and_is_not_asked_for_where_it_was_not_agreed(city: City) -> None:
    strict, lax = city.cast.agreement(), city.cast.agreement(case_required=False)
    refused(city, lambda: city.ask(strict.id, case=None), code="case_required", rule="R7", entry="exchange.refused")
    assert city.ask(lax.id, case=None).found


@pytest.mark.daily_on_one
def test_outside_the_agreed_hours_nothing_is_asked(city: City) -> None:
    now = city.gateway.clock.now() + timedelta(hours=8)
    other_day = now.isoweekday() % 7 + 1
    closed = city.cast.agreement(hours={"days": [other_day], "from": "00:00", "until": "24:00"})
    opened = city.cast.agreement(hours={"days": [1, 2, 3, 4, 5, 6, 7], "from": "00:00", "until": "24:00"})
    refused(city, lambda: city.ask(closed.id), code="outside_hours", rule="R11", entry="exchange.refused")
    assert city.ask(opened.id).found


@pytest.mark.daily_on_one
def test_an_identifier_that_cannot_be_right_is_not_sent_to_anybody(city: City) -> None:
    agreement = city.cast.agreement()
    wrong = AN["idNumber"][:-1] + ("0" if AN["idNumber"][-1] != "0" else "1")
    error = refused(
        city, lambda: city.ask(agreement.id, wrong), code="subject_invalid", rule="R10", entry="exchange.refused"
    )
    assert wrong not in str(error) and not city.department.requests


# ── where the resident lives ──────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.daily_on_one
def test_residents_of_other_divisions_and_unknown_ones_are_refused_in_the_same_words(city: City) -> None:
    agreement = city.cast.agreement(divisions=[LINDEN_DIVISION])
    assert city.ask(agreement.id, AN["idNumber"]).found
    elsewhere = refused(
        city,
        lambda: city.ask(agreement.id, BO["idNumber"]),
        code="outside_jurisdiction",
        rule="R14",
        entry="exchange.withheld",
    )
    unknown = refused(
        city, lambda: city.ask(agreement.id, NOBODY), code="outside_jurisdiction", rule="R14", entry="exchange.withheld"
    )
    assert (elsewhere.detail_zh, elsewhere.detail_en) == (unknown.detail_zh, unknown.detail_en)


# ── consent ───────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_without_consent_nothing_and_with_it_an_answer(city: City) -> None:
    agreement = city.cast.agreement(consent="required")
    refused(city, lambda: city.ask(agreement.id), code="consent_required", rule="R8", entry="exchange.refused")
    city.cast.consent(agreement, AN)
    assert city.ask(agreement.id).found
    refused(
        city,
        lambda: city.ask(agreement.id, BO["idNumber"]),  # the neighbour did not consent
        code="consent_required",
        rule="R8",
        entry="exchange.refused",
    )
    assert len(city.department.requests) == 1


def test_a_withdrawn_consent_refuses_the_next_query(city: City) -> None:
    agreement = city.cast.agreement(consent="required")
    consent = city.cast.consent(agreement, AN)
    warm(city, agreement.id)
    city.client().request("POST", f"/v1/consents/{consent.id}/withdraw", json={}, scope="consents:write")
    refused(city, lambda: city.ask(agreement.id), code="consent_withdrawn", rule="R8", entry="exchange.refused")


def test_consent_withdrawn_while_the_department_answers_keeps_the_record_back(city: City) -> None:
    agreement = city.cast.agreement(consent="required")
    consent = city.cast.consent(agreement, AN)
    city.department.on_request = lambda _: city.gateway.deps.consents.withdraw(city.cast.caller(LINDEN), consent.id)
    refused(city, lambda: city.ask(agreement.id), code="consent_withdrawn", rule="R8", entry="exchange.withheld")
    assert len(city.department.requests) == 1 and not city.entries("exchange.released")


@pytest.mark.daily_on_one
def test_consent_that_ends_while_the_department_answers_keeps_the_record_back(own_city: City) -> None:
    agreement = own_city.cast.agreement(consent="required")
    own_city.cast.consent(agreement, AN, until=datetime.now(UTC) + timedelta(seconds=5))
    own_city.department.on_request = lambda _: own_city.gateway.clock.advance(seconds=6)
    refused(own_city, lambda: own_city.ask(agreement.id), code="consent_expired", rule="R8", entry="exchange.withheld")
    assert not own_city.entries("exchange.released")


def test_an_agreement_suspended_while_the_department_answers_keeps_the_record_back(city: City) -> None:
    agreement = city.cast.agreement()
    city.department.on_request = lambda _: city.gateway.deps.agreements.suspend(city.cast.caller(POLICE), agreement.id)
    refused(city, lambda: city.ask(agreement.id), code="agreement_suspended", rule="R1", entry="exchange.withheld")
    assert not city.entries("exchange.released")


def test_a_client_suspended_while_the_department_answers_gets_nothing(own_city: City) -> None:
    agreement = own_city.cast.agreement()
    identity, actor = own_city.gateway.deps.identity, own_city.cast.caller("data-bureau").actor()
    own_city.department.on_request = lambda _: identity.suspend_client(actor, own_city.cast.clients[LINDEN])
    refused(own_city, lambda: own_city.ask(agreement.id), code="client_suspended", rule="R2", entry="exchange.withheld")
    assert not own_city.entries("exchange.released")


@pytest.mark.daily_on_one
def test_what_others_withdraw_meanwhile_changes_nothing(city: City) -> None:
    agreement, other = (city.cast.agreement(consent="required") for _ in range(2))
    city.cast.consent(agreement, AN)
    theirs = city.cast.consent(agreement, BO)
    deps, linden = city.gateway.deps, city.cast.caller(LINDEN)

    def meanwhile(_: object) -> None:
        deps.consents.withdraw(linden, theirs.id)
        deps.agreements.suspend(linden, other.id)

    city.department.on_request = meanwhile
    assert city.ask(agreement.id).one()["name"] == AN["name"]


# ── how often ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_third_query_of_two_is_refused_and_a_failed_one_does_not_count(city: City) -> None:
    agreement = city.cast.agreement(quota={"unit": "total", "max": 2})
    assert city.ask(agreement.id).found
    city.department.behave("server_error", times=1)
    with pytest.raises(errors.ProviderError):
        city.ask(agreement.id)
    assert city.ask(agreement.id).found
    refused(city, lambda: city.ask(agreement.id), code="quota_exceeded", rule="R9", entry="exchange.refused")
    assert len(city.department.requests) == 3


def test_of_fifty_queries_at_once_at_a_quota_of_two_exactly_two_are_answered(city: City) -> None:
    agreement = city.cast.agreement(quota={"unit": "day", "max": 2})
    token_holder = city.client()
    token_holder.explain(STANDARD, agreement=agreement.id, purpose=PURPOSE, case="1")
    outcomes: list[Answer | errors.GatewayError] = []

    def ask(_: int) -> None:
        try:
            outcomes.append(city.ask(agreement.id))
        except errors.GatewayError as error:
            outcomes.append(error)

    with ThreadPoolExecutor(50) as pool:
        list(pool.map(ask, range(50)))
    answers = [each for each in outcomes if isinstance(each, Answer)]
    refusals = [each for each in outcomes if isinstance(each, errors.QuotaExceeded) and each.rule == "R9"]
    assert (len(answers), len(refusals)) == (2, 48)
    assert len(city.department.requests) == len(city.entries("exchange.released")) == 2
    assert len(city.entries("exchange.refused")) == len({each.log_index for each in refusals}) == 48


# ── the token ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def misuse(city: City, response: Any, *, code: str, rule: str, party: str | None) -> None:
    """A 401 that says why in both languages, challenges, and is in the log under the token's true owner."""
    problem = response.json()
    assert response.status_code == 401 and (problem["code"], problem["rule"]) == (code, rule)
    assert CHINESE.search(problem["detail_zh"]) and not CHINESE.search(problem["detail_en"]) and problem["request_id"]
    assert response.headers["WWW-Authenticate"].startswith("DPoP ")
    written = city.entries("identity.refused")
    if party is None:
        assert not written and "log_index" not in problem
    else:
        assert written[-1]["actor"]["party"] == party and (written[-1]["code"], written[-1]["rule"]) == (code, rule)
        assert city.gateway.entries()[problem["log_index"]] == written[-1]
    assert not city.department.requests


@pytest.mark.daily_on_one
def test_a_proof_replayed_is_refused(city: City) -> None:
    agreement = city.cast.agreement()
    linden = ByHand(city)
    token = linden.token(agreement.id)
    proof = linden.proof("/v1/queries", token)
    assert linden.query(agreement.id, token, proof=proof).status_code == 200
    city.department.requests.clear()
    again = linden.query(agreement.id, token, proof=proof)
    misuse(city, again, code="proof_replayed", rule="A8", party=LINDEN)


def test_a_proof_replayed_after_a_restart_is_refused(own_city: City) -> None:
    agreement = own_city.cast.agreement()
    linden = ByHand(own_city)
    token = linden.token(agreement.id)
    proof = linden.proof("/v1/queries", token)
    assert linden.query(agreement.id, token, proof=proof).status_code == 200
    own_city.gateway.restart()
    own_city.department.requests.clear()
    misuse(own_city, linden.query(agreement.id, token, proof=proof), code="use_dpop_nonce", rule="A9", party=None)


@pytest.mark.daily_on_one
def test_a_token_of_another_client_is_refused(city: City) -> None:
    agreement = city.cast.agreement()
    token, maple = ByHand(city).token(agreement.id), ByHand(city, MAPLE)
    stolen = maple.query(agreement.id, token)
    misuse(city, stolen, code="token_of_another_client", rule="A6", party=LINDEN)


@pytest.mark.daily_on_one
def test_a_token_sent_as_bearer_is_refused(city: City) -> None:
    agreement = city.cast.agreement()
    linden = ByHand(city)
    bearer = linden.query(agreement.id, linden.token(agreement.id), scheme="Bearer")
    misuse(city, bearer, code="token_as_bearer", rule="A2", party=LINDEN)


@pytest.mark.daily_on_one
@pytest.mark.parametrize(
    ("scheme", "token", "code", "rule"),
    [
        ("Bearer", "made.up.token", "token_as_bearer", "A2"),
        ("DPoP", "made.up.token", "invalid_token", "A3"),
        ("Basic", "bGluZGVuOnBhc3M=", "token_missing", "A1"),
    ],
)
def test_a_made_up_token_is_refused_and_fills_no_log(city: City, scheme: str, token: str, code: str, rule: str) -> None:
    agreement = city.cast.agreement()
    response = ByHand(city).query(agreement.id, token, scheme=scheme)
    misuse(city, response, code=code, rule=rule, party=None)


@pytest.mark.daily_on_one
def test_an_expired_token_is_refused(own_city: City) -> None:
    agreement = own_city.cast.agreement()
    linden = ByHand(own_city)
    token = linden.token(agreement.id)
    own_city.gateway.clock.advance(seconds=301)
    misuse(own_city, linden.query(agreement.id, token), code="token_expired", rule="A4", party=None)


@pytest.mark.daily_on_one
def test_a_token_that_somebody_else_signed_is_refused(city: City) -> None:
    agreement = city.cast.agreement()
    linden = ByHand(city)
    head, claims, _ = linden.token(agreement.id).split(".")
    forged = f"{head}.{claims}.{encode64(key_of('somebody').sign_raw(f'{head}.{claims}'.encode()))}"
    misuse(city, linden.query(agreement.id, forged), code="invalid_token", rule="A3", party=None)


@pytest.mark.daily_on_one
def test_a_suspended_client_is_refused_although_its_token_is_still_good(own_city: City) -> None:
    agreement = own_city.cast.agreement()
    warm(own_city, agreement.id)
    own_city.gateway.deps.identity.suspend_client(
        own_city.cast.caller("data-bureau").actor(), own_city.cast.clients[LINDEN]
    )
    refused(own_city, lambda: own_city.ask(agreement.id), code="client_suspended", rule="R2", entry="exchange.refused")


@pytest.mark.daily_on_one
def test_all_rules_that_object_are_named_and_the_department_hears_nothing(city: City) -> None:
    agreement = city.cast.agreement(consent="required")
    with pytest.raises(errors.Denied) as caught:
        city.ask(agreement.id, fields=["ethnicGroup"], case=None)
    assert [reason["rule"] for reason in caught.value.reasons] == ["R5", "R7", "R8"]
    assert all(
        CHINESE.search(reason["zh"]) and reason["fix_zh"] and reason["fix_en"] for reason in caught.value.reasons
    )
    assert not city.department.requests
