"""A smallest crosswalk to person-basic, to which a test adds the rule it is about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import standards
from standards import crosswalk
from standards.crosswalk import Crosswalk, Translated
from tests.standards.people import resident

PERSON = standards.get("person-basic/1.0.0")
RESIDENCE = standards.get("residence-record/1.0.0")
ASSISTANCE = standards.get("social-assistance/1.0.0")

ROW: Mapping[str, Any] = {"sfz": resident(), "xm": "示例", "xb": "1", "csrq": "19580101"}


def document(**targets: Any) -> dict[str, Any]:
    """Every required field of person-basic, and these rules beside them or in their place."""
    base: dict[str, Any] = {
        "idNumber": {"from": "/sfz", "fn": ["id15to18"]},
        "name": {"from": "/xm", "fn": [{"fn": "trim", "kind": "name"}]},
        "sex": {"from": "/xb", "fn": [{"fn": "lookup", "codelist": "gbt-2261.1-2003-sex"}], "on_unknown": "refuse"},
        "birthDate": {"from": "/csrq", "fn": [{"fn": "date", "formats": ["yyyyMMdd"]}]},
        "personStatus": {"fn": [{"fn": "const", "value": "active"}]},
    }
    return {"crosswalk": "tongqu-crosswalk/1", "standard": "person-basic/1.0.0", "targets": base | targets}


def person(**targets: Any) -> Crosswalk:
    return crosswalk.compile(document(**{name.replace("__", "."): rule for name, rule in targets.items()}), PERSON)


def run(rule: dict[str, Any], value: Any, target: str = "formerName") -> Translated:
    """What one rule makes of one value in column ``x``."""
    return crosswalk.compile(document(**{target: {"from": "/x"} | rule}), PERSON).apply({**ROW, "x": value})


def made(rule: dict[str, Any], value: Any, target: str = "formerName") -> Any:
    """The value in the record; the refusal's code if it was refused."""
    done = run(rule, value, target)
    if done.record is None:
        (refusal,) = done.refused
        assert (refusal.target, refusal.source) == (target, "x")
        return refusal.why_code
    return done.record.get(target)


def codes(**targets: Any) -> set[tuple[str, str]]:
    """The problems of a document with these rules: pointer and code."""
    return problems(document(**{name.replace("__", "."): rule for name, rule in targets.items()}))


def problems(written: Any, standard: standards.Standard = PERSON) -> set[tuple[str, str]]:
    try:
        crosswalk.compile(written, standard)
    except crosswalk.CrosswalkInvalid as invalid:
        return {(problem.pointer, problem.code) for problem in invalid.problems}
    return set()
