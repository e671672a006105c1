"""One look-up as people read it: who asked whom for what, the decision rule by rule, and what came of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

from markupsafe import Markup

from gateway.audit.filter import Filter
from gateway.audit.search import Found
from gateway.lib.clock import parse_rfc3339
from gateway.pages.compliance import words
from gateway.pages.public.words import Text

AFTER_ANSWER = ("R14", "R18")  # these speak only once the department has answered
SELDOM = ("R15",)


@dataclass(frozen=True, slots=True)
class Step:
    """``held``: True it did, False it objected, None it was not asked."""

    rule: str
    sentence: Text
    held: bool | None


@dataclass(frozen=True, slots=True)
class Look:
    """A row of the search page. ``entry`` is the query's first entry, or any other entry of the log."""

    index: int
    entry: Mapping[str, Any]
    outcome: Mapping[str, Any] | None
    outcome_index: int | None
    result: str | None
    risks: tuple[str, ...]
    provider: str | None

    @classmethod
    def of(cls, found: Found) -> Look:
        row = found.row
        return cls(
            found.index,
            found.entry,
            found.outcome,
            row.outcome if row else None,
            row.result if row else None,
            tuple(row.risk.split(" ")) if row and row.risk else (),
            row.other_party if row else None,
        )

    @property
    def proof_index(self) -> int:
        """The entry that an evidence bundle is about: how it ended, once it has."""
        return self.index if self.outcome_index is None else self.outcome_index

    @property
    def is_query(self) -> bool:
        return self.result is not None and "decision" in self.entry

    @property
    def at(self) -> datetime:
        return parse_rfc3339(self.entry["t"])

    @property
    def actor(self) -> Mapping[str, Any]:
        return self.entry.get("actor") or {}

    @property
    def milliseconds(self) -> int | None:
        """From the permit to the outcome, by the log's own times."""
        if self.outcome is None:
            return None
        return round((parse_rfc3339(self.outcome["t"]) - self.at).total_seconds() * 1000)

    @property
    def objections(self) -> tuple[str, ...]:
        """The rules that refused it, or kept its record back."""
        if not self.is_query:
            return ()
        if self.entry["decision"]["effect"] == "refuse":
            return tuple(self.entry["decision"]["rules"])
        return tuple((self.outcome or {}).get("rules") or ())

    @property
    def steps(self) -> tuple[Step, ...]:
        """Every rule, in order, and what it said. All of them are asked, even when the first objects."""
        if not self.is_query:
            return ()
        permitted = self.entry["decision"]["effect"] == "permit"
        named, objections = set(self.entry["decision"]["rules"]), set(self.objections)
        found = []
        for rule, sentence in words.RULES.items():
            held: bool | None = rule not in objections
            if rule in objections:
                held = False
            elif rule in AFTER_ANSWER:
                held = True if self.result == "released" else None
            elif rule in SELDOM or permitted:
                held = True if rule in named else None
            if held is not None or rule not in SELDOM:
                found.append(Step(rule, sentence, held))
        return tuple(found)

    @property
    def objected(self) -> tuple[Step, ...]:
        return tuple(each for each in self.steps if each.held is False)

    @property
    def held(self) -> list[str]:
        return [each.rule for each in self.steps if each.held]

    @property
    def unasked(self) -> list[str]:
        return [each.rule for each in self.steps if each.held is None]

    def searches(self) -> list[tuple[Text, str]]:
        """Where to look next: the same officer, resident, case; each with its search."""
        entry, out = self.entry, []
        if officer := self.actor.get("officer"):
            out.append((Text("同经办人", "Same officer"), Filter.of(officer=officer).text()))
        if subject := entry.get("subject"):
            out.append((Text("同当事人", "Same resident"), Filter.of(subject=subject).text()))
        if self.is_query and entry.get("case"):
            out.append((Text("同办件", "Same case"), Filter.of(case=entry["case"]).text()))
        return out


@lru_cache(maxsize=256)
def traced(steps: tuple[Step, ...], lang: str) -> Markup:
    """The steps as a list; mostly they are the same in every row."""
    lines = []
    for step in steps:
        mark, kind, zh, en = _HELD[step.held]
        lines.append(
            Markup(
                '<li class="{}"><span class="mark" aria-hidden="true">{}</span> <span class="rule">{}</span> '
                '<span>{}<span class="hidden">{}{}</span></span></li>'
            ).format(
                kind,
                mark,
                step.rule,
                step.sentence.of(lang),
                "：" if lang == "zh" else ": ",
                zh if lang == "zh" else en,
            )
        )
    return Markup('<ol class="trace" data-testid="trace">{}</ol>').format(Markup("").join(lines))


_HELD: Mapping[bool | None, tuple[str, str, str, str]] = {
    True: ("✔", "held", "符合", "holds"),
    False: ("✘", "objected", "不符合", "does not hold"),
    None: ("–", "unasked", "未涉及", "not asked"),
}


def plain_members(entry: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Members of any entry as lines, for events that have no page of their own."""
    out: list[tuple[str, str]] = []

    def walk(name: str, value: Any) -> None:
        if isinstance(value, Mapping):
            for inner, item in value.items():
                walk(f"{name}.{inner}" if name else inner, item)
        elif isinstance(value, list):
            if all(not isinstance(item, Mapping | list) for item in value):
                out.append((name, ", ".join(map(_plain, value)) or "—"))
            else:
                for number, item in enumerate(value):
                    walk(f"{name}[{number}]", item)
        elif value is not None:
            out.append((name, _plain(value)))

    walk("", {name: value for name, value in entry.items() if name not in ("v", "type", "t", "id", "gw")})
    return out


def _plain(value: Any) -> str:
    """As it stands in the entry: true, not True."""
    return str(value).lower() if isinstance(value, bool) else str(value)
