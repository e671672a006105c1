"""One key, one answer: claimed once, kept sealed, free again when nothing came of it."""

from __future__ import annotations

import asyncio
import json
from datetime import timedelta
from typing import Any

import pytest
from cryptography.exceptions import InvalidTag
from sqlalchemy import select

from gateway.audit.log import Log, Rejected
from gateway.db import Database
from gateway.errors import InvalidRequest
from gateway.exchange import idempotency
from gateway.exchange.idempotency import KEEP, Claim, Forget, Remember, Taken, Ticket
from gateway.exchange.store import IDEMPOTENCY
from tests.clock import START, FixedClock
from tests.gateway.exchange.test_quota import VIEWED

SECRET, KEY = b"s" * 32, "0123456789abcdef-key"
BODY = {"subject": {"id": "990101199001010019"}, "case": "SQ-1"}
ANSWER = {"of": 7, "core": {"data": [{"name": "安采薇"}]}}


def ticket(**changes: Any) -> Ticket:
    given: dict[str, Any] = {"secret": SECRET, "client": "cli_1", "key": KEY, "body": BODY, "query": "qry_1"} | changes
    return idempotency.ticket(now=START, **given)


def append(log: Log, *guards: Any) -> object | None:
    """Append one entry under these guards; None when it was written, else why it was not."""

    async def one() -> object | None:
        try:
            await log.append(VIEWED, guards=guards)
        except Rejected as rejected:
            return rejected.why
        return None

    return asyncio.run(one())


def rows(database: Database) -> list[Any]:
    with database.read() as conn:
        return list(conn.execute(select(IDEMPOTENCY)))


def test_the_first_claims_the_second_hears_of_it(log: Log) -> None:
    assert append(log, Claim(ticket())) is None
    assert append(log, Claim(ticket(query="qry_2"))) == Taken(True, "qry_1", None)
    assert append(log, Claim(ticket(body=BODY | {"case": "SQ-2"}))) == Taken(False, "qry_1", None)


@pytest.mark.parametrize("change", [{"client": "cli_2"}, {"key": KEY + "x"}, {"secret": b"t" * 32}])
def test_other_clients_keys_and_installations_never_meet(log: Log, change: dict[str, Any]) -> None:
    append(log, Claim(ticket()))
    assert append(log, Claim(ticket(**change))) is None


def test_of_many_at_once_one_claims(log: Log, database: Database) -> None:
    async def one(number: int) -> object | None:
        try:
            await log.append(VIEWED, guards=[Claim(ticket(query=f"qry_{number}"))])
        except Rejected as rejected:
            return rejected.why
        return None

    async def all_at_once() -> list[object | None]:
        return list(await asyncio.gather(*(one(number) for number in range(20))))

    outcomes = asyncio.run(all_at_once())
    winner = outcomes.index(None)
    assert outcomes.count(None) == 1
    assert {why for why in outcomes if why is not None} == {Taken(True, f"qry_{winner}", None)}
    assert len(rows(database)) == 1


def test_a_remembered_answer_opens_with_the_same_key_only(log: Log) -> None:
    mine = ticket()
    append(log, Claim(mine))
    append(log, Remember(mine.key, mine.sealed(ANSWER)))
    taken = append(log, Claim(ticket(query="qry_2")))
    assert isinstance(taken, Taken) and taken.answer is not None
    assert ticket(query="qry_9").opened(taken.answer) == ANSWER
    for other in (ticket(key=KEY + "x"), ticket(client="cli_2"), ticket(secret=b"t" * 32)):
        with pytest.raises(InvalidTag):
            other.opened(taken.answer)


def test_neither_key_nor_question_nor_answer_stands_in_the_database(log: Log, database: Database) -> None:
    mine = ticket()
    append(log, Claim(mine))
    append(log, Remember(mine.key, mine.sealed(ANSWER)))
    (row,) = rows(database)
    whole = b"".join(value if isinstance(value, bytes) else str(value).encode() for value in row)
    for secret in (KEY, "cli_1", BODY["subject"]["id"], "SQ-1", "安采薇", json.dumps("安采薇")):  # type: ignore[index]
        assert secret.encode() not in whole


def test_a_claim_is_undone_when_a_later_guard_says_no(log: Log, database: Database) -> None:
    append(log, Claim(ticket(key="f" * 16)))
    assert isinstance(append(log, Claim(ticket()), Claim(ticket(key="f" * 16))), Taken)
    assert len(rows(database)) == 1
    assert append(log, Claim(ticket())) is None


def test_what_came_to_nothing_leaves_the_key_free(log: Log, database: Database) -> None:
    append(log, Claim(ticket()))
    append(log, Forget(ticket().key))
    assert not rows(database)
    assert append(log, Claim(ticket(body={"another": "question"}))) is None


def test_an_answer_is_kept_for_its_time_and_swept_after_it(log: Log, database: Database, clock: FixedClock) -> None:
    append(log, Claim(ticket()))
    for moved, left in ((KEEP, 1), (timedelta(seconds=1), 0)):
        clock.advance(seconds=moved.total_seconds())
        with log.transaction() as tx:
            idempotency.sweep(tx, clock.now())
        assert len(rows(database)) == left


def test_after_a_start_unanswered_keys_are_free_and_answered_ones_are_not(log: Log, database: Database) -> None:
    answered, lost = ticket(), ticket(key="f" * 16)
    append(log, Claim(answered))
    append(log, Claim(lost))
    append(log, Remember(answered.key, answered.sealed(ANSWER)))
    with log.transaction() as tx:
        assert idempotency.forget_unanswered(tx) == 1
    assert [row.key for row in rows(database)] == [answered.key]


@pytest.mark.parametrize(
    ("defect", "key"),
    [("too short", "a" * 15), ("too long", "a" * 129), ("a space", "a" * 15 + " b"), ("empty", ""),
     ("not ASCII", "钥" * 16), ("a control character", "a" * 16 + "\x7f"),
     ("a line break at the end", "a" * 16 + "\n")],
)  # fmt: skip
def test_a_key_that_could_be_guessed_or_kept_badly_is_refused(defect: str, key: str) -> None:
    with pytest.raises(InvalidRequest) as caught:
        ticket(key=key)
    assert key == "" or key not in str(caught.value)


@pytest.mark.parametrize("key", ["a" * 16, "!" + "~" * 127])
def test_the_shortest_and_the_longest_key_are_taken(key: str) -> None:
    assert ticket(key=key).key


def test_the_order_of_members_is_no_difference() -> None:
    assert ticket(body=dict(reversed(BODY.items()))).request == ticket().request
