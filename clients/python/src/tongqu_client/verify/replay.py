"""Decide again: what the gateway's rules say of the facts that an entry holds, with the papers it names.

A second implementation, from docs/decision-facts.md and the agreement's own text; it shares no code with the gateway.
What the entry claims of the world (agreement in force, office not suspended, consent given) is compared with what the
log itself says at that point; what only the gateway could know (which token was shown) is taken as claimed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from tongqu_client.verify.findings import Finding
from tongqu_client.verify.ledger import Consent, Ledger, instant, paper_missing, parties
from tongqu_client.verify.papers import Papers

Entry = Mapping[str, Any]

POLICIES = frozenset({"tongqu-rules:2"})
# Objections to what is not in the log: how the resident was named (R10) and what the token was for (R17).
CLAIMED = frozenset({"R10", "R17"})
PROOF_LEVELS = {"counter-two-person": 1}


class Undecidable(Exception):
    """Something that the decision rests on is not here. The first argument is the finding that says what."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``rules``: those that object, in the gateway's order; empty for a permit."""

    effect: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One decision with all that it rests on."""

    entry: Entry
    facts: Mapping[str, Any]
    document: Mapping[str, Any] | None  # the agreement
    item: Mapping[str, Any] | None  # what it says of this standard
    standard_digest: str | None
    consent: Mapping[str, Any] | None  # the record
    consent_state: str | None
    consent_level: int


def decide(case: Case) -> Verdict:
    """Permit only when no rule objects."""
    objections = tuple(dict.fromkeys(rule for rule, objects in _rules(case) if objects))
    return Verdict("refuse" if objections else "permit", objections)


def _rules(case: Case) -> Iterator[tuple[str, bool]]:
    entry, facts, document, item = case.entry, case.facts, case.document, case.item
    state, actor = facts["agreement_state"], entry["actor"]["party"]
    known = state is not None and document is not None and actor in parties(document).values()
    yield "R1", not known or state != "active" or (item is not None and not _in_force(case))
    yield (
        "R2",
        known
        and (
            (item is not None and actor != parties(document or {})["consumer"])
            or facts["client_state"] != "active"
            or facts["consumer_state"] != "active"
            or facts["provider_state"] != "active"
        ),
    )
    yield "R4", entry["standard"] is None
    if known and item is None:
        yield "R4", True
    if known and item is not None and document is not None:
        access = document["access"]
        yield "R3", entry["purpose"] not in {purpose["code"] for purpose in document["purposes"]}
        yield "R4", case.standard_digest != item["schema_digest"]
        yield "R5", facts["fields_unknown"] > 0 or not set(entry["fields"]) <= set(item["fields"])
        yield "R7", bool(access["case_required"]) and not entry["case"]
        yield "R8", item["consent"] == "required" and not _consented(case, item)
        quota, used = access["quota"], facts["quota_used"]
        yield "R9", quota is not None and used is not None and used >= quota["max"]
        yield "R11", access["hours"] is not None and not _open(access["hours"], facts["at"])
        yield "R16", not facts["service"]
    yield "R10", facts["subject_error"] is not None
    yield "R19", entry["standard"] is not None and _ended(facts)


def _in_force(case: Case) -> bool:
    validity = case.document["validity"] if case.document else {}
    return instant(validity["from"]) <= instant(case.facts["at"]) < instant(validity["until"])


def _ended(facts: Mapping[str, Any]) -> bool:
    until = facts["standard_until"]
    return facts["standard_state"] == "withdrawn" or (until is not None and instant(until) <= instant(facts["at"]))


def _open(hours: Mapping[str, Any], at: str) -> bool:
    local = instant(at) + timedelta(hours=8)  # China's civil time
    return local.isoweekday() in hours["days"] and hours["from"] <= f"{local:%H:%M}" < hours["until"]


def _consented(case: Case, item: Mapping[str, Any]) -> bool:
    record = case.consent
    if record is None or case.consent_state != "given" or case.consent_level < item["min_proof_level"]:
        return False
    validity, data = record["validity"], {each["standard"]: each["fields"] for each in record["data"]}
    return (
        instant(validity["from"]) <= instant(case.facts["at"]) < instant(validity["until"])
        and record["agreement"]["digest"] == case.entry["agreement"]["digest"]
        and case.entry["purpose"] in record["purposes"]
        and set(case.entry["fields"]) <= set(data.get(case.entry["standard"], ()))
    )


# ── within a log ──────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(slots=True)
class Replay:
    """Decides every entry of a log again. Feed it an entry before the ledger is fed it."""

    papers: Papers
    ledger: Ledger
    replayed: int = 0
    claimed: int = 0  # refusals that rest on something which is not in the log

    def feed(self, index: int, entry: Entry) -> Iterator[Finding]:
        if entry.get("type") not in ("exchange.authorized", "exchange.refused"):
            return
        try:
            case = self.case(index, entry)
            yield from self._compare(index, case)
            if entry["type"] == "exchange.authorized":
                yield from self._honest(index, case)
                yield from self._within_quota(index, case)
        except Undecidable as error:
            if entry["type"] == "exchange.authorized":
                yield error.args[0]
            else:
                self.claimed += 1
        except (KeyError, TypeError, ValueError, AttributeError):
            yield Finding(
                "decision_malformed",
                f"entry {index}",
                f"第 {index} 条没有完整的裁定事实，无法重新裁定：它不是按规定写入的。",
                f"Entry {index} lacks the facts of its decision, so nothing can be decided again: the gateway's rules "
                "did not write it.",
            )

    def case(self, index: int, entry: Entry) -> Case:
        """What this entry rests on. Raises Undecidable."""
        facts, named = entry["decision"]["facts"], entry["agreement"]
        document = None
        if named is not None:
            document = self.papers.agreements.get(named["digest"])
            if document is None:
                raise Undecidable(paper_missing(index, "agreement", named["id"], named["digest"]))
        items = {each["standard"]: each for each in document["items"]} if document else {}
        item = items.get(entry["standard"])
        word = self.ledger.word(named["id"], str(entry["subject"])) if named else None
        record = self.papers.consents.get(word.digest) if word else None
        if item is not None and item["consent"] == "required" and word is not None and record is None:
            raise Undecidable(paper_missing(index, "consent", word.id, word.digest))
        digest = self.papers.standard_ids.get(entry["standard"]) if entry["standard"] else None
        if item is not None and digest is None:
            raise Undecidable(paper_missing(index, "standard", entry["standard"], item["schema_digest"]))
        state = word.state if word else None
        return Case(entry, facts, document, item, digest, record, state, self._level(word))

    def _level(self, word: Consent | None) -> int:
        return PROOF_LEVELS["counter-two-person"] if word is not None and word.proved else 0

    def _compare(self, index: int, case: Case) -> Iterator[Finding]:
        logged, now = case.entry["decision"], decide(case)
        self.replayed += 1
        if logged["policy"] not in POLICIES:
            yield Finding(
                "policy_unknown",
                f"entry {index}",
                f"第 {index} 条依据的规则版本 {logged['policy']} 本核验程序不认识，请更新后再核验。",
                f"Entry {index} was decided under {logged['policy']}, which this verifier does not know: update it.",
            )
            return
        said = set(logged["rules"]) if logged["effect"] == "refuse" else set()
        claimed = said & CLAIMED
        self.claimed += bool(claimed)
        effect = "refuse" if claimed else now.effect
        if (
            (logged["effect"] == "permit") != (case.entry["type"] == "exchange.authorized")
            or logged["effect"] != effect
            or said - CLAIMED != set(now.rules) - CLAIMED
        ):
            yield _differs(index, logged, now)

    def _honest(self, index: int, case: Case) -> Iterator[Finding]:
        """The facts of a permit against the log before it. (A refusal's may be older: nothing is released on it.)"""
        facts, entry, ledger = case.facts, case.entry, self.ledger
        roles = parties(case.document or {"parties": ()})
        standard = ledger.standards.get(entry["standard"], ("published", None))
        told = {
            "agreement_state": ledger.agreements.get(entry["agreement"]["digest"]),
            "client_state": ledger.states.get(("client", entry["actor"]["client"])),
            "consumer_state": ledger.states.get(("party", roles.get("consumer", ""))),
            "provider_state": ledger.states.get(("party", roles.get("provider", ""))),
            "standard_state": standard[0],
            "standard_until": standard[1],
        }
        if case.item is not None and case.item["consent"] == "required":
            told["consent_state"] = case.consent_state
            word = ledger.word(entry["agreement"]["id"], str(entry["subject"]))
            if word is not None and entry["consent"] != {"id": word.id, "digest": word.digest}:
                yield _claims(index, "consent", entry["consent"], {"id": word.id, "digest": word.digest})
        for name, truth in told.items():
            if facts[name] != truth:
                yield _claims(index, name, facts[name], truth)
        if ledger.states.get(("service", str(entry["service"]))) != "active":
            yield _claims(index, "service", "active", ledger.states.get(("service", str(entry["service"]))))

    def _within_quota(self, index: int, case: Case) -> Iterator[Finding]:
        window, quota = self.ledger.window_of(case.entry), (case.document or {})["access"]["quota"]
        if window is not None and self.ledger.used[window] >= quota["max"]:
            yield Finding(
                "quota_overrun",
                f"entry {index}",
                f"第 {index} 条是协议 {window[0]} 在 {window[1]} 的第 {self.ledger.used[window] + 1} 次准许，"
                f"而协议只许 {quota['max']} 次：额度被突破或篡改。",
                f"Entry {index} is permit {self.ledger.used[window] + 1} of the agreement {window[0]} in {window[1]}, "
                f"which allows {quota['max']}: the quota was broken or tampered with.",
            )


def _differs(index: int, logged: Mapping[str, Any], now: Verdict) -> Finding:
    permit = now.effect == "permit"
    rules, logged_rules = "、".join(now.rules), "、".join(logged["rules"])
    en_rules, en_logged = ", ".join(now.rules), ", ".join(logged["rules"])
    if logged["effect"] == "permit":
        zh = f"第 {index} 条记为准许，而按它自己的事实与协议重新裁定，应当拒绝（{rules}）：不该放行。"
        en = (
            f"Entry {index} says permitted; its own facts and the agreement say refused ({en_rules}): it should not be."
        )
    elif permit:
        zh = f"第 {index} 条记为拒绝（{logged_rules}），而按它自己的事实与协议重新裁定，应当准许：拒绝没有依据。"
        en = f"Entry {index} says refused ({en_logged}); its own facts and the agreement say permitted."
    else:
        zh = f"第 {index} 条记载的拒绝理由（{logged_rules}）与重新裁定的（{rules}）不同：条目被改写，或裁定有误。"
        en = f"Entry {index} refuses by {en_logged}; deciding again gives {en_rules}: it was rewritten or wrong."
    return Finding("decision_differs", f"entry {index}", zh, en)


def _claims(index: int, name: str, claimed: object, truth: object) -> Finding:
    return Finding(
        "facts_differ",
        f"entry {index}",
        f"第 {index} 条裁定时所称的 {name}（{_short(claimed)}）与日志此前所记（{_short(truth)}）不同："
        "它依据的不是事实。",
        f"Entry {index} was decided on {name} = {_short(claimed)}, while the log before it says {_short(truth)}: "
        "it does not rest on the facts.",
    )


def _short(value: object) -> object:
    return value.get("id") if isinstance(value, Mapping) else value
