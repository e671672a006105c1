"""The addresses of the resident's page. None holds anything personal: a look-up is the number of its entry."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, g, jsonify, request

from gateway.accounts.actions import Accounts
from gateway.accounts.web import to_page
from gateway.audit.filter import CHINA
from gateway.audit.log import Log
from gateway.audit.pseudonyms import Pseudonyms
from gateway.audit.shard import holding
from gateway.cases.actions import Cases
from gateway.cases.model import Case, Person
from gateway.consent.actions import Consents
from gateway.consent.model import Consent
from gateway.errors import InvalidRequest, NotFound, TongquError
from gateway.lib.canonical_json import digest
from gateway.pages.frame.render import Frame, asked_language
from gateway.pages.public.words import Text
from gateway.pages.resident import download, words
from gateway.pages.resident.lookups import LookUps
from gateway.problems import status_of

HERE = Path(__file__).parent
MINE = Text("谁查看了我的数据", "Who looked at my data")
WHY = Text("为什么可以查询？", "Why was this allowed?")
WHY_NOT = Text("为什么被拒绝？", "Why was this refused?")
OBJECT = Text("不认识这次查询", "I don't recognise this look-up")
CONSENT = Text("请您决定", "Please decide")
MY_CONSENT = Text("我的授权", "My consent")
CRUMBS = (("/me", MINE),)
PERIODS = {"90": Text("过去 90 天", "Last 90 days"), "365": Text("过去一年", "Last year"),
           "all": Text("全部", "All")}  # fmt: skip
SPANS = {"90": Text("过去 90 天", "In the last 90 days"), "365": Text("过去一年", "In the last year"),
         "all": Text("至今", "So far")}  # fmt: skip
ON_A_PAGE = 20
SINCE = {"90": "90d", "365": "365d", "all": None}


class ResidentPages:
    """``/me…``, for residents only."""

    def __init__(
        self,
        frame: Frame,
        lookups: LookUps,
        accounts: Accounts,
        consents: Consents,
        cases: Cases,
        pseudonyms: Pseudonyms,
        log: Log,
    ) -> None:
        self._frame, self._lookups, self._accounts = frame, lookups, accounts
        self._consents, self._cases, self._pseudonyms, self._log = consents, cases, pseudonyms, log
        self._templates = frame.environment(HERE / "templates")
        self._templates.globals |= {"words": words, "many": words.many}
        self._templates.filters["china"] = lambda at: at.astimezone(CHINA)

    def blueprint(self) -> Blueprint:
        blp, resident = Blueprint("resident", __name__), self._frame.sessions.signed_in("resident")
        for path, view, method in (
            ("/me", self.overview, "GET"),
            ("/me/look-ups.<any(csv, json):form>", self.take_away, "GET"),
            ("/me/look-ups/<int:index>", self.why, "GET"),
            ("/me/look-ups/<int:index>/object", self.object_page, "GET"),
            ("/me/look-ups/<int:index>/object", self.object, "POST"),
            ("/me/consents/<consent_id>", self.consent_page, "GET"),
            ("/me/consents/<consent_id>/<any(give, refuse, withdraw):move>", self.decide, "POST"),
            ("/me/consents/<consent_id>/<any(give, refuse, withdraw):move>", self.decided, "GET"),
        ):
            blp.add_url_rule(path, endpoint=view.__name__, view_func=resident(view), methods=[method])
        return blp

    # ── who looked ────────────────────────────────────────────────────────────────────────────────────────────────────
    def overview(self) -> Response:
        return self._overview()

    def _overview(self, done: Text | None = None, code: str | None = None) -> Response:
        subjects, days = self._subjects(), self._days()
        seen = self._lookups.of(subjects, SINCE[days])
        self._noted({"page": "overview", "days": days}, len(seen.lookups))
        consents = self._consents.of_resident(subjects)
        pages = max(1, -(-len(seen.lookups) // ON_A_PAGE))
        page = min(pages, max(1, request.args.get("page", 1, type=int)))
        first = (page - 1) * ON_A_PAGE
        return self._page(
            "overview.html",
            title=MINE,
            seen=seen,
            shown=seen.lookups[first : first + ON_A_PAGE],
            first=first,
            page=page,
            pages=pages,
            opened=self._lookups.opened(subjects, SINCE[days]),
            days=days,
            periods=PERIODS,
            span=SPANS[days],
            asked=[self._consent(each) for each in consents if each.state == "requested"],
            consents=[self._consent(each) for each in consents if each.state not in ("requested", "superseded")],
            cases=[self._case(each) for each in self._cases.objections(subjects)],
            done=done,
            code=code,
            address="/me" if done else None,
        )

    def take_away(self, form: str) -> Response:
        lang, seen = asked_language(), self._lookups.of(self._subjects(), SINCE[self._days()])
        self._noted({"page": form, "days": self._days()}, len(seen.lookups))
        if form == "csv":
            response = Response(download.to_csv(seen.lookups, lang), content_type="text/csv; charset=utf-8")
        else:
            hidden = {"later": seen.delayed, "withheld": seen.withheld}
            response = jsonify({"look_ups": [download.row(each, lang) for each in seen.lookups], "not_shown": hidden})
        response.headers["Content-Disposition"] = f'attachment; filename="look-ups.{form}"'
        return response

    def why(self, index: int) -> Response:
        found = self._lookups.one(self._subjects(), index)
        self._noted({"page": "why", "entry": index}, 1)
        log = holding(self._log.shards(), index)
        title = WHY_NOT if found.result == "refused" else WHY
        return self._page(
            "why.html",
            title=title,
            crumbs=CRUMBS,
            each=found,
            terms=self._terms(found.agreement),
            vkey=self._log.keys.of(log.origin).vkey,
            index_in_log=index - log.first,
            year=log.year,
        )

    # ── objecting ─────────────────────────────────────────────────────────────────────────────────────────────────────
    def object_page(self, index: int) -> Response:
        return self._object_page(index)

    def object(self, index: int) -> Response:
        subjects = self._subjects()
        self._lookups.one(subjects, index)  # what is not shown cannot be objected to: that would tell of it
        text = request.form.get("text", "").strip() or OBJECT.zh
        try:
            self._cases.object(Person(id=g.account.id), subjects, index, text)
        except InvalidRequest as error:
            return self._object_page(index, error)
        return to_page("/me?days=all#objections")

    def _object_page(self, index: int, error: TongquError | None = None) -> Response:
        found = self._lookups.one(self._subjects(), index)
        status = status_of(error) if error else 200
        return self._page("object.html", title=OBJECT, crumbs=CRUMBS, each=found, error=error, status=status)

    # ── consents ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def consent_page(self, consent_id: str) -> Response:
        found = next((each for each in self._consents.of_resident(self._subjects()) if each.id == consent_id), None)
        if found is None:
            raise NotFound("没有这条关于您的同意记录。", "There is no such consent of yours.")
        title = CONSENT if found.state == "requested" else MY_CONSENT
        return self._page("consent.html", title=title, crumbs=CRUMBS, each=self._consent(found))

    def decide(self, consent_id: str, move: str) -> Response:
        subjects, code = self._subjects(), None
        if move == "give":
            _, code = self._consents.give_own(subjects, consent_id)
            done = Text("已记下您的同意。", "Your yes is recorded.")
        elif move == "refuse":
            self._consents.refuse_own(subjects, consent_id)
            done = Text(
                "已记下您的拒绝。不会因此影响您办理其他事项。", "Your no is recorded. Nothing else follows from it."
            )
        else:
            self._consents.withdraw_own(subjects, consent_id)
            done = Text("已撤回。从现在起不再据此提供信息。", "Withdrawn. From now on nothing is given on this ground.")
        return self._overview(done, code)

    def decided(self, consent_id: str, move: str) -> Response:
        """The address of a decision, opened again: nothing is decided by it."""
        return to_page(f"/me/consents/{consent_id}")

    # ── what templates are given ──────────────────────────────────────────────────────────────────────────────────────
    def _consent(self, consent: Consent) -> dict[str, Any]:
        agreement = self._terms_of(consent.agreement_digest)
        purposes = [Text(each["zh"], each["en"]) for each in agreement["purposes"] if each["code"] in consent.purposes]
        fields = [
            self._lookups.field(standard, path) for standard, paths in consent.data.items() for path in sorted(paths)
        ]
        return {
            "id": consent.id,
            "state": consent.state,
            "office": self._lookups.party(consent.consumer),
            "department": self._lookups.party(consent.provider),
            "purposes": purposes,
            "fields": fields,
            "until": consent.valid_until.astimezone(CHINA),
            "at": consent.events[-1].at.astimezone(CHINA),
            "entry": consent.events[-1].log_index,
            "terms": self._terms(agreement),
        }

    def _terms_of(self, agreement_digest: str) -> Any:
        document = self._lookups.document(agreement_digest)
        if document is None:
            raise NotFound("没有这份协议。", "There is no such agreement.")
        return document

    @staticmethod
    def _terms(agreement: Any) -> dict[str, Any] | None:
        if agreement is None:
            return None
        return {
            "title": Text(agreement["title_zh"], agreement["title_en"]),
            "id": agreement["id"],
            "version": agreement["version"],
            "bases": [(words.basis(each["type"]), each["citation"]) for each in agreement["legal_basis"]],
            "keeps": words.period(agreement["retention"]["consumer"]),
            "destroys": agreement["retention"]["destruction"],
            "onward": agreement["onward_disclosure"] != "prohibited",
            "case_required": agreement["access"]["case_required"],
        }

    @staticmethod
    def _case(case: Case) -> dict[str, Any]:
        return {
            "entry": next((link.entry for link in case.links if link.entry is not None), None),
            "opened": case.opened_at.astimezone(CHINA),
            "due": (case.due - timedelta(microseconds=1)).astimezone(CHINA),  # its last day
            "state": case.state,
            "open": case.is_open,
            "verdict": case.verdict,
        }

    def _page(self, template: str, **data: Any) -> Response:
        return self._frame.page(self._templates, template, **data)

    def _subjects(self) -> list[str]:
        """All pseudonyms of whoever is signed in."""
        resident = self._accounts.resident_of(g.account)
        if resident is None:
            raise NotFound("该账户没有关联居民。", "This account belongs to no resident.")
        return self._pseudonyms.subjects(*resident)

    @staticmethod
    def _days() -> str:
        days = request.args.get("days", "90")
        return days if days in PERIODS else "90"

    def _noted(self, what: dict[str, Any], rows: int) -> None:
        """Reading the log is logged, one's own part of it too; durable before anything is shown."""
        looked = {"account": g.account.id, **what}
        with self._log.transaction() as tx:
            tx.append(
                {"type": "audit.viewed", "actor": g.account.actor(), "filter_digest": digest(looked), "rows": rows}
            )
