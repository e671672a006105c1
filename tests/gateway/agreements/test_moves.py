"""Whatever parties do, and in whatever order: the agreement, its row and the log tell the same story."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from hypothesis.strategies import sampled_from
from sqlalchemy import func, select

from gateway.agreements.model import MOVES, STATES, Agreement
from gateway.audit.store import ENTRY
from gateway.errors import AlreadyExists, Forbidden, TongquError, WrongState
from tests.gateway.agreements.people import BUREAU, POLICE, STREET, Town, caller, document

PARTIES = {POLICE, STREET}
people = sampled_from([POLICE, STREET, BUREAU])


def test_every_move_leads_from_a_state_to_a_state() -> None:
    assert set(STATES) == {"draft"} | {after for moves in MOVES.values() for after in moves.values()}
    for ended in ("refused", "terminated", "expired", "superseded"):
        assert not any(ended in moves for moves in MOVES.values())


class Story(RuleBasedStateMachine):
    """Keeps its own, simpler account of one agreement and compares."""

    town: Town

    @initialize(drafter=sampled_from([POLICE, STREET]))
    def draft(self, drafter: str) -> None:
        self.drafter = drafter
        self.agreement = self.town.agreements.draft(caller(drafter), document())
        self.state, self.signed, self.held, self.asked = "draft", set[str](), set[str](), set[str]()
        self.entries = 0
        with self.town.database.read() as conn:
            self.first = conn.execute(select(func.count()).select_from(ENTRY)).scalar_one()

    def attempt(self, allowed: bool, act: Callable[[], Agreement], entries: int = 1) -> bool:
        """Do it; it must succeed exactly when the account says so, and a refused act must leave nothing behind."""
        try:
            act()
        except TongquError as error:
            assert isinstance(error, WrongState | Forbidden | AlreadyExists) or self.state == "draft"
            assert not allowed, error
            return False
        assert allowed
        self.entries += entries
        return True

    @rule(who=people)
    def submit(self, who: str) -> None:
        allowed = self.state == "draft" and who == self.drafter
        if self.attempt(allowed, lambda: self.town.agreements.submit(caller(who), self.agreement.id)):
            self.state = "proposed"

    @rule(who=people)
    def edit(self, who: str) -> None:
        act = lambda: self.town.agreements.edit(caller(who), self.agreement.id, document(title_en=f"by {who}"))  # noqa: E731
        if self.attempt(self.state == "draft" and who == self.drafter, act, entries=0):
            self.agreement = self.town.agreements.get(caller(who), self.agreement.id)

    @rule(who=sampled_from([POLICE, STREET]))
    def sign(self, who: str) -> None:
        allowed = self.state == "proposed" and who not in self.signed
        last = self.signed | {who} == PARTIES
        if self.attempt(allowed, lambda: self.town.sign(self.agreement, who), entries=2 if last else 1):
            self.signed.add(who)
            self.state = "active" if last else "proposed"

    @rule(who=people)
    def refuse(self, who: str) -> None:
        allowed = self.state == "proposed" and who in PARTIES
        act = lambda: self.town.agreements.refuse(caller(who), self.agreement.id, "not_held")  # noqa: E731
        if self.attempt(allowed, act):
            self.state = "refused"

    @rule(who=people)
    def suspend(self, who: str) -> None:
        allowed = self.state in ("active", "suspended") and who not in self.held
        if self.attempt(allowed, lambda: self.town.agreements.suspend(caller(who), self.agreement.id)):
            self.state, self.asked = "suspended", set()
            self.held.add(who)

    @rule(who=people)
    def resume(self, who: str) -> None:
        needed = PARTIES | self.held
        allowed = self.state == "suspended" and who in needed - self.asked
        if self.attempt(allowed, lambda: self.town.agreements.resume(caller(who), self.agreement.id)):
            self.asked.add(who)
            if self.asked == needed:
                self.state, self.held, self.asked = "active", set(), set()

    @rule(who=people)
    def terminate(self, who: str) -> None:
        allowed = self.state in ("active", "suspended")
        if self.attempt(allowed, lambda: self.town.agreements.terminate(caller(who), self.agreement.id)):
            self.state = "terminated"

    @invariant()
    def the_row_and_the_log_agree_with_the_account(self) -> None:
        now = self.town.agreements.get(caller(self.drafter), self.agreement.id)
        assert (now.state, now.digest) == (self.state, self.agreement.digest)
        assert {signature.party for signature in now.signatures} == self.signed
        assert set(now.resumption) == self.asked
        key = f"agreement:{self.agreement.id}"
        with self.town.database.read() as conn:
            written = conn.execute(ENTRY.select().where(ENTRY.c.number >= self.first)).all()
            changes = self.town.log.revisions(conn, [key])[key]
        assert len(written) == changes == self.entries


def test_row_log_and_revision_tell_the_same_story(town: Town) -> None:
    run_state_machine_as_test(
        lambda: _story(town),
        settings=settings(
            max_examples=20,
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )


def _story(town: Town) -> Story:
    Story.town = town
    return Story()
