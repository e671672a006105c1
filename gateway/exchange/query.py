"""Answer one query from one department to another.

The whole life of a query, in order. A step hands the next one what it needs or raises; nothing after it runs.

 1. gather     read agreement, consent, clients, parties, service and quota, once each
 2. decide     plain rules: permit these fields, or refuse and say why
 3. commit     the decision is on disk in the log; a refusal ends here
 4. fetch      call the department that holds the record
 5. translate  into the published standard, which the record must then obey
 6. cut        keep only the permitted fields and rows
 7. release    on disk too, unless what step 2 relied on has since changed
 8. sign       a receipt the caller can verify without us

If 4-6 fail, ``exchange.failed`` is written before the error reaches the caller; if 7 finds that the permit no longer
holds, ``exchange.withheld`` is. After 7 the record counts as released, even if the caller never receives it.
What a crash at each step leaves behind: docs/how-a-query-flows.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import orjson

from gateway.audit.log import Appended, Changed, Guard, Log, Rejected
from gateway.errors import ChangedMeanwhile, IdempotencyInProgress, IdempotencyMismatch, LogUnavailable, TongquError
from gateway.exchange import entries, idempotency, officer_quota, questions, quota, receipt, release
from gateway.exchange.alarms import Alarms
from gateway.exchange.decision import decide, outside_jurisdiction, window_start
from gateway.exchange.facts import Gatherer
from gateway.exchange.likeness import Likeness
from gateway.exchange.model import Answer, Facts, Permit, Query, Reason, Refusal, Refused
from gateway.exchange.providers.base import FetchRequest, Reply
from gateway.exchange.translate import Translated, translate, wanted_from_department
from gateway.identity.tokens import key_dropped, officer_gone, revocation_key, revoked
from gateway.lib.canonical_json import canonical
from gateway.lib.clock import Clock
from gateway.lib.value import value
from standards import predicates, workdays

MAX_ROUNDS = 4  # how often a query is decided anew because what it rests on changed while it was being decided


@dataclass(frozen=True, slots=True)
class Deps:
    """What a query needs of the rest of the gateway; built in wiring.py."""

    gatherer: Gatherer
    log: Log
    clock: Clock
    issuer: str
    fetch: Callable[[FetchRequest, Facts], Any]  # → Awaitable[Reply]; raises errors.ProviderError kin
    sign_receipt: receipt.Sign
    find_outcome: Callable[[int], Appended | None]  # by the index of the authorized entry
    secret: bytes  # for the seals of idempotency.py
    alarms: Alarms
    likeness: Likeness
    in_step: Callable[[str], Awaitable[None]]  # see fairness.Admission
    under_way: dict[str, asyncio.Event]  # idempotency keys that this process is answering


@value
class Authorized:
    """A permit that is durable in the log."""

    facts: Facts
    permit: Permit
    index: int  # of its entry
    salt: bytes
    request_digest: str
    ticket: idempotency.Ticket | None


async def answer(
    query: Query,
    deps: Deps,
    owed: list[Guard],
    on_decided: Callable[[], None],
    *,
    beside: Sequence[Guard] = (),
    linger_s: float = 0.0,
) -> Answer | Refusal:
    """Answer or refuse. ``owed``: guards of the caller's that the query's first entry settles; emptied when it has.
    ``beside``: guards that every such entry brings along (what the sidecar keeps); they never say no.
    ``on_decided`` is called once the decision is durable, or waits for the answer to the same query asked before.
    ``linger_s``: how long its entries may wait for others'.
    Raises errors.ProviderError kin, LogUnavailable, ChangedMeanwhile, Idempotency… errors.

    An error that was written to the log carries its ``log_index`` in ``members``.
    """
    decided = await _decide_and_commit(query, deps, owed, beside, linger_s, on_decided)
    del beside  # written; the department may take long
    on_decided()
    if not isinstance(decided, Authorized):
        return decided
    try:
        wanted = _wanted(decided)
        await deps.in_step(query.caller.client)
        reply = await _fetch(query, decided, wanted, deps)  # 4
        await deps.in_step(query.caller.client)
        kept = _translate(query, decided, wanted, reply)  # 5
        if (kept.outside and not kept.records) or _hides_absence(kept, decided):
            return await _withhold(query, decided, (outside_jurisdiction(),), deps)
        await deps.in_step(query.caller.client)
        core = _cut(query, decided, kept, reply, workdays.day_of(deps.clock.now()))  # 6
        await deps.in_step(query.caller.client)
        result = await _release_and_sign(query, decided, kept, core, reply, deps, linger_s)  # 7, 8
    except LogUnavailable:
        raise  # nothing can be written; recovery will write exchange.outcome_unknown
    except TongquError as error:
        await _fail(query, decided, error.code, deps, error)
        raise
    except Exception:
        await _fail(query, decided, "internal", deps, None)
        raise
    finally:
        if decided.ticket and (event := deps.under_way.pop(decided.ticket.key, None)):
            event.set()
    if isinstance(result, Answer):
        await deps.alarms.notice(query, deps.likeness.seen(query, kept.records))
    return result


async def explain(query: Query, deps: Deps) -> tuple[Facts, Permit | Refused]:
    """What would be decided now. Nothing is fetched, counted, logged or released."""
    facts = replace(await deps.gatherer.gather(query, fresh=True), token_checked=False)
    _check_token_stands(facts)
    # Who is protected, or related to whom, is told only by a query, which leaves an entry and an alarm (R12).
    facts = replace(facts, protected=False, relation=None)
    if facts.terms is not None and facts.terms.quota_max is not None:
        facts = replace(facts, quota_used=await asyncio.to_thread(deps.gatherer.quota_used, query, facts.terms))
    return facts, decide(facts)


def _check_token_stands(facts: Facts) -> None:
    """Raises TokenRevoked when the key or the officer that the token was given for does not count any more."""
    if not facts.key_held:
        raise key_dropped()
    if not facts.officer_speaks:
        raise officer_gone()


# ── 1–3 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────
async def _decide_and_commit(
    query: Query,
    deps: Deps,
    owed: list[Guard],
    beside: Sequence[Guard],
    linger_s: float,
    let_others: Callable[[], None],
) -> Authorized | Answer | Refusal:
    fresh = False
    spent: dict[str, Any] = {}  # what the log found when it was to count one more use
    for _ in range(MAX_ROUNDS):
        facts = await deps.gatherer.gather(query, fresh=fresh)  # 1
        if not (facts.key_held and facts.officer_speaks):
            if fresh:
                _check_token_stands(facts)
            fresh = True  # what is kept may be older than a key that came back
            continue
        if spent:
            facts = replace(facts, **spent)
        await deps.in_step(query.caller.client)
        verdict = decide(facts)  # 2
        salt = receipt.new_salt()
        ticket = _ticket(query, verdict, deps) if isinstance(verdict, Permit) else None
        request_digest = receipt.salted_digest(salt, query.body)
        await deps.in_step(query.caller.client)
        entry = entries.decided(query, facts, verdict, request_digest)
        try:  # 3
            guards = [*owed, *_guards(facts, verdict, ticket), *beside]
            at = await deps.log.append(entry, unless_changed=facts.rests_on, guards=guards, linger_s=linger_s)
            owed.clear()
        except Changed as changed:
            if revocation_key(query.caller.token_id) in changed.keys:
                raise revoked() from None
            deps.gatherer.forget(changed.keys)
            fresh = True
            continue
        except Rejected as rejected:
            if isinstance(rejected.why, TongquError):  # what was owed is not granted: a proof that was used before
                owed.clear()
                raise rejected.why from None
            if (found := _counted(rejected.why, facts)) is not None:
                spent |= found
                continue
            assert ticket is not None and isinstance(rejected.why, idempotency.Taken)
            again = await _once_more(ticket, rejected.why, deps, let_others)
            if again is not None:
                return again
            continue
        if isinstance(verdict, Refused):
            await deps.alarms.tell(query, verdict.reasons)
            return Refusal(verdict.reasons, log_index=at.index, query=query.id)
        if ticket:
            deps.under_way[ticket.key] = asyncio.Event()
        return Authorized(facts, verdict, at.index, salt, request_digest, ticket)
    raise ChangedMeanwhile(
        "处理期间授权反复变化，请重试。",
        "What this query rests on kept changing while it was decided; ask again.",
    )


def _ticket(query: Query, permit: Permit, deps: Deps) -> idempotency.Ticket | None:
    if query.idempotency_key is None:
        return None
    # A body that names no fields means those of its token: a narrower token must not fetch a wider answer.
    request: dict[str, Any] = {"body": query.body.decode(), "fields": list(permit.disclosed)}
    if query.caller.officer is not None:  # a colleague who sees the answer has asked, and the log must say so
        request["officer"] = query.caller.officer
    return idempotency.ticket(
        deps.secret, query.caller.client, query.idempotency_key, request, query.id, deps.clock.now()
    )


def _guards(facts: Facts, verdict: Permit | Refused, ticket: idempotency.Ticket | None) -> tuple[Guard, ...]:
    if isinstance(verdict, Refused) or facts.terms is None:
        return ()
    guards: list[Guard] = [idempotency.Claim(ticket)] if ticket else []
    return (*guards, *_counting(facts, verdict))


def _counting(facts: Facts, permit: Permit) -> list[Guard]:
    """What counts this use; in an emergency nothing does (R15)."""
    terms, query = facts.terms, facts.query
    assert terms is not None
    if permit.emergency is not None:
        return []
    guards: list[Guard] = []
    if terms.quota_max is not None:
        guards.append(quota.Reserve(query.agreement, _window(facts), terms.quota_max))
    if count := _officer_count(facts, permit):
        guards.append(count)
    if permit.predicates:  # the last one: see questions.Ask
        window = window_start(facts.now, terms.question_unit)
        caller, standard = query.caller, query.standard.partition("/")[0]
        by = questions.Asker(caller.party, caller.officer, standard, window_start(facts.now, "day"))
        guards.append(questions.Ask(query.agreement, query.subject, window, permit.predicates, terms.question_max, by))
    return guards


def _officer_count(facts: Facts, permit: Permit) -> officer_quota.Count | None:
    terms, officer = facts.terms, facts.query.caller.officer
    if terms is None or officer is None or permit.emergency is not None:
        return None
    limits = {"hour": terms.officer_per_hour, "day": terms.officer_per_day}
    given = tuple((window_start(facts.now, unit), limit) for unit, limit in limits.items() if limit is not None)
    return officer_quota.Count(facts.query.agreement, officer, given) if given else None


def _counted(why: object, facts: Facts) -> dict[str, int | None] | None:
    """What a guard found when it was to count one more use, as facts; None when it was about something else."""
    if isinstance(why, quota.Exhausted):
        return {"quota_used": why.used}
    if isinstance(why, officer_quota.Exhausted):
        hour, day = (window_start(facts.now, unit) for unit in ("hour", "day"))
        return {"officer_hour_used": why.used.get(hour), "officer_day_used": why.used.get(day)}
    if isinstance(why, questions.Spent):
        return {"questions_used": why.asked}
    return None


def _window(facts: Facts) -> str:
    return window_start(facts.now, facts.terms.quota_unit if facts.terms else None)


async def _once_more(
    ticket: idempotency.Ticket, taken: idempotency.Taken, deps: Deps, let_others: Callable[[], None]
) -> Answer | None:
    """The answer that this key got before; None when the key has become free in the meantime.

    ``let_others`` is called before waiting: who waits for a department's answer needs no turn, and impatient callers
    that ask again would otherwise hold them all.
    """
    if not taken.same:
        raise IdempotencyMismatch(
            "该 Idempotency-Key 已用于内容不同的请求。",
            "This Idempotency-Key came with a different request before.",
            fix_zh="新的查询请使用新的键。",
            fix_en="Use a new key for a new query.",
        )
    if taken.answer is not None:
        return await _replay(ticket, taken, taken.answer, deps)
    if event := deps.under_way.get(ticket.key):
        let_others()
        await event.wait()
        return None  # decided anew: the next claim finds the answer, or a free key if there was none
    raise IdempotencyInProgress(
        "相同的请求正在处理，请稍后用同一个键重试。",
        "The same request is still being answered; try again with the same key.",
        retry_after=1,
    )


async def _replay(ticket: idempotency.Ticket, taken: idempotency.Taken, sealed: bytes, deps: Deps) -> Answer:
    kept = ticket.opened(sealed)
    released = await asyncio.to_thread(deps.find_outcome, kept["of"])
    if released is None:
        raise LogUnavailable
    return _signed(receipt.Draft(kept["claims"]), canonical(kept["core"]), released, taken.query, deps)


# ── 4–6 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _wanted(decided: Authorized) -> tuple[str, ...]:
    standard, permit = decided.facts.standard, decided.permit
    assert standard is not None
    asked = predicates.of(standard.id)
    seen = (*permit.fields, *(asked[name].field for name in permit.predicates))
    return wanted_from_department(seen, standard, by_division=permit.divisions is not None)


async def _fetch(query: Query, decided: Authorized, wanted: tuple[str, ...], deps: Deps) -> Reply:
    facts = decided.facts
    assert facts.service is not None and facts.terms is not None
    request = FetchRequest(
        query_id=query.id,
        service_id=facts.service.id,
        base_url=facts.service.base_url,
        standard=query.standard,
        subject_scheme=query.subject_scheme,
        subject_id=query.subject_id,
        fields=wanted,
        agreement_id=query.agreement,
        agreement_digest=facts.terms.digest,
        purpose=query.purpose,
        consumer=query.caller.party,
        timeout_s=facts.service.timeout_s,
        max_concurrent=facts.service.max_concurrent,
    )
    reply: Reply = await deps.fetch(request, facts)
    return reply


def _translate(query: Query, decided: Authorized, wanted: tuple[str, ...], reply: Reply) -> Translated:
    facts, permit = decided.facts, decided.permit
    standard, service = facts.standard, facts.service
    assert standard is not None and service is not None
    return translate(
        reply.records,
        standard=standard,
        crosswalk=service.crosswalk,
        wanted=wanted,
        subject_id=query.subject_id,
        divisions=permit.divisions,
    )


def _hides_absence(kept: Translated, decided: Authorized) -> bool:
    """Under a jurisdiction, "unknown" must look like "elsewhere"; see decision.outside_jurisdiction."""
    return not kept.records and decided.permit.divisions is not None


def _cut(query: Query, decided: Authorized, kept: Translated, reply: Reply, today: date) -> dict[str, Any]:
    """The part of the answer that the receipt binds: data, what was withheld, and whose data it is."""
    permit, service = decided.permit, decided.facts.service
    assert service is not None
    tree = release.tree(permit.fields)
    data = [release.pick(record, tree) for record in kept.records]
    masked = {path for record in data for path in release.mask(record, permit.masks)} if permit.masks else ()
    if permit.predicates:
        asked = predicates.of(query.standard)
        for whole, cut in zip(kept.records, data, strict=True):
            answers = ((name, asked[name].answer(whole, today)) for name in permit.predicates)
            cut.update((name, answer) for name, answer in answers if answer is not None)
    return {
        "data": data,
        "withheld": release.withheld(permit.disclosed, data, masked),
        "source": {"party": service.party, "service": service.id, "as_of": reply.as_of},
    }


# ── 7–8 ───────────────────────────────────────────────────────────────────────────────────────────────────────────────
async def _release_and_sign(
    query: Query,
    decided: Authorized,
    kept: Translated,
    core: dict[str, Any],
    reply: Reply,
    deps: Deps,
    linger_s: float,
) -> Answer | Refusal:
    facts, permit, ticket = decided.facts, decided.permit, decided.ticket
    if deps.clock.now() >= permit.until:  # the calendar, too, may have ended the permit while the department answered
        return await _withhold_as_decided_now(query, decided, deps)
    assert facts.terms is not None and facts.service is not None
    released = canonical(core)
    draft = receipt.Draft.of(
        query,
        permit,
        provider=facts.service.party,
        agreement={"id": query.agreement, "digest": facts.terms.digest},
        salt=decided.salt,
        request_digest=decided.request_digest,
        answer=released,
        provider_evidence=_own_signature(core, reply),
    )
    guards = []
    if ticket:
        kept_answer = {"of": decided.index, "claims": draft.claims, "core": orjson.Fragment(released)}
        guards.append(idempotency.Remember(ticket.key, ticket.sealed(kept_answer)))
    entry = entries.released(query, decided.index, permit, kept, core, draft.claims["response_digest"])
    try:
        at = await deps.log.append(entry, unless_changed=facts.rests_on, guards=guards, linger_s=linger_s)  # 7
    except Changed as changed:
        deps.gatherer.forget(changed.keys)
        return await _withhold_as_decided_now(query, decided, deps)
    return _signed(draft, released, at, query.id, deps)  # 8


def _own_signature(core: dict[str, Any], reply: Reply) -> str | None:
    """The department's signature, if what leaves is to the letter what it signed: not translated, cut or masked."""
    if reply.signature is None or core["data"] != reply.records:
        return None
    # Python takes 1 for true and for 1.0; a signature does not.
    return reply.signature if canonical(core["data"]) == canonical(reply.records) else None


def _signed(draft: receipt.Draft, core: bytes, at: Appended, query_id: str, deps: Deps) -> Answer:
    token = receipt.sign(
        draft,
        issuer=deps.issuer,
        origin=at.origin,
        index=at.index_in_log,
        leaf_hash=at.leaf_hash,
        at=deps.clock.now(),
        sign_with=deps.sign_receipt,
    )
    return Answer(core, token, at.index_in_log, at.origin, query_id)


async def _withhold_as_decided_now(query: Query, decided: Authorized, deps: Deps) -> Refusal:
    """Something changed after the permit. Decide again to say what; the record stays here either way."""
    facts = await deps.gatherer.gather(query, fresh=True)
    verdict = decide(facts)
    reasons = verdict.reasons if isinstance(verdict, Refused) else (_changed_meanwhile(),)
    return await _withhold(query, decided, reasons, deps)


def _changed_meanwhile() -> Reason:
    return Reason(
        "R18",
        ChangedMeanwhile.code,
        "部门答复期间，授权发生了变化，记录未予放行。",
        "What permitted this changed while the department answered; the record was not released.",
        "请重新查询。",
        "Ask again.",
    )


async def _withhold(query: Query, decided: Authorized, reasons: tuple[Reason, ...], deps: Deps) -> Refusal:
    entry = entries.withheld(query, decided.index, reasons)
    # Outside the jurisdiction a use stays counted: the department was asked, and probing must cost something.
    at = await deps.log.append(entry, guards=_give_back(decided, use=reasons[0].rule != "R14"))
    return Refusal(reasons, log_index=at.index, query=query.id)


async def _fail(query: Query, decided: Authorized, code: str, deps: Deps, error: TongquError | None) -> None:
    at = await deps.log.append(entries.failed(query, decided.index, code), guards=_give_back(decided))
    if error is not None:
        error.members.setdefault("log_index", at.index)


def _give_back(decided: Authorized, *, use: bool = True) -> tuple[Guard, ...]:
    """No record left: the use is not counted and the key is free again."""
    guards: list[Guard] = []
    facts, permit = decided.facts, decided.permit
    if use and permit.emergency is None and facts.terms is not None:
        if facts.terms.quota_max is not None:
            guards.append(quota.Refund(facts.query.agreement, _window(facts)))
        if count := _officer_count(facts, permit):
            guards.append(officer_quota.GiveBack(count))
    if decided.ticket:
        guards.append(idempotency.Forget(decided.ticket.key))
    return tuple(guards)
