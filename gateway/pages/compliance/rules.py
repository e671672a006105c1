"""The rules as they stand, how often each refused, and where they were overruled: break-glass queries."""

from __future__ import annotations

from flask import Blueprint, Response

from gateway.audit.filter import Filter
from gateway.exchange.decision import POLICY
from gateway.pages.compliance import exports
from gateway.pages.compliance.desk import DESK, RULES, Desk
from gateway.pages.compliance.trace import Look

DAYS = 30
SHOWN = 20


class Rules:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def routes(self, blp: Blueprint) -> None:
        blp.add_url_rule("/desk/rules", view_func=self.desk.frame.sessions.signed_in(*DESK)(self.rules))

    def rules(self) -> Response:
        desk = self.desk
        wanted = Filter.of(since=f"{DAYS}d")
        facet = desk.search.facets(wanted, names=("rule",), top=100).by_name["rule"]
        broken = Filter.of(risk="emergency")
        emergencies = desk.search.find(broken, limit=SHOWN)
        desk.looked({"desk": "rules"}, len(emergencies.found))
        return desk.page(
            "rules.html",
            RULES[1],
            policy=POLICY,
            refused={each.value: each.count for each in facet.values},
            days=DAYS,
            emergency_q=broken.text(),
            forms=exports.TABLES,
            emergencies=[Look.of(each) for each in emergencies.found],
            reviews=desk.cases.page(desk.person, kind="emergency_review", limit=SHOWN),
        )
