"""Does a department's live endpoint obey `provider-openapi.yaml`? Each check says what came and how to mend it.

The test knows nothing of sockets: the caller hands in ``send``, which carries one request and returns the response, and
``make_request``, which signs claims with the gateway's key. So the gateway (which must guard its own network) and the
provider kit (which tests a service before it is registered) run the same checks.

A report holds no personal data: not the subjects, not a value of a record, only names, rules, counts and times.

>>> report = run(send, standard=standard, service_id="svc_…", issuer="https://gateway.example",
...              make_request=signer, subject_found={"scheme": "cn.resident-id", "id": "…"})   # doctest: +SKIP
>>> report.passed, [check.id for check in report.failed]                                      # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from standards.conformance_checks import CHECKS
from standards.conformance_probe import MakeRequest, Probe, Response, Send, Unreachable

if TYPE_CHECKING:
    from standards import Standard
    from standards.crosswalk import Crosswalk

__all__ = ["CheckResult", "MakeRequest", "Report", "Response", "Send", "Unreachable", "run"]

Outcome = Literal["pass", "fail", "skipped"]
CONFORMANCE_AGREEMENT = {"id": "agr_conformance", "digest": "sha-256:" + "0" * 64}


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One line of the report. ``zh``/``en`` say what came (fail) or why it was left out (skipped)."""

    id: str
    title_zh: str
    title_en: str
    outcome: Outcome
    zh: str
    en: str
    mend_zh: str
    mend_en: str

    def to_dict(self) -> dict[str, str]:
        """The line as JSON; the advice on mending only where it is needed."""
        line = {"id": self.id, "title_zh": self.title_zh, "title_en": self.title_en, "outcome": self.outcome,
                "zh": self.zh, "en": self.en}  # fmt: skip
        return line | ({"mend_zh": self.mend_zh, "mend_en": self.mend_en} if self.outcome == "fail" else {})


@dataclass(frozen=True, slots=True)
class Report:
    """What the test found. ``passed`` only if nothing failed and a record was really seen."""

    standard: str
    service: str
    at: datetime
    checks: tuple[CheckResult, ...]
    requests: int
    slowest_ms: int = field(default=0)

    @property
    def failed(self) -> tuple[CheckResult, ...]:
        return tuple(check for check in self.checks if check.outcome == "fail")

    @property
    def skipped(self) -> tuple[CheckResult, ...]:
        return tuple(check for check in self.checks if check.outcome == "skipped")

    @property
    def complete(self) -> bool:
        """A record was asked for and came: without one nothing is known about the records."""
        return any(check.id == "found" and check.outcome != "skipped" for check in self.checks)

    @property
    def passed(self) -> bool:
        return self.complete and not self.failed

    def to_dict(self) -> dict[str, Any]:
        """The report as JSON, snake_case, without personal data."""
        return {
            "standard": self.standard,
            "service": self.service,
            "at": self.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "outcome": "pass" if self.passed else "fail" if self.failed else "incomplete",
            "counts": {
                name: sum(check.outcome == name for check in self.checks) for name in ("pass", "fail", "skipped")
            },
            "requests": self.requests,
            "slowest_ms": self.slowest_ms,
            "checks": [check.to_dict() for check in self.checks],
        }


def run(
    send: Send,
    *,
    standard: Standard,
    service_id: str,
    issuer: str,
    make_request: MakeRequest,
    subject_found: Mapping[str, str] | None = None,
    subject_absent: Mapping[str, str] | None = None,
    crosswalk: Crosswalk | None = None,
    agreement: Mapping[str, str] = CONFORMANCE_AGREEMENT,
    consumer: str = "conformance",
    purpose: str = "tongqu.conformance",
    timeout: float = 3.0,
    max_bytes: int = 1 << 20,
    now: Callable[[], datetime] = lambda: datetime.now(UTC),
) -> Report:
    """Run all checks against one endpoint: about 25 requests, one after another.

    ``send(method, path, headers, body, timeout)`` takes a path below the base URL (``/records``, ``/health``) and
    returns a Response for whatever status came; it raises Unreachable if nothing came in time or too much came.
    ``make_request(claims)`` returns the compact JWS over exactly these claims, header typ ``tongqu-request+jwt``, made
    with the gateway's key of purpose ``request``.
    ``subject_found`` is a subject the department knows; without it the report is incomplete and does not pass.
    ``subject_absent`` is one it does not know; for resident ids one is made up from an impossible region.
    ``crosswalk``: the service answers in its own columns, which are translated before they are judged.
    Never raises for what the endpoint does; a defect of the endpoint is a failed check.
    """
    probe = Probe(
        send=send,
        make_request=make_request,
        standard=standard,
        crosswalk=crosswalk,
        service_id=service_id,
        issuer=issuer,
        found=dict(subject_found) if subject_found else None,
        absent=dict(subject_absent) if subject_absent else _made_up(standard.subject_scheme),
        agreement=dict(agreement),
        consumer=consumer,
        purpose=purpose,
        timeout=timeout,
        max_bytes=max_bytes,
        now=now,
    )
    results = []
    for check in CHECKS:
        try:
            finding = check.judge(probe)
        except Unreachable as error:
            finding = ("fail", error.zh, error.en)
        outcome, zh, en = finding
        results.append(CheckResult(check.id, check.zh, check.en, outcome, zh, en, check.mend_zh, check.mend_en))
    return Report(standard.id, service_id, now(), tuple(results), probe.requests, round(probe.slowest * 1000))


def _made_up(scheme: str) -> dict[str, str] | None:
    """A resident id nobody can have: region 990999, born 1900-01-01, right check digit (GB 11643)."""
    return {"scheme": scheme, "id": "990999190001019994"} if scheme == "cn.resident-id" else None
