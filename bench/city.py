"""A real installation in a folder of its own: parties, services, agreements, consents, and the running gateway.

Everything is made by the product's own actions, and then served by ``gateway serve`` in processes of its own.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bench import contract, records
from bench.machine import Running, free_port
from bench.stub import STEADY_AT_ONCE
from gateway.agreements.model import SIGNATURE_TYPE
from gateway.config import Settings, load
from gateway.consent.model import PROOF_TYPE
from gateway.identity.model import OPERATOR, Caller
from gateway.lib.canonical_json import canonical, digest
from gateway.lib.clock import rfc3339
from gateway.lib.durable import write_file
from gateway.lib.jose import SigningKey
from gateway.wiring import Deps, make_installation

STREET, NEIGHBOUR, BUREAU = "street-linden", "street-maple", "data-bureau"
# Each place of the stub is a department of its own: a department has one service in use per standard.
DEPARTMENTS = {
    "person": "police", "page": "civil-affairs",
    "slow": "police-of-the-slow-line", "steady": "police-of-the-steady-line",
}  # fmt: skip
KINDS = {STREET: "street_office", NEIGHBOUR: "street_office", BUREAU: "data_bureau"} | dict.fromkeys(
    DEPARTMENTS.values(), "department"
)
SCOPES = {
    "street_office": ("exchange:query", "agreements:write", "consents:write"),
    "data_bureau": ("admin",),
    "department": ("catalogue:write", "agreements:write"),
}
PURPOSE, CASE, SCHEME = "counter.identity", "SQ-2026-0042", "cn.resident-id"
MONTH = timedelta(days=30)
AT_ONCE = 500  # what each department gives at once: the slow one answers 2,500 a second at most, the steady one 750


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the gateway under one agreement. ``consents``: by resident, where the agreement wants one."""

    agreement: str
    standard: str
    fields: tuple[str, ...]
    people: tuple[str, ...]
    consents: Mapping[str, str] = field(default_factory=dict)

    def body(self, number: int) -> dict[str, Any]:
        """The body of the query with this number; they go through the residents in turn."""
        who = self.people[number % len(self.people)]
        body = {
            "agreement": self.agreement,
            "standard": self.standard,
            "subject": {"scheme": SCHEME, "id": who},
            "purpose": PURPOSE,
            "case": CASE,
        }
        return body | ({"consent": self.consents[who]} if self.consents else {})


@dataclass(frozen=True, slots=True)
class City:
    """A finished installation. ``questions`` by payload: 1k (with consent), 1k-plain, page, slow, steady."""

    folder: Path
    config: Path
    settings: Settings
    client_id: str
    key: SigningKey
    questions: Mapping[str, Question]
    neighbour: tuple[str, SigningKey]  # client and key of the other street office

    def as_neighbour(self) -> City:
        """The same city as the other street office sees it."""
        client, key = self.neighbour
        return replace(self, client_id=client, key=key)

    @property
    def url(self) -> str:
        return self.settings.public_url

    @contextmanager
    def served(
        self, workers: int = 1, *, command: tuple[str, ...] = ("-m", "gateway"), more: str = ""
    ) -> Iterator[Running]:
        """``gateway serve`` as anybody would start it; ended when the block ends. Raises DidNotStart.

        ``more``: settings other than those of CONFIGURATION, as lines of TOML.
        """
        config = self.config
        if more:
            own = {line.partition(" = ")[0] for line in more.splitlines()}
            kept = [line for line in config.read_text().splitlines() if line.partition(" = ")[0] not in own]
            config = config.with_stem("more")
            write_file(config, "\n".join([*kept, more]).encode())
        arguments = (*command, "serve", "--config", str(config), "--workers", str(workers))
        with Running.of("gateway", self.folder, (sys.executable, *arguments), f"{self.url}/readyz") as running:
            yield running


CONFIGURATION = """\
data_dir = "data"
public_url = "http://127.0.0.1:{port}"
port = {port}
database_url = "{database_url}"
provider_networks = ["127.0.0.0/8"]
provider_plain_http = true
queries_per_second_per_client = 0
max_queries_under_way = 20000
log_level = "WARNING"
"""


def build(folder: Path, stub_port: int, database_url: str = "", more: More | None = None) -> City:
    """Make everything anew under ``folder``; the stub is to be started at ``stub_port`` afterwards.

    ``more`` founds what a measurement needs beside the usual, before anybody serves.
    """
    folder.mkdir(parents=True, exist_ok=True)
    port = free_port()
    config = folder / "tongqu.toml"
    write_file(config, CONFIGURATION.format(port=port, database_url=database_url).encode())
    settings = load(config, environment=False)
    make_installation(settings)
    deps = Deps(settings)
    try:
        founding = Founding(deps, stub_port)
        founding.open_services(DEPARTMENTS)
        questions = founding.questions() | (more(founding) if more else {})
    finally:
        deps.close()
    neighbour = (founding.clients[NEIGHBOUR], founding.keys[NEIGHBOUR])
    return City(folder, config, settings, founding.clients[STREET], founding.keys[STREET], questions, neighbour)


class Founding:
    """Admits everybody, and signs for them."""

    def __init__(self, deps: Deps, stub_port: int) -> None:
        self.deps, self._stub_port = deps, stub_port
        self.keys: dict[str, SigningKey] = {}
        self.kinds: dict[str, str] = {}
        self.clients: dict[str, str] = {}
        self.officers = {role: SigningKey.generate() for role in ("clerk", "witness")}
        for party, kind in KINDS.items():
            self.admit(party, kind)

    def admit(self, party: str, kind: str) -> None:
        self.keys[party], self.kinds[party] = SigningKey.generate(), kind
        identity, key = self.deps.identity, self.keys[party].public_jwk()
        identity.add_party(OPERATOR, party, name_zh=f"单位{party}", name_en=party, kind=kind)
        self.clients[party] = identity.add_client(OPERATOR, party, key=key, scopes=SCOPES[kind]).id
        identity.add_officer(OPERATOR, party, role="signatory", title="signatory", key=key)
        if party == STREET:
            for title, own in self.officers.items():
                identity.add_officer(OPERATOR, party, role="clerk", title=title, key=own.public_jwk())

    def _caller(self, party: str) -> Caller:
        return Caller(
            party=party,
            party_kind=self.kinds[party],
            client=self.clients[party],
            scopes=frozenset(SCOPES[self.kinds[party]]),
            grant=None,
            token_id="set-up",  # noqa: S106  # names what no token did
            key_thumbprint=self.keys[party].kid,
            client_key=self.keys[party].kid,
            expires=datetime(2036, 1, 1, tzinfo=UTC),
        )

    # ── services ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def open_services(self, departments: Mapping[str, str]) -> None:
        """``departments``: who answers at each place of the stub."""
        for place, party in departments.items():
            self.open_each([party], place)

    def open_each(self, parties: Iterable[str], place: str) -> None:
        """A service of each of these parties; all of them answer at this place of the stub."""
        services: dict[str, str] = {}
        with contract.standing(self._stub_port, self.deps.trust(), services):
            for party in parties:
                self._open(party, place, f"http://127.0.0.1:{self._stub_port}/{place}", services)

    def _open(self, party: str, place: str, base_url: str, services: dict[str, str]) -> None:
        catalogue, standard = self.deps.catalogue, contract.SERVED[place]
        manifest = {
            "standard": standard,
            "title_zh": "性能测试",
            "title_en": "Benchmark",
            "base_url": base_url,
            "crosswalk": records.crosswalk(standard),
            "timeout_ms": 30_000,
            "max_concurrent": STEADY_AT_ONCE if place == "steady" else AT_ONCE,
            "contact": "数据管理科",
        }
        service = catalogue.register(self._caller(party), manifest)
        services[place] = service.id
        found, absent = ({"scheme": SCHEME, "id": who} for who in (records.ids()[0], records.stranger()))
        _, report = catalogue.test(self._caller(party), service.id, found, absent)
        if not report.passed:
            raise RuntimeError(f"the stub's contract is not conformant: {report.to_dict()}")
        catalogue.approve(self._caller(BUREAU), service.id)

    # ── agreements and consents ───────────────────────────────────────────────────────────────────────────────────────
    def questions(self) -> dict[str, Question]:
        person, page = (records.PERSON, records.PERSON_FIELDS), (records.ASSISTANCE, records.ASSISTANCE_FIELDS)
        everybody, few = records.ids(), records.ids()[:8]
        consented = self.agree(DEPARTMENTS["person"], *person, "required")
        return {
            "1k": Question(consented, *person, everybody, {who: self._consent(consented, who) for who in everybody}),
            "1k-plain": Question(self.agree(DEPARTMENTS["person"], *person, "none"), *person, everybody),
            "page": Question(self.agree(DEPARTMENTS["page"], *page, "none"), *page, few),
            "slow": Question(self.agree(DEPARTMENTS["slow"], *person, "none"), *person, everybody),
            "steady": Question(self.agree(DEPARTMENTS["steady"], *person, "none"), *person, everybody),
            "neighbour": Question(self.agree(DEPARTMENTS["person"], *person, "none", NEIGHBOUR), *person, everybody),
        }

    def agree(self, provider: str, standard: str, fields: tuple[str, ...], consent: str, consumer: str = STREET) -> str:
        agreements = self.deps.agreements
        document = _document(consumer, provider, standard, fields, consent, datetime.now(UTC))
        drafted = agreements.draft(self._caller(consumer), document)
        agreements.submit(self._caller(consumer), drafted.id)
        for party in (consumer, provider):
            jws = self.keys[party].sign_payload(SIGNATURE_TYPE, drafted.signature_payload(party))
            agreements.sign(self._caller(party), drafted.id, jws)
        return drafted.id

    def _consent(self, agreement: str, who: str) -> str:
        consents, caller, now = self.deps.consents, self._caller(STREET), datetime.now(UTC)
        asked = {
            "agreement_id": agreement,
            "subject": {"scheme": SCHEME, "id": who},
            "purposes": [PURPOSE],
            "data": None,
            "validity": {"from": None, "until": now + MONTH},
            "notice": {"version": "2026-1", "digest": digest({"notice": "告知书"}), "channel": "counter"},
            "language": "zh",
        }
        consent = consents.request(caller, asked)
        payload = canonical({"consent_id": consent.id, "consent_digest": consent.digest})
        signed = {role: key.sign_payload(PROOF_TYPE, payload) for role, key in self.officers.items()}
        consents.give(caller, consent.id, {"kind": "counter-two-person", **signed})
        return consent.id


More = Callable[[Founding], dict[str, Question]]


def _document(
    consumer: str, provider: str, standard: str, fields: tuple[str, ...], consent: str, now: datetime
) -> dict[str, Any]:
    return {
        "title_zh": "性能测试",
        "title_en": "Benchmark",
        "parties": [
            {"role": "provider", "party": provider, "function": "户籍管理", "contact": "数据管理科"},
            {"role": "consumer", "party": consumer, "function": "便民服务", "contact": "公共服务办"},
        ],
        "purposes": [{"code": PURPOSE, "zh": "核对身份", "en": "Confirm identity"}],
        "legal_basis": [
            {"id": "lb1", "type": "13.1.1" if consent == "required" else "13.1.3", "citation": "户口登记条例"}
        ],
        "items": [
            {
                "standard": standard,
                "fields": list(fields),
                "legal_basis": "lb1",
                "consent": consent,
                "min_proof_level": 1,
                "masks": {"phone": "last-four"} if "phone" in fields else {},
            }
        ],
        "access": {"mode": "query", "quota": None, "subjects_per_request": 1, "case_required": True, "hours": None},
        "jurisdiction": None,
        "retention": {"consumer": "P2Y", "destruction": "办结后按档案规定销毁"},
        "onward_disclosure": "prohibited",
        "subject_visibility": "immediate",
        "validity": {"from": "2026-01-01T00:00:00.000Z", "until": rfc3339(now + 12 * MONTH), "review_by": None},
        "obligations": [],
    }
