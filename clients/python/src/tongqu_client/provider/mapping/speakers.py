"""What a table's headings have in common: a prefix of the vendor's, and prefixes that say whose a thing is.

``WG_`` before nearly all columns says nothing. ``CY`` before SFZH, XM and XB is a person, though we may not know who.
If the numbers of exactly one of several people differ from row to row, the rows are about that one.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cache

from standards import synonyms

from tongqu_client.provider.mapping.names import heading, plain, roles_at_head
from tongqu_client.provider.mapping.pinyin import spellings
from tongqu_client.provider.mapping.profile import HARD, Profile

MOST_COLUMNS = 0.6  # share of the columns that must begin with a vendor's prefix
EVERY_ROW, REPEATED = 0.95, 0.7  # different values among all: one for each row; the same in many rows
_OF_A_PERSON = ("idNumber", "name", "phone", "sex", "birthDate")


def without_vendor(columns: Sequence[str]) -> dict[str, str]:
    """Each column's name without a first word that most of them share (WG_SJBH → SJBH)."""
    firsts = Counter(first for column in columns if (first := _first(column)))
    vendor = next((word for word, times in firsts.items() if times >= max(4, MOST_COLUMNS * len(columns))), None)
    return {column: column[len(vendor) + 1 :] if vendor and _first(column) == vendor else column for column in columns}


def _first(column: str) -> str:
    found = re.match(r"([A-Za-z0-9]{1,8})[_-](?=.)", column)
    return found[1] if found else ""


def groups(named: Mapping[str, str]) -> dict[str, list[str]]:
    """Prefix in letters → the columns that put it before the initials of what is said of people, if two and more."""
    found: dict[str, list[str]] = defaultdict(list)
    for column, name in named.items():
        leaf = heading(name).leaf
        if leaf.isascii() and leaf not in _things():
            for length in (2, 3, 4):
                if leaf[length:] in _things():
                    found[leaf[:length]].append(column)
    return {prefix: listed for prefix, listed in found.items() if len(listed) > 1}


def shared(name: str, named: Mapping[str, str]) -> bool:
    """Whether a heading begins with letters of a person for whom we have no word."""
    return not roles_at_head(heading(name).leaf) and any(
        name in (named[column] for column in listed) for listed in groups(named).values()
    )


def own_columns(named: Mapping[str, str], profiles: Mapping[str, Profile]) -> dict[str, str]:
    """Column → its name without the person, for the one person whose numbers are those of the rows.

    Empty if a column of numbers says nobody's: then that one is asked first.
    """
    numbers = [column for column in named if profiles[column].share("id") >= HARD]
    people = {column: _person(column, named) for column in numbers}
    single = [column for column in numbers if _differ(profiles[column]) >= EVERY_ROW]
    others = [column for column in numbers if column not in single]
    if len(single) != 1 or not others or any(_differ(profiles[one]) > REPEATED for one in others):
        return {}
    person = people[single[0]]
    if person is None or None in people.values():
        return {}
    return {column: _rest(name, person) for column, name in named.items() if _person(column, named) == person}


def _differ(seen: Profile) -> float:
    return seen.distinct / seen.count if seen.count else 0.0


def _person(column: str, named: Mapping[str, str]) -> str | None:
    """The role its heading speaks of, or the prefix it shares; None if it says nobody's."""
    head = heading(named[column])
    if head.role not in (None, "self"):
        return head.role
    return next((prefix for prefix, listed in groups(named).items() if column in listed), None)


def _rest(name: str, person: str) -> str:
    head = heading(name)
    return head.rest if head.role == person else head.leaf.removeprefix(person)


@cache
def _things() -> frozenset[str]:
    """Initials of what is said of a person: sfzh, xm, csrq, xb, lxdh."""
    elements = synonyms.document()["elements"]
    names = [plain(name) for thing in _OF_A_PERSON for name in elements[thing] if not name.isascii()]
    return frozenset(initials for name in names for _, initials in spellings(name) if len(initials) > 1)
