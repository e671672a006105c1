"""What a column's values look like: which kinds of value they are, how many there are and how they differ."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from standards import codelists
from standards.crosswalk_dates import in_digits
from standards.crosswalk_steps import resident_id, trim_identifier
from standards.crosswalk_values import Untranslatable, is_blank
from standards.identifiers import is_uscc

from tongqu_client.provider.mapping.everyday import words_of
from tongqu_client.provider.mapping.names import blank_words

SAMPLE = 400  # distinct values looked at for their kind
HARD = 0.9  # share at which a column is of a kind that has a form of its own

_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
_PERSON = re.compile(f"[{_HAN}]{{2,4}}|[{_HAN}]{{1,12}}([·.•‧・ ．][{_HAN}]{{1,12}})+|[A-Z][A-Za-z]+( [A-Z][A-Za-z]+)+")
_PHONE = re.compile(
    r"(\+?86[- ]?)?1[3-9]\d[- ]?\d{4}[- ]?\d{4}|(0\d{2,3}[- ]?)[2-8]\d{6,7}([-转]\d{1,5})?|[2-8]\d{6,7}"
)
_DATE = re.compile(
    r"(1[89]|2[01])\d{2}[-/.年]\d{1,2}([-/.月]\d{1,2}日?)?月?([ T]\d{1,2}[:时].*)?"
    r"|(1[89]|2[01])\d{2}(0[1-9]|1[0-2])((0[1-9]|[12]\d|3[01])(\d{4}|\d{6})?)?|\d{1,2}[/-]\d{1,2}[/-](1[89]|2[01])\d{2}.*"
    r"|\d{2}年\d{1,2}月(\d{1,2}日)?"
)
_ADDRESS_MARKS = re.compile(r"[省市区县镇乡]|街|道|路|巷|村|社区|小区|号|栋|幢|座|室|单元|弄|组|大厦|广场|花园|屯|里")
_ORGANISATION = re.compile(
    r".{2,}(公司|厂|店|部|中心|院|所|校|学|社|局|会|站|馆|行|合作社|工作室|超市|餐厅|办事处|办|队|处|委|园|场|坊|庄|吧|楼|屋|摊)"
)
_PROVINCES = frozenset(
    [
        "11",
        "12",
        "13",
        "14",
        "15",
        "21",
        "22",
        "23",
        "31",
        "32",
        "33",
        "34",
        "35",
        "36",
        "37",
        "41",
        "42",
        "43",
        "44",
        "45",
        "46",
        "50",
        "51",
        "52",
        "53",
        "54",
        "61",
        "62",
        "63",
        "64",
        "65",
        "71",
        "81",
        "82",
        "99",
    ]
)
YES_NO = frozenset(
    [
        "是",
        "否",
        "有",
        "无",
        "1",
        "0",
        "Y",
        "N",
        "y",
        "n",
        "true",
        "false",
        "True",
        "False",
        "TRUE",
        "FALSE",
        "√",
        "×",
        "对",
        "错",
    ]
)


def _resident(text: str) -> bool:
    try:
        resident_id(text)
    except Untranslatable:
        return False
    return True


_KINDS: Mapping[str, Callable[[str], bool]] = {
    "id": _resident,
    "uscc": lambda text: is_uscc(trim_identifier(text)),
    "phone": lambda text: _PHONE.fullmatch(text) is not None,
    "date": lambda text: _DATE.fullmatch(in_digits(text)) is not None,
    "serial": lambda text: text.isascii() and text.isdigit() and len(text) == 5 and 10_000 <= int(text) <= 60_000,
    "division": lambda text: text.isascii() and text.isdigit() and len(text) in (6, 9, 12) and text[:2] in _PROVINCES,
    "integer": lambda text: re.fullmatch(r"-?\d{1,9}", text) is not None,
    "number": lambda text: re.fullmatch(r"[¥￥]?-?[\d,，]{1,15}(\.\d+)?(元|万元|㎡|平方米)?", text) is not None,
    "person": lambda text: _PERSON.fullmatch(text) is not None,
    "organisation": lambda text: _ORGANISATION.fullmatch(text) is not None,
    "address": lambda text: len(text) > 4 and len(set(_ADDRESS_MARKS.findall(text))) > 1,
    "yes_no": lambda text: text in YES_NO,
}


@dataclass(frozen=True, slots=True)
class Profile:
    """``count``: values that are there, of ``rows``; ``distinct`` of them differ. ``shares``: kind → share, by row."""

    rows: int
    count: int
    distinct: int
    shares: Mapping[str, float]
    values: frozenset[str]  # the distinct ones that were looked at

    def share(self, kind: str) -> float:
        return self.shares.get(kind, 0.0)

    @property
    def kind(self) -> str | None:
        """The kind of its own form that nearly all values have: an identifier, a telephone number, a date."""
        return next((kind for kind in ("id", "uscc", "phone", "date") if self.share(kind) >= HARD), None)

    @property
    def person_like(self) -> bool:
        """Short Chinese texts that differ from row to row and are no words of a code list."""
        return self.share("person") >= 0.85 and self.distinct > 0.5 * self.count and not self.words_of_a_list

    @property
    def differs(self) -> bool:
        """Another value in every row."""
        return self.count > 4 and self.distinct >= 0.98 * self.count

    @property
    def counts(self) -> bool:
        """1, 2, 3 and so on: a number of the row, not of what the row is about."""
        if not self.differs or not all(value.isascii() and value.isdigit() and len(value) < 8 for value in self.values):
            return False
        found = sorted(map(int, self.values))
        steps = {later - earlier for earlier, later in pairwise(found)}
        return found[0] <= max(1, *steps) and max(steps) <= 2 * min(steps)

    @property
    def words_of_a_list(self) -> bool:
        known = _all_words()
        return bool(self.values) and sum(value in known for value in self.values) > 0.5 * len(self.values)

    @property
    def small_set(self) -> bool:
        """Few different short values, as codes are."""
        return 0 < self.distinct <= 40 and self.distinct <= 0.5 * self.count and all(len(v) <= 12 for v in self.values)


def profile(values: Iterable[str | None]) -> Profile:
    """Look at a column."""
    nothing = blank_words()
    listed = list(values)
    counted = Counter(
        value.strip() for value in listed if value and not is_blank(value) and value.strip() not in nothing
    )
    chosen = dict(counted.most_common(SAMPLE))
    total = sum(chosen.values())
    shares = {
        kind: sum(count for value, count in chosen.items() if test(value)) / total if total else 0.0
        for kind, test in _KINDS.items()
    }
    return Profile(len(listed), sum(counted.values()), len(counted), shares, frozenset(chosen))


@cache
def _all_words() -> frozenset[str]:
    return frozenset(word for name in codelists.names() for word in words_of(name) if not word.isascii())
