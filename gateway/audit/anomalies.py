"""What in the log looks unlike ordinary work: rules in plain Python over who asked when about whom.

A finding is no verdict: it is a place to look, with the search that shows it. Each rule compares people with their own
usual days or with their colleagues, since a busy counter is not a suspicious one; systems that ask for themselves are
no officers and are not looked at. The log has pseudonyms and no names: that people had one surname, or numbers beside
one another, is noticed while they are looked up (gateway/exchange/likeness.py), and its alarm is found here. Walking
along numbers shows by what it does, too: many different people, one after another, at an even pace, many of whom do
not exist, in no case.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import median, quantiles

from gateway.audit.filter import CHINA
from gateway.audit.limits import Limits
from gateway.audit.row import NIGHT, Row, hour_number
from gateway.lib.clock import parse_rfc3339, rfc3339

USUAL_DAYS = 5  # active days before somebody has a usual day
NOT_FOUND = frozenset({"no_record", "outside_jurisdiction"})
EVEN = 0.5  # spread of the gaps between queries as a share of the middle one: who reads what came is less even
BRISK_S = 120.0
PAUSE = timedelta(minutes=20)  # after it, another sitting begins
UNFOUND = 0.3  # share of residents without a record; at a counter people bring their cards
MANY_PER_CASE = 5
WEIGHTS = {
    "walk": 5.0, "relation": 4.0, "repeats": 2.5, "case_subjects": 2.5, "night": 2.0, "volume": 2.0, "refusals": 2.0,
    "quick_consent": 2.0, "no_case": 1.5, "clerk": 1.5, "same_surname": 3.0, "sequence": 4.0,
}  # fmt: skip

Hours = Mapping[int, int]  # hour_number → how many


@dataclass(frozen=True, slots=True)
class Finding:
    """``q`` finds the entries; ``score`` ranks: the worse or clearer, the greater."""

    rule: str
    score: float
    officer: str
    party: str
    count: int
    q: str
    zh: str
    en: str


@dataclass(slots=True)
class Profile:
    """One officer over the days looked at, in numbers."""

    officer: str
    party: str
    queries: Counter[int] = field(default_factory=Counter)  # by hour, as the next two
    refused: Counter[int] = field(default_factory=Counter)
    consents: Counter[int] = field(default_factory=Counter)  # put down by this officer
    marks: Counter[str] = field(default_factory=Counter)  # queries by mark of risk
    alike: Counter[str] = field(default_factory=Counter)  # alarms that the day's residents had something in common

    @property
    def total(self) -> int:
        return self.queries.total()


def suspects(profiles: Iterable[Profile], limits: Limits) -> list[str]:
    """The officers whose single queries are worth reading: some day they looked up many."""
    return [each.officer for each in profiles if max(_days(each.queries).values(), default=0) >= limits.walk_subjects]


def of_profiles(profiles: Sequence[Profile], limits: Limits, days: int) -> Iterator[Finding]:
    """What numbers alone tell."""
    teams = _teams(profiles)
    for each in profiles:
        colleagues = [other for other in teams[each.party] if other is not each] or [
            other for other in profiles if other is not each
        ]
        yield from _night(each, limits)
        yield from _volume(each, colleagues, limits)
        yield from _clerk(each, colleagues, limits)
        yield from _refusals(each, limits)
        yield from _share(each, colleagues, "no_case", limits.no_case_queries, days)
        yield from _share(each, colleagues, "quick_consent", limits.quick_consents, days)
        yield from _relation(each, days)
        yield from _alike(each, days)


def of_rows(officer: str, rows: Sequence[Row], limits: Limits) -> Iterator[Finding]:
    """What one officer's queries tell, in the order of the log: has somebody walked along numbers?"""
    for sitting in _sittings(rows):
        subjects = {row.subject for row in sitting}
        if len(subjects) >= limits.walk_subjects:
            yield from _walk(officer, sitting, len(subjects), limits)


def of_case(case: str, rows: Sequence[Row], limits: Limits) -> Iterator[Finding]:
    """What the queries of one case tell."""
    for officer, own in _by_officer(rows).items():
        subjects = len({row.subject for row in own})
        if subjects >= limits.case_subjects:
            yield _finding(
                "case_subjects", officer, own[0].party, subjects, limits.case_subjects,
                f"officer:{officer} case:{case}",
                f"经办人 {officer} 在同一案件下查询了 {subjects} 名不同的当事人。",
                f"{officer} looked up {subjects} different residents in one case.",
            )  # fmt: skip


def of_subject(subject: str, rows: Sequence[Row], limits: Limits) -> Iterator[Finding]:
    """What the queries about one resident tell."""
    for officer, own in _by_officer(rows).items():
        days = len({hour_number(row.t) // 24 for row in own})
        one_case = own[0].case_ref is not None and len({row.case_ref for row in own}) == 1
        if days >= limits.repeat_days and not one_case:  # who works on a case comes back to it
            yield _finding(
                "repeats", officer, own[0].party, len(own), limits.repeat_days,
                f"officer:{officer} subject:{subject}",
                f"经办人 {officer} 在 {days} 个不同的日子查询同一名当事人，共 {len(own)} 次，且不在同一案件内。",
                f"{officer} looked up the same resident on {days} different days, {len(own)} times, not in one case.",
            )  # fmt: skip


# ── the rules ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _night(each: Profile, limits: Limits) -> Iterator[Finding]:
    nights: Counter[int] = Counter()
    for hour, number in each.queries.items():
        if hour % 24 in NIGHT:
            nights[(hour - 6) // 24] += number  # the small hours belong to the evening before
    for night, count in nights.items():
        others = [number for other, number in nights.items() if other != night]
        usual = median(others) if len(others) >= USUAL_DAYS else 0
        if count >= limits.night_queries and count > limits.volume_factor * usual:
            q = f"officer:{each.officer} hour:22-5 {_span(night * 24 + 12, night * 24 + 36)}"
            yield _finding(
                "night", each.officer, each.party, count, limits.night_queries, q,
                f"经办人 {each.officer} 在 {_date(night)} 夜间（22–6 时）查询 {count} 次，平时夜间约 {usual:.0f} 次。",
                f"{each.officer} made {count} queries in the night of {_date(night)} (22–6 h), usually {usual:.0f}.",
            )  # fmt: skip


def _volume(each: Profile, colleagues: Sequence[Profile], limits: Limits) -> Iterator[Finding]:
    theirs = [other.queries for other in colleagues]
    for day, count, usual in _unusual(each.queries, theirs, limits.volume_queries, limits.volume_factor):
        yield _finding(
            "volume", each.officer, each.party, count, limits.volume_queries,
            f"officer:{each.officer} {_span(day * 24, day * 24 + 24)}",
            f"经办人 {each.officer} 在 {_date(day)} 查询 {count} 次，平常每日约 {usual:.0f} 次。",
            f"{each.officer} made {count} queries on {_date(day)}; a usual day has {usual:.0f}.",
        )  # fmt: skip


def _clerk(each: Profile, colleagues: Sequence[Profile], limits: Limits) -> Iterator[Finding]:
    theirs = [other.consents for other in colleagues]
    for day, count, usual in _unusual(each.consents, theirs, limits.clerk_consents, limits.volume_factor):
        yield _finding(
            "clerk", each.officer, each.party, count, limits.clerk_consents,
            f"type:consent.given officer:{each.officer} {_span(day * 24, day * 24 + 24)}",
            f"经办人 {each.officer} 在 {_date(day)} 登记了 {count} 份同意，平常每日约 {usual:.0f} 份。",
            f"{each.officer} put down {count} consents on {_date(day)}; a usual day has {usual:.0f}.",
        )  # fmt: skip


def _refusals(each: Profile, limits: Limits) -> Iterator[Finding]:
    asked = _days(each.queries)
    for day, count in _days(each.refused).items():
        if count >= limits.refusals and 2 * count >= asked[day]:
            yield _finding(
                "refusals", each.officer, each.party, count, limits.refusals,
                f"officer:{each.officer} result:refused {_span(day * 24, day * 24 + 24)}",
                f"经办人 {each.officer} 在 {_date(day)} 查询 {asked[day]} 次，其中 {count} 次被拒绝：可能在试探权限。",
                f"{count} of {each.officer}'s {asked[day]} queries on {_date(day)} were refused: is this trying out?",
            )  # fmt: skip


_SHARES = {
    "no_case": ("没有案件号", "had no case number"),
    "quick_consent": ("在取得同意后一分钟内发出", "came within a minute of the consent"),
}


def _share(each: Profile, colleagues: Sequence[Profile], mark: str, least: int, days: int) -> Iterator[Finding]:
    """Many of an officer's queries bear a mark, few of the colleagues': where all do it, it is how they work."""
    count, total = each.marks[mark], each.total
    if count < least or 4 * count < total:
        return
    theirs = sum(other.marks[mark] for other in colleagues) / max(1, sum(other.total for other in colleagues))
    if count > 2 * theirs * total:
        zh, en = _SHARES[mark]
        yield _finding(
            mark, each.officer, each.party, count, least, f"officer:{each.officer} risk:{mark} since:{days}d",
            f"经办人 {each.officer} 的 {total} 次查询中有 {count} 次{zh}，同事中的比例为 {theirs:.0%}。",
            f"{count} of {each.officer}'s {total} queries {en}; of the colleagues', {theirs:.0%}.",
        )  # fmt: skip


def _relation(each: Profile, days: int) -> Iterator[Finding]:
    for mark, zh, en in (
        ("self", "本人", "the officer's own record"),
        ("declared", "已申报有利害关系的人", "somebody the officer declared a conflict with"),
    ):
        if count := each.marks[mark]:
            yield _finding(
                "relation", each.officer, each.party, count, 1, f"officer:{each.officer} risk:{mark} since:{days}d",
                f"经办人 {each.officer} 查询{zh} {count} 次。",
                f"{each.officer} asked {count} times for {en}.",
            )  # fmt: skip


ALIKE = {
    "same_surname": ("同姓的多名当事人", "many residents of one surname in a day"),
    "sequence": (
        "证件号码相邻（同一区划、同一出生日期）的多名当事人",
        "several residents in a day whose numbers are neighbours (one division, one date of birth)",
    ),
}


def _alike(each: Profile, days: int) -> Iterator[Finding]:
    for code, (zh, en) in ALIKE.items():
        if count := each.alike[code]:
            yield _finding(
                code, each.officer, each.party, count, 1,
                f"type:alarm.raised officer:{each.officer} code:{code} since:{days}d",
                f"经办人 {each.officer} 一天内查询了{zh}，报警 {count} 次。",
                f"{each.officer} looked up {en}; {count} alarms.",
            )  # fmt: skip


def _walk(officer: str, rows: Sequence[Row], subjects: int, limits: Limits) -> Iterator[Finding]:
    unfound = sum(row.code in NOT_FOUND for row in rows) / len(rows)
    cases = len({row.case_ref for row in rows if row.case_ref})
    gaps = sorted((_time(b) - _time(a)).total_seconds() for a, b in pairwise(rows))
    low, middle, high = quantiles(gaps, n=4)
    zh, en = [], []
    if unfound >= UNFOUND:
        zh.append(f"{unfound:.0%} 查无记录")
        en.append(f"{unfound:.0%} without a record")
    if cases * MANY_PER_CASE <= subjects:
        zh.append(f"只涉及 {cases} 个案件")
        en.append(f"in {cases} cases")
    if middle <= BRISK_S and high - low <= EVEN * middle:
        zh.append(f"间隔均匀，约 {middle:.0f} 秒一次")
        en.append(f"at an even pace, one every {middle:.0f} s")
    if len(zh) < 2:
        return
    first, last = _time(rows[0]), _time(rows[-1]) + timedelta(milliseconds=1)
    found = _finding(
        "walk", officer, rows[0].party, subjects, limits.walk_subjects,
        f"officer:{officer} since:{rfc3339(first)} until:{rfc3339(last)}",
        f"经办人 {officer} 从 {_clock(first)} 起连续查询 {subjects} 名不同的当事人：{'，'.join(zh)}。",
        f"{officer} looked up {subjects} different residents one after another from {_clock(first)}: {', '.join(en)}.",
        weight=WEIGHTS["walk"] * len(zh) / 3,
    )  # fmt: skip
    yield found


# ── the parts ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _finding(
    rule: str, officer: str, party: str | None, count: int, least: int, q: str, zh: str, en: str, weight: float = 0
) -> Finding:
    score = (weight or WEIGHTS[rule]) * (1 + math.log2(max(1.0, count / max(1, least))))
    return Finding(rule, round(score, 2), officer, party or "", count, q, zh, en)


def _unusual(hours: Hours, theirs: Sequence[Hours], least: int, factor: float) -> Iterator[tuple[int, int, float]]:
    """Days far above the officer's own others and the colleagues': (day, how many, what is usual)."""
    days = _days(hours)
    if max(days.values(), default=0) < least:
        return
    colleagues = [number for other in theirs for number in _days(other).values()]
    for day, count in days.items():
        if count < least:
            continue
        own = [number for other, number in days.items() if other != day]
        usual = max(median(own) if len(own) >= USUAL_DAYS else 0, median(colleagues) if colleagues else 0)
        if count > factor * usual:
            yield day, count, usual


def _days(hours: Hours) -> Counter[int]:
    found: Counter[int] = Counter()
    for hour, number in hours.items():
        found[hour // 24] += number
    return found


def _teams(profiles: Iterable[Profile]) -> Mapping[str, list[Profile]]:
    teams: defaultdict[str, list[Profile]] = defaultdict(list)
    for each in profiles:
        teams[each.party].append(each)
    return teams


def _sittings(rows: Sequence[Row]) -> Iterator[list[Row]]:
    """Rows of one officer, cut where nothing was asked for a while."""
    sitting: list[Row] = []
    for row in rows:
        if sitting and _time(row) - _time(sitting[-1]) > PAUSE:
            yield sitting
            sitting = []
        sitting.append(row)
    if sitting:
        yield sitting


def _by_officer(rows: Iterable[Row]) -> Mapping[str, list[Row]]:
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.officer is not None and row.result is not None and row.of_number is None:
            found[row.officer].append(row)
    return found


def _time(row: Row) -> datetime:
    return parse_rfc3339(row.t)


def _local(hour: int) -> datetime:
    """The instant of an hour_number."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(hours=hour - 8)).astimezone(CHINA)


def _span(low: int, high: int) -> str:
    return f"since:{_local(low).isoformat()} until:{_local(high).isoformat()}"


def _date(day: int) -> str:
    return f"{_local(day * 24):%Y-%m-%d}"


def _clock(instant: datetime) -> str:
    return f"{instant.astimezone(CHINA):%Y-%m-%d %H:%M}"
