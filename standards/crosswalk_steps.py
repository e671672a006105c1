"""The closed list of functions a crosswalk may use. Each is total: it ends, its output is bounded, it reaches nothing
but the values handed to it. A function takes its parameters once and gives a Step; the Step runs for every record.

Adding one: a maker here, its parameters in crosswalk.schema.json, its way back in crosswalk_inverse.py (or the reason
why there is none), a property test.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any

from standards import codelists
from standards.crosswalk_dates import FormatInvalid, parser
from standards.crosswalk_values import BLANKS, DITTO, MAX_TEXT, MISSING, Untranslatable, as_text, is_blank
from standards.identifiers import IdentifierInvalid, check_resident_id, is_resident_id, resident_check_digit
from standards.masks import MASKS

Run = Callable[[Any], Any]
Scalar = str | int | bool


class StepInvalid(ValueError):
    """The parameters of a function do not fit. ``code``, ``zh`` and ``en`` as in a Problem."""

    def __init__(self, code: str, zh: str, en: str) -> None:
        self.code = code
        self.zh = zh
        self.en = en
        super().__init__(en)


@dataclass(frozen=True, slots=True)
class Step:
    """One function with its parameters bound.

    ``results``: everything it can produce, where that is a finite list. ``form``: what its text is known to be
    (``date``, ``date-time``, ``cn-resident-id``, ``division``, ``amount``, ``masked``). ``passes``: it may hand its
    input on unchanged, so what was known before still matters.
    """

    name: str
    run: Run
    takes_list: bool = False
    results: frozenset[Scalar] | None = None
    form: str | None = None
    passes: bool = False
    needs: int = 0  # how many columns it names by position


def make(name: str, parameters: Mapping[str, Any]) -> Step:
    """The Step for a function of the published schema. Raises StepInvalid."""
    return MAKERS[name](parameters)


# ── as it is ──────────────────────────────────────────────────────────────────────────────────────────────────────────
def _copy(_: Mapping[str, Any]) -> Step:
    return Step("copy", _same, passes=True)


def _same(value: Any) -> Any:
    return value


def _const(parameters: Mapping[str, Any]) -> Step:
    constant: Scalar = parameters["value"]
    return Step("const", lambda _value: constant, takes_list=True, results=frozenset({constant}))


# ── text ──────────────────────────────────────────────────────────────────────────────────────────────────────────────
_SPACES = re.compile(r"[\s\u200b-\u200f\ufeff]+")
_HAN = "\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af"
# Every mark that extracts put where a name has its middle dot (formats.md 3, row 14)
_DOTS = re.compile(f"(?<=[{_HAN}]) ?[.．。•‧・･∙⋅●●·ꞏ᛫˙▪] ?(?=[{_HAN}])")
_PADDED_NAME = re.compile(f"[{_HAN}] [{_HAN}]")
_HAN_SPACE = re.compile(f"[{_HAN}] [{_HAN}]")
MIDDLE_DOT = "\u00b7"


def _trim(parameters: Mapping[str, Any]) -> Step:
    kind = parameters.get("kind", "text")
    return Step("trim", {"text": trim_text, "name": trim_name, "identifier": trim_identifier}[kind])


SHORT_TEXT = 64  # characters


def trim_text(value: Any) -> str:
    """NFC, no space at either end, one space where there were several or a line break."""
    text = unicodedata.normalize("NFC", as_text(value))
    if text.isprintable() and " " not in text:  # then it has nothing of _SPACES
        return text
    return _SPACES.sub(" ", text).strip()


def trim_name(value: Any) -> str:
    """A person's name: as trim_text, every middle dot as U+00B7, the padding of 张　三 removed.

    Refused: another space between Chinese characters. It may be padding or a lost middle dot; nobody can tell.
    """
    text = trim_text(value)
    if text.isalpha():
        return text
    text = _DOTS.sub(MIDDLE_DOT, text)
    if _PADDED_NAME.fullmatch(text):
        return text.replace(" ", "")
    if _HAN_SPACE.search(text):
        raise Untranslatable(
            "name_with_space",
            "姓名中的空格可能是排版空格，也可能是丢失的间隔号，无法确定；请在源头更正",
            "the space in the name may be padding or a lost middle dot; mend it at the source",
        )
    return text


def trim_identifier(value: Any) -> str:
    """A number or code: half-width, upper case, no spaces, no apostrophe that kept a spreadsheet from converting it."""
    if type(value) is str and len(value) <= SHORT_TEXT and value.isascii() and value.isalnum():
        return value.upper()  # the commonest, without a look at anything else
    text = as_text(value)
    if text.isascii() and text.isalnum():
        return text.upper()
    text = unicodedata.normalize("NFKC", text)
    return _SPACES.sub("", text).lstrip("'`‘’＇").upper()


def _concat(parameters: Mapping[str, Any]) -> Step:
    separator: str = parameters.get("separator", "")
    parts: Sequence[str | int] | None = parameters.get("parts")

    def run(value: Any) -> Any:
        values = value if isinstance(value, list) else [value]
        chosen = values if parts is None else [_part(part, values) for part in parts]
        given = _texts(chosen)
        if not given or (parts and all(one is MISSING or is_blank(one) for one in values)):
            return MISSING  # literal parts alone say nothing
        return _fitting(separator.join(given))

    needs = 1 + max((part for part in parts or () if isinstance(part, int)), default=-1)
    return Step("concat", run, takes_list=True, needs=needs)


def _texts(values: Sequence[Any]) -> list[str]:
    """The values that say something, as text."""
    texts: list[str] = []
    for one in values:
        if type(one) is str and one and one[0] not in BLANKS and len(one) <= MAX_TEXT and one not in DITTO:
            texts.append(one.strip())
        elif one is not MISSING and not is_blank(one):
            texts.append(as_text(one).strip())
    return texts


def _part(part: str | int, values: list[Any]) -> Any:
    if isinstance(part, str):
        return part
    return values[part] if part < len(values) else MISSING


def _join(parameters: Mapping[str, Any]) -> Step:
    separator: str = parameters["separator"]

    def run(values: list[Any]) -> Any:
        given = _texts(values)
        return _fitting(separator.join(given)) if given else MISSING

    return Step("join", run, takes_list=True)


def _first(_: Mapping[str, Any]) -> Step:
    def run(values: list[Any]) -> Any:
        return next((one for one in values if one is not MISSING and not is_blank(one)), MISSING)

    return Step("first", run, takes_list=True)


def _fitting(text: str) -> str:
    if len(text) > MAX_TEXT:
        raise Untranslatable(
            "too_long", f"合并后超过 {MAX_TEXT} 个字符", f"more than {MAX_TEXT} characters when joined"
        )
    return text


def _split(parameters: Mapping[str, Any]) -> Step:
    if "separator" in parameters:
        separator, index = parameters["separator"], parameters["index"]

        def run(value: Any) -> Any:
            pieces = as_text(value).split(separator)
            try:
                piece = pieces[index].strip()
            except IndexError:
                return MISSING
            return piece or MISSING
    else:
        start, end = parameters["start"], parameters["end"]
        if end <= start:
            raise StepInvalid("empty_range", "end 应大于 start", "end must be greater than start")

        def run(value: Any) -> Any:
            text = as_text(value)
            return text[start:end] if len(text) >= end else MISSING

    return Step("split", run)


def _mask(parameters: Mapping[str, Any]) -> Step:
    hide = MASKS[parameters["mask"]]
    return Step("mask", lambda value: hide(as_text(value)), form="masked")


# ── codes ─────────────────────────────────────────────────────────────────────────────────────────────────────────────
def _lookup(parameters: Mapping[str, Any]) -> Step:
    table = lookup_table(parameters)
    width: int = parameters.get("width", 0)

    def run(value: Any) -> Scalar:
        text = value if type(value) is str else as_text(value)
        found = table.get(text)
        if found is None:
            found = table.get(text.strip().zfill(width))
            if found is None:
                raise Untranslatable("unknown_code", "代码不在对照表中", "the code is not in the table")
        return found

    return Step("lookup", run, results=frozenset(table.values()))


def lookup_table(parameters: Mapping[str, Any]) -> Mapping[str, Scalar]:
    """From every accepted spelling to its result: an inline table, a code list, or one list seen from another.

    Entries of an inline ``table`` beside a ``codelist`` add spellings to it. Raises StepInvalid.
    """
    table: dict[str, Scalar] = {}
    try:
        if "from_codelist" in parameters:
            pairs = codelists.crosswalk(parameters["from_codelist"], parameters["codelist"]).pairs
            spellings = codelists.get(parameters["from_codelist"]).lookup()
            table.update({word: pairs[code] for word, code in spellings.items() if code in pairs})
        elif "codelist" in parameters:
            table.update(codelists.get(parameters["codelist"]).lookup())
    except codelists.UnknownCodeList:
        raise StepInvalid(
            "code_list_unknown",
            "没有这个代码表，或两表之间没有对照",
            "no such code list, or no crosswalk between the two",
        ) from None
    table.update(parameters.get("table", {}))
    return MappingProxyType(table)


def _when_eq(parameters: Mapping[str, Any]) -> Step:
    wanted = wanted_values(parameters)
    then: Any = parameters.get("then", MISSING)
    otherwise: Any = parameters.get("else", MISSING)
    passes = "then" not in parameters

    def run(value: Any) -> Any:
        if as_text(value).strip() in wanted:
            return value if passes else then
        return otherwise

    results = frozenset(one for one in (then, otherwise) if one is not MISSING)
    return Step("when-eq", run, results=results, passes=passes)


def wanted_values(parameters: Mapping[str, Any]) -> frozenset[str]:
    """The texts that ``when-eq`` takes as equal. A number or a boolean is compared by its text."""
    expected = parameters["value"]
    return frozenset(map(as_text, expected if isinstance(expected, list) else [expected]))


_DIVISION_LEVELS = {"division": 6, "street": 9, "community": 12}  # digits, GB/T 2260 and GB/T 10114


def _region_code(parameters: Mapping[str, Any]) -> Step:
    digits = _DIVISION_LEVELS.get(parameters.get("level", "finest"))

    def run(value: Any) -> str:
        text = trim_identifier(value)
        if len(text) not in (6, 9, 12) or not (text.isascii() and text.isdigit()) or text[0] == "0":
            raise Untranslatable(
                "not_a_division", "行政区划代码应为 6、9 或 12 位数字", "a division code has 6, 9 or 12 digits"
            )
        while len(text) > 6 and text.endswith("000"):  # 990100001000 says no more than 990100001
            text = text[:-3]
        if digits is not None and len(text) < digits:
            raise Untranslatable(
                "not_precise_enough",
                f"行政区划代码只到 {len(text)} 位，需要 {digits} 位",
                f"the division code has {len(text)} significant digits, {digits} are needed",
            )
        return text[:digits]

    return Step("region_code", run, form="division")


# ── numbers ───────────────────────────────────────────────────────────────────────────────────────────────────────────
_UNITS: Mapping[str, tuple[str, Decimal]] = {
    "分": ("money", Decimal("0.01")),
    "角": ("money", Decimal("0.1")),
    "元": ("money", Decimal(1)),
    "百元": ("money", Decimal(100)),
    "千元": ("money", Decimal(1_000)),
    "万元": ("money", Decimal(10_000)),
    "亿元": ("money", Decimal(100_000_000)),
    "平方米": ("area", Decimal(1)),
    "公顷": ("area", Decimal(10_000)),
    "平方千米": ("area", Decimal(1_000_000)),
}
UNITS = tuple(_UNITS)
_AMOUNT = re.compile(r"([+-]?)(?:([0-9]{1,3}(?:,[0-9]{3})+)|([0-9]{1,30}))(\.[0-9]{1,15})?", re.ASCII)


def _unit(parameters: Mapping[str, Any]) -> Step:
    factor = unit_factor(parameters["from"], parameters["to"])
    decimals: int = parameters["decimals"]
    step = Decimal(1).scaleb(-decimals)
    suffix: str = parameters["from"]

    def run(value: Any) -> str:
        return _amount(value, factor, step, suffix)

    return Step("unit", _as_it_stands(decimals, run) if factor == 1 else run, form="amount")


def unit_factor(source: str, target: str) -> Decimal:
    """What to multiply by. Raises StepInvalid for units of different kinds."""
    if _UNITS[source][0] != _UNITS[target][0]:
        raise StepInvalid("units_differ", "两个单位不是同一类", "the two units are of different kinds")
    return _UNITS[source][1] / _UNITS[target][1]


def _amount(value: Any, factor: Decimal, step: Decimal, suffix: str) -> str:
    text = unicodedata.normalize("NFKC", as_text(value)).replace("，", ",").replace(" ", "")
    match = _AMOUNT.fullmatch(text.lstrip("¥").removesuffix(suffix))
    if match is None or isinstance(value, bool):
        raise Untranslatable("not_a_number", "不是数值", "not a number")
    sign, grouped, plain, decimals = match.groups()
    try:
        exact = Decimal(sign + (grouped or plain).replace(",", "") + (decimals or "")) * factor
        rounded = exact.quantize(step)
    except InvalidOperation:
        raise Untranslatable("too_long", "数值过长", "the number is too long") from None
    if rounded != exact:
        raise Untranslatable(
            "not_exact", "小数位数超出标准，不得舍入", "has more decimals than the standard; never rounded"
        )
    return format(rounded + 0, "f")  # + 0: no "-0.00"


def _as_it_stands(decimals: int, otherwise: Run) -> Run:
    """The commonest amount, in the target's unit and without superfluous digits, gets its decimals; else the rest."""
    plain = re.compile(rf"(0|[1-9][0-9]{{0,11}})(?:\.([0-9]{{1,{max(decimals, 1)}}}))?")

    def run(value: Any) -> str:
        match = plain.fullmatch(value) if decimals and type(value) is str else None
        return f"{match[1]}.{(match[2] or '').ljust(decimals, '0')}" if match else str(otherwise(value))

    return run


_WHOLE = re.compile(r"[+-]?[0-9]{1,15}(?:\.0+)?", re.ASCII)


def _integer(parameters: Mapping[str, Any]) -> Step:
    """A whole number; ``suffix``: words it may be counted in (3人). Never rounded."""
    words = sorted(parameters.get("suffix", ()), key=len, reverse=True)

    def run(value: Any) -> int:
        if type(value) is int:
            return value
        text = unicodedata.normalize("NFKC", as_text(value)).replace(" ", "")
        bare = text.removesuffix(next((word for word in words if text.endswith(word)), ""))
        if _WHOLE.fullmatch(bare) is None:
            raise Untranslatable("not_a_whole_number", "不是整数", "not a whole number")
        return int(bare.partition(".")[0])

    return Step("integer", run, form="integer")


# ── dates and identity numbers ────────────────────────────────────────────────────────────────────────────────────────
def _date(parameters: Mapping[str, Any]) -> Step:
    wanted: str = parameters.get("as", "date")
    with_time = wanted == "date-time"
    try:
        parse = parser(
            parameters["formats"],
            pivot=parameters.get("pivot"),
            missing_day="first" if wanted == "month" else parameters.get("missing_day"),
            with_time=with_time,
            midnight="missing_time" in parameters,
        )
    except FormatInvalid as error:
        raise StepInvalid("date_format", f"日期格式：{error.zh}", f"date format: {error}") from None
    if wanted == "month":
        return Step("date", lambda value: parse(value)[:7], form="month")
    return Step("date", parse, form=wanted)


def _id15to18(_: Mapping[str, Any]) -> Step:
    return Step("id15to18", resident_id, form="cn-resident-id")


def resident_id(value: Any) -> str:
    """A resident number in its one spelling: 18 characters, check digit right.

    Takes spaces, a leading apostrophe, full-width digits, a lower-case x, and the 15-digit numbers issued until 1999
    (GB 11643-1989: the century is 19). Refuses what a spreadsheet made a floating number: those digits are gone.
    """
    if type(value) is str and is_resident_id(value):
        return value
    text = trim_identifier(value)
    if "E+" in text or (isinstance(value, float) and abs(value) >= 1e14):
        raise Untranslatable(
            "digits_lost",
            "身份证号被电子表格存成了浮点数，末尾数字已丢失，无法还原；请在源头以文本重新填写",
            "the number was kept as a floating number and its last digits are lost; enter it again as text",
        )
    if len(text) == 15 and text.isascii() and text.isdigit():
        text = f"{text[:6]}19{text[6:]}"
        text += resident_check_digit(text)
    try:
        check_resident_id(text)
    except IdentifierInvalid as error:
        raise Untranslatable(error.reason, error.zh, error.en) from None
    return text


MAKERS: Mapping[str, Callable[[Mapping[str, Any]], Step]] = MappingProxyType(
    {
        "copy": _copy,
        "const": _const,
        "trim": _trim,
        "date": _date,
        "lookup": _lookup,
        "concat": _concat,
        "split": _split,
        "mask": _mask,
        "unit": _unit,
        "integer": _integer,
        "region_code": _region_code,
        "id15to18": _id15to18,
        "first": _first,
        "join": _join,
        "when-eq": _when_eq,
    }
)
