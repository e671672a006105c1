"""Decide again: what the gateway's rules say of the facts that an entry holds, with the papers it names.

A second implementation, from docs/decision-facts.md and the agreement's own text; it shares no code with the gateway.
What the entry claims of the world (agreement in force, office not suspended, consent given) is compared with what the
log itself says at that point; what only the gateway could know (which token was shown) is taken as claimed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from tongqu_client.verify.findings import Finding
from tongqu_client.verify.ledger import Consent, Ledger, instant, paper_missing, parties
from tongqu_client.verify.papers import Papers

Entry = Mapping[str, Any]

POLICIES = frozenset({"tongqu-rules:1", "tongqu-rules:2", "tongqu-rules:3"})
PARTLY = frozenset({"tongqu-rules:1", "tongqu-rules:2"})  # their facts say nothing of the token and the identifier
CLAIMED = frozenset({"R10", "R17"})
PROOF_LEVELS = {"counter-two-person": 1, "portal-session": 2}
MAX_WRITING = timedelta(minutes=10)  # between a decision and its entry; anything longer is decided anew
ACR = {"aal1": 1, "aal2": 2, "aal3": 3}


class Undecidable(Exception):
    """Something that the decision rests on is not here. The first argument is the finding that says what."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """``rules``: those that object, in the gateway's order; empty for a permit."""

    effect: str
    rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One decision with all that it rests on. ``facts`` as docs/decision-facts.md has them for policy 3."""

    entry: Entry
    facts: Mapping[str, Any]
    document: Mapping[str, Any] | None  # the agreement
    item: Mapping[str, Any] | None  # what it says of this standard: the terms

    @property
    def emergency(self) -> bool:
        """Does the emergency that was called upon hold?"""
        called = self.facts.get("emergency")
        return (
            isinstance(called, Mapping)
            and called["agreement"] is True
            and called["party"] == self.entry["actor"]["party"]
            and called["state"] == "open"
            and called["until"] is not None
            and instant(self.facts["at"]) < instant(called["until"])
            and "officer" in self.facts
            and (self.document or {}).get("emergency") == "allowed"
        )


def decide(case: Case) -> Verdict:
    """Permit only when no rule objects."""
    objections = tuple(dict.fromkeys(rule for rule, objects in _rules(case) if objects))
    if not objections and case.item is None:
        objections = ("R1",)
    return Verdict("refuse" if objections else "permit", objections)


def _rules(case: Case) -> Iterator[tuple[str, bool]]:
    """In the gateway's order; the rule bodies are the rows of docs/decision-facts.md."""
    entry, facts, item = case.entry, case.facts, case.item
    known = facts["agreement_state"] is not None and facts.get("known", True) is not False
    terms = item is not None and known
    states = {facts["client_state"], facts["consumer_state"], facts["provider_state"]}
    officer = facts.get("officer") or {}
    yield "R1", not known or facts["agreement_state"] != "active" or (item is not None and not _in_force(case))
    yield "R2", known and (states != {"active"} or (terms and not _is_consumer(case)))
    yield "R3", terms and not _purpose_agreed(case)
    yield "R4", entry["standard"] is None or (known and item is None) or (terms and _standard_changed(case))
    yield "R5", terms and _beyond_grant(case)
    yield "R6", terms and _officer_may_not(case)
    yield "R7", (terms and _access(case)["case_required"] and not entry["case"]) or officer.get("case") is False
    yield "R8", terms and not case.emergency and _no_consent(case)
    yield "R9", terms and not case.emergency and _used_up(case)
    yield "R10", "subject_scheme" in facts or "subject_error" in facts or officer.get("subject") is False
    yield "R11", terms and not case.emergency and _outside_hours(case)
    yield "R12", terms and ("relation" in facts or (facts.get("protected") is True and "second" not in facts))
    yield "R13", terms and _not_signed(case)
    yield "R15", known and "emergency" in facts and not case.emergency
    yield "R16", terms and not facts["service"]
    yield "R17", _other_token(case)
    yield "R19", entry["standard"] is not None and _ended(facts)


def _access(case: Case) -> Mapping[str, Any]:
    access: Mapping[str, Any] = (case.document or {})["access"]
    return access


def _in_force(case: Case) -> bool:
    validity = case.document["validity"] if case.document else {}
    return instant(validity["from"]) <= instant(case.facts["at"]) < instant(validity["until"])


def _is_consumer(case: Case) -> bool:
    return bool(case.entry["actor"]["party"] == parties(case.document or {}).get("consumer"))


def _purpose_agreed(case: Case) -> bool:
    return case.entry["purpose"] in {purpose["code"] for purpose in (case.document or {})["purposes"]}


def _granted_predicates(case: Case) -> dict[str, str]:
    return {each["name"]: each["digest"] for each in (case.item or {}).get("predicates", ())}


def _standard_changed(case: Case) -> bool:
    item, signed = case.item or {}, _granted_predicates(case)
    published = case.facts.get("predicates", {})
    return case.facts.get("standard_digest", item["schema_digest"]) != item["schema_digest"] or any(
        digest != signed[name] for name, digest in published.items() if name in signed
    )


def _beyond_grant(case: Case) -> bool:
    asked, questions = case.entry["fields"], case.facts.get("predicates", {})
    granted, answers = set((case.item or {})["fields"]), _granted_predicates(case)
    return case.facts.get("fields_unknown", 0) > 0 or any(
        name not in (answers if name in questions else granted) for name in asked
    )


def _officer_may_not(case: Case) -> bool:
    access, officer = _access(case), case.facts.get("officer")
    demands = any(access.get(name) for name in ("roles", "min_acr", "max_auth_age", "per_officer"))
    if officer is None:
        return not access.get("automated", not demands)
    roles, least, age = access.get("roles") or (), access.get("min_acr"), access.get("max_auth_age")
    signed_in = officer.get("auth_time")
    return (
        (bool(roles) and not set(roles) & set(officer["roles"]))
        or (least is not None and ACR.get(officer.get("acr"), 0) < ACR.get(least, 0))
        or (
            age is not None
            and (signed_in is None or instant(signed_in) < instant(case.facts["at"]) - timedelta(seconds=age))
        )
    )


def _no_consent(case: Case) -> bool:
    item, consent = case.item or {}, case.facts.get("consent")
    if item["consent"] != "required":
        return False
    return (
        consent is None
        or consent["state"] != "given"
        or not instant(consent["from"]) <= instant(case.facts["at"]) < instant(consent["until"])
        or "agreement" in consent
        or consent["level"] < item["min_proof_level"]
        or any(consent.get(name) is False for name in ("purpose", "fields", "named"))
    )


def _used_up(case: Case) -> bool:
    facts, quota, officers = case.facts, _access(case)["quota"], _access(case).get("per_officer") or {}
    limits = (
        ("quota_used", quota["max"] if quota else None),
        ("officer_hour_used", officers.get("per_hour")),
        ("officer_day_used", officers.get("per_day")),
    )
    return "questions_used" in facts or any(
        most is not None and facts.get(name) is not None and facts[name] >= most for name, most in limits
    )


def _outside_hours(case: Case) -> bool:
    hours = _access(case)["hours"]
    if hours is None:
        return False
    local = instant(case.facts["at"]) + timedelta(hours=8)  # China's civil time
    return not (local.isoweekday() in hours["days"] and hours["from"] <= f"{local:%H:%M}" < hours["until"])


def _not_signed(case: Case) -> bool:
    signature = case.facts.get("signature")
    return signature == "invalid" or (signature is None and _access(case).get("request_signature") == "required")


def _other_token(case: Case) -> bool:
    token = case.facts.get("token")
    if token is None or any(name in token for name in ("agreement", "purpose", "standard")):
        return True
    if "digest" in token and case.entry["agreement"] is not None:
        return True
    if "fields" not in token:
        return False
    return case.facts.get("fields_unknown", 0) > 0 or not set(case.entry["fields"]) <= set(token["fields"])


def _ended(facts: Mapping[str, Any]) -> bool:
    until = facts.get("standard_until")
    return facts["standard_state"] == "withdrawn" or (until is not None and instant(until) <= instant(facts["at"]))


# ── within a log ──────────────────────────────────────────────────────────────────────────────────────────────────────
@dataclass(slots=True)
class Replay:
    """Decides every entry of a log again. Feed it an entry before the ledger is fed it."""

    papers: Papers
    ledger: Ledger
    replayed: int = 0
    claimed: int = 0  # refusals that rest on something which is not in the log
    _sources: dict[int, tuple[str, object]] = field(default_factory=dict)  # permit → whose data, by which service

    def feed(self, index: int, entry: Entry) -> Iterator[Finding]:
        if entry.get("type") == "exchange.released":
            yield from self._source(index, entry)
        if entry.get("type") not in ("exchange.authorized", "exchange.refused"):
            return
        try:
            case = self.case(index, entry)
            yield from self.compare(index, case)
            if case.item is not None and case.facts.get("known", True):
                yield from self._honest(index, case)
            if entry["type"] == "exchange.authorized":
                provider = parties(case.document or {"parties": ()}).get("provider", "")
                self._sources[index] = (provider, entry["service"])
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

    def _source(self, index: int, entry: Entry) -> Iterator[Finding]:
        """Only the department of the agreement, through the service that was permitted, can have given the data."""
        expected, source = self._sources.get(entry.get("of", -1)), entry.get("source")
        said = (source.get("party"), source.get("service")) if isinstance(source, Mapping) else None
        if expected is not None and said != expected:
            yield Finding(
                "source_differs",
                f"entry {index}",
                f"第 {index} 条称数据出自 {said}，而准许所依据的是 {expected}：来源被改写，或数据取自别处。",
                f"Entry {index} says that the data came from {said}, while {expected} was permitted: the source was "
                "rewritten, or the data came from elsewhere.",
            )

    def case(self, index: int, entry: Entry) -> Case:
        """What this entry rests on. Raises Undecidable."""
        named, document = entry["agreement"], None
        if named is not None:
            document = self.papers.agreements.get(named["digest"])
            if document is None:
                raise Undecidable(paper_missing(index, "agreement", named["id"], named["digest"]))
        items = {each["standard"]: each for each in document["items"]} if document else {}
        item = items.get(entry["standard"])
        facts = entry["decision"]["facts"]
        if entry["decision"]["policy"] in PARTLY:
            facts = self._as_policy_3(index, entry, facts, document, item)
        return Case(entry, facts, document, item)

    def _as_policy_3(
        self,
        index: int,
        entry: Entry,
        facts: Mapping[str, Any],
        document: Mapping[str, Any] | None,
        item: Mapping[str, Any] | None,
    ) -> Mapping[str, Any]:
        """Older facts in the form of today's; what they do not say is taken from the log, or as claimed (CLAIMED)."""
        told = {name: value for name, value in facts.items() if value is not None and name != "consent_state"}
        told["agreement_state"], told["token"] = facts["agreement_state"], {}
        told.setdefault("standard_state", "published")
        if document is not None and entry["actor"]["party"] not in parties(document).values():
            told["known"] = False
        if item is not None and item["consent"] == "required" and facts["consent_state"] is not None:
            word, record = self._record(index, entry)
            if word is not None and record is not None:
                told["consent"] = {**consented(word, record, entry), "state": facts["consent_state"]}
        return told

    def _record(self, index: int, entry: Entry) -> tuple[Consent | None, Mapping[str, Any] | None]:
        """The consent that counts at this point, by the log alone, with its text. Raises Undecidable."""
        word = self.ledger.word(entry["agreement"]["id"], str(entry["subject"]))
        record = self.papers.consents.get(word.digest) if word else None
        if word is not None and record is None:
            raise Undecidable(paper_missing(index, "consent", word.id, word.digest))
        return word, record

    def compare(self, index: int, case: Case) -> Iterator[Finding]:
        """Decide again, and say where the entry says something else."""
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
        claimed = said & CLAIMED if logged["policy"] in PARTLY else set()
        self.claimed += bool(claimed)
        effect = "refuse" if claimed else now.effect
        permitted = case.entry["type"] == "exchange.authorized"
        if (
            (logged["effect"] == "permit") != permitted
            or logged["effect"] != effect
            or said - claimed != set(now.rules) - claimed
        ):
            yield _differs(index, logged, now)

    def _honest(self, index: int, case: Case) -> Iterator[Finding]:
        """What the entry claims against the log before it: the gateway compares both in the entry's transaction."""
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
        for name, truth in told.items():
            if facts.get(name) != truth:
                yield _claims(index, name, facts.get(name), truth)
        yield from self._honest_about_who(index, case)
        service = ledger.states.get(("service", str(entry["service"])))
        if facts["service"] and service != "active":
            yield _claims(index, "service", "active", service)
        yield from self.papers_agree(index, case)

    def _honest_about_who(self, index: int, case: Case) -> Iterator[Finding]:
        """Who asked, when, under which agreement: as the log registered it; an emergency, as the log opened it."""
        entry, ledger = case.entry, self.ledger
        actor, agreement = entry["actor"], entry["agreement"]
        if abs(instant(case.facts["at"]) - instant(entry["t"])) > MAX_WRITING:
            yield _claims(index, "at", case.facts["at"], entry["t"])
        if (name := ledger.agreement_ids.get(agreement["digest"])) != agreement["id"]:
            yield _claims(index, "agreement", agreement["id"], name)
        for kind in ("client", "officer"):
            if entry["type"] == "exchange.authorized" and actor[kind] is not None:
                told = ledger.belongs.get((kind, actor[kind])), ledger.states.get((kind, actor[kind]))
                if told != (actor["party"], "active"):
                    yield _claims(index, kind, f"{actor[kind]}, {actor['party']}, active", _told(told))
        if entry["type"] == "exchange.authorized" and case.emergency:
            called = case.facts["emergency"]
            opened = ledger.emergencies.get(str(called.get("id")))
            if opened != ("opened", agreement["id"], called["party"], called["until"]):
                yield _claims(index, "emergency", f"{called.get('id')}, open", _told(opened))

    def papers_agree(self, index: int, case: Case) -> Iterator[Finding]:
        """What the entry claims of standard and consent, against their texts."""
        if case.item is not None:
            yield from self._honest_standard(index, case, case.item)
            if case.item["consent"] == "required":
                yield from self._honest_consent(index, case)

    def _honest_standard(self, index: int, case: Case, item: Mapping[str, Any]) -> Iterator[Finding]:
        digest = self.papers.standard_ids.get(case.entry["standard"])
        if digest is None:
            yield paper_missing(index, "standard", case.entry["standard"], item["schema_digest"])
        elif digest != case.facts.get("standard_digest", item["schema_digest"]):
            said = case.facts.get("standard_digest", item["schema_digest"])
            yield _claims(index, "standard_digest", said, digest, of=("标准文本", "the standard's text"))

    def _honest_consent(self, index: int, case: Case) -> Iterator[Finding]:
        entry = case.entry
        word, record = self._record(index, entry)
        truth = consented(word, record, entry) if word is not None and record is not None else None
        claimed = case.facts.get("consent")
        for name in ("id", "state", "level", "from", "until", "agreement", "purpose", "fields"):
            if name == "fields" and case.facts.get("fields_unknown", 0) > 0:
                continue  # what nobody published cannot have been consented to, and has no name here
            true, said = (truth or {}).get(name), (claimed or {}).get(name)
            if true != said:
                of = _LOG if name in ("id", "state") else ("同意文本及其签名", "the consent's text and signatures")
                yield _claims(index, f"consent_{name}", said, true, of=of)
        permitted = entry["type"] == "exchange.authorized" and not case.emergency
        if permitted and word is not None and entry["consent"] != {"id": word.id, "digest": word.digest}:
            yield _claims(index, "consent", entry["consent"], {"id": word.id, "digest": word.digest})

    def _within_quota(self, index: int, case: Case) -> Iterator[Finding]:
        """Count again: the gateway counted in the transaction of the entry, so each permit must find room."""
        if case.emergency:
            return
        for use in self.ledger.uses(case.entry):
            if self.ledger.used[use.key] >= use.most:
                yield Finding(
                    use.kind,
                    f"entry {index}",
                    f"第 {index} 条是{use.zh}的第 {self.ledger.used[use.key] + 1} 次准许，而协议只许 {use.most} 次："
                    "额度被突破或篡改。",
                    f"Entry {index} is permit {self.ledger.used[use.key] + 1} {use.en}, which allows {use.most}: "
                    "the quota was broken or tampered with.",
                )


def consented(word: Consent, record: Mapping[str, Any], entry: Entry) -> dict[str, Any]:
    """A consent in the form of the facts (policy 3), from its record and the log."""
    data = {each["standard"]: set(each["fields"]) for each in record["data"]}
    said: dict[str, Any] = {
        "id": word.id,
        "state": word.state,
        "level": PROOF_LEVELS["portal-session" if word.portal else "counter-two-person"] if word.proved else 0,
        "from": record["validity"]["from"],
        "until": record["validity"]["until"],
    }
    if record["agreement"]["digest"] != entry["agreement"]["digest"]:
        said["agreement"] = record["agreement"]["digest"]
    if entry["purpose"] not in record["purposes"]:
        said["purpose"] = False
    if not set(entry["fields"]) <= data.get(entry["standard"], set()):
        said["fields"] = False
    return said


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


_LOG = ("日志此前", "the log before it")


def _claims(index: int, name: str, claimed: object, truth: object, *, of: tuple[str, str] = _LOG) -> Finding:
    """``of``: what says the truth, in both languages."""
    return Finding(
        "facts_differ",
        f"entry {index}",
        f"第 {index} 条裁定时所称的 {name}（{_short(claimed)}）与{of[0]}所记（{_short(truth)}）不同："
        "它依据的不是事实。",
        f"Entry {index} was decided on {name} = {_short(claimed)}, while {of[1]} says {_short(truth)}: "
        "it does not rest on the facts.",
    )


def _told(words: tuple[str | None, ...] | None) -> str | None:
    """What the log says, in a few words; None where it says nothing."""
    said = [word for word in words or () if word is not None]
    return ", ".join(said) or None


def _short(value: object) -> object:
    return value.get("id") if isinstance(value, Mapping) else value
