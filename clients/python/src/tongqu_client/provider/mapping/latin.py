"""Headings in Latin letters: their words, a unit at their end, and what each word stands for.

``reg_capital_wan`` and ``registeredCapital`` are of the same words once abbreviations are written out (reg →
registration), forms of a word are one (checked → check) and the unit is off; dates and numbers are called by many words
that say the same (date, time, at; no, num, number).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

_PREFIXES = frozenset(
    {"t", "f", "c", "n", "v", "s", "a", "b", "col", "fld", "field", "tb", "tbl", "ry", "rk", "zd", "d"}
)
_UNITS = {
    "yuan": "元", "rmb": "元", "cny": "元", "wan": "万元", "wanyuan": "万元", "wy": "万元",
    "fen": "分", "cent": "分", "cents": "分", "jiao": "角", "mu": "亩", "usd": "美元", "hkd": "港元",
    "sqm": "平方米", "m2": "平方米", "pfm": "平方米",
}  # fmt: skip
_MEANT = {
    "address": "addr address text place location addrs",
    "phone": "tel phone mobile cell cellphone telephone contactno",
    "number": "no num number nbr",
    "code": "code dm cd",
    "id": "id idcard ids identity citizenid",
    "date": "date dt time day at on datetime timestamp when rq sj",
    "month": "month ym yearmonth",
    "start": "start begin from since commence starting beginning begins effective",
    "end": "end to until thru through expire expires expiry expiration expired ending till",
    "due": "due deadline by",
    "registration": "reg register registered registration registry",
    "department": "dept department",
    "organisation": "org organisation organization institution unit agency office bureau",
    "certificate": "cert certificate certification licence license permit",
    "birth": "birth birthday born dob",
    "sex": "sex gender",
    "enterprise": "ent enterprise company corp corporation firm entity biz",
    "description": "desc description detail details content memo",
    "name": "name nm names fullname",
    "type": "type kind category class cls sort",
    "level": "level grade lvl rank degree",
    "status": "status state stat situation condition",
    "division": "division region district area adcode",
    "street": "street subdistrict town township jd",
    "community": "community village neighborhood neighbourhood",
    "amount": "amount amt money sum payment",
    "monthly": "monthly permonth",
    "relation": "relation relationship rel kinship",
    "check": "check checked checking verify verified verification inspect inspected inspection examine examined",
    "establish": "establish established establishment found founded founding setup create",
    "issue": "issue issued issuing issuance",
    "allowance": "allowance allowances subsidy subsidies benefit benefits grant",
    "assistance": "assistance assist relief aid",
    "insurance": "insurance ins insure insured social",
    "base": "base basis",
    "pay": "pay paid payment contribution contribute",
    "count": "count cnt total qty quantity times",
    "owner": "owner landlord lessor",
    "tenant": "tenant renter lessee occupier",
    "lease": "lease rent rental contract tenancy",
    "house": "house housing dwelling home building premises property room",
    "domicile": "domicile hukou household",
    "residence": "residence reside residential living live current",
    "education": "education edu educational schooling",
    "marital": "marital marriage married",
    "ethnic": "ethnic ethnicity nation ethnos",
    "employ": "employ employed employment job work hire hired",
    "unemploy": "unemploy unemployed unemployment jobless",
    "disability": "disability disabled handicap",
    "care": "care ability capability capacity",
    "assess": "assess assessed assessment evaluate evaluated evaluation eval appraisal rate rating",
    "handle": "handle handled handling dispose disposal process processed responsible undertake",
    "report": "report reported",
    "finish": "finish finished complete completed completion close closed closing done",
    "occur": "occur occurred happen happened",
    "urgency": "urgency urgent priority emergency",
    "source": "source origin channel src",
    "area": "size acreage",
    "capital": "capital cap",
    "abnormal": "abnormal exception irregular",
    "industry": "industry trade sector",
    "scope": "scope range",
    "rectify": "rectify rectified rectification remedy correct corrected correction",
    "hazard": "hazard danger risk",
    "publish": "publish published publication release released",
    "approve": "approve approved approval decision decide confirm",
    "apply": "apply applied applicant application applier",
    "update": "update updated modify modified",
    "frequency": "frequency freq cycle",
    "abstract": "abstract summary brief",
    "train": "train training trained course",
    "arrive": "arrive arrived arrival movein",
    "leave": "leave left departure depart moveout",
    "plan": "plan planned intended expected",
    "minute": "minutes minute mins min estimated est",
    "parent": "parent superior upper",
    "short": "short abbr abbreviation",
    "site": "website site web homepage",
    "hour": "hours hour",
    "first": "first initial earliest",
    "last": "last latest recent",
    "item": "item items matter",
    "member": "member members",
    "title": "title subject theme topic",
}  # fmt: skip
_WORDS = {word: meant for meant, listed in _MEANT.items() for word in listed.split()}
# what a name is the name of: a date is no address, whatever else the names share
KINDS = frozenset(
    [
        *("address", "phone", "number", "code", "id", "date", "month", "start", "end", "due", "name", "sex"),
        *("description", "type", "level", "status", "division", "amount", "relation", "count", "urgency", "area"),
        *("scope", "frequency", "minute", "site", "hour", "title"),
    ]
)
NUMBERS = frozenset(["number", "code", "id"])  # which departments exchange at will
_NOTHING = frozenset({"", "of", "the", "and", "is", "has", "if", "whether", "flag", "info", "a", "in", "for"})


def words_of_heading(text: str) -> tuple[str, ...]:
    """Words of a Latin name: MAN_ID_NO, birthDate, t_xm; without a prefix that tables give to all their columns."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", unicodedata.normalize("NFKC", text))
    words = [word for word in re.split(r"[^0-9a-zA-Z]+", spaced.lower()) if word]
    while len(words) > 1 and words[0] in _PREFIXES:
        words = words[1:]
    return tuple(words)


def unit_at_end(words: Sequence[str]) -> tuple[tuple[str, ...], str | None]:
    """(words without it, the unit) if the last word is one of money or area: reg_capital_wan."""
    if len(words) > 1 and words[-1] in _UNITS:
        return tuple(words[:-1]), _UNITS[words[-1]]
    return tuple(words), None


def english(words: Sequence[str]) -> frozenset[str]:
    """What the words stand for; a begin or an end says that it is a date, so that word is not needed."""
    meant = {_WORDS.get(word, word) for word in words if word not in _NOTHING}
    return frozenset(meant - {"date"} if meant & {"start", "end", "due"} else meant)
