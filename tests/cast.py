"""The same people in every journey: who they are, what they signed, and whom they ask about.

    Linden   a street office, consumer of the agreements         Maple    another street office: the neighbour
    Police   the department that holds the records               Bureau   the data bureau, which approves services
    An       a resident of Linden's street                       Bo       a resident of Maple's

``Cast(deps, department)`` admits them into a gateway, running or not; ``agreement`` and ``consent`` make papers that
were drafted, proposed and signed with their own keys.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from gateway.agreements.model import SIGNATURE_TYPE, Agreement
from gateway.consent.model import PROOF_TYPE, Consent
from gateway.identity.model import OPERATOR, Caller
from gateway.lib.canonical_json import canonical, digest
from gateway.lib.clock import rfc3339
from gateway.lib.jose import SigningKey
from gateway.wiring import Deps
from standards.identifiers import resident_check_digit
from tests.simulators.department import Department

POLICE, LINDEN, MAPLE, BUREAU, AUDIT = "police", "street-linden", "street-maple", "data-bureau", "audit-office"
KINDS = {
    POLICE: "department",
    LINDEN: "street_office",
    MAPLE: "street_office",
    BUREAU: "data_bureau",
    AUDIT: "audit_office",
}
SCOPES = {
    "department": (
        "catalogue:read",
        "catalogue:write",
        "agreements:read",
        "agreements:write",
        "log:read",
        "standards:write",
    ),
    "street_office": (
        *("exchange:query", "catalogue:read", "agreements:read", "agreements:write", "consents:write", "log:read"),
        "standards:write",
    ),
    "data_bureau": ("admin", "catalogue:read", "agreements:read", "agreements:write", "log:read", "standards:write"),
    "audit_office": ("agreements:read", "log:read"),
}
OFFICERS = ("signatory", "clerk", "witness")

SCHEME, STANDARD = "cn.resident-id", "person-basic/1.0.0"
PURPOSE, CASE = "counter.identity", "SQ-2026-0042"
FIELDS = ("idNumber", "name", "sex", "birthDate", "phone")
LINDEN_DIVISION, MAPLE_DIVISION = "990100001", "990100002"
MONTH = timedelta(days=30)
NOTICE = {"version": "2026-1", "digest": digest({"notice": "告知书"}), "channel": "counter"}


def resident(number: int, name: str, division: str = LINDEN_DIVISION) -> dict[str, Any]:
    """A made-up person as the police know them. Region 99 does not exist, so the id cannot be anybody's."""
    first17 = f"9901011990{number // 28 % 12 + 1:02d}{number % 28 + 1:02d}{number % 1000:03d}"
    return {
        "idNumber": first17 + resident_check_digit(first17),
        "name": name,
        "sex": "2",
        "birthDate": f"1990-{number // 28 % 12 + 1:02d}-{number % 28 + 1:02d}",
        "personStatus": "active",
        "ethnicGroup": "01",
        "phone": f"138{number:08d}",
        "domicileAddress": {"divisionCode": division + "003", "text": f"示范市椴树路{number}号"},
    }


AN = resident(7, "安采薇")
BO = resident(8, "薄海棠", MAPLE_DIVISION)
NOBODY = resident(9, "无此人")["idNumber"]  # a right number, on file nowhere


@cache
def key_of(name: str) -> SigningKey:
    """A key that belongs to this client or officer for the whole test run."""
    return SigningKey.generate()


@dataclass(frozen=True, slots=True)
class Paper:
    """The parameters of an agreement, as a test states them. ``until``: an instant, default a year from now."""

    consumer: str = LINDEN
    fields: Sequence[str] = FIELDS
    consent: str = "none"
    quota: Mapping[str, Any] | None = None
    divisions: Sequence[str] | None = None
    masks: Mapping[str, str] | None = None
    purposes: Sequence[str] = (PURPOSE,)
    hours: Mapping[str, Any] | None = None
    case_required: bool = True
    until: datetime | None = None
    signed: bool = True
    visibility: str = "immediate"
    access: Mapping[str, Any] | None = None  # further members of ``access``: roles, per_officer …
    predicates: Sequence[str] = ()
    questions: int | None = None  # different ones about one resident and month
    emergency: bool = False

    def document(self, now: datetime) -> dict[str, Any]:
        basis = "13.1.1" if self.consent == "required" else "13.1.3"
        return {
            "title_zh": "窗口办事身份核对",
            "title_en": "Identity at the counter",
            "parties": [
                {"role": "provider", "party": POLICE, "function": "户籍管理", "contact": "数据管理科"},
                {"role": "consumer", "party": self.consumer, "function": "便民服务", "contact": "公共服务办"},
            ],
            "purposes": [{"code": code, "zh": "核对身份", "en": "Confirm identity"} for code in self.purposes],
            "legal_basis": [{"id": "lb1", "type": basis, "citation": "户口登记条例"}],
            "items": [
                {
                    "standard": STANDARD,
                    "fields": list(self.fields),
                    "legal_basis": "lb1",
                    "consent": self.consent,
                    "min_proof_level": 1,
                    "masks": dict(self.masks or {}),
                    **({"predicates": [{"name": name} for name in self.predicates]} if self.predicates else {}),
                    **({"question_budget": {"unit": "month", "max": self.questions}} if self.questions else {}),
                }
            ],
            "access": {
                "mode": "query",
                "quota": dict(self.quota) if self.quota else None,
                "subjects_per_request": 1,
                "case_required": self.case_required,
                "hours": dict(self.hours) if self.hours else None,
                **(self.access or {}),
            },
            "jurisdiction": {"divisions": list(self.divisions)} if self.divisions else None,
            "retention": {"consumer": "P2Y", "destruction": "办结后按档案规定销毁"},
            "onward_disclosure": "prohibited",
            "subject_visibility": self.visibility,
            **({"subject_visibility_basis": "治安管理处罚法"} if self.visibility != "immediate" else {}),
            "validity": {
                "from": "2026-01-01T00:00:00.000Z",
                "until": rfc3339(self.until or now + timedelta(days=365)),
                "review_by": None,
            },
            "obligations": [],
            **({"emergency": "allowed"} if self.emergency else {}),
        }


class Cast:
    """Everybody, admitted into one gateway; the police's service registered, tested and approved."""

    def __init__(self, deps: Deps, department: Department, *, timeout_ms: int = 5000) -> None:
        self.deps = deps
        self.department = department
        self.clients: dict[str, str] = {}
        self.officers: dict[str, str] = {}  # "street-linden/clerk" → off_…
        for party, kind in KINDS.items():
            self._admit(party, kind)
        self.service = self._open_service(timeout_ms)

    def _admit(self, party: str, kind: str) -> None:
        identity = self.deps.identity
        identity.add_party(OPERATOR, party, name_zh=f"单位{party}", name_en=party, kind=kind)
        client = identity.add_client(OPERATOR, party, key=key_of(party).public_jwk(), scopes=SCOPES[kind])
        self.clients[party] = client.id
        for role in OFFICERS:
            key = key_of(f"{party}/{role}").public_jwk()
            post = "signatory" if role == "signatory" else "clerk"
            officer = identity.add_officer(OPERATOR, party, role=post, title=role, key=key)
            self.officers[f"{party}/{role}"] = officer.id

    def _open_service(self, timeout_ms: int) -> str:
        catalogue, department = self.deps.catalogue, self.department
        manifest = {
            "standard": STANDARD,
            "title_zh": "常住人口",
            "title_en": "Residents",
            "base_url": department.base_url,
            "crosswalk": None,
            "timeout_ms": timeout_ms,
            "max_concurrent": 16,
            "contact": "数据管理科",
        }
        service = catalogue.register(self.caller(POLICE), manifest)
        department.trust(self.deps.keys.verifiers("request"), self.deps.settings.issuer, service.id)
        found, absent = ({"scheme": SCHEME, "id": who} for who in (AN["idNumber"], NOBODY))
        _, report = catalogue.test(self.caller(POLICE), service.id, found, absent)
        assert report.passed, report.to_dict()
        catalogue.approve(self.caller(BUREAU), service.id)
        department.requests.clear()
        return service.id

    def caller(self, party: str) -> Caller:
        """Who an authenticated request of this party's client comes from."""
        return Caller(
            party=party,
            party_kind=KINDS[party],
            client=self.clients[party],
            scopes=frozenset(SCOPES[KINDS[party]]),
            grant=None,
            token_id="set-up",
            key_thumbprint=key_of(party).kid,
            client_key=key_of(party).kid,
            expires=datetime(2036, 1, 1, tzinfo=UTC),
        )

    def agreement(self, **terms: Any) -> Agreement:
        """An agreement on these terms (see Paper): drafted and signed by its consumer, then signed by the police."""
        paper, agreements = replace(Paper(), **terms), self.deps.agreements
        drafted = agreements.draft(self.caller(paper.consumer), paper.document(self.deps.clock.now()))
        agreements.submit(self.caller(paper.consumer), drafted.id)
        for party in (paper.consumer, POLICE) if paper.signed else (paper.consumer,):
            drafted = agreements.sign(self.caller(party), drafted.id, self.signature(drafted, party))
        return drafted

    @staticmethod
    def signature(agreement: Agreement, party: str) -> str:
        return key_of(f"{party}/signatory").sign_payload(SIGNATURE_TYPE, agreement.signature_payload(party))

    def consent(self, agreement: Agreement, person: Mapping[str, Any], *, until: datetime | None = None) -> Consent:
        """The resident's yes, given at the consumer's counter before two officers."""
        consents, caller = self.deps.consents, self.caller(agreement.consumer)
        now = self.deps.clock.now()
        asked = {**consent_request(agreement.id, person, now), "purposes": sorted(agreement.purposes), "data": None}
        consent = consents.request(caller, asked | {"validity": {"from": None, "until": until or now + MONTH}})
        given, _ = consents.give(caller, consent.id, sign_consent(agreement.consumer, consent.id, consent.digest))
        return given


def consent_request(agreement_id: str, person: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """What a street office sends to put down what it asks a resident."""
    return {
        "agreement_id": agreement_id,
        "subject": {"scheme": SCHEME, "id": person["idNumber"]},
        "purposes": [PURPOSE],
        "validity": {"until": rfc3339(now + MONTH)},
        "notice": NOTICE,
        "language": "zh",
    }


def sign_consent(party: str, consent_id: str, consent_digest: str) -> dict[str, str]:
    """The proof: two officers at the party's counter sign that they saw the resident agree."""
    payload = canonical({"consent_id": consent_id, "consent_digest": consent_digest})
    signed = {role: key_of(f"{party}/{role}").sign_payload(PROOF_TYPE, payload) for role in ("clerk", "witness")}
    return {"kind": "counter-two-person", **signed}
