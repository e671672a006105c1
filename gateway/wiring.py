"""The only place where concrete stores, keys, clock and network are chosen. Everything else is handed what it needs."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Callable
from dataclasses import asdict, fields
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

from gateway import __version__, db
from gateway.accounts.actions import Accounts
from gateway.accounts.ceremonies import Ceremonies
from gateway.accounts.factors import Factors
from gateway.accounts.model import Limits
from gateway.accounts.oidc import RelyingParty
from gateway.accounts.passkeys import Passkeys
from gateway.accounts.passwords import Passwords
from gateway.accounts.sessions import SessionStore
from gateway.accounts.web import Sessions
from gateway.agreements.actions import Agreements
from gateway.agreements.drafting import Reader
from gateway.agreements.purposes import Purposes
from gateway.audit import lookup
from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.extract import Extractor
from gateway.audit.limits import Limits as AnomalyLimits
from gateway.audit.log import Log
from gateway.audit.policy import NO_WITNESSES, Policy, PolicyInvalid
from gateway.audit.prepare import Preparation
from gateway.audit.pseudonyms import Pseudonyms
from gateway.audit.search import Search
from gateway.audit.search_api import Reading
from gateway.audit.sidecar import Sidecar
from gateway.audit.watch import Watch
from gateway.audit.witnesses import Witnessing
from gateway.cases.actions import Cases
from gateway.cases.by_number import ByNumber
from gateway.cases.review import Reviews, Risk
from gateway.cases.unmasking import Unmaskings
from gateway.catalogue import outbound
from gateway.catalogue.actions import Catalogue
from gateway.config import ConfigError, Settings
from gateway.consent.actions import Consents
from gateway.errors import NotFound
from gateway.evidence.what_if import WhatIf
from gateway.exchange import idempotency
from gateway.exchange.alarms import Alarms
from gateway.exchange.api import Exchange
from gateway.exchange.emergencies.actions import Emergencies
from gateway.exchange.facts import Gatherer
from gateway.exchange.fairness import Admission
from gateway.exchange.likeness import Likeness
from gateway.exchange.metrics import BREAKER, Metrics
from gateway.exchange.model import Facts
from gateway.exchange.persons.actions import Persons
from gateway.exchange.providers.base import FetchRequest, Reply
from gateway.exchange.providers.rest import RestProviders
from gateway.exchange.query import Deps as QueryDeps
from gateway.health import Health, Stopwatch
from gateway.identity import store as identity_store
from gateway.identity.actions import Identity
from gateway.identity.certificates import Certificates
from gateway.identity.guard import Authenticator, Guard
from gateway.identity.registration import Registrations
from gateway.identity.replay import ProcessMemory, UsedProofs
from gateway.identity.replay_database import DatabaseMemory
from gateway.identity.server import TokenServer
from gateway.lib import logs
from gateway.lib.clock import Clock, SystemClock
from gateway.lib.file_lock import try_lock
from gateway.lib.keys import Keys, KeysUnusable
from gateway.registry.actions import Registry
from gateway.registry.discussion import Discussion
from gateway.registry.library import Library
from gateway.registry.shelf import Shelf
from gateway.registry.terms import Terms

HOUSEKEEPING_EVERY_S = 30.0
MEASURE_EVERY_S = 1.0
EXIT_LOG_BROKEN = 70  # EX_SOFTWARE: a supervisor starts us anew, and a new process reads the truth from disk


def end_process(error: BaseException) -> None:
    """What a broken log does to the gateway: after a failed commit nobody knows what the disk holds (rule W4)."""
    logs.critical("the log cannot be trusted any more; the gateway ends", error=type(error).__name__)
    os._exit(EXIT_LOG_BROKEN)


class Store:
    """Settings, keys, database and log: what the command line needs too, without a network."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        on_broken: Callable[[BaseException], None] | None = None,
    ) -> None:
        self.settings = settings
        self.clock = clock or SystemClock()
        self.keys = Keys(settings.data_dir / "keys")
        self.database = db.Database(settings.database)
        self.log = Log(
            self.database,
            clock=self.clock,
            key=CheckpointKey.from_seed(settings.origin, self.keys.checkpoint_seed),
            folder=settings.data_dir / "log",
            node=settings.node,
            build=__version__,
            on_broken=on_broken,
        )
        self.policy = _policy_of(settings, self.log)
        self.witnessing = Witnessing(self.log, self.policy, every_s=settings.witness_seconds)
        self.search = Search(self.database, self.clock, settings.data_dir / "search")
        self.pseudonyms = Pseudonyms(self.keys.pseudonym_secrets, self.keys.subject_index_secret)
        self.sidecar = Sidecar(self.pseudonyms, self.keys.sidecar_secret)
        self._epochs_at = self.keys.epochs_changed()
        self.watch = Watch(self.search, _limits(settings))
        self.purposes = Purposes(self.database)
        self.extractor = Extractor(self.log, self.search, self.policy, self.trust, self.name_of)
        self.reading = Reading(
            self.log, self.search, self.watch, self.extractor, self.pseudonyms, self.keys.receipt.sign_jwt
        )
        self.identity = Identity(self.database, self.log, self.clock)
        self.accounts = Accounts(self.database, self.log, self.clock, self.keys.accounts_secret, Passwords())
        self.registrations = Registrations(self.identity, self.database, self.log, self.clock)
        self.library = Library(self.database)
        self.shelf = Shelf(self.database, self.library)
        terms = Terms.of_days(settings.standards_consultation_days, settings.standards_grace_days)
        self.registry = Registry(self.database, self.log, self.clock, self.library, self.shelf, terms)
        self.discussion = Discussion(self.database, self.log, self.clock, self.shelf)
        self.what_if = WhatIf(self.search, self.library, Reader(self.clock, identity_store, self.library))
        self.agreements = Agreements(self.database, self.log, self.clock, standards=self.library)
        self.cases = Cases(self.database, self.log, self.clock)
        self.unmaskings = Unmaskings(self.database, self.log, self.clock, self.sidecar)
        self.by_number = ByNumber(self.log, self.clock, self.pseudonyms)
        self.reviews = Reviews(
            self.database,
            self.log,
            self.clock,
            self.search,
            self.keys.sampling_secret,
            percent=settings.review_sample_percent,
            risks=self._risks,
        )

    def _risks(self, day: date) -> list[Risk]:
        """What the anomalies show, for people to review."""
        return [Risk(each.rule, day, each.q, each.count, each.party or None) for each in self.watch.anomalies()]

    def name_of(self, kind: str, code: str) -> str:
        """What a code is called, in both languages, for tables that people read; empty where it is not known."""
        names: tuple[str, str] | None = None
        if kind == "party":
            with contextlib.suppress(NotFound):
                party = self.identity.party(code)
                names = (party.name_zh, party.name_en)
        elif kind == "standard":
            standard = self.library.get(code)
            names = (standard.zh, standard.en) if standard else None
        else:
            names = self.purposes.name(code)
        return " / ".join(dict.fromkeys(names)) if names else ""

    def trust(self) -> dict[str, Any]:
        """What a verifier needs, as ``/.well-known/tongqu-trust`` and trust.json have it."""
        *earlier, key = self.log.all_keys()
        return {
            "issuer": self.settings.issuer,
            "resource": self.settings.public_url,
            "log": {
                "origin": key.origin,
                "vkey": key.vkey,
                **({"earlier": [{"origin": each.origin, "vkey": each.vkey} for each in earlier]} if earlier else {}),
                **({"policy": self.policy.text} if self.policy.witnesses else {}),
            },
            "jwks": {"keys": [*self.keys.jwks()["keys"], *self._retired_keys()]},
        }

    def _retired_keys(self) -> list[dict[str, Any]]:
        """Of what people keep for years. A request or a token signed by a retired key is worth nothing to anybody."""
        return [each for each in self.keys.retired() if each["tongqu_purpose"] in ("receipt", "response")]

    def read_epochs(self) -> None:
        """Whoever was forgotten by another process is forgotten here too; asked every second."""
        if (changed := self.keys.epochs_changed()) != self._epochs_at:
            self.pseudonyms.replace(self.keys.read_epochs())
            self._epochs_at = changed

    def close(self) -> None:
        self.database.close()


def _limits(settings: Settings) -> AnomalyLimits:
    names = [item.name for item in fields(AnomalyLimits)]
    return AnomalyLimits(**{name: getattr(settings, f"anomaly_{name}") for name in names})


def _policy_of(settings: Settings, log: Log) -> Policy:
    if not settings.witness_policy:
        return NO_WITNESSES
    try:
        policy = Policy.parse(Path(settings.witness_policy).read_bytes())
    except OSError as error:
        raise ConfigError(f"witness_policy: cannot be read ({error.strerror}) / 无法读取见证策略文件") from None
    except PolicyInvalid as error:
        raise ConfigError(f"witness_policy: {error} / 见证策略文件有误") from None
    if policy.logs and log.key.verifier not in policy.logs and not any(map(log.keys.knows, policy.logs)):
        raise ConfigError(
            f"witness_policy: its log lines do not name this log; expected: log {log.key.vkey} / 见证策略不包括本日志"
        )
    return policy


def _certificates_of(settings: Settings) -> Certificates | None:
    """None where no proxy of ours shows certificates: then nobody's word about one counts."""
    if not settings.client_cert_proxies:
        return None
    return Certificates(Path(settings.client_ca_file) if settings.client_ca_file else None)


def _memory_of(settings: Settings, log: Log, clock: Clock) -> UsedProofs:
    """Where used proofs are remembered; ``auto`` was settled by whoever knows how many processes there are."""
    if settings.replay_memory == "database":
        return DatabaseMemory(log)
    if "://" in settings.replay_memory:
        try:
            from gateway.identity.replay_valkey import ValkeyMemory
        except ModuleNotFoundError:
            raise ConfigError(
                "replay_memory: valkey://… needs the extra: pip install 'tongqu-gateway[valkey]' / 须安装附加组件"
            ) from None
        return ValkeyMemory(settings.replay_memory, settings.origin, clock)
    return ProcessMemory()


class Deps(Store):
    """Everything a serving gateway is made of."""

    def __init__(
        self,
        settings: Settings,
        *,
        clock: Clock | None = None,
        on_broken: Callable[[BaseException], None] | None = end_process,
        processes: int = 1,
    ) -> None:
        super().__init__(settings, clock=clock, on_broken=on_broken)
        policy = outbound.OutboundPolicy(
            networks=settings.provider_networks,
            plain_http=settings.provider_plain_http,
            ports=settings.provider_ports,
        )
        self.counts = Metrics()
        self.used_proofs = _memory_of(settings, self.log, self.clock)
        self.authenticator = Authenticator(
            issuer=settings.issuer,
            resource=settings.public_url,
            keys=self.keys,
            clock=self.clock,
            memory=self.used_proofs,
            certificates=_certificates_of(settings),
        )
        self.authenticator.tokens.on_issue = self.counts.token_issued
        self.guard = Guard(self.authenticator, self.log)
        self.tokens = TokenServer(
            self.identity,
            self.authenticator,
            self.keys,
            self.clock,
            check_grant=self.agreements.check_grant,
            mtls_url=settings.mtls_url,
        )
        self.factors = Factors(self.accounts, self.keys.accounts_secret)
        self.ceremonies = Ceremonies(self.database, self.clock)
        self.passkeys = Passkeys(self.accounts, self.ceremonies, settings.public_url)
        self.oidc = {
            each.id: RelyingParty(each, settings.public_url, self.ceremonies, self.clock) for each in settings.oidc
        }
        limits = Limits(timedelta(minutes=settings.session_idle_minutes), timedelta(hours=settings.session_hours))
        self.sessions = Sessions(SessionStore(self.database, self.log, self.clock, limits), settings.public_url)
        self.consents = Consents(
            self.database,
            self.log,
            self.clock,
            self.pseudonyms,
            secret=self.keys.withdrawal_secret,
            standards=self.library,
            sign=lambda typ, payload: self.keys.receipt.sign_payload(typ, payload),
        )
        self.providers = RestProviders(policy, self._sign_request, settings.issuer, self.clock, processes=processes)
        self.catalogue = Catalogue(
            self.database,
            self.log,
            self.clock,
            self.library,
            issuer=settings.issuer,
            check_url=policy.check_url,
            sender=lambda base_url: outbound.conformance_sender(policy, base_url),
            sign_request=self._sign_request,
        )
        self.persons = Persons(self.database, self.log, self.clock, self.pseudonyms)
        self.emergencies = Emergencies(self.database, self.log, self.clock, max_hours=settings.emergency_max_hours)
        admission = Admission(
            per_second=settings.queries_per_second_per_client,
            burst=settings.burst_per_client,
            max_under_way=settings.max_queries_under_way,
        )
        self.exchange = Exchange(
            QueryDeps(
                gatherer=Gatherer(self.database, self.log, self.clock, self.library),
                log=self.log,
                clock=self.clock,
                issuer=settings.issuer,
                fetch=self._fetch,
                sign_receipt=lambda typ, claims: self.keys.receipt.sign_jwt(typ, claims),
                find_outcome=lambda of: lookup.outcome(self.database, of),
                secret=self.keys.idempotency_secret,
                alarms=Alarms(self.log, self.clock),
                likeness=Likeness(self.clock),
                in_step=admission.in_step,
                under_way={},
            ),
            self.authenticator,
            self.pseudonyms,
            self.sidecar,
            admission,
            self.counts,
        )
        self.preparation = Preparation(self.search, self.watch)
        self._last_commit = Stopwatch()
        self.health = Health(
            self.database,
            self.log,
            self.clock,
            settings.data_dir,
            self._last_commit.seconds,
            policy=self.policy,
            max_unwitnessed=timedelta(minutes=settings.witness_warning_minutes),
        )
        self.log.on_commit = self._committed
        self.witnessing.on_answer = self.counts.witness_answered
        self._tasks: list[asyncio.Task[None]] = []

    def _sign_request(self, claims: Any) -> str:
        return self.keys.request.sign_jwt("tongqu-request+jwt", claims)

    async def _fetch(self, request: FetchRequest, _facts: Facts) -> Reply:
        began = time.perf_counter()
        try:
            return await self.providers.fetch(request)
        finally:
            self.counts.department(request.service_id, time.perf_counter() - began)

    # ── life ──────────────────────────────────────────────────────────────────────────────────────────────────────────
    async def start(self) -> None:
        """Close what an earlier run left open, then serve. Raises if the log does not hold what was published."""
        await asyncio.to_thread(db.require_current, self.database)
        await asyncio.to_thread(self.witnessing.first_look, self.settings.witness_start_seconds)
        await asyncio.to_thread(self.log.start)
        await asyncio.to_thread(self.witnessing.start)
        await asyncio.to_thread(self.used_proofs.start)
        await asyncio.to_thread(self.tokens.refresh)
        await asyncio.to_thread(self._free_idempotency_keys)
        await asyncio.to_thread(self.registry.adopt)
        await asyncio.to_thread(self.counts.share, self.settings.data_dir / "metrics")
        self.preparation.start()
        self._tasks = [asyncio.create_task(self._keep_house()), asyncio.create_task(self._keep_measuring())]

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self.providers.close()
        await self.used_proofs.close()
        await asyncio.to_thread(self.preparation.stop)
        await asyncio.to_thread(self.witnessing.stop)
        await asyncio.to_thread(self.log.stop)
        self.counts.close()
        self.close()

    def leave(self) -> None:
        """The order to end has come: no longer ready. Who has asked is answered, and nobody is asked to come again."""
        self.health.stopping = True

    async def let_go(self) -> None:
        """Departments have had their time: what still waits for one ends now, with its entry."""
        await self.providers.close()

    def _committed(self, entries: int, size: int, seconds: float, waited: float) -> None:
        self._last_commit.start()
        self.counts.committed(entries, size, seconds, waited)

    def _free_idempotency_keys(self) -> None:
        with self.log.transaction() as tx:
            idempotency.forget_unanswered(tx)

    async def _keep_house(self) -> None:
        while True:
            try:
                await asyncio.to_thread(self.tidy)
            except Exception as error:  # tidying must go on; what it does is done again next time
                logs.error("housekeeping failed", error=type(error).__name__)
            await asyncio.sleep(HOUSEKEEPING_EVERY_S)

    def tidy(self) -> None:
        """What time alone makes necessary; done every half minute, and again when it failed."""
        self.tokens.refresh()
        with (self.settings.data_dir / ".housekeeping").open("w") as file:
            if try_lock(file):  # else another process is at it: that is enough, and two would do no harm
                self._tidy_for_all()

    def _tidy_for_all(self) -> None:
        """Each by itself: what one of them cannot do must not leave answers, sessions or consents beyond their time."""
        now = self.clock.now()
        for name, act in (
            ("queries", self.log.recover),  # of other processes on this database that have ended
            ("agreements", lambda: self.agreements.expire_due(now)),
            ("consents", lambda: self.consents.expire_due(now)),
            ("standards", lambda: self.registry.withdraw_due(now)),
            ("emergencies", lambda: self.emergencies.tidy(now)),
            ("reviews", self.reviews.tidy),
            ("accounts", lambda: self.accounts.tidy(now)),
            ("ceremonies", lambda: self.ceremonies.tidy(now)),
            ("sessions", lambda: self.sessions.kept.tidy(now)),
            ("proofs", self.used_proofs.tidy),
            ("index", self.search.tidy),
            ("answers", lambda: self._sweep_answers(now)),
        ):
            try:
                act()
            except Exception as error:  # done again next time
                logs.error("housekeeping failed", what=name, error=type(error).__name__)

    def _sweep_answers(self, now: datetime) -> None:
        with self.log.transaction() as tx:
            idempotency.sweep(tx, now)
            idempotency.forget_unanswered(tx)

    # ── what operators see ────────────────────────────────────────────────────────────────────────────────────────────
    def metrics(self) -> bytes:
        """Prometheus text, of all processes on this machine. No label names a person, an agreement or an office."""
        self.counts.measure_process()
        with contextlib.suppress(OSError):  # a disk that is away is told by /readyz, as is a database that is
            self.counts.set("tongqu_disk_free_bytes", self.health.free_bytes())
        with contextlib.suppress(Exception):
            self.counts.set("tongqu_log_unpublished_seconds", self.health.unpublished_s())
            if (age_s := self.health.unwitnessed_s()) is not None:
                self.counts.set("tongqu_log_unwitnessed_seconds", age_s)
        return self.counts.text()

    def ready(self) -> list[dict[str, str]]:
        """What keeps the gateway from doing its work; empty when it is ready."""
        return [asdict(finding) for finding in self.health.findings()]

    def warnings(self) -> list[dict[str, str]]:
        """What somebody should look at, though the gateway does its work."""
        return [asdict(finding) for finding in self.health.warnings()]

    async def _keep_measuring(self) -> None:
        while True:
            due = time.monotonic() + MEASURE_EVERY_S
            await asyncio.sleep(MEASURE_EVERY_S)
            self.counts.set("tongqu_event_loop_lag_seconds", max(0.0, time.monotonic() - due))
            self.keys.refresh()  # what `gateway keys` changed since
            with contextlib.suppress(OSError, KeysUnusable):  # a file just being replaced: seen a second later
                self.read_epochs()
            self.measure()

    def measure(self) -> None:
        """Gauges of what lives on the event loop, to be called there."""
        counts, admission = self.counts, self.exchange.admission
        counts.set("tongqu_queries_under_way", admission.under_way)
        counts.set("tongqu_queries_waiting", admission.waiting, "gateway")
        counts.set("tongqu_queries_waiting", self.providers.waiting, "department")
        for service, state in self.providers.breaker_states().items():
            counts.set("tongqu_department_breaker", BREAKER[state], service)
        counts.measure_process()


def make_installation(settings: Settings) -> None:
    """Keys, folders and tables of a new installation; what exists stays, so this may be run again."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    Keys.create(settings.data_dir / "keys")
    (settings.data_dir / "log").mkdir(exist_ok=True)
    database = db.Database(settings.database)
    try:
        db.upgrade(database)
    finally:
        database.close()
