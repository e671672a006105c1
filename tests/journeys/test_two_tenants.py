"""Threat T15: every operation of the contract that names a thing by its id, tried by a neighbour with things of others.

The neighbour may use every scope that an office can have. It is refused, in the same words as for a thing that does
not exist: so it does not even learn which ids there are. And no list it may read holds any of them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from tongqu_client import Gateway, TrustStore, errors
from tongqu_client._auth import Grant

from gateway.cases.model import Person
from gateway.identity.model import OPERATOR
from gateway.identity.registration import stamped
from gateway.lib.canonical_json import canonical
from gateway.lib.jose import SigningKey
from tests.cast import AN, AUDIT, LINDEN, MAPLE, POLICE, SCHEME, STANDARD, Paper, key_of
from tests.journeys.test_emergencies import asked, post
from tests.promises.test_openapi import OPERATIONS, PUBLIC
from tests.running import ONCE, City

SCOPES = (
    *("agreements:read", "agreements:write", "cases:read", "cases:write", "catalogue:read", "catalogue:write"),
    *("consents:write", "log:read", "registrations:write", "standards:write"),
)
SUBJECT = {"scheme": SCHEME, "id": AN["idNumber"]}
ABSENT = {
    "agreement_id": "agr_01KAR3" + "0" * 20,
    "case_id": "case_01KAR3" + "0" * 20,
    "client_id": "cli_01KAR3" + "0" * 20,
    "consent_id": "con_01KAR3" + "0" * 20,
    "emergency_id": "emg_01KAR3" + "0" * 20,
    "index": "999999",
    "item_id": "rev_01KAR3" + "0" * 20,
    "officer_id": "off_01KAR3" + "0" * 20,
    "party_id": "nobody",
    "registration_id": "reg_01KAR3" + "0" * 20,
    "service_id": "svc_01KAR3" + "0" * 20,
}
BODIES: dict[str, dict[str, Any]] = {  # by the end of the path: what a request must hold to be looked at
    "/answer": {"text": "窗口办件"},
    "/notes": {"text": "窗口办件"},
    "/ask": {"party": POLICE, "text": "为何查询"},
    "/assign": {"to": "acc_0"},
    "/decide": {"verdict": "justified", "text": "窗口办件"},
    "/links": {"search": "result:refused"},
    "/conflicts/{officer_id}": {"relation": "declared", "subject": SUBJECT},
    "/conflicts/{officer_id}/withdraw": {"subject": SUBJECT},
    "/give": {"proof": {"kind": "counter-two-person", "clerk": "a.b.c", "witness": "a.b.c"}},
    "/invalidate": {"reason": "not_the_person"},
    "/confirm": {"jws": "a.b.c"},
    "/sign": {"jws": "a.b.c"},
    "/approve": {"jws": "a.b.c"},
    "/reject": {"jws": "a.b.c"},
    "/emergencies/{emergency_id}/review": {"jws": "a.b.c", "outcome": "justified"},
    "/conformance": {"subject_found": SUBJECT, "subject_absent": SUBJECT},
    "/reviews/{item_id}": {"outcome": "in_order"},
    "/agreements/{agreement_id}/refuse": {"reason": "not_held"},
}
QUERIES = {"/v1/catalogue": {"q": "人口"}, "/v1/catalogue/holders": {"element": "name"}}
NO_BODY = re.compile(r"/(submit|resume|services/\{service_id\}/(approve|suspend))$")
NAMING = [(method, path) for method, path in OPERATIONS if set(re.findall(r"\{(\w+)\}", path)) & ABSENT.keys()]
TENANTS = [(method, path) for method, path in NAMING if not PUBLIC.match(f"{method} {path}")]
LISTS = [
    (method, path) for method, path in OPERATIONS
    if method == "GET" and "{" not in path and not PUBLIC.match(f"{method} {path}")
]  # fmt: skip


@pytest.fixture(scope="module")
def neighbour(shared_city: City) -> Iterator[Gateway]:
    """A system of Maple's that may do whatever an office may."""
    deps, key = shared_city.gateway.deps, SigningKey.generate()
    client = deps.identity.add_client(OPERATOR, MAPLE, key=key.public_jwk(), scopes=SCOPES)
    trust = TrustStore.from_document(deps.trust())
    with Gateway(
        shared_city.gateway.url, client_id=client.id, key=key.private_jwk(), trust=trust, retries=ONCE
    ) as system:
        yield system


@pytest.fixture(scope="module")
def theirs(shared_city: City) -> dict[str, str]:
    """One thing of Linden's (or of the police) of every kind that has an id."""
    city, deps = shared_city, shared_city.gateway.deps
    agreement = city.cast.agreement(consent="required", emergency=True)
    plain = city.cast.agreement()
    consent = city.cast.consent(agreement, AN)
    index = city.ask(plain.id).log_index
    case = deps.cases.open(Person("acc_audit", AUDIT, "audit_office"), "review", "夜间查询", party=LINDEN)
    emergency = post(city, LINDEN, "", asked(city, agreement))
    document = stamped(
        {"kind": "client", "party": LINDEN, "key": SigningKey.generate().public_jwk(), "scopes": ["log:read"]},
        deps.clock.now(),
    )
    jws = key_of(f"{LINDEN}/signatory").sign_detached("tongqu-registration+jws", canonical(document))
    registration = deps.registrations.propose(city.cast.caller(LINDEN), document, jws)
    manifest = {
        "standard": STANDARD, "title_zh": "备用", "title_en": "Spare", "base_url": city.department.base_url,
        "crosswalk": None, "timeout_ms": 1000, "max_concurrent": 1, "contact": "数据管理科",
    }  # fmt: skip
    return {
        "agreement_id": agreement.id,
        "case_id": case.id,
        "client_id": city.cast.clients[LINDEN],
        "consent_id": consent.id,
        "emergency_id": emergency["id"],
        "index": str(index),
        "item_id": "rev_01KAR4" + "0" * 20,  # none of them is anybody's but the auditors'
        "officer_id": city.cast.officers[f"{LINDEN}/clerk"],
        "party_id": LINDEN,
        "registration_id": registration.id,
        "service_id": deps.catalogue.register(city.cast.caller(POLICE), manifest).id,
    }


def body_of(path: str, city: City) -> dict[str, Any] | None:
    if path.endswith("/agreements/{agreement_id}"):
        return Paper(consumer=MAPLE).document(city.gateway.clock.now())
    if NO_BODY.search(path):
        return None
    return next(
        (body for end, body in sorted(BODIES.items(), key=lambda each: -len(each[0])) if path.endswith(end)), {}
    )


def refused(
    neighbour: Gateway, method: str, path: str, ids: dict[str, str], body: dict[str, Any] | None
) -> tuple[int | None, str, str]:
    """Status, code and sentence, in which the id that was sent may come back."""
    with pytest.raises(errors.GatewayError) as caught:
        neighbour.request(method, path.format(**ids), json=body if method != "GET" else None, scope=" ".join(SCOPES))
    said = caught.value.detail_en or ""
    for value in ids.values():
        said = said.replace(value, "…")
    return caught.value.status, caught.value.problem_code or "", said


def test_the_matrix_covers_every_operation_that_names_a_thing() -> None:
    assert len(TENANTS) > 40 and len(LISTS) > 12
    named = {name for _, path in OPERATIONS for name in re.findall(r"\{(\w+)\}", path)}
    public = {"name", "version", "kind", "code", "source", "target", "path", "month", "comment_id", "year"}
    assert named - public == set(ABSENT)


@pytest.mark.parametrize("shared_city", ["sqlite"], indirect=True)
def test_their_owner_finds_them(shared_city: City, theirs: dict[str, str]) -> None:
    for path, scope in (
        ("/v1/agreements/{agreement_id}", "agreements:read"),
        ("/v1/consents/{consent_id}", "consents:write"),
        ("/v1/emergencies/{emergency_id}", "agreements:read"),
        ("/v1/log/entries/{index}/evidence", "log:read"),
    ):
        assert shared_city.client().request("GET", path.format(**theirs), scope=scope), path
    assert shared_city.client(POLICE).request(
        "GET", "/v1/services/{service_id}".format(**theirs), scope="catalogue:read"
    )


@pytest.mark.parametrize("shared_city", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("method", "path"), TENANTS)
def test_a_neighbour_is_refused_as_if_it_did_not_exist(
    shared_city: City, neighbour: Gateway, theirs: dict[str, str], method: str, path: str
) -> None:
    body = body_of(path, shared_city)
    foreign = refused(neighbour, method, path, theirs, body)
    absent = refused(neighbour, method, path, ABSENT, body)
    assert foreign[0] in (403, 404), foreign
    assert foreign == absent


@pytest.mark.parametrize("shared_city", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("method", "path"), LISTS)
def test_no_list_shows_a_neighbour_what_is_not_its_own(
    shared_city: City, neighbour: Gateway, theirs: dict[str, str], method: str, path: str
) -> None:
    try:
        answer = neighbour._wire.call(method, path, Grant(" ".join(SCOPES)), query=QUERIES.get(path)).body
    except errors.GatewayError as error:
        assert error.status == 403
        return
    found = {name for name, value in theirs.items() if name != "index" and value.encode() in answer}
    assert not found, json.dumps(sorted(found))
