"""Columns that no name tells: by the number that differs in every row, by their company, by a finer code beside them.

What is found here is never certain.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence

from standards import Element, Standard

from tongqu_client.provider.mapping import names
from tongqu_client.provider.mapping.evidence import kind_of
from tongqu_client.provider.mapping.matching import Candidate, Look
from tongqu_client.provider.mapping.names import heading
from tongqu_client.provider.mapping.vocabulary import Fits

_OF_A_KIND = ("amount", "date", "phone", "id", "uscc")
COMPANY = 0.6  # score of the only part left of its kind
_NUMBER = re.compile("(编号|编码|证号|字号|户号|号)$")
OWN_NUMBER = 0.64  # score of the only column that can be the record's own number; a little more than a running number
FINER = 0.8  # score of a division told by the code of a street or community within it


def by_own_number(look: Look, elements: Sequence[Element], columns: Sequence[str]) -> Iterator[Candidate]:
    """The record's own number, from the only column of numbers that differ in every row and that nothing else wants."""
    wanted = [one for one in elements if one.required and "." not in one.path and _is_own_number(look.standard, one)]
    alone = [
        column
        for column in columns
        if look.profiles[column].differs
        and not look.profiles[column].counts
        and not look.profiles[column].kind
        and names.is_number(look.heard[column])
        and not heading(look.heard[column]).role
        and not names.left_out(look.heard[column])
    ]
    if len(wanted) == 1 and len(alone) == 1:
        zh, en = "各行不同的编号只有这一列", "the only column of numbers that differ in every row"
        yield look.candidate(wanted[0], (alone[0],), Fits(OWN_NUMBER, False, zh, en))


def _is_own_number(standard: Standard, element: Element) -> bool:
    """The number of the record itself: the first required text that is called one."""
    numbers = [
        one.path
        for one in standard.elements
        if one.required and "." not in one.path and kind_of(one) == "text" and _NUMBER.search(one.zh)
    ]
    return bool(numbers) and element.path == numbers[0]


def by_company(
    look: Look, elements: Sequence[Element], columns: Sequence[str], taken: Mapping[str, Candidate]
) -> Iterator[Candidate]:
    """Under one heading with parts of one object: the only column left of a kind is the only part left of that kind."""
    groups: dict[str, set[str]] = {}
    for path, one in taken.items():
        above = heading(look.heard[one.columns[0]]).above
        if above and "." in path:
            groups.setdefault(above, set()).add(path.rpartition(".")[0])
    for above, holders in groups.items():
        left = [column for column in columns if heading(look.heard[column]).above == above]
        left = [column for column in left if not look.profiles[column].words_of_a_list]
        parts = [one for one in elements if one.path.rpartition(".")[0] in holders and kind_of(one) in _OF_A_KIND]
        for element in parts if len(holders) == 1 else ():
            alike = [one for one in parts if kind_of(one) == kind_of(element)]
            named = Fits(COMPANY, False, f"“{above}”之下只有这一列是此类", f"the only one of its kind under {above}")
            able = [column for column in left if _is_of_kind(look, column, element)]
            found = [one for column in able if (one := look.candidate(element, (column,), named)).fit.share >= 0.9]
            if len(alike) == 1 and len(found) == 1 and look.profiles[found[0].columns[0]].count:
                yield found[0]


def _is_of_kind(look: Look, column: str, element: Element) -> bool:
    """Whether the values have the form of the kind; numbers are amounts only if the heading names a unit."""
    kind, seen = kind_of(element), look.profiles[column]
    if kind == "amount":
        return heading(look.heard[column]).unit is not None and seen.share("number") >= 0.9
    return seen.share(kind) >= 0.9


def by_finer_divisions(look: Look, elements: Sequence[Element], taken: Mapping[str, Candidate]) -> Iterator[Candidate]:
    """A division that no column names, from the code of the street, community or grid within it (GB/T 10114)."""
    for element in elements:
        holder, _, last = element.path.rpartition(".")
        if last not in ("divisionCode", "domicileDivision"):
            continue
        whole = ["domicileAddress.divisionCode"] if last == "domicileDivision" else []
        parts = [f"{holder}.{finer}" if holder else finer for finer in ("communityCode", "streetCode", "gridCode")]
        for finer in whole or parts:
            beside = taken.get(finer)
            if beside is not None and beside.fit.share >= 0.9:
                zh, en = f"由同一地址的{beside.element.zh}得出", f"told by its {beside.element.en.lower()}"
                yield look.candidate(element, beside.columns, Fits(FINER, False, zh, en))
                break
