"""Doubts about headings that are initials only, about whose a thing is, and about what is filled too often.

SWRQ is 死亡日期 and 收文日期. What it is can be told by values only where a wrong reading would show: by check digits,
by the words of one code list, by the birth dates in the identity numbers beside it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING

from standards import Element

from tongqu_client.provider.mapping import speakers
from tongqu_client.provider.mapping.doubt import Doubt
from tongqu_client.provider.mapping.evidence import kind_of
from tongqu_client.provider.mapping.names import heading

if TYPE_CHECKING:
    from tongqu_client.provider.mapping.certainty import Court
    from tongqu_client.provider.mapping.matching import Candidate

# what happens to few: most rows leave it empty
_RARE = re.compile("死亡|曾用|注销|撤销|吊销|终止日期|离开|搬离|迁出|解除|停止|停保|离职")
RARELY, OFTEN = 0.5, 0.9  # shares of rows filled from which a rare thing is doubtful, and hardly believable


def doubts(court: Court, one: Candidate) -> Iterator[Doubt]:
    """Everything about the heading's letters and the fill of the column that keeps a choice from being certain."""
    named = court.look.heard
    for column in one.columns:
        if column in court.look.own:
            yield Doubt(
                "各行号码不同的只有这个人，据此认作主体", "taken for the subject as its numbers alone differ by row"
            )
        elif speakers.shared(named[column], named):
            yield Doubt(
                "列名的前几个字母是几列共有的，可能指另一人",
                "other columns share its first letters: they may be a person",
            )
        if _is_short(court, one, column) and not _shown_by_values(court, one):
            yield Doubt(
                "列名只是缩写，取值证明不了它指什么",
                "its name is initials only, and the values cannot prove what it means",
            )
        yield from _too_often(court, one.element, column)


def _is_short(court: Court, one: Candidate, column: str) -> bool:
    return column not in court.look.comments and court.look.vocabulary.abbreviated(
        one.element, court.look.heard[column]
    )


def _shown_by_values(court: Court, one: Candidate) -> bool:
    """Whether another reading of the letters would have shown in the values."""
    kind = kind_of(one.element)
    if kind in ("id", "uscc"):
        return one.element.path == court.look.standard.subject_field
    if kind == "code":
        return one.values.telling
    if one.element.path == "birthDate":
        return court.born_as_numbered(one)
    return one.element.path == "name" and _only_names(court, one)


def _only_names(court: Court, one: Candidate) -> bool:
    """No other column that says nobody's holds names of people."""
    return not any(
        seen.person_like and heading(court.look.heard[column]).role in (None, "self") and column not in one.columns
        for column, seen in court.look.profiles.items()
        if not court.elsewhere(column, one)
    )


def _too_often(court: Court, element: Element, column: str) -> Iterator[Doubt]:
    seen = court.look.profiles[column]
    filled = seen.count / seen.rows if seen.rows else 0.0
    if not element.required and _RARE.search(element.zh) and filled >= RARELY:
        zh, en = "很少发生的事，却有一半以上的行填了", "it happens to few, yet more than half of the rows are filled"
        yield Doubt(zh, en, grave=filled >= OFTEN)
