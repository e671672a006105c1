"""The crosswalk language: from a department's own columns to a published standard, as data.

A crosswalk is a JSON document (crosswalk.schema.json): for each target field where it comes ``from`` (JSON Pointers), a
chain of functions from a closed list, and what happens to a missing value or an unknown code. It is compiled once, to
closures; running it evaluates nothing, follows no recursion and has bounded output. As it is data, one can say which
columns each field needs, check its results against the standard before the first record, and turn it round.

>>> crosswalk = compile(document, standards.get("person-basic/1.0.0"))
>>> crosswalk.apply({"XM": "测试", "XB": "男"}).record
{'name': '测试', 'sex': '1'}
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import rfc8785

from standards.crosswalk_check import CrosswalkInvalid, checked
from standards.crosswalk_inverse import Inverse, inverse
from standards.crosswalk_plan import Outcome, Plan, Refusal, plan
from standards.rules import Problem
from standards.standard import Standard, set_of
from standards.validate import Violation

__all__ = ["Crosswalk", "CrosswalkInvalid", "Inverse", "Problem", "Refusal", "Translated", "compile"]


@dataclass(frozen=True, slots=True)
class Translated:
    """One record and everything that happened on the way.

    ``record`` is None if anything was refused. ``translated`` and ``defaulted`` name target fields. ``lost`` names
    source columns that hold a value which reached no target and which the crosswalk does not declare as ignored; these
    names come from the row, so count them rather than log them where rows come from strangers. ``omitted`` are values
    left out because the crosswalk says so; ``refused`` those it may not leave out.
    """

    record: dict[str, Any] | None = field(repr=False)
    translated: tuple[str, ...]
    defaulted: tuple[str, ...]
    lost: tuple[str, ...]
    omitted: tuple[Refusal, ...]
    refused: tuple[Refusal, ...]


def compile(document: Mapping[str, Any], standard: Standard) -> Crosswalk:
    """Check a crosswalk against its published schema and the standard, and compile it.

    Raises CrosswalkInvalid with the list of problems: unknown targets and functions, required fields without a rule,
    results that the standard would refuse (a code outside its list, an unchecked identity number), contradictions.
    """
    rules = checked(document, standard)
    digest = "sha-256:" + hashlib.sha256(rfc8785.dumps(document)).hexdigest()
    return Crosswalk(dict(document), standard, digest, plan(rules, document, standard))


@dataclass(frozen=True, slots=True)
class Crosswalk:
    """A compiled crosswalk. Immutable but for its cache of narrowed forms; safe to use from several threads."""

    document: dict[str, Any] = field(repr=False)
    standard: Standard = field(repr=False)
    digest: str
    _plan: Plan = field(repr=False)
    exact: bool = field(default=False, repr=False, compare=False)  # narrowed, and a record holds nothing else
    _narrowed: dict[tuple[str, ...], Crosswalk] = field(default_factory=dict, repr=False, compare=False)

    @property
    def sources(self) -> dict[str, tuple[str, ...]]:
        """Target field → the columns it is made of, in order. A constant has none."""
        return self._plan.sources

    def needed(self, fields: Iterable[str]) -> tuple[str, ...]:
        """The columns that must be read for these target fields, and no others (minimisation)."""
        wanted = tuple(fields)
        columns = [column for target, own in self.sources.items() if _touches(target, wanted) for column in own]
        return tuple(dict.fromkeys(columns))

    def narrow(self, fields: tuple[str, ...]) -> Crosswalk:
        """The same crosswalk for these target fields only: no other column is read, no other fault refuses a row.

        A column that only other fields use does not count as lost.
        """
        key = set_of(fields)
        if key not in self._narrowed:
            if len(self._narrowed) >= 256:
                self._narrowed.clear()
            smaller = self._plan.narrowed(lambda target: _touches(target, key))
            exact = all(_covers(target, key) for target in smaller.sources)
            self._narrowed[key] = Crosswalk(self.document, self.standard, self.digest, smaller, exact)
        return self._narrowed[key]

    def apply(self, row: Mapping[str, Any]) -> Translated:
        """Translate one row. Never raises for what a row holds; the record is not yet checked against the standard."""
        record: dict[str, Any] = {}
        outcome = Outcome()
        self._plan.run(row, record, outcome)
        return Translated(
            None if outcome.refused else record,
            tuple(outcome.translated),
            tuple(outcome.defaulted),
            self._plan.lost(row, outcome),
            tuple(outcome.omitted),
            tuple(outcome.refused),
        )

    def record_of(self, row: Mapping[str, Any]) -> tuple[dict[str, Any] | None, list[Refusal]]:
        """Record and refusals of one row as ``apply`` gives them, for whoever wants to know no more."""
        record: dict[str, Any] = {}
        outcome = Outcome()
        self._plan.run(row, record, outcome)
        return (None if outcome.refused else record), outcome.refused

    def translate(self, row: Mapping[str, Any], fields: tuple[str, ...] | None = None) -> Translated:
        """Translate one row and check the record against the standard, or only these fields of both.

        What the standard refuses is reported like every other refusal: by target field and source column, with
        ``why_code`` ``standard:<rule>``.
        """
        done = (self if fields is None else self.narrow(fields)).apply(row)
        if done.record is None:
            return done
        violations = self.standard.validator(fields).errors(done.record)
        if not violations:
            return done
        refused = tuple(self._refusal(violation) for violation in violations)
        return Translated(None, done.translated, done.defaulted, done.lost, done.omitted, refused)

    def invert(self) -> Inverse:
        """From the standard back to the department's columns, for the rules that can be turned round.

        ``Inverse.not_invertible`` says of each other target why not.
        """
        return inverse(self.document)

    def _refusal(self, violation: Violation) -> Refusal:
        target = ".".join(step for step in violation.pointer.split("/")[1:] if not step.isdigit())
        columns = self.sources.get(target, ())
        return Refusal(target, ", ".join(columns), f"standard:{violation.rule}", violation.zh, violation.en)


def _covers(target: str, fields: Iterable[str]) -> bool:
    """Whether a rule's target is one of the fields or part of one."""
    return any(target == wanted or target.startswith(f"{wanted}.") for wanted in fields)


def _touches(target: str, fields: Iterable[str]) -> bool:
    """Whether a rule's target is one of the fields, part of one, or holds one."""
    return _covers(target, fields) or any(wanted.startswith(f"{target}.") for wanted in fields)
