"""Whatever the parties try in whatever order: the state, the log and the revision tell the same story."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from hypothesis.strategies import booleans, integers, none, sampled_from

from gateway.errors import TongquError
from gateway.registry.actions import Proposal
from gateway.registry.model import MOVES, REASONS, STATES, Version
from tests.gateway.registry.desk import BUREAU, CHANGELOG, DAY, LINDEN, POLICE, Desk, acting, widened

people = sampled_from([BUREAU, POLICE, LINDEN])
reasons = none() | sampled_from(sorted(REASONS))
EARLY = {"defective", "law_changed", "security_risk"}


def test_each_move_leads_from_known_states_to_known_states() -> None:
    for states in MOVES.values():
        assert set(states) <= set(STATES) >= set(states.values())
    assert not any("withdrawn" in states for states in MOVES.values())  # from there nothing leads on


class Story(RuleBasedStateMachine):
    """Keeps its own account of what must be true of one version, and compares."""

    desk: ClassVar[Desk]
    number: ClassVar[int] = 0

    @initialize()
    def begin(self) -> None:
        Story.number += 1
        self.name = f"story-{Story.number}"
        self.id = f"{self.name}/1.0.0"
        self.ends = self.until = self.desk.now
        self.waiting: list[str] = []
        self.desk.registry.draft(acting(BUREAU), Proposal(self.document("起草"), CHANGELOG))
        self.state, self.laid_open, self.entries, self.revisions = "draft", False, 1, 1
        self.text = self.version().text

    def document(self, title: str) -> dict[str, object]:
        return widened("1.0.0", self.name) | {"title": title}

    def version(self) -> Version:
        return self.desk.shelf.get(acting(BUREAU), self.id)

    def attempt(self, allowed: bool, act: Callable[[], object], *, move: bool = True) -> bool:
        try:
            act()
        except TongquError:
            assert not allowed
            return False
        assert allowed
        self.entries += 1
        self.revisions += move
        return True

    @rule(who=people, days=integers(0, 3))
    def consult(self, who: str, days: int) -> None:
        until = self.desk.now + days * DAY
        allowed = who == BUREAU and self.state == "draft" and days > 0
        if self.attempt(allowed, lambda: self.desk.registry.consult(acting(who), self.id, until)):
            self.state, self.ends, self.laid_open = "consultation", until, True

    @rule(who=people)
    def reopen(self, who: str) -> None:
        allowed = who == BUREAU and self.state == "consultation"
        if self.attempt(allowed, lambda: self.desk.registry.reopen(acting(who), self.id)):
            self.state, self.laid_open = "draft", False

    @rule(who=people, title=sampled_from(["改一", "改二"]))
    def edit(self, who: str, title: str) -> None:
        proposal = Proposal(self.document(title), CHANGELOG)
        allowed = who == BUREAU and self.state == "draft"
        if self.attempt(allowed, lambda: self.desk.registry.edit(acting(who), self.id, proposal)):
            self.text = self.version().text

    @rule(who=people)
    def comment(self, who: str) -> None:
        allowed = who != BUREAU and self.state == "consultation" and self.desk.now < self.ends
        said: list[str] = []
        act = lambda: said.append(self.desk.discussion.comment(acting(who), self.id, "意见").id)  # noqa: E731
        if self.attempt(allowed, act, move=False):
            self.waiting += said

    @rule(who=people)
    def answer(self, who: str) -> None:
        if not self.waiting:
            return
        visible = who == BUREAU
        act = lambda: self.desk.discussion.answer(acting(who), self.id, self.waiting[0], "partly", "答复")  # noqa: E731
        if self.attempt(visible, act, move=False):
            self.waiting.pop(0)

    @rule(who=people)
    def publish(self, who: str) -> None:
        over = self.state == "consultation" and self.desk.now >= self.ends
        allowed = who == BUREAU and over and not self.waiting
        jws = self.desk.jws(self.version())
        if self.attempt(allowed, lambda: self.desk.registry.publish(acting(who), self.id, jws)):
            self.state = "published"

    @rule(who=people)
    def sign(self, who: str) -> None:
        allowed = who == BUREAU and self.state in ("published", "deprecated")
        jws = self.desk.jws(self.version())
        self.attempt(allowed, lambda: self.desk.registry.sign(acting(who), self.id, jws))

    @rule(who=people, days=integers(-1, 4))
    def deprecate(self, who: str, days: int) -> None:
        until = self.desk.now + days * DAY
        longer = self.state == "published" or until >= self.until
        allowed = who == BUREAU and self.state in ("published", "deprecated") and days > 0 and longer
        if self.attempt(allowed, lambda: self.desk.registry.deprecate(acting(who), self.id, until)):
            self.state, self.until = "deprecated", until

    @rule(who=people, reason=reasons, signs=booleans())
    def withdraw(self, who: str, reason: str | None, signs: bool) -> None:
        if self.state in ("draft", "consultation"):
            good = reason in (None, "abandoned")
        else:
            over = self.state == "deprecated" and self.until <= self.desk.now
            good = reason in EARLY or (over and reason in (None, "grace_over"))
        signed = signs or reason not in EARLY
        jws = self.desk.word(self.version(), str(reason)) if signs else None
        allowed = who == BUREAU and self.state != "withdrawn" and good and signed
        if self.attempt(allowed, lambda: self.desk.registry.withdraw(acting(who), self.id, reason, jws)):
            self.state = "withdrawn"

    @rule(days=integers(0, 2))
    def time_passes(self, days: int) -> None:
        self.desk.clock.advance(seconds=days * DAY.total_seconds())
        lapses = self.state == "deprecated" and self.until <= self.desk.now
        due = [each.id for each in self.desk.registry.withdraw_due()]
        assert (self.id in due) == lapses
        if lapses:
            self.state = "withdrawn"
            self.entries += 1
            self.revisions += 1

    @invariant()
    def state_log_and_revision_agree_with_the_account(self) -> None:
        now = self.version()
        assert (now.state, now.text) == (self.state, self.text)
        about = [entry for entry in self.desk.entries() if entry["standard"] == self.id]
        assert len(about) == self.entries
        assert self.desk.revision(self.id) == now.revision == self.revisions
        assert (self.id in self.desk.library) == now.released
        seen = {each.id for each in self.desk.shelf.all(acting(LINDEN))}
        assert (self.id in seen) == self.laid_open


def test_state_log_and_revision_tell_the_same_story(desk: Desk) -> None:
    Story.desk = desk
    run_state_machine_as_test(
        Story,
        settings=settings(
            max_examples=8,
            stateful_step_count=15,
            deadline=timedelta(seconds=30),
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
        ),
    )
