"""A case of supervision as a value: what it is about, where it stands, and its clocks. Plain Python, no I/O.

    opened → assigned → explanation_asked → answered → decided → closed

Kinds: ``review`` (a look-up that seems wrong), ``objection`` (a resident: I do not recognise this; PIPL 50),
``explanation`` (an office is asked, nobody is suspected yet), ``emergency_review`` (after a break-glass query),
``correction`` (a record that is wrong, Data Sharing Regulation 26). Terms are working days (standards.workdays).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from gateway.errors import WrongState
from standards import workdays

KINDS: Final[Mapping[str, int]] = {  # how many working days until it should be decided
    "review": 10,
    "objection": 10,
    "explanation": 10,
    "emergency_review": 5,
    "correction": 10,  # Data Sharing Regulation 26
}
EXPLAIN_WORKDAYS: Final = 5  # for the office that is asked
REVIEW_WORKDAYS: Final = 10  # for an entry in the review queue
STATES: Final = ("opened", "assigned", "explanation_asked", "answered", "decided", "closed")
MOVES: Final[Mapping[str, Mapping[str, str]]] = {
    "assign": {state: state if state != "opened" else "assigned" for state in STATES[:4]},
    "ask": {"opened": "explanation_asked", "assigned": "explanation_asked", "answered": "explanation_asked"},
    "answer": {"explanation_asked": "answered"},
    "decide": {"assigned": "decided", "explanation_asked": "decided", "answered": "decided"},
    "close": {"decided": "closed"},
}
VERDICTS: Final[Mapping[str, tuple[str, ...]]] = {
    **dict.fromkeys(
        ("review", "objection", "explanation", "emergency_review"),
        ("justified", "procedural_fault", "excessive", "unjustified", "referred"),
    ),
    "correction": ("corrected", "not_wrong", "referred"),
}
AUDIT_OFFICE: Final = "audit_office"
OVERSEERS: Final = (AUDIT_OFFICE, "data_bureau")
LOOK_UP: Final = "look_up"  # an event that leaves a case where it is: somebody was looked for by number
UNMASK_REASONS: Final = ("verify_duty", "notify_resident", "answer_objection", "refer_case")
UNMASK_ASKED_FOR: Final = timedelta(hours=24)  # then a request that nobody approved has ended
UNMASK_OPEN: Final = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Person:
    """Whoever acts: an account at the desk, an officer through a system, a resident. ``id`` tells two people apart."""

    id: str
    party: str | None = None
    party_kind: str | None = None
    client: str | None = None
    officer: str | None = None

    @property
    def oversees(self) -> bool:
        return self.party_kind in OVERSEERS

    def actor(self) -> dict[str, str | None]:
        return {"party": self.party, "client": self.client, "officer": self.officer}


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened; ``log_index`` is its place in the order of everything. ``by`` None: the gateway."""

    move: str
    state: str
    at: datetime
    log_index: int
    by: str | None
    party: str | None = None
    code: str | None = None
    to: str | None = None


@dataclass(frozen=True, slots=True)
class Note:
    """A text on a case. ``shared``: also the office that was asked sees it (the question, its own answer)."""

    at: datetime
    by: str | None
    party: str | None
    text: str = field(repr=False)
    shared: bool = False
    salt: str = ""  # with the text under the digest that is in the log, so that no note changes unseen


@dataclass(frozen=True, slots=True)
class Link:
    """What belongs to the case: an entry by its index, or a search by its text."""

    entry: int | None = None
    search: str | None = None


@dataclass(frozen=True, slots=True)
class Unmasking:
    """Two people open who was looked up. ``entry``: the index of the authorized or refused query."""

    id: str
    case: str
    entry: int
    query: str
    subject: str | None
    reason: str
    asked_by: str
    asked_kind: str | None  # of the party of who asked
    asked_at: datetime
    state: str = "asked"  # asked, approved, refused
    settled_by: str | None = None
    settled_at: datetime | None = None

    def is_open(self, now: datetime) -> bool:
        return self.state == "approved" and self.settled_at is not None and now < self.settled_at + UNMASK_OPEN

    def waits(self, now: datetime) -> bool:
        return self.state == "asked" and now < self.asked_at + UNMASK_ASKED_FOR

    def may_look(self, person: Person) -> bool:
        return person.id in (self.asked_by, self.settled_by)


@dataclass(frozen=True, slots=True)
class Case:
    """One case with all that belongs to it, oldest first. ``party``: the office or department it concerns."""

    id: str
    kind: str
    opened_at: datetime
    party: str | None
    subject: str | None  # pseudonym; of an objection or correction, whose it is
    events: tuple[Event, ...]
    source: str | None = None  # why it was opened, a code: an anomaly, sampling, break-glass
    notes: tuple[Note, ...] = ()
    links: tuple[Link, ...] = ()
    unmaskings: tuple[Unmasking, ...] = ()

    @property
    def state(self) -> str:
        return self.events[-1].state

    @property
    def is_open(self) -> bool:
        return self.state not in ("decided", "closed")

    @property
    def due(self) -> datetime:
        """The first instant at which deciding is late."""
        return workdays.deadline(self.opened_at, KINDS[self.kind])

    @property
    def assigned_to(self) -> str | None:
        return next((each.to for each in reversed(self.events) if each.move == "assign"), None)

    @property
    def verdict(self) -> str | None:
        return next((each.code for each in reversed(self.events) if each.move == "decide"), None)

    @property
    def asked_parties(self) -> frozenset[str]:
        """Every office that was ever asked to explain."""
        return frozenset(each.party for each in self.events if each.move == "ask" and each.party)

    @property
    def asked(self) -> Event | None:
        """The question that still waits for its answer."""
        if self.state != "explanation_asked":
            return None
        return next((each for each in reversed(self.events) if each.move == "ask"), None)

    @property
    def explanation_due(self) -> datetime | None:
        return workdays.deadline(self.asked.at, EXPLAIN_WORKDAYS) if self.asked else None

    def overdue(self, now: datetime) -> bool:
        return self.is_open and now >= self.due

    def explanation_overdue(self, now: datetime) -> bool:
        return self.explanation_due is not None and now >= self.explanation_due

    def visible_to(self, person: Person) -> bool:
        return person.oversees or (person.party is not None and person.party in self.asked_parties)

    def after(self, move: str, now: datetime) -> str:
        """The state that a move of MOVES leads to. Raises WrongState."""
        state = MOVES[move].get(self.state)
        if state is None:
            raise WrongState(
                f"案件处于“{self.state}”状态，不能执行 {move}。",
                f"The case is {self.state}, in which {move} is not possible.",
                fix_zh=f"此时可以：{'、'.join(self.possible()) or '无'}。",
                fix_en=f"Possible now: {', '.join(self.possible()) or 'nothing'}.",
                state=self.state,
            )
        if move == "decide" and self.state == "explanation_asked" and not self.explanation_overdue(now):
            raise WrongState(
                "已请单位说明，说明期限未到，不能作出结论。",
                "The office was asked to explain and its term has not ended: the case cannot be decided before.",
                fix_zh="请等待说明，或等期限届满。",
                fix_en="Wait for the answer, or for the end of the term.",
                state=self.state,
            )
        return state

    def possible(self) -> tuple[str, ...]:
        return tuple(move for move, states in MOVES.items() if self.state in states)


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """One person's own; nobody else sees it."""

    id: str
    person: str
    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Item:
    """Something in the review queue: an entry that the sample drew, or what a risk rule found (``search``)."""

    id: str
    day: str
    reason: str  # "sample", or the code of the risk rule
    made_at: datetime
    entry: int | None = None
    search: str | None = None
    party: str | None = None
    count: int = 1
    outcome: str | None = None  # in_order, case
    reviewed_at: datetime | None = None
    reviewed_by: str | None = None
    case: str | None = None

    @property
    def due(self) -> datetime:
        return workdays.deadline(self.made_at, REVIEW_WORKDAYS)

    def overdue(self, now: datetime) -> bool:
        return self.outcome is None and now >= self.due


@dataclass(frozen=True, slots=True)
class Progress:
    """Reviewed against due, of one span of days."""

    total: int
    reviewed: int
    overdue: int

    @property
    def percent(self) -> int:
        return 100 if not self.total else self.reviewed * 100 // self.total
