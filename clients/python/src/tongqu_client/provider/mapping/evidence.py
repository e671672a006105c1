"""What a column's values say about an element: whether they can be it, and whether they could be anything else."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from standards import Element, codelists, synonyms

from tongqu_client.provider.mapping import rules
from tongqu_client.provider.mapping.everyday import words_of
from tongqu_client.provider.mapping.profile import HARD, Profile
from tongqu_client.provider.mapping.rules import Fit, Rule

Kind = Literal[
    "id",
    "uscc",
    "code",
    "yes_no",
    "integer",
    "date",
    "amount",
    "phone",
    "division",
    "person",
    "address",
    "organisation",
    "text",
]

OWN_CODES = 0.55  # factor: the values are codes, but not of this list; the user must explain them
SOFT = 0.6  # factor: the values are not what one expects, but nothing forbids them


@dataclass(frozen=True, slots=True)
class Evidence:
    """``factor``: how much of the name's score the values leave. ``telling``: only such an element has such values."""

    factor: float
    telling: bool
    zh: str = ""
    en: str = ""


def kind_of(element: Element) -> Kind:
    """What values of this element look like."""
    schema, last = element.schema, element.path.rpartition(".")[2]
    if schema.get("format") in ("cn-resident-id", "cn-uscc"):
        return "id" if schema["format"] == "cn-resident-id" else "uscc"
    if element.codelist or "enum" in schema:
        return "code"
    if element.kind in ("boolean", "integer"):
        return "yes_no" if element.kind == "boolean" else "integer"
    if schema.get("format") in ("date", "date-time") or rules.is_month(element):
        return "date"
    if rules.is_amount(element):
        return "amount"
    if "phone" in last.lower():
        return "phone"
    if last.endswith(("divisionCode", "streetCode", "communityCode", "Division")):
        return "division"
    if last in synonyms.FULL_TEXT:
        return "address"
    if re.search("姓名|代表人|曾用名", element.zh):
        return "person"
    return "organisation" if schema.get("x-element") == "organisationName" else "text"


def weigh(element: Element, profile: Profile, rule: Rule, fit: Fit) -> Evidence:
    """How the values of a column speak for or against an element."""
    if not profile.count:
        return Evidence(SOFT, False, "该列没有值，只能凭列名", "the column is empty: there is only its name to go by")
    kind = kind_of(element)
    if kind == "person":
        return _person(profile, fit)
    if kind == "address":
        return _address(profile)
    if kind == "organisation":
        people = profile.person_like and profile.share("organisation") < 0.5
        return Evidence(
            0.25 if profile.kind or people else 1.0,
            profile.share("organisation") >= HARD and not profile.words_of_a_list,
        )
    if kind == "text":
        return _text(element, profile, fit)
    if kind == "phone":
        share = min(fit.share, max(profile.share("phone"), 0.3))
        return Evidence(share, share >= HARD)
    if kind == "code":
        return _code(element, profile, rule, fit)
    telling = kind in ("id", "uscc", "date", "division") and fit.share >= HARD
    return Evidence(fit.share, telling or (kind in ("yes_no", "amount", "integer") and fit.share >= HARD))


def _person(profile: Profile, fit: Fit) -> Evidence:
    if profile.person_like:
        return Evidence(min(1.0, fit.share + 0.05), True)
    if profile.kind or profile.share("number") >= HARD:
        return Evidence(0.1, False, "取值不像姓名", "the values do not look like names")
    factor = 0.8 if profile.share("person") >= 0.6 and not profile.words_of_a_list else 0.4
    return Evidence(factor, False, "取值不全像姓名", "not all values look like names")


def _address(profile: Profile) -> Evidence:
    if profile.share("address") >= 0.8:
        return Evidence(1.0, True)
    if profile.kind or profile.share("number") >= HARD or profile.words_of_a_list:
        return Evidence(0.1, False, "取值不像地址", "the values do not look like addresses")
    return Evidence(SOFT, False, "取值不全像地址", "not all values look like addresses")


def _text(element: Element, profile: Profile, fit: Fit) -> Evidence:
    if profile.kind or (profile.share("division") >= HARD and not fit.share):
        return Evidence(0.25 if fit.share else 0.1, False, "取值是另一类数据", "the values are of another kind")
    if fit.share < 0.5 and profile.small_set:
        return Evidence(OWN_CODES, False, *_EXPLAIN)
    number = re.search("(编号|号码|证号|案号|户号|代码|编码|标识)([（(].*)?$", element.zh)
    if number and sum(not value.isascii() for value in profile.values) > 0.7 * len(profile.values):
        return Evidence(
            0.5 if profile.share("address") < 0.5 and not profile.person_like else 0.2,
            False,
            "取值不像编号",
            "the values do not look like numbers",
        )
    return Evidence(fit.share, False, "这类取值不足以证明", "values of this kind prove nothing")


def _code(element: Element, profile: Profile, rule: Rule, fit: Fit) -> Evidence:
    other = next(
        (step["from_codelist"] for step in rule["fn"] if isinstance(step, dict) and "from_codelist" in step), ""
    )
    if other and fit.share >= 0.5:
        title = codelists.get(other).title_zh
        return Evidence(
            0.75, False, f"取值像另一代码表（{title}），按其对照转换", f"the codes are of another list ({other})"
        )
    if fit.share >= 0.5:
        return Evidence(fit.share, fit.share >= HARD)
    if profile.small_set and not profile.kind and not _better_list(element, profile):
        return Evidence(OWN_CODES, False, *_EXPLAIN)
    return Evidence(fit.share, False)


_EXPLAIN = (
    "取值是本部门自己的代码，须说明各代码的意思（--code）",
    "the values are codes of the department's own; say what each means (--code)",
)


def _better_list(element: Element, profile: Profile) -> bool:
    """The words are of a code list, only of another one."""
    mine = (element.codelist or "").partition("/")[0]
    words = {value for value in profile.values if not value.isascii()}
    for name in codelists.names():
        if name != mine and words and len(words & words_of(name).keys()) > 0.5 * len(words):
            return True
    return False
