"""What somebody looks for in the log, as one line of text and as a value: the same in an address, a program, a saved
search and on the command line (plain Python).

    officer:off_li -result:released since:7d        who, what not, since when
    result:refused result:failed                    the same qualifier twice: either
    经办人:off_li 结果:拒绝                          the Chinese words mean the same

Nothing here echoes a value that it refuses: somebody may have typed a resident's number where a name was expected.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from types import MappingProxyType

from gateway.audit import kinds
from gateway.audit.entry import EVENTS, STUB
from gateway.errors import InvalidRequest
from gateway.lib.clock import parse_rfc3339, rfc3339

CHINA = timezone(timedelta(hours=8))  # civil time, everywhere in the country
RESULTS = ("released", "refused", "failed", "withheld", "unknown", "open")
NONE = "none"  # "officer:none": entries that name no officer
MAX_TERMS = 64
MAX_TEXT = 4000

FAMILIES = (*dict.fromkeys(event.partition(".")[0] for event in EVENTS), STUB)

_CODE = r"[A-Za-z][A-Za-z0-9._:-]{0,63}"


def _inside(kind: kinds.Kind) -> str:
    return kind.pattern.removeprefix('"').removesuffix('"')


@dataclass(frozen=True, slots=True)
class Qualifier:
    """What may stand before a colon. ``pattern``: what may stand behind it."""

    name: str
    zh: str
    pattern: str
    about_zh: str
    about_en: str
    example: str


_ALL = (
    Qualifier("type", "类型", "|".join(map(re.escape, (*EVENTS, *FAMILIES))), "事件或事件的类别",
              "an event, or a family of them", "exchange.refused"),
    Qualifier("party", "单位", _inside(kinds.PARTY), "操作或涉及的单位", "who acted, or whom it concerns", "tax"),
    Qualifier("consumer", "需求方", _inside(kinds.PARTY), "查询的单位", "the office that asked", "street-linden"),
    Qualifier("provider", "提供方", _inside(kinds.PARTY), "被查询的单位", "the department that was asked", "police"),
    Qualifier("officer", "经办人", _inside(kinds.OFFICER), "经办人编号", "the officer", "off_li"),
    Qualifier("standard", "标准", r"[a-z][a-z0-9-]{0,63}(?:/[0-9.]{1,20})?", "数据标准，可不带版本",
              "the data standard, with or without its version", "person-basic"),
    Qualifier("field", "字段", _inside(kinds.FIELD), "查询的字段", "a field that was asked for", "birthDate"),
    Qualifier("purpose", "用途", _inside(kinds.PURPOSE), "用途", "the purpose", "dibao.initial"),
    Qualifier("agreement", "协议", _inside(kinds.AGREEMENT_ID), "共享协议", "the agreement", "agr_1"),
    Qualifier("consent", "同意", _inside(kinds.CONSENT_ID), "同意", "the consent", "con_1"),
    Qualifier("subject", "当事人", _inside(kinds.SUBJECT), "当事人假名，不是证件号码",
              "the resident's pseudonym, never a number", "s:2026:AAAAAAAAAAAAAAAAAAAAAA"),
    Qualifier("case", "案件", _inside(kinds.CASE), "案件假名，不是案件号", "the case's pseudonym, never its number",
              "c:2026:AAAAAAAAAAAAAAAAAAAAAA"),
    Qualifier("query", "查询", _inside(kinds.QUERY_ID), "查询编号", "the query's id", "qry_1"),
    Qualifier("result", "结果", "|".join(RESULTS), "查询的结果", "how the query ended", "refused"),
    Qualifier("rule", "规则", _CODE, "拒绝所依据的规则", "the rule that refused", "R4"),
    Qualifier("code", "原因", _CODE, "原因代码", "why, by its code", "provider_timed_out"),
    Qualifier("hour", "时", r"(?:[01]?[0-9]|2[0-3])(?:-(?:[01]?[0-9]|2[0-3]))?", "北京时间的钟点，可写范围，如 22-5",
              "the hour of China's clocks, or a range, as in 22-5", "22-5"),
    Qualifier("risk", "风险", r"[a-z_]{2,32}", "风险标记", "a mark of risk", "no_case"),
    Qualifier("since", "自", "", "从何时起（含）；日期按北京时间，7d、24h 为此前",
              "from when on; dates in China's time; 7d, 24h ago", "7d"),
    Qualifier("until", "至", "", "到何时为止；日期含当日", "until when; a date includes its day", "2026-11-30"),
)  # fmt: skip
QUALIFIERS: Mapping[str, Qualifier] = MappingProxyType({item.name: item for item in _ALL})
_TIMES = ("since", "until")
_CHINESE = {item.zh: item.name for item in _ALL}
_CHINESE_VALUES = {
    "放行": "released", "拒绝": "refused", "失败": "failed", "不予放行": "withheld", "结果不明": "unknown",
    "进行中": "open", "夜间": "night", "无案件号": "no_case", "同姓": "same_surname", "刚同意": "quick_consent",
    "无": NONE,
}  # fmt: skip
_MAY_BE_NONE = frozenset({"consumer", "provider", "officer", "standard", "purpose", "agreement", "consent", "code"})
_RELATIVE = re.compile(r"([0-9]{1,5})([mhdw])")
_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_NUMBER_OF_A_PERSON = re.compile(r"[0-9]{14,}")  # 15 or 18 digits of a resident, however they are wrapped
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_NO_NUMBERS = (
    "证件号码和案件号不得写在检索条件里：请在请求正文中提交，由网关换成假名。",
    "Numbers of residents or cases must not stand here: give them in the body of the request.",
)

Values = Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Filter:
    """``wanted``: each qualifier must have one of its values; ``unwanted``: none. Times as they were written."""

    wanted: Values = field(default_factory=dict)
    unwanted: Values = field(default_factory=dict)
    since: str | None = None
    until: str | None = None

    @classmethod
    def of(cls, *, since: str | None = None, until: str | None = None, **wanted: str | Iterable[str] | None) -> Filter:
        """``Filter.of(type="exchange.released", officer=["off_1", "off_2"])``; None means anything."""
        values = {
            name: (value,) if isinstance(value, str) else tuple(value)
            for name, value in wanted.items()
            if value is not None
        }
        for name, items in values.items():
            for item in items:
                _check(name, item)
        return cls(values, {}, _time("since", since), _time("until", until))

    @classmethod
    def parse(cls, text: str) -> Filter:
        """Read a line of qualifiers. Raises InvalidRequest, which says what to mend and never repeats a value."""
        if len(text) > MAX_TEXT:
            raise _wrong(
                f"检索条件过长，最多 {MAX_TEXT} 个字符。", f"The search is too long: at most {MAX_TEXT} characters."
            )
        if _NUMBER_OF_A_PERSON.search(text):
            raise _wrong(*_NO_NUMBERS)
        wanted: dict[str, tuple[str, ...]] = {}
        unwanted: dict[str, tuple[str, ...]] = {}
        times: dict[str, str] = {}
        terms = text.replace("：", ":").replace("\u3000", " ").replace("－", "-").split()
        if len(terms) > MAX_TERMS:
            raise _wrong(f"检索条件过多，最多 {MAX_TERMS} 项。", f"Too many conditions: at most {MAX_TERMS}.")
        for term in terms:
            name, value, negative = _term(term)
            if name not in _TIMES:
                side = unwanted if negative else wanted
                if value not in side.get(name, ()):
                    side[name] = (*side.get(name, ()), value)
            elif negative or name in times:
                raise _wrong(
                    f"“{name}” 只能出现一次，且不能加负号。", f"{name}: once only, and without a minus before it."
                )
            else:
                times[name] = value
        return cls(wanted, unwanted, times.get("since"), times.get("until"))

    def text(self) -> str:
        """The one line that means this; ``Filter.parse`` of it is equal to this."""
        terms = [
            f"{sign}{name}:{value}"
            for sign, values in (("", self.wanted), ("-", self.unwanted))
            for name in QUALIFIERS
            for value in values.get(name, ())
        ]
        terms += [f"{name}:{value}" for name in _TIMES if (value := getattr(self, name)) is not None]
        return " ".join(terms)

    def also(self, name: str, *values: str) -> Filter:
        """Narrower: this qualifier must have one of these values, whatever was said of it before."""
        for value in values:
            _check(name, value)
        return Filter({**self.wanted, name: values}, self.unwanted, self.since, self.until)

    def between(self, since: str | None, until: str | None) -> Filter:
        """The same in another stretch of time."""
        return Filter(self.wanted, self.unwanted, _time("since", since), _time("until", until))

    def span(self, now: datetime) -> tuple[str | None, str | None]:
        """[since, until) as RFC 3339 UTC, which entries' times are compared with."""
        return (
            None if self.since is None else rfc3339(_instant(self.since, now, end=False)),
            None if self.until is None else rfc3339(_instant(self.until, now, end=True)),
        )


def hours(value: str) -> frozenset[int]:
    """``22-5`` → 22, 23, 0, …, 5."""
    first, _, last = value.partition("-")
    low, high = int(first), int(last or first)
    return frozenset(range(low, high + 1) if low <= high else (*range(low, 24), *range(high + 1)))


def day_start(date: str) -> datetime:
    return datetime.fromisoformat(date).replace(tzinfo=CHINA)


# ── the parts ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _term(term: str) -> tuple[str, str, bool]:
    negative = term.startswith("-")
    said, colon, value = term.removeprefix("-").partition(":")
    name = _CHINESE.get(said, said.lower())
    if not colon:
        raise _wrong(
            "检索条件应写成“名称:值”，例如 result:refused；不支持全文检索，证件号码和姓名不得写在这里。",
            "Write conditions as name:value, as in result:refused. There is no free text; never type a resident's "
            "number or name here.",
        )
    if name not in QUALIFIERS:
        raise _unknown(name)
    value = _CHINESE_VALUES.get(value, value)
    if name in _TIMES:
        return name, _time(name, value) or "", negative
    _check(name, value)
    return name, value, negative


def _check(name: str, value: str) -> None:
    if name not in QUALIFIERS or name in _TIMES:
        raise _unknown(name)
    one = QUALIFIERS[name]
    if (value == NONE and name in _MAY_BE_NONE) or re.fullmatch(one.pattern, value):
        return
    zh, en = "", ""
    if name == "type":
        near = difflib.get_close_matches(value, EVENTS, 1)
        zh, en = (f"是否想写 type:{near[0]}？", f" Did you mean type:{near[0]}?") if near else ("", "")
    elif name == "result":
        zh, en = f"可为：{'、'.join(RESULTS)}。", f" One of: {', '.join(RESULTS)}."
    elif name in ("subject", "case"):
        zh, en = _NO_NUMBERS[0], " " + _NO_NUMBERS[1]
    raise _wrong(
        f"“{name}” 的值不符合要求：应为{one.about_zh}，例如 {name}:{one.example}。{zh}",
        f"{name}: expected {one.about_en}, as in {name}:{one.example}.{en}",
    )


def _time(name: str, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        _instant(value, datetime(2000, 1, 1, tzinfo=UTC), end=name == "until")
    except (ValueError, OverflowError):
        raise _wrong(
            f"“{name}” 应为带时区的 RFC 3339 时间、日期（按北京时间）或 7d、24h 这样的时长。",
            f"{name}: expected a time with its zone (RFC 3339), a date (in China's time), or a span such as 7d or 24h.",
        ) from None
    return value


def _instant(value: str, now: datetime, *, end: bool) -> datetime:
    if match := _RELATIVE.fullmatch(value):
        return now.astimezone(UTC) - timedelta(**{_UNITS[match[2]]: int(match[1])})
    if _DATE.fullmatch(value):
        return (day_start(value) + timedelta(days=1 if end else 0)).astimezone(UTC)
    return parse_rfc3339(value)


def _unknown(name: str) -> InvalidRequest:
    near = difflib.get_close_matches(name, [*QUALIFIERS, *_CHINESE], 1, 0.5)
    zh, en = (f"是否想写 {near[0]}:？", f" Did you mean {near[0]}:?") if near else ("", "")
    return _wrong(
        f"没有这个检索项。{zh}可用：{'、'.join(QUALIFIERS)}。",
        f"There is no such qualifier.{en} There are: {', '.join(QUALIFIERS)}.",
    )


def _wrong(zh: str, en: str) -> InvalidRequest:
    return InvalidRequest(zh, en, errors=[{"pointer": "/q", "zh": zh, "en": en}])
