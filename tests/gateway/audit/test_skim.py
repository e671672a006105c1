"""The index reads entries of queries by pattern: what it reads is what a parser reads."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.audit import entry, skim
from tests.gateway.audit.examples import authorized, failed, released

GW = {"build": "1.0", "node": "gw1"}
T = "2026-11-27T03:20:03.349Z"


def written(content: dict[str, Any]) -> bytes:
    return entry.draft(content, id="01M8DG8T0E6SVH09BK6GFEVVCA", gw=GW).at(T)


def permit(**changed: Any) -> dict[str, Any]:
    return authorized("qry_1") | changed


def refusal(**changed: Any) -> dict[str, Any]:
    return permit(type="exchange.refused", **changed)


def decided(facts: dict[str, Any], rules: tuple[str, ...] = ("R1", "R2")) -> dict[str, Any]:
    return {"effect": "permit", "rules": list(rules), "facts": facts, "policy": "tongqu-rules:3"}


NOTHING = dict.fromkeys(("agreement", "consent", "purpose", "standard", "subject", "case", "service", "token"))
CONSENT = {"id": "con_1", "digest": "sha-256:" + "0" * 64}
USUAL = {
    "permit": permit(),
    "of an officer, in a case": permit(
        actor={"party": "street-linden", "client": "cli_1", "officer": "off_li"},
        case="c:1:" + "C" * 22,
        consent=CONSENT,
    ),
    "refusal": refusal(),
    "of nothing": refusal(**NOTHING, fields=[], request_digest=None, decision=decided({}, ())),
    "facts like members": permit(
        decision=decided({"decision": {"policy": "p", "rules": ["R9"]}, "fields": ["a"], "type": "x", "policy": "q"})
    ),
    "facts of risk": permit(decision=decided({"relation": "same_household", "protected": True, "emergency": {"n": 1}})),
    "release": released("qry_1", 12),
    "no record": released("qry_1", 12) | {"records": 0},
    "a release without consent": released("qry_1", 12) | {"consent": None},
}
RARE = {
    "a fact with an escape": permit(decision=decided({"note": 'say "a","policy":"b" \\'})),
    "failure": failed("qry_1", 12),
    "withheld": {"type": "exchange.withheld", "query": "qry_1", "of": 12, "code": "outside", "rules": ["R14", "R15"]},
    "unknown": {"type": entry.OUTCOME_UNKNOWN, "query": "qry_1", "of": 12},
}


@pytest.mark.parametrize("name", USUAL)
def test_permits_refusals_and_releases_need_no_parser(name: str) -> None:
    data = written(USUAL[name])
    found = skim.by_pattern(data)
    assert found is not None
    assert _meant(found) == _meant(skim.by_parser(data))


@pytest.mark.parametrize("name", RARE)
def test_what_is_written_otherwise_is_left_to_the_parser(name: str) -> None:
    data = written(RARE[name])
    assert skim.by_pattern(data) is None
    assert skim.read(data) == skim.by_parser(data)


def test_another_spelling_says_the_same() -> None:
    for content in (USUAL | RARE).values():
        data = written(content)
        spread = orjson.dumps(orjson.loads(data), option=orjson.OPT_INDENT_2)
        assert _meant(skim.read(spread)) == _meant(skim.read(data))


def test_of_other_events_all_members_are_read() -> None:
    data = written({"type": "party.added", "actor": {"party": None, "client": None, "officer": None}, "party": "tax"})
    assert skim.read(data) == entry.read(data)


def _meant(found: Any) -> Any:
    """Facts in whatever order."""
    return found._replace(facts=orjson.loads(found.facts)) if isinstance(found, skim.Asked) else found
