"""What people do with services: register, test, approve, suspend, resume; and how they find them.

Each act that changes something is one transaction of the log: the state, its entry, and the revision that makes every
decision resting on the old state void. The conformance test itself, which talks to the department, runs before it.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping
from typing import Any

from gateway.audit.log import Log, Transaction
from gateway.catalogue import store
from gateway.catalogue.model import MAX_CONCURRENT, MAX_TIMEOUT_MS, Service, crosswalk_bytes
from gateway.db import Database
from gateway.errors import (
    AlreadyExists,
    Busy,
    CrosswalkInvalid,
    Forbidden,
    InvalidRequest,
    NotFound,
    UnknownStandard,
    WrongState,
)
from gateway.identity.model import Caller
from gateway.lib.canonical_json import NotCanonical, digest
from gateway.lib.clock import Clock, rfc3339
from gateway.lib.ids import new_id
from gateway.registry.library import Library
from standards import Element, Standard, conformance, crosswalk

BUREAU = "data_bureau"
TESTS_AT_ONCE = (
    2  # a test waits for somebody else's system, up to minutes, in one of the few threads of the control plane
)
Subject = Mapping[str, str]


class Catalogue:
    """The services of one gateway.

    ``check_url`` raises InvalidRequest for an address that the gateway may not call; ``sender`` makes the function by
    which the conformance test sends; ``sign_request`` makes the gateway's request signature from claims.
    """

    def __init__(
        self,
        database: Database,
        log: Log,
        clock: Clock,
        library: Library,
        *,
        issuer: str,
        check_url: Callable[[str], object],
        sender: Callable[[str], conformance.Send],
        sign_request: Callable[[Mapping[str, Any]], str],
    ) -> None:
        self._database = database
        self._log = log
        self._clock = clock
        self._library = library
        self._issuer = issuer
        self._check_url = check_url
        self._sender = sender
        self._sign_request = sign_request
        self._tests = threading.BoundedSemaphore(TESTS_AT_ONCE)

    # ── finding ───────────────────────────────────────────────────────────────────────────────────────────────────────
    def get(self, caller: Caller, service_id: str) -> Service:
        """A service. One that is not in use yet is known to its own department and the bureau only."""
        with self._database.read() as conn:
            service = store.find(conn, service_id)
        if service is None or not _may_see(caller, service):
            raise NotFound("没有这个服务。", "There is no such service.")
        return service

    def search(self, caller: Caller, text: str = "") -> list[Service]:
        """Services whose titles or elements hold ``text``, in Chinese or English; all for an empty text."""
        with self._database.read() as conn:
            services = store.everything(conn)
        return [
            each for each in services if _may_see(caller, each) and each.mentions(text, self._library[each.standard])
        ]

    def holders(self, caller: Caller, element: str) -> list[tuple[Service, Element]]:
        """Who holds this fact: services in use whose standard has an element of this name (or ``standard.path``)."""
        found = []
        for service in self.search(caller):
            standard = self._library[service.standard]
            for each in standard.elements:
                if service.state == "active" and element in (each.path, each.zh, f"{standard.name}.{each.path}"):
                    found.append((service, each))
        return found

    # ── changing ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def register(self, caller: Caller, manifest: Mapping[str, Any]) -> Service:
        """Register a source of one standard for the caller's own department."""
        self._check_url(manifest["base_url"].rstrip("/"))
        service = Service(
            id=new_id("svc"),
            party=caller.party,
            standard=self._standard(manifest["standard"]).id,
            title_zh=manifest["title_zh"],
            title_en=manifest["title_en"],
            base_url=manifest["base_url"].rstrip("/"),
            timeout_ms=manifest["timeout_ms"],
            max_concurrent=manifest["max_concurrent"],
            contact=manifest["contact"],
            crosswalk_text=self._crosswalk(manifest),
            digest=_digest(dict(manifest) | {"party": caller.party}),
        )
        self._check_limits(service)
        with self._log.transaction() as tx:
            store.add(tx.conn, service, self._now())
            _record(tx, "service.registered", caller, service, None)
            tx.changed(f"service:{service.id}")
        return service

    def _crosswalk(self, manifest: Mapping[str, Any]) -> bytes | None:
        document = manifest.get("crosswalk")
        if document is None:
            return None
        try:
            crosswalk.compile(document, self._standard(manifest["standard"]))
        except crosswalk.CrosswalkInvalid as error:
            raise CrosswalkInvalid(
                "对照表有误，见 errors。",
                "The crosswalk is not valid; see errors.",
                errors=[{"pointer": problem.pointer, "zh": problem.zh, "en": problem.en} for problem in error.problems],
            ) from None
        return crosswalk_bytes(document)

    def _standard(self, standard_id: str) -> Standard:
        """A standard that a new service may be of."""
        standard = self._library.get(standard_id)
        if standard is None:
            raise UnknownStandard("没有这个数据标准或版本。", "There is no such standard or version.")
        standing = self._library.standing(standard_id)
        if standing.ended(self._clock.now()):
            instead = standing.successor or "/v1/standards"
            raise WrongState(
                "该标准版本已废止，不能据此登记服务。",
                "This version is withdrawn; no service can be registered for it.",
                fix_zh=f"请改用 {instead}。",
                fix_en=f"Use {instead} instead.",
                state=standing.state,
            )
        return standard

    @staticmethod
    def _check_limits(service: Service) -> None:
        limits = (
            ("timeout_ms", service.timeout_ms, MAX_TIMEOUT_MS),
            ("max_concurrent", service.max_concurrent, MAX_CONCURRENT),
        )
        wrong = [(name, most) for name, value, most in limits if not 1 <= value <= most]
        if wrong:
            raise InvalidRequest(
                "服务参数超出范围，见 errors。",
                "A limit is out of range; see errors.",
                errors=[
                    {"pointer": f"/{name}", "rule": "range", "zh": f"应为 1 至 {most}", "en": f"expected 1 to {most}"}
                    for name, most in wrong
                ],
            )

    def test(
        self, caller: Caller, service_id: str, subject_found: Subject | None, subject_absent: Subject | None
    ) -> tuple[Service, conformance.Report]:
        """Test the live endpoint, and let it advance when it passes. The subjects are used and never stored.

        Raises NotFound, Forbidden, InvalidRequest, and Busy while this process makes TESTS_AT_ONCE others.
        """
        service = self.get(caller, service_id)
        if caller.party != service.party and caller.party_kind != BUREAU:
            raise Forbidden(
                "只有服务所属部门或主管部门可以测试。", "Only its department or the data bureau may test it."
            )
        self._check_url(service.base_url)
        if not self._tests.acquire(blocking=False):
            raise Busy(
                "正在进行的符合性测试过多，请稍后再试。",
                "Too many conformance tests are being made; try again in a moment.",
                retry_after=10,
            )
        try:
            report = self._tested(service, subject_found, subject_absent)
        finally:
            self._tests.release()
        passed = report.passed
        kept = json.dumps(report.to_dict(), ensure_ascii=False)
        after = self._move(
            caller,
            service_id,
            "pass" if passed else "fail",
            "service.tested",
            "passed" if passed else "failed",
            report=kept,
        )
        return after, report

    def _tested(
        self, service: Service, subject_found: Subject | None, subject_absent: Subject | None
    ) -> conformance.Report:
        standard = self._library[service.standard]
        return conformance.run(
            self._sender(service.base_url),
            standard=standard,
            service_id=service.id,
            issuer=self._issuer,
            make_request=self._sign_request,
            subject_found=subject_found,
            subject_absent=subject_absent,
            crosswalk=service.crosswalk(standard),
            timeout=service.timeout_ms / 1000,
            now=self._clock.now,
        )

    def approve(self, caller: Caller, service_id: str) -> Service:
        """Let a conformant service be called. Only the data bureau may, so no department admits itself (threat T6)."""
        service = self.get(caller, service_id)
        if caller.party_kind != BUREAU or caller.party == service.party:
            raise Forbidden(
                "服务须由数据共享主管部门核准，且不得由登记单位自己核准。",
                "The data bureau must approve it, and never the party that registered it.",
            )
        return self._move(caller, service_id, "approve", "service.approved", None)

    def suspend(self, caller: Caller, service_id: str) -> Service:
        """Stop calling it; by its department or the bureau. The bureau may also take over its department's stop."""
        self._check_manager(caller, self.get(caller, service_id))
        move = "hold" if caller.party_kind == BUREAU else "suspend"
        return self._move(caller, service_id, move, "service.suspended", None, suspended_by=caller.party)

    def resume(self, caller: Caller, service_id: str) -> Service:
        """Call it again; by whoever suspended it, or a department could undo what the bureau decided about it."""
        self._check_manager(caller, self.get(caller, service_id))
        return self._move(
            caller, service_id, "resume", "service.resumed", None, may=_check_suspended_by, suspended_by=None
        )

    @staticmethod
    def _check_manager(caller: Caller, service: Service) -> None:
        if caller.party_kind != BUREAU and caller.party != service.party:
            raise Forbidden(
                "只有服务所属部门或主管部门可以操作。", "Only its department or the data bureau may do this."
            )

    def _move(
        self,
        caller: Caller,
        service_id: str,
        move: str,
        event: str,
        outcome: str | None,
        *,
        may: Callable[[Caller, Service], None] | None = None,
        **changes: Any,
    ) -> Service:
        """One step in one transaction. ``may`` raises if the service as it is *there* does not permit it."""
        with self._log.transaction() as tx:
            before = store.find(tx.conn, service_id)
            if before is None:
                raise NotFound("没有这个服务。", "There is no such service.")
            after = before.after(move, **changes)
            if may is not None:
                may(caller, before)
            try:
                store.save(tx.conn, after, self._now())
            except store.InUse:
                raise AlreadyExists(
                    "该部门已有同一标准的在用服务，请先停用。",
                    "This department already has a service in use for this standard; suspend that one first.",
                ) from None
            _record(tx, event, caller, after, outcome)
            tx.changed(f"service:{after.id}")
        return after

    def _now(self) -> str:
        return rfc3339(self._clock.now())


def _check_suspended_by(caller: Caller, service: Service) -> None:
    if service.suspended_by not in (None, caller.party):
        raise Forbidden(
            "该服务由另一方暂停，须由其恢复。", "The other side suspended this service; only it may resume it."
        )


def _may_see(caller: Caller, service: Service) -> bool:
    return service.state == "active" or caller.party == service.party or caller.party_kind == BUREAU


def _digest(manifest: Mapping[str, Any]) -> str:
    try:
        return digest(manifest)
    except NotCanonical:
        raise InvalidRequest(
            "内容含有无法统一书写的数字或字符。", "It holds a number or character that has no single spelling in JSON."
        ) from None


def _record(tx: Transaction, event: str, caller: Caller, service: Service, outcome: str | None) -> None:
    tx.append(
        {
            "type": event,
            "actor": caller.actor(),
            "service": {"id": service.id, "digest": service.digest},
            "party": service.party,
            "standard": service.standard,
            "outcome": outcome,
        }
    )
