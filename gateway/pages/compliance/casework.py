"""Cases and the review queue: the file of a case, its moves, its clocks, and what the sample drew."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, Response, request

from gateway.accounts.web import to_page
from gateway.audit.entry import index_of
from gateway.audit.filter import NONE, Filter
from gateway.cases.api import last_month, next_month
from gateway.cases.model import KINDS, STATES, VERDICTS, Case
from gateway.cases.texts import MAX_TEXT
from gateway.errors import InvalidRequest, WrongState
from gateway.lib.clock import rfc3339
from gateway.pages.compliance import words
from gateway.pages.compliance.desk import CASES, DESK, HOME, REVIEWS, Desk, one_of, said
from gateway.pages.compliance.trace import Look
from gateway.pages.public.words import Text
from standards import workdays

PAGE = 50
ATTACHED = 500  # entries that a new case takes from a search
SHOWN = 100  # of them, on the page of the case
OFFICES = ("department", "street_office")
NEW = Text("立案", "Open a case")
ASKED = ("/desk/asked", Text("要求说明", "To be explained"))


@dataclass(frozen=True, slots=True)
class Linked:
    """An entry of a case, as far as it is about a look-up."""

    index: int
    look: Look | None


@dataclass(frozen=True, slots=True)
class Taken:
    """What a case takes along of a search. ``said``: how much of it, and of which log."""

    q: str
    entries: tuple[int, ...]
    said: Text


class Casework:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def routes(self, blp: Blueprint) -> None:
        signed_in = self.desk.frame.sessions.signed_in(*DESK)
        office = self.desk.frame.sessions.signed_in(*OFFICES)
        get: list[tuple[str, Callable[..., Response]]] = [
            ("/desk/cases", self.cases),
            ("/desk/cases/new", self.new),
            ("/desk/cases/<case_id>", self.case),
            ("/desk/reviews", self.reviews),
        ]
        for rule, view in get:
            blp.add_url_rule(rule, view_func=signed_in(view), endpoint=view.__name__)
        blp.add_url_rule("/desk/cases", view_func=signed_in(self.open), endpoint="open_case", methods=["POST"])
        moves = "any(take, ask, note, link, decide, close)"
        blp.add_url_rule(
            f"/desk/cases/<case_id>/<{moves}:move>", view_func=signed_in(self.move), endpoint="move", methods=["POST"]
        )
        again = signed_in(lambda case_id, move: to_page(f"/desk/cases/{case_id}"))
        blp.add_url_rule(f"/desk/cases/<case_id>/<{moves}:move>", view_func=again, endpoint="move_again")
        blp.add_url_rule(
            "/desk/reviews/<item_id>", view_func=signed_in(self.review), endpoint="review", methods=["POST"]
        )
        blp.add_url_rule("/desk/asked", view_func=office(self.asked), endpoint="asked")
        blp.add_url_rule(
            "/desk/asked/<case_id>", view_func=office(self.answer), endpoint="answer", methods=["GET", "POST"]
        )

    # ── cases ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    def cases(self) -> Response:
        state, kind = one_of("state", STATES), one_of("kind", tuple(KINDS))
        found = self.desk.cases.page(
            self.desk.person, state=state, kind=kind, before=request.args.get("before"), limit=PAGE
        )
        return self.desk.page(
            "cases.html",
            CASES[1],
            cases=found,
            state=state,
            kind=kind,
            next=found[-1].id if len(found) == PAGE else None,
            first_page="before" not in request.args,
            waiting=self.desk.unmaskings.waiting(self.desk.person),
        )

    def new(self) -> Response:
        return self._new(text="", wrong=())

    def _new(self, *, text: str, wrong: object, status: int = 200) -> Response:
        desk, values = self.desk, request.values
        q = values.get("q") or None
        if q is not None:
            q = Filter.parse(q).text()
        entry = values.get("entry", type=index_of)
        party = values.get("party") or (self._party_of(entry) if entry is not None else None)
        number = desk.search.count(Filter.parse(q)) if q is not None else None
        if party is None and q is not None:
            party = self._only_party(q)
        if number is not None or entry is not None:
            desk.looked({"new_case": q, "entry": entry}, number or 1)
        return desk.page(
            "case-new.html",
            NEW,
            crumbs=(HOME, CASES),
            status=status,
            q=q,
            entry=entry,
            party=party,
            number=number,
            most=ATTACHED,
            source=values.get("source"),
            kind=one_of("kind", tuple(KINDS)) or "review",
            parties=desk.identity.parties(),
            text=text,
            wrong=wrong,
            max_text=MAX_TEXT,
        )

    def open(self) -> Response:
        """A new case; from a search it takes along the entries that match, so that they can be unmasked."""
        desk, form = self.desk, request.form
        entry = form.get("entry", type=index_of)
        taken = self._taken(form["q"]) if form.get("q") else None
        try:
            case = desk.cases.open(
                desk.person,
                form.get("kind", "review"),
                form.get("text", ""),
                party=form.get("party") or None,
                source=form.get("source") or None,
                entries=list(dict.fromkeys([*([] if entry is None else [entry]), *(taken.entries if taken else ())])),
                searches=[taken.q] if taken else [],
            )
        except InvalidRequest as error:
            return self._new(text="", wrong=said(error, desk.lang), status=422)
        if taken is not None:
            desk.cases.note(desk.person, case.id, taken.said.of(desk.lang))
        return to_page(f"/desk/cases/{case.id}")

    def _taken(self, q: str) -> Taken:
        """A search as it stands now: its times fixed, so that it finds the same again, and the log it was made of."""
        desk, wanted = self.desk, Filter.parse(q)
        since, until = wanted.span(desk.clock.now())
        fixed = wanted.between(since, until or rfc3339(desk.clock.now() + timedelta(milliseconds=1)))
        with desk.search.look(fixed) as look:
            size, total = look.state.size, sum(bits.bit_count() for _, bits in look.matching())
            entries = tuple(look.numbers(size, None, ATTACHED))
        checkpoint, _ = desk.log.publish(covering=size)
        root = base64.b64encode(checkpoint.root).decode()
        return Taken(
            fixed.text(),
            entries,
            Text(
                f"检索时日志有 {size} 条，共找到 {total} 条，附入{'全部' if len(entries) == total else '最新的'}"
                f" {len(entries)} 条；所附检索的时间已固定，可随时再现。检查点：{checkpoint.size} 条，根 {root}。",
                f"The log had {size} entries; {total} matched, and {'all' if len(entries) == total else 'the newest'} "
                f"{len(entries)} go with the case. The times of its search are fixed, so that it finds the same again. "
                f"Checkpoint: {checkpoint.size} entries, root {root}.",
            ),
        )

    def case(self, case_id: str) -> Response:
        return self._case(self.desk.cases.get(self.desk.person, case_id))

    def _case(self, case: Case, *, wrong: object = (), status: int = 200) -> Response:
        desk, person = self.desk, self.desk.person
        linked = self._linked(each.entry for each in case.links)
        attached = sum(1 for each in case.links if each.entry is not None)
        desk.looked({"case": case.id}, len(linked))
        return desk.page(
            "case.html",
            Text(f"案件 {case.id[-8:]}", f"Case {case.id[-8:]}"),
            crumbs=(HOME, CASES),
            status=status,
            case=case,
            linked=linked,
            attached=attached,
            verdicts=VERDICTS[case.kind],
            parties=desk.identity.parties(),
            person=person,
            wrong=wrong,
            max_text=MAX_TEXT,
        )

    def move(self, case_id: str, move: str) -> Response:
        desk, person, form = self.desk, self.desk.person, request.form
        cases, text = desk.cases, form.get("text", "")
        try:
            match move:
                case "take":
                    cases.assign(person, case_id, person.id)
                case "ask":
                    cases.ask(person, case_id, form.get("party", ""), text)
                case "note":
                    cases.note(person, case_id, text)
                case "link":
                    cases.link(person, case_id, index=form.get("entry", type=index_of), search=form.get("q") or None)
                case "decide":
                    cases.decide(person, case_id, form.get("verdict", ""), text)
                case _:
                    cases.close(person, case_id)
        except InvalidRequest as error:
            return self._case(cases.get(person, case_id), wrong=said(error, desk.lang), status=422)
        except WrongState:  # a colleague was quicker; what was written is given back
            case = cases.get(person, case_id)
            state = words.said(words.STATES, case.state, desk.lang)
            told = Text(
                f"没有保存：案件现在是“{state}”，可能同事刚刚办理过。",
                f"Not saved: the case is now “{state}”. A colleague may have been quicker.",
            )
            return self._case(case, wrong=[told.of(desk.lang), *([text] if text else [])], status=409)
        return to_page(f"/desk/cases/{case_id}")

    def _linked(self, indexes: Iterable[int | None]) -> list[Linked]:
        numbers = [each for each in indexes if each is not None][:SHOWN]
        looks = self.desk.looks(numbers)
        return [Linked(number, looks.get(number)) for number in numbers]

    def _party_of(self, index: int) -> str | None:
        look = self.desk.looks([index]).get(index)
        return look.actor.get("party") if look else None

    def _only_party(self, q: str) -> str | None:
        """The office whose queries these are, if they are all of one."""
        found = self.desk.search.facets(Filter.parse(q), names=("consumer",)).by_name["consumer"].values
        offices = [each.value for each in found if each.count and each.value != NONE]
        return offices[0] if len(offices) == 1 else None

    # ── the review queue ──────────────────────────────────────────────────────────────────────────────────────────────
    def reviews(self) -> Response:
        desk, person = self.desk, self.desk.person
        reviewed = request.args.get("reviewed") == "1"
        items = desk.reviews.queue(person, reviewed=reviewed, before=request.args.get("before"), limit=PAGE)
        linked = {each.index: each for each in self._linked(item.entry for item in items)}
        desk.looked({"reviews": "reviewed" if reviewed else "due"}, len(items))
        first = workdays.day_of(desk.clock.now()).replace(day=1)
        return desk.page(
            "reviews.html",
            REVIEWS[1],
            items=items,
            linked=linked,
            reviewed=reviewed,
            next=items[-1].id if len(items) == PAGE else None,
            month=desk.reviews.progress(person, first, next_month(first)),
            last=desk.reviews.progress(person, last_month(first), first),
            percent=desk.reviews.percent,
        )

    def review(self, item_id: str) -> Response:
        _, case = self.desk.reviews.review(self.desk.person, item_id, request.form.get("outcome", ""))
        return to_page(f"/desk/cases/{case.id}" if case else "/desk/reviews")

    # ── the office that must explain ──────────────────────────────────────────────────────────────────────────────────
    def asked(self) -> Response:
        return self.desk.page(
            "asked.html", ASKED[1], crumbs=(), cases=self.desk.cases.page(self.desk.person, limit=PAGE)
        )

    def answer(self, case_id: str) -> Response:
        desk, person = self.desk, self.desk.person
        wrong: object = ()
        if request.method == "POST":
            try:
                desk.cases.answer(person, case_id, request.form.get("text", ""))
                return to_page(f"/desk/asked/{case_id}")
            except InvalidRequest as error:
                wrong = said(error, desk.lang)
        case = desk.cases.get(person, case_id)
        linked = self._linked(each.entry for each in case.links)
        desk.looked({"asked": case.id}, len(linked))
        return desk.page(
            "asked-one.html",
            ASKED[1],
            crumbs=(ASKED,),
            status=422 if wrong else 200,
            case=case,
            linked=linked,
            wrong=wrong,
            max_text=MAX_TEXT,
        )
