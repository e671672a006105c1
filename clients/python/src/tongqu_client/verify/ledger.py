"""What holds at each point of the log: whose key is whose, which agreement and consent is in force, how much was used.

Folded from the entries alone, in their order. The findings here are about *papers*: an agreement that came into force
without the signatures of both parties (nobody may grant himself anything), a consent that nobody witnessed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from tongqu_client import _jose
from tongqu_client.verify.findings import Finding
from tongqu_client.verify.papers import PORTAL, Papers

Entry = Mapping[str, Any]

ENDED = frozenset({"refused", "terminated", "expired", "superseded"})  # no agreement comes back from these
COUNTING = frozenset({"given", "withdrawn", "expired", "invalidated"})
_AGREEMENT_STATES = {
    "proposed": "proposed", "activated": "active", "refused": "refused", "suspended": "suspended", "resumed": "active",
    "terminated": "terminated", "expired": "expired", "superseded": "superseded",
}  # fmt: skip
_SERVICE_STATES = {"approved": "active", "resumed": "active", "suspended": "suspended", "removed": "removed"}
_STANDARD_STATES = {"published": "published", "deprecated": "deprecated", "withdrawn": "withdrawn"}


@dataclass(frozen=True, slots=True)
class Officer:
    """A person's key, as the log registered it. ``index``: of the entry that did."""

    party: str
    thumbprint: str
    index: int
    suspended: int | None = None
    role: str | None = None


@dataclass(slots=True)
class Consent:
    """One consent as the log tells it; ``proved``: two officers' signatures held or, if ``portal``, the gateway's."""

    id: str
    digest: str
    agreement: str
    subject: str
    state: str
    index: int
    proved: bool = False
    portal: bool = False


@dataclass(slots=True)
class Ledger:
    """Feed it every entry in order. ``papers`` None: nothing is said of papers, only the state is kept."""

    papers: Papers | None = None
    officers: dict[str, Officer] = field(default_factory=dict)
    agreements: dict[str, str] = field(default_factory=dict)  # digest → state
    consents: dict[str, Consent] = field(default_factory=dict)
    states: dict[tuple[str, str], str] = field(default_factory=dict)  # (party | client | officer | service, id) → state
    belongs: dict[tuple[str, str], str] = field(default_factory=dict)  # (client | officer, id) → party
    kinds: dict[str, str] = field(default_factory=dict)  # party → department, audit_office …
    agreement_ids: dict[str, str] = field(default_factory=dict)  # digest → id
    emergencies: dict[str, tuple[str, str, str, str | None]] = field(
        default_factory=dict
    )  # → step, agreement, party, until
    standards: dict[str, tuple[str, str | None]] = field(default_factory=dict)  # id → state, until
    used: Counter[tuple[str, str]] = field(default_factory=Counter)  # agreement id, what is counted in which window
    _signed: dict[str, set[str]] = field(default_factory=dict)
    _owners: dict[str, str] = field(default_factory=dict)  # an officer's key → whose it is
    _why_not: dict[tuple[str, str], str] = field(default_factory=dict)
    _words: dict[tuple[str, str], list[str]] = field(default_factory=dict)
    _open: dict[int, list[tuple[str, str]]] = field(default_factory=dict)

    def feed(self, index: int, entry: Entry) -> Iterator[Finding]:
        kind, _, event = str(entry.get("type")).partition(".")
        if kind == "agreement":
            yield from self._agreement(index, event, entry)
        elif kind == "consent":
            yield from self._consent(index, event, entry)
        elif kind in ("party", "client", "officer"):
            self._standing(kind, event, entry)
            if kind == "officer":
                yield from self._officer(index, event, entry)
        elif kind == "emergency":
            until = entry.get("until")
            self.emergencies[str(entry.get("emergency"))] = (
                event,
                str(entry.get("agreement")),
                str(entry.get("party")),
                until if isinstance(until, str) else None,
            )
        elif kind == "service" and event in _SERVICE_STATES and isinstance(entry.get("service"), Mapping):
            self.states[kind, str(entry["service"].get("id"))] = _SERVICE_STATES[event]
        elif kind == "standard" and event in _STANDARD_STATES:
            until = (
                entry.get("until") if event == "deprecated" else self.standards.get(entry["standard"], ("", None))[1]
            )
            self.standards[str(entry.get("standard"))] = (_STANDARD_STATES[event], until)
        elif kind == "exchange":
            self._use(index, event, entry)

    def _standing(self, kind: str, event: str, entry: Entry) -> None:
        name = str(entry.get(kind))
        state = "suspended" if event == "suspended" else "active" if event in ("added", "resumed") else None
        if state:
            self.states[kind, name] = state
        if event == "added":
            self.belongs[kind, name] = str(entry.get("party"))
        if kind == "party" and isinstance(entry.get("kind"), str):
            self.kinds.setdefault(name, str(entry["kind"]))

    # ── whose key is whose ────────────────────────────────────────────────────────────────────────────────────────────
    def _officer(self, index: int, event: str, entry: Entry) -> Iterator[Finding]:
        name, before = str(entry.get("officer")), self.officers.get(str(entry.get("officer")))
        if event == "added" and before is not None:
            yield Finding(
                "officer_replaced",
                f"entry {index}",
                f"第 {index} 条再次登记人员 {name}（先见第 {before.index} 条）：密钥从不更换，有人要以此人名义签字。",
                f"Entry {index} registers the officer {name} again, whom entry {before.index} registered: an officer's "
                "key never changes; somebody means to sign in that name.",
            )
            return
        if event == "suspended" and name in self.officers:
            self.officers[name] = replace(self.officers[name], suspended=index)
        elif entry.get("key"):
            role = entry.get("role")
            owner = self._owners.setdefault(str(entry["key"]), name)
            if owner != name:
                yield Finding(
                    "key_repeated",
                    f"entry {index}",
                    f"第 {index} 条为人员 {name} 登记的密钥是 {owner} 的：一把密钥只属一人，有人要以别人的名义签字，"
                    "或使停用者的签名重新有效。",
                    f"Entry {index} registers for the officer {name} the key of {owner}: a key is one person's; "
                    "somebody means to sign in another name, or to make a suspended officer's signatures count again.",
                )
            self.officers[name] = Officer(
                str(entry.get("party")), str(entry["key"]), index, role=role if isinstance(role, str) else None
            )

    def speaks_for(self, thumbprint: str, party: str) -> Officer | None:
        """The officer of ``party`` whose registered, unsuspended key this is."""
        for officer in self.officers.values():
            if (officer.thumbprint, officer.party, officer.suspended) == (thumbprint, party, None):
                return officer
        return None

    # ── agreements ────────────────────────────────────────────────────────────────────────────────────────────────────
    def _agreement(self, index: int, event: str, entry: Entry) -> Iterator[Finding]:
        named = entry.get("agreement")
        if not isinstance(named, Mapping):
            return
        digest = str(named.get("digest"))
        if event == "signed":
            self._take_signature(entry, named)
        if event in _AGREEMENT_STATES:
            before, self.agreements[digest] = self.agreements.get(digest), _AGREEMENT_STATES[event]
            self.agreement_ids[digest] = str(named.get("id"))
            if before in ENDED and self.agreements[digest] not in ENDED:
                yield Finding(
                    "agreement_revived",
                    f"entry {index}",
                    f"第 {index} 条使已处于“{before}”的协议 {named.get('id')} 重新有效："
                    "终止的协议不能恢复，须重新签署。",
                    f"Entry {index} brings the agreement {named.get('id')}, which was {before}, back into force: "
                    "what has ended stays ended; it must be signed anew.",
                )
        if event == "activated" and self.papers is not None:
            yield from self._activated(index, named, digest)

    def _take_signature(self, entry: Entry, named: Entry) -> None:
        if self.papers is None:
            return
        digest, actor, noted = str(named.get("digest")), entry.get("actor"), entry.get("signature")
        party = str(actor.get("party")) if isinstance(actor, Mapping) else ""
        try:
            if not isinstance(noted, Mapping):
                raise _jose.JoseInvalid("the log notes no signature")
            _, thumbprint = self.papers.agreement_signature(named, party, str(noted.get("jws_digest")))
            officer = self.officers.get(str(noted.get("officer")))
            if officer is None or officer != self.speaks_for(thumbprint, party):
                raise _jose.JoseInvalid("the key is not registered for an officer of this party")
            self._signed.setdefault(digest, set()).add(party)
        except _jose.JoseInvalid as error:
            self._why_not[digest, party] = str(error)

    def _activated(self, index: int, named: Entry, digest: str) -> Iterator[Finding]:
        assert self.papers is not None
        document = self.papers.agreements.get(digest)
        if document is None:
            yield paper_missing(index, "agreement", named.get("id"), digest)
            return
        for party in sorted(parties(document).values()):
            if party in self._signed.get(digest, ()):
                continue
            why = self._why_not.get((digest, party), "it never signed")
            yield Finding(
                "agreement_unsigned",
                f"entry {index}",
                f"第 {index} 条使协议 {named.get('id')} 生效，而没有 {party} 的有效签名：无人可以替一方授权，"
                "该协议不能作为依据。",
                f"Entry {index} put the agreement {named.get('id')} in force without a valid signature of {party} "
                f"({why}): nobody can grant anything for a party, so nothing may rest on this agreement.",
            )

    # ── consents ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _consent(self, index: int, event: str, entry: Entry) -> Iterator[Finding]:
        named, agreement = entry.get("consent"), entry.get("agreement")
        if not isinstance(named, Mapping) or not isinstance(agreement, Mapping):
            return
        name, key = str(named.get("id")), (str(agreement.get("id")), str(entry.get("subject")))
        before = self.consents.get(name)
        now = Consent(name, str(named.get("digest")), *key, state=event, index=index)
        if before is not None:
            now.proved, now.portal = before.proved, before.portal
        if before is None:
            self._words.setdefault(key, []).append(name)
        elif before.state in COUNTING and event == "given":
            yield Finding(
                "consent_revived",
                f"entry {index}",
                f"第 {index} 条把已处于“{before.state}”的同意 {name} 重新记为有效：撤回的同意不能复活。",
                f"Entry {index} makes the consent {name}, which was {before.state}, valid again: what was withdrawn "
                "stays withdrawn; the resident must be asked anew.",
            )
        self.consents[name] = now
        if event == "given" and self.papers is not None:
            yield from self._given(index, now, named, entry)

    def _given(self, index: int, consent: Consent, named: Entry, entry: Entry) -> Iterator[Finding]:
        assert self.papers is not None
        record = self.papers.consents.get(consent.digest)
        if record is None:
            yield paper_missing(index, "consent", consent.id, consent.digest)
            return
        consumer = str(record.get("consumer"))
        if record.get("subject") != entry.get("subject") or record["agreement"]["id"] != entry["agreement"]["id"]:
            yield Finding(
                "consent_other",
                f"entry {index}",
                f"第 {index} 条记下的同意 {consent.id}，其文本是另一位居民或另一份协议的：同意被张冠李戴。",
                f"Entry {index} notes the consent {consent.id} for a resident or an agreement that its text does not "
                "name: somebody else's yes was put in their place.",
            )
        try:
            signed = self.papers.consent_signatures(named)
            if PORTAL in signed:
                consent.proved = consent.portal = True
                return
            officers = {role: self.speaks_for(thumbprint, consumer) for role, thumbprint in signed.items()}
            if None in officers.values() or officers["clerk"] == officers["witness"]:
                raise _jose.JoseInvalid("expected the registered keys of two different officers of the office")
            consent.proved = True
        except _jose.JoseInvalid as error:
            yield Finding(
                "consent_unproven",
                f"entry {index}",
                f"第 {index} 条记下了同意 {consent.id}，但没有两名工作人员的有效见证签名：不能证明当事人同意过。",
                f"Entry {index} notes the consent {consent.id} without two valid signatures of officers ({error}): "
                "nothing proves that the resident said yes.",
            )

    def word(self, agreement: str, subject: str) -> Consent | None:
        """What this resident's word on this agreement is now: the given one, else the last taken back."""
        said = [self.consents[name] for name in self._words.get((agreement, subject), ())]
        counting = [consent for consent in said if consent.state in COUNTING]
        return max(counting, key=lambda each: (each.state == "given", each.index), default=None)

    # ── quotas ────────────────────────────────────────────────────────────────────────────────────────────────────────
    def _use(self, index: int, event: str, entry: Entry) -> None:
        if event == "authorized":
            self._open[index] = [use.key for use in self.uses(entry)]
            self.used.update(self._open[index])
        elif event in ("failed", "withheld", "released", "outcome_unknown") and isinstance(entry.get("of"), int):
            keys = self._open.pop(entry["of"], [])
            # Given back when the department gave nothing; outside the jurisdiction (R14) a use stays counted.
            if event == "failed" or (event == "withheld" and list(entry.get("rules") or ())[:1] != ["R14"]):
                self.used.subtract(keys)

    def uses(self, entry: Entry) -> Iterator[Use]:
        """What a permit counts against. Raises KeyError and kin for an entry without the facts that this takes."""
        named, decision = entry.get("agreement"), entry.get("decision")
        if self.papers is None or not isinstance(named, Mapping) or not isinstance(decision, Mapping):
            return
        document, name = self.papers.agreements.get(str(named.get("digest"))), str(named.get("id"))
        at = decision.get("facts", {}).get("at")
        if document is None or not isinstance(at, str):
            return
        access, officer = document["access"], (entry.get("actor") or {}).get("officer")
        if (quota := access["quota"]) is not None:
            start = window(at, quota["unit"])
            yield Use(
                "quota_overrun",
                (name, start),
                quota["max"],
                f"协议 {name} 在 {start} ",
                f"under the agreement {name} in {start}",
            )
        for unit, zh in (("hour", "一小时"), ("day", "一日")):
            most = (access.get("per_officer") or {}).get(f"per_{unit}")
            if most is not None and officer is not None:
                start = window(at, unit)
                yield Use(
                    "officer_overrun",
                    (name, f"{officer} {start}"),
                    most,
                    f"人员 {officer} {zh}内（{start}）",
                    f"of the officer {officer} in {start} under {name}",
                )


@dataclass(frozen=True, slots=True)
class Use:
    """One limit that a permit counts against. ``key``: what is counted; ``zh`` and ``en`` name it in a sentence."""

    kind: str
    key: tuple[str, str]
    most: int
    zh: str
    en: str


def parties(document: Mapping[str, Any]) -> dict[str, str]:
    """Role → party of an agreement."""
    return {str(entry["role"]): str(entry["party"]) for entry in document["parties"]}


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def window(at: str, unit: str) -> str:
    """The quota window that holds an instant: hours, days and months of China's civil time (UTC+8)."""
    local = instant(at) + timedelta(hours=8)
    if unit == "hour":
        return f"{local:%Y-%m-%dT%H}"
    return {"day": f"{local:%Y-%m-%d}", "month": f"{local:%Y-%m}"}.get(unit, "total")


def paper_missing(index: int, kind: str, name: object, digest: str) -> Finding:
    zh = {"agreement": "协议", "consent": "同意记录", "standard": "标准"}[kind]
    return Finding(
        "paper_missing",
        f"entry {index}",
        f"第 {index} 条依据的{zh} {name} 的文本不在导出中（{digest}），无法重新裁定：导出不完整，或文本被抽走。",
        f"The text of the {kind} {name} that entry {index} rests on is not here ({digest}), so nothing can be decided "
        "again: the export is incomplete, or the text was taken out.",
    )
