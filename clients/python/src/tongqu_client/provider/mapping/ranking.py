"""Which standard a table is nearest to, when nobody has named one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import standards
from standards import Standard

from tongqu_client.provider.mapping.model import Wishes
from tongqu_client.provider.mapping.propose import leaves, propose
from tongqu_client.provider.mapping.wordlist import key_of
from tongqu_client.provider.readers.table import Table

CLEAR = 1.25  # how many times the second's score the first's must be
ROWS = 200  # looked at for each standard


@dataclass(frozen=True, slots=True)
class Ranked:
    """One standard: how much of the table it takes. ``fields``: elements given; ``open``: required and not given."""

    standard: str
    zh: str
    en: str
    score: float
    fields: int
    open: int


def rank(table: Table, comments: Mapping[str, str]) -> list[Ranked]:
    """Every standard in its newest version, the nearest first. An element that few standards have counts for more."""
    step = max(1, len(table.rows) // ROWS)
    few = replace(table, rows=table.rows[::step])
    newest = [standards.get(f"{name}/{standards.versions(name)[-1]}") for name in standards.names()]
    common = Counter(key_of(one, element) for one in newest for element in leaves(one))
    found = [_ranked(one, few, comments, common) for one in newest]
    return sorted(found, key=lambda one: -one.score)


def clear(ranked: list[Ranked]) -> bool:
    """Whether the first is far enough ahead to be taken without asking."""
    return len(ranked) == 1 or (ranked[0].score > 0 and ranked[0].score >= CLEAR * ranked[1].score)


def _ranked(standard: Standard, table: Table, comments: Mapping[str, str], common: Counter[str]) -> Ranked:
    proposal = propose(standard, table, comments, Wishes())
    score, seen = 0.0, set[str]()
    for choice in proposal.choices:
        if choice.state in ("mapped", "waiting") and not seen & {*choice.columns}:
            seen |= {*choice.columns}
            weight = 1 / common[key_of(standard, choice.element)]
            score += choice.confidence * (weight + 0.25)
    missing = sum(1 for choice in proposal.open if choice.element.path == standard.subject_field)
    return Ranked(
        standard.id, standard.zh, standard.en, round(score * (0.6 if missing else 1), 3), len(seen), len(proposal.open)
    )
