"""What the client hands back: Answer, Decision, Health. Their repr never shows a value about a person."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tongqu_client import errors
from tongqu_client._delivery import InOwnFormat, in_format
from tongqu_client.verify.bundle import Bundle
from tongqu_client.verify.receipts import VerifiedReceipt

SAVED = "tongqu-answer/1"
PATIENCE = 10.0  # seconds; the gateway signs a checkpoint about every second


@dataclass(frozen=True, slots=True)
class Subject:
    """The person a query is about: an identifier and the scheme it belongs to."""

    scheme: str
    id: str = field(repr=False)

    @classmethod
    def of(cls, given: Subject | Mapping[str, str]) -> Subject:
        """From {"cn.resident-id": "…"} or {"scheme": …, "id": …}. Raises InvalidRequest."""
        if isinstance(given, Subject):
            return given
        if set(given) == {"scheme", "id"}:
            return cls(given["scheme"], given["id"])
        if len(given) != 1:
            raise errors.InvalidRequest(
                '查询对象应只有一个标识，如 {"cn.resident-id": "…"}。',
                'Expected one identifier of the subject, such as {"cn.resident-id": "…"}.',
            )
        ((scheme, identifier),) = given.items()
        return cls(scheme, identifier)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something is refused: the rule, a stable code, what is wrong and what to do, in both languages."""

    rule: str
    code: str
    zh: str
    en: str
    fix_zh: str = ""
    fix_en: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What the gateway would decide. ``effect``: ``permit`` or ``refuse``; ``consent``: none, required or notify."""

    effect: str
    fields: tuple[str, ...]
    reasons: tuple[Reason, ...]
    rules: tuple[str, ...]
    consent: str | None = None

    @property
    def permitted(self) -> bool:
        return self.effect == "permit"

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Decision:
        names = ("rule", "code", "zh", "en", "fix_zh", "fix_en")
        reasons = tuple(Reason(*(str(row.get(name) or "") for name in names)) for row in document.get("reasons", ()))
        rules = document.get("rules") or [reason.rule for reason in reasons]
        return cls(
            str(document["effect"]), tuple(document.get("fields", ())), reasons, tuple(rules), document.get("consent")
        )


@dataclass(frozen=True, slots=True)
class Health:
    """The gateway answered; ``seconds`` is how long that took."""

    ready: bool
    seconds: float


@dataclass(frozen=True, slots=True, repr=False)
class Answer:
    """One answered query. ``data`` are records in the standard, granted fields only; empty when nobody was found.

    ``verify()`` proves receipt, digests, inclusion in the log and the log's consistency with what was seen before.
    """

    data: list[dict[str, Any]]
    withheld: list[dict[str, Any]]
    source: Mapping[str, Any]
    receipt: str
    log_index: int
    log_origin: str
    request_id: str
    idempotency_key: str
    request: Mapping[str, Any]
    _verify: Callable[[Answer, float], tuple[VerifiedReceipt, str]]
    _kept: list[tuple[VerifiedReceipt, str]] = field(default_factory=list)
    deliver_as: Mapping[str, Any] | str | Path | None = None
    _bundle: Callable[[int, str], Bundle] | None = None
    _response: Mapping[str, Any] | None = None

    def __repr__(self) -> str:
        return f"Answer(request_id={self.request_id!r}, records={len(self.data)}, log_index={self.log_index})"

    @property
    def records(self) -> list[dict[str, Any]]:
        return self.data

    @property
    def found(self) -> bool:
        return bool(self.data)

    @property
    def as_of(self) -> str | None:
        """When the department's data was current, RFC 3339."""
        found = self.source.get("as_of")
        return found if isinstance(found, str) else None

    def one(self) -> dict[str, Any]:
        """The only record. Raises NotFound when there is none, AmbiguousSubject when there are several."""
        if not self.data:
            raise errors.NotFound("该部门没有此人的记录。", "The department has no record.", request_id=self.request_id)
        if len(self.data) > 1:
            raise errors.AmbiguousSubject(request_id=self.request_id)
        return self.data[0]

    def verify(self, *, wait: float = PATIENCE) -> VerifiedReceipt:
        """Prove the answer. ``wait``: seconds to wait for the checkpoint that covers its entry.

        Raises IntegrityError kin when anything does not hold, NotYetLogged when the log lacks the entry so far.
        """
        if not self._kept:
            self._kept.append(self._verify(self, wait))
        return self._kept[0][0]

    def bundle(self, *, record: bool = True) -> Bundle:
        """Everything that proves this answer, for ``tongqu verify``: ``.to_bytes()`` is the ``.tqe`` file.

        ``record`` False leaves out request and record, so that the file holds nothing about the person but a pseudonym.
        Asks the gateway for its part (scope ``log:read``) once the log shows the entry.
        """
        self.verify()
        assert self._bundle is not None
        members = {"receipt": self.receipt}
        core = {name: value for name, value in self.body().items() if name in ("data", "source", "withheld")}
        kept = {"request": dict(self.request), "answer": core, "response": self._response}
        return self._bundle(self.log_index, self.log_origin).holding(**members, **(kept if record else {}))

    def as_format(self, crosswalk: Mapping[str, Any] | str | Path) -> InOwnFormat:
        """The records in your own columns, by your own crosswalk to this standard (document or file) turned round.

        The answer and its receipt stay as they are. ``.report`` says which fields your format cannot carry, and why.
        Needs the extra ``provider``. Raises ConfigError, InvalidRequest.
        """
        return in_format(self, crosswalk)

    @property
    def delivered(self) -> InOwnFormat | None:
        """The records in the format that ``query(…, deliver_as=…)`` asked for; None if it asked for none."""
        return None if self.deliver_as is None else in_format(self, self.deliver_as)

    def body(self) -> dict[str, Any]:
        """The answer as the gateway sent it."""
        return {
            "data": self.data,
            "withheld": self.withheld,
            "source": dict(self.source),
            "receipt": self.receipt,
            "log": {"index": self.log_index, "origin": self.log_origin},
            "request_id": self.request_id,
        }

    def save(self, path: str | Path) -> None:
        """Write request, answer, receipt and, once verified, the proof, for ``tongqu verify``. Holds personal data.

        The file can be read by its owner only.
        """
        proof = self._kept[0][1] if self._kept else None
        saved = {"format": SAVED, "request": dict(self.request), "answer": self.body(), "proof": proof}
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            json.dump(saved, file, ensure_ascii=False, indent=1)
            file.write("\n")
