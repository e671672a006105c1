"""One row per way in which a rule objects, beside it the neighbour to which it does not; and what holds for all."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import standards
from gateway.exchange.decision import (
    IN_EMERGENCY,
    ORDINARY,
    RULE_IDS,
    RULES,
    decide,
    outside_jurisdiction,
    wanted_fields,
    window_start,
)
from gateway.exchange.model import Facts, Permit, Refused
from gateway.identity.model import Grant
from gateway.registry.model import Standing
from tests.examples import examples
from tests.gateway.exchange.facts import (
    ADULT,
    CONSENT,
    DAY,
    DIGEST,
    EMERGENCY,
    FACTS,
    NOW,
    OFFICER,
    PURPOSE,
    STANDARD,
    TERMS,
    consent_in,
    facts,
)

MS = timedelta(milliseconds=1)
OTHER = "sha-256:" + "b" * 64
PERSON = standards.get("residence-record/1.0.0")

WIDE = {STANDARD.id: frozenset(element.path for element in STANDARD.elements)}
GIVEN = consent_in("given")
ASKS: dict[str, Any] = {
    "query__predicates": ("isAdult",),
    "terms__predicates": {"isAdult": ADULT},
    "predicates": {"isAdult": ADULT},
    "consent__data": {STANDARD.id: frozenset({"isAdult"})},
}
CALLS: dict[str, Any] = {
    "query__emergency": EMERGENCY.id,
    "terms__emergency": "allowed",
    "caller__assertion": OFFICER,
    "emergency": EMERGENCY,
}

# name: (rule, code, the change to which it objects, the nearest change to which it does not)
OBJECTIONS: dict[str, tuple[str, str, dict[str, Any], dict[str, Any]]] = {
    "no agreement": ("R1", "no_agreement", {"agreement_state": None}, {}),
    "somebody else's": (
        "R1",
        "no_agreement",
        {"agreement_known_to": frozenset({"street-maple", "police"})},
        {"agreement_known_to": frozenset({"street-linden"})},
    ),
    "a draft": ("R1", "agreement_not_active", {"agreement_state": "draft"}, {"agreement_state": "active"}),
    "proposed": ("R1", "agreement_not_active", {"agreement_state": "proposed"}, {"agreement_state": "active"}),
    "refused": ("R1", "agreement_not_active", {"agreement_state": "refused"}, {"agreement_state": "active"}),
    "suspended": ("R1", "agreement_suspended", {"agreement_state": "suspended"}, {"agreement_state": "active"}),
    "terminated": ("R1", "agreement_terminated", {"agreement_state": "terminated"}, {"agreement_state": "active"}),
    "superseded": ("R1", "agreement_superseded", {"agreement_state": "superseded"}, {"agreement_state": "active"}),
    "expired": ("R1", "agreement_expired", {"agreement_state": "expired"}, {"agreement_state": "active"}),
    "the instant it ends": (
        "R1",
        "agreement_expired",
        {"terms__valid_until": NOW},
        {"terms__valid_until": NOW + MS},
    ),
    "before it begins": (
        "R1",
        "agreement_not_active",
        {"terms__valid_from": NOW + MS},
        {"terms__valid_from": NOW},
    ),
    "its provider asks": (
        "R2",
        "not_a_party",
        {"caller__party": "police"},
        {"caller__party": "street-linden"},
    ),
    "client suspended": ("R2", "client_suspended", {"client_state": "suspended"}, {"client_state": "active"}),
    "client unknown": ("R2", "client_suspended", {"client_state": "unknown"}, {"client_state": "active"}),
    "consumer suspended": ("R2", "party_suspended", {"consumer_state": "suspended"}, {"consumer_state": "active"}),
    "provider suspended": ("R2", "party_suspended", {"provider_state": "suspended"}, {"provider_state": "active"}),
    "another standard": (
        "R4",
        "unknown_standard",
        {"standard": None},
        {"standard": STANDARD},
    ),
    "the standard changed": (
        "R4",
        "standard_changed",
        {"terms__schema_digest": OTHER},
        {"terms__schema_digest": STANDARD.digest},
    ),
    "a field too many": (
        "R5",
        "field_not_covered",
        {"query__fields": ("name", "phone"), "consent__data": WIDE},
        {"query__fields": ("name",)},
    ),
    "the whole of a part": (
        "R5",
        "field_not_covered",
        {"query__fields": ("domicileAddress",), "consent__data": WIDE},
        {"query__fields": ("domicileAddress.divisionCode",)},
    ),
    "no case": ("R7", "case_required", {"query__case": None}, {"query__case": None, "terms__case_required": False}),
    "an empty case": ("R7", "case_required", {"query__case": ""}, {"query__case": "1"}),
    "no consent": ("R8", "consent_required", {"consent": None}, {"consent": None, "terms__consent_rule": "none"}),
    "consent only asked for": (
        "R8",
        "consent_required",
        {"consent__events": (consent_in("requested")[-1],)},
        {"consent__events": GIVEN},
    ),
    "consent refused": (
        "R8",
        "consent_required",
        {"consent__events": consent_in("refused")},
        {"consent__events": GIVEN},
    ),
    "consent withdrawn": (
        "R8",
        "consent_withdrawn",
        {"consent__events": consent_in("withdrawn")},
        {"consent__events": GIVEN},
    ),
    "consent invalid": (
        "R8",
        "consent_withdrawn",
        {"consent__events": consent_in("invalidated")},
        {"consent__events": GIVEN},
    ),
    "the instant consent ends": (
        "R8",
        "consent_expired",
        {"consent__valid_until": NOW},
        {"consent__valid_until": NOW + MS},
    ),
    "consent that begins later": (
        "R8",
        "consent_required",
        {"consent__valid_from": NOW + MS},
        {"consent__valid_from": NOW},
    ),
    "consent to another version": (
        "R8",
        "consent_required",
        {"consent__agreement_digest": OTHER},
        {"consent__agreement_digest": DIGEST},
    ),
    "consent of too low a level": (
        "R8",
        "consent_required",
        {"terms__min_proof_level": 2},
        {"terms__min_proof_level": 1},
    ),
    "consent for another purpose": (
        "R8",
        "consent_required",
        {"consent__purposes": frozenset({"dibao.initial"})},
        {"consent__purposes": frozenset({PURPOSE})},
    ),
    "consent to fewer fields": (
        "R8",
        "consent_required",
        {"consent__data": {STANDARD.id: frozenset({"name"})}},
        {"consent__data": {STANDARD.id: frozenset({"name"})}, "query__fields": ("name",)},
    ),
    "consent to another standard": (
        "R8",
        "consent_required",
        {"consent__data": {PERSON.id: frozenset(TERMS.fields)}},
        {"consent__data": {STANDARD.id: frozenset(TERMS.fields)}},
    ),
    "another consent was named": (
        "R8",
        "consent_required",
        {"query__consent": "con_other"},
        {"query__consent": CONSENT.id},
    ),
    "quota used up": ("R9", "quota_exceeded", {"quota_used": 10}, {"quota_used": 9}),
    "quota of none": (
        "R9",
        "quota_exceeded",
        {"terms__quota_max": 0, "quota_used": 0},
        {"terms__quota_max": None, "quota_used": 10**6},
    ),
    "another scheme": (
        "R10",
        "subject_scheme_unknown",
        {"query__subject_scheme": "cn.uscc"},
        {"query__subject_scheme": "cn.resident-id"},
    ),
    "a wrong check digit": ("R10", "subject_invalid", {"subject_error": "subject_invalid"}, {"subject_error": None}),
    "before opening": (
        "R11",
        "outside_hours",
        {"now": NOW.replace(hour=0, minute=29, second=59, microsecond=999_999)},  # 08:29:59 in Beijing
        {"now": NOW.replace(hour=0, minute=30)},
    ),
    "at closing": ("R11", "outside_hours", {"now": NOW.replace(hour=10)}, {"now": NOW.replace(hour=9, minute=59)}),
    "on Sunday": ("R11", "outside_hours", {"now": NOW - DAY + timedelta(hours=1)}, {"now": NOW}),
    "a system where an officer must ask": (
        "R6",
        "officer_required",
        {"terms__automated": False},
        {"terms__automated": False, "caller__assertion": OFFICER},
    ),
    "an officer of another role": (
        "R6",
        "role_not_covered",
        {"terms__roles": frozenset({"caseworker"}), "caller__assertion": OFFICER},
        {"terms__roles": frozenset({"caseworker", "counter"}), "caller__assertion": OFFICER},
    ),
    "recognised too weakly": (
        "R6",
        "acr_too_low",
        {"terms__min_acr": "aal3", "caller__assertion": OFFICER},
        {"terms__min_acr": "aal2", "caller__assertion": OFFICER},
    ),
    "recognised nobody knows how": (
        "R6",
        "acr_too_low",
        {"terms__min_acr": "aal1", "officer__acr": "urn:aal3"},
        {"terms__min_acr": "aal1", "officer__acr": "aal1"},
    ),
    "signed in too long ago": (
        "R6",
        "sign_in_too_old",
        {"terms__max_auth_age": timedelta(minutes=5), "officer__auth_time": NOW - timedelta(minutes=5) - MS},
        {"terms__max_auth_age": timedelta(minutes=5), "officer__auth_time": NOW - timedelta(minutes=5)},
    ),
    "signed in nobody knows when": (
        "R6",
        "sign_in_too_old",
        {"terms__max_auth_age": timedelta(minutes=5), "officer__auth_time": None},
        {"officer__auth_time": None},
    ),
    "an assertion for another case": (
        "R7",
        "case_mismatch",
        {"caller__assertion": OFFICER, "case_fits": False},
        {"caller__assertion": OFFICER, "case_fits": True},
    ),
    "an assertion for another resident": (
        "R10",
        "subject_mismatch",
        {"caller__assertion": OFFICER, "subject_fits": False},
        {"caller__assertion": OFFICER, "subject_fits": True},
    ),
    "the officer's hour is used up": (
        "R9",
        "officer_quota_exceeded",
        {"terms__officer_per_hour": 3, "officer_hour_used": 3, "caller__assertion": OFFICER},
        {"terms__officer_per_hour": 3, "officer_hour_used": 2, "caller__assertion": OFFICER},
    ),
    "the officer's day is used up": (
        "R9",
        "officer_quota_exceeded",
        {"terms__officer_per_day": 3, "officer_day_used": 3, "caller__assertion": OFFICER},
        {"terms__officer_per_day": None, "officer_day_used": 3, "caller__assertion": OFFICER},
    ),
    "too many questions": (
        "R9",
        "question_budget_spent",
        {**ASKS, "questions_used": 3},
        {**ASKS},
    ),
    "a question that was not granted": (
        "R5",
        "field_not_covered",
        {**ASKS, "terms__predicates": {}},
        {**ASKS},
    ),
    "a question whose meaning changed": (
        "R4",
        "standard_changed",
        {**ASKS, "predicates": {"isAdult": OTHER}},
        {**ASKS},
    ),
    "no consent to this question": (
        "R8",
        "consent_required",
        {**ASKS, "consent__data": {STANDARD.id: frozenset(TERMS.fields)}},
        {**ASKS},
    ),
    "a token for other questions": (
        "R17",
        "token_mismatch",
        {**ASKS, "grant__fields": ("name",)},
        {**ASKS, "grant__fields": ("isAdult",)},
    ),
    "the officer's own record": (
        "R12",
        "own_record",
        {"caller__assertion": OFFICER, "relation": "self"},
        {"caller__assertion": OFFICER, "relation": None},
    ),
    "a relative of the officer": (
        "R12",
        "conflict_of_interest",
        {"caller__assertion": OFFICER, "relation": "declared"},
        {"caller__assertion": OFFICER, "relation": None},
    ),
    "a protected person": (
        "R12",
        "protected_person",
        {"protected": True},
        {"protected": True, "second": "off_01KAR3SECOND00000000000000"},
    ),
    "a signature by nobody's key": (
        "R13",
        "request_signature_invalid",
        {"signature": "invalid"},
        {"signature": "valid"},
    ),
    "no signature": (
        "R13",
        "request_signature_required",
        {"terms__request_signature": "required"},
        {"terms__request_signature": "required", "signature": "valid"},
    ),
    "an emergency that is over": (
        "R15",
        "emergency_not_open",
        {**CALLS, "emergency__until": NOW},
        {**CALLS, "emergency__until": NOW + MS},
    ),
    "an emergency not confirmed": (
        "R15",
        "emergency_not_open",
        {**CALLS, "emergency__state": "asked", "emergency__until": None},
        {**CALLS},
    ),
    "an emergency that is closed": ("R15", "emergency_not_open", {**CALLS, "emergency__state": "closed"}, {**CALLS}),
    "an emergency of others": ("R15", "emergency_not_open", {**CALLS, "emergency__party": "street-maple"}, {**CALLS}),
    "another agreement's emergency": (
        "R15",
        "emergency_not_open",
        {**CALLS, "emergency__agreement": "agr_other"},
        {**CALLS},
    ),
    "no such emergency": ("R15", "emergency_not_open", {**CALLS, "emergency": None}, {**CALLS}),
    "an agreement without emergencies": (
        "R15",
        "emergency_not_open",
        {**CALLS, "terms__emergency": "none"},
        {"terms__emergency": "none"},
    ),
    "a system in an emergency": (
        "R15",
        "emergency_not_open",
        {**CALLS, "caller__assertion": None},
        {**CALLS},
    ),
    "no service": ("R16", "service_unavailable", {"service": None}, {"service": FACTS.service}),
    "a withdrawn version": (
        "R19",
        "standard_withdrawn",
        {"standing": Standing("withdrawn", NOW - DAY, NOW + DAY)},
        {"standing": Standing("deprecated", NOW - DAY, NOW + DAY)},
    ),
    "the grace is over": (
        "R19",
        "standard_withdrawn",
        {"standing": Standing("deprecated", NOW - DAY, NOW)},
        {"standing": Standing("deprecated", NOW - DAY, NOW + timedelta(milliseconds=1))},
    ),
    "no grant": ("R17", "token_mismatch", {"caller__grant": None}, {"grant__fields": None}),
    "a token of another agreement": (
        "R17",
        "token_mismatch",
        {"grant__agreement_id": "agr_other"},
        {"grant__agreement_id": TERMS.agreement_id},
    ),
    "a token of another version": (
        "R17",
        "token_mismatch",
        {"grant__agreement_digest": OTHER},
        {"grant__agreement_digest": DIGEST},
    ),
    "a token for another purpose": (
        "R17",
        "token_mismatch",
        {"grant__purpose": "dibao.initial"},
        {"grant__purpose": PURPOSE},
    ),
    "a token for another standard": (
        "R17",
        "token_mismatch",
        {"grant__standard": PERSON.id},
        {"grant__standard": None},
    ),
    "a token for fewer fields": (
        "R17",
        "token_mismatch",
        {"grant__fields": ("name",), "query__fields": ("name", "idNumber")},
        {"grant__fields": ("name",), "query__fields": ("name",)},
    ),
}


def test_the_facts_that_all_rows_start_from_permit() -> None:
    permit = decide(FACTS)
    assert isinstance(permit, Permit)
    assert permit.fields == TERMS.fields and permit.rules == ORDINARY and permit.consent is FACTS.consent


@pytest.mark.parametrize("name", OBJECTIONS)
def test_a_rule_objects_alone_and_its_neighbour_is_permitted(name: str) -> None:
    rule, code, change, neighbour = OBJECTIONS[name]
    refused = decide(facts(**change))
    assert isinstance(refused, Refused)
    assert [(reason.rule, reason.code) for reason in refused.reasons] == [(rule, code)]
    (reason,) = refused.reasons
    assert all((reason.zh, reason.en, reason.fix_zh, reason.fix_en))
    assert isinstance(decide(facts(**neighbour)), Permit)


def test_a_purpose_that_was_not_agreed_is_no_purpose_of_consent_and_token_either() -> None:
    refused = decide(facts(query__purpose="marriage.check"))
    assert isinstance(refused, Refused) and refused.rules == ("R3", "R8", "R17")


def test_a_standard_of_which_the_agreement_does_not_speak_refuses() -> None:
    refused = decide(facts(terms=None))
    assert isinstance(refused, Refused)
    assert [reason.code for reason in refused.reasons] == ["standard_not_covered"]


OVERRULED: dict[str, dict[str, Any]] = {
    "consent": {"consent": None},
    "quota": {"quota_used": 10},
    "hours": {"now": NOW.replace(hour=0)},
}


@pytest.mark.parametrize("name", OVERRULED)
def test_an_open_emergency_overrules_consent_quota_and_hours(name: str) -> None:
    permit = decide(facts(**CALLS, **OVERRULED[name]))
    assert isinstance(permit, Permit) and permit.rules == IN_EMERGENCY and permit.emergency == EMERGENCY.id
    assert "R15" in permit.rules and not {"R8", "R9", "R11"} & set(permit.rules)
    assert permit.until == EMERGENCY.until and permit.consent is None


NOT_OVERRULED = [
    *({"agreement_state": "suspended"}, {"client_state": "suspended"}, {"query__purpose": "marriage.check"}),
    *({"standard": None}, {"query__fields": ("phone",)}, {"relation": "self"}, {"protected": True}, {"service": None}),
    *({"terms__roles": frozenset({"head"})}, {"signature": "invalid"}),
]


@pytest.mark.parametrize("change", NOT_OVERRULED, ids=str)
def test_an_open_emergency_overrules_nothing_else(change: dict[str, Any]) -> None:
    refused = decide(facts(**CALLS | change))
    assert isinstance(refused, Refused) and "R15" not in refused.rules


def test_a_query_for_a_yes_or_no_discloses_no_field() -> None:
    permit = decide(facts(**ASKS))
    assert isinstance(permit, Permit) and permit.fields == () and permit.disclosed == ("isAdult",)


def test_a_permit_ends_with_the_grace_of_its_standard() -> None:
    permit = decide(facts(standing=Standing("deprecated", NOW - DAY, NOW + timedelta(minutes=1), "person-basic/2.0.0")))
    assert isinstance(permit, Permit) and permit.until == NOW + timedelta(minutes=1)


def test_a_withdrawn_version_names_what_follows_it() -> None:
    refused = decide(facts(standing=Standing("withdrawn", successor="person-basic/2.0.0")))
    assert isinstance(refused, Refused)
    assert "person-basic/2.0.0" in refused.reasons[0].fix_zh and "person-basic/2.0.0" in refused.reasons[0].fix_en


def test_every_rule_has_a_row() -> None:
    assert {rule for rule, *_ in OBJECTIONS.values()} | {"R3"} == set(RULE_IDS)


def test_of_an_agreement_of_others_nothing_but_its_absence_is_told() -> None:
    everything_wrong = facts(
        agreement_known_to=frozenset({"street-maple"}),
        consent=None,
        service=None,
        quota_used=10,
        client_state="suspended",
    )
    refused = decide(everything_wrong)
    assert isinstance(refused, Refused) and refused.rules == ("R1",)


# ── what holds for all facts ──────────────────────────────────────────────────────────────────────────────────────────
names = st.sampled_from([element.path for element in STANDARD.elements])
some_fields = st.lists(names, min_size=1, max_size=6, unique=True).map(tuple)
instants = st.timedeltas(timedelta(days=-20), timedelta(days=20)).map(lambda offset: NOW + offset)
one_change = st.sampled_from([change for _, _, change, _ in OBJECTIONS.values()] + [n for *_, n in OBJECTIONS.values()])


@st.composite
def any_facts(draw: st.DrawFn) -> Facts:
    changes: dict[str, Any] = {}
    for change in draw(st.lists(one_change, max_size=4)):
        changes |= change
    changes["now"] = draw(st.one_of(st.just(NOW), instants))
    changes["terms__fields"] = draw(st.one_of(st.just(TERMS.fields), some_fields))
    changes["query__fields"] = draw(st.one_of(st.none(), some_fields))
    if "caller__grant" not in changes:
        changes["grant__fields"] = draw(st.one_of(st.none(), some_fields))
    else:
        changes = {name: value for name, value in changes.items() if not name.startswith("grant__")}
    changes["terms__quota_max"] = draw(st.one_of(st.none(), st.integers(0, 12)))
    changes["quota_used"] = draw(st.one_of(st.none(), st.integers(0, 12)))
    whole = ("terms", "consent", "query")
    for name in whole:
        if name in changes:
            changes = {each: value for each, value in changes.items() if not each.startswith(name + "__")}
    return facts(**changes)


@settings(max_examples=examples(300), deadline=None)
@given(any_facts())
def test_a_permit_is_given_exactly_when_no_rule_objects(some: Facts) -> None:
    objections = [reason for rule in RULES for reason in rule(some)]
    verdict = decide(some)
    if isinstance(verdict, Permit):
        assert not objections and some.terms is not None
    else:
        assert verdict.reasons and list(verdict.reasons) == objections


@settings(max_examples=examples(300), deadline=None)
@given(any_facts())
def test_a_permit_never_holds_a_field_outside_agreement_consent_and_token(some: Facts) -> None:
    verdict = decide(some)
    if not isinstance(verdict, Permit):
        return
    assert some.terms is not None and some.query.caller.grant is not None
    grant: Grant = some.query.caller.grant
    assert set(verdict.fields) <= set(some.terms.fields)
    assert grant.fields is None or set(verdict.fields) <= set(grant.fields)
    assert verdict.consent is None or verdict.consent.covers(verdict.fields, some.query.standard)
    assert set(verdict.masks) == set(some.terms.masks) & set(verdict.fields)


@settings(max_examples=examples(200), deadline=None)
@given(any_facts())
def test_deciding_twice_gives_the_same(some: Facts) -> None:
    assert decide(some) == decide(some)


@settings(max_examples=examples(200), deadline=None)
@given(any_facts(), st.integers(1, 10**9))
def test_a_permit_ends_before_the_calendar_would_refuse_it(some: Facts, later_us: int) -> None:
    verdict = decide(some)
    if isinstance(verdict, Permit):
        assert verdict.until > some.now
        after = decide(
            Facts(**{name: getattr(some, name) for name in Facts.__dataclass_fields__} | {"now": verdict.until})
        )
        assert isinstance(after, Refused) and {"R1", "R8", "R15", "R19"} & set(after.rules)


@settings(max_examples=examples(100), deadline=None)
@given(any_facts())
def test_no_reason_names_the_resident(some: Facts) -> None:
    verdict = decide(some)
    if isinstance(verdict, Refused):
        assert some.query.subject_id not in repr(verdict)


# ── small things ──────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize(
    ("asked", "token", "expected"),
    [
        (("name",), ("name", "idNumber"), ("name",)),
        (None, ("name",), ("name",)),
        (None, None, TERMS.fields),
    ],
)
def test_what_a_query_is_about(asked: Any, token: Any, expected: tuple[str, ...]) -> None:
    assert wanted_fields(facts(query__fields=asked, grant__fields=token)) == expected


def test_explaining_looks_at_no_token() -> None:
    assert isinstance(decide(facts(caller__grant=None, token_checked=False)), Permit)


@pytest.mark.parametrize(
    ("unit", "hour", "window"),
    [
        ("day", 15, "2026-11-23"),  # 23:00 in Beijing
        ("day", 16, "2026-11-24"),  # midnight there
        ("month", 16, "2026-11"),
        ("total", 3, "total"),
        (None, 3, "total"),
    ],
)
def test_quotas_begin_anew_at_midnight_in_beijing(unit: str | None, hour: int, window: str) -> None:
    assert window_start(NOW.replace(hour=hour), unit) == window


def test_a_month_ends_in_beijing_too() -> None:
    assert window_start(NOW.replace(day=30, hour=16), "month") == "2026-12"


def test_outside_the_jurisdiction_sounds_the_same_for_unknown_and_elsewhere() -> None:
    reason = outside_jurisdiction()
    assert reason.rule == "R14" and "没有该居民的记录" in reason.zh
