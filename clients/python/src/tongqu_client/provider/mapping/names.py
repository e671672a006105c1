"""What a heading says: its last part, whom it is about, its unit; for comparison with the names of elements."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from standards import synonyms

from tongqu_client.provider.mapping import measures
from tongqu_client.provider.mapping.latin import unit_at_end, words_of_heading

_THINGS = (
    "姓名",
    "名字",
    "身份证号码",
    "身份证号",
    "身份证",
    "证件号码",
    "证件号",
    "电话",
    "手机",
    "手机号",
    "手机号码",
    "联系方式",
    "联系电话",
    "住址",
    "出生日期",
    "性别",
)
_ABOUT_ALL = frozenset(
    [
        "本人",
        "本人的",
        "人员",
        "基本",
        "基本信息",
        "个人",
        "个人信息",
        "人员信息",
        "登记",
        "登记信息",
        "居民",
        "居民信息",
        "身份",
        "身份信息",
        "现",
        "固定",
        "有效",
        "居民本人",
        "联系",
        "移动",
        "家庭",
        "中文",
        "真实",
        "全",
        "常用",
        "办公",
        "公民",
        "证件",
        "联系方式",
        "其他",
        "其它",
    ]
)
_LEVELS = re.compile(r"[/\\|>](?![^(（\[【〔]*[)）\]】〕])")  # the levels of a merged heading; not 元/月 in brackets
_BRACKETS = re.compile(r"[(（\[【〔<《](.*?)[)）\]】〕>》]")


@dataclass(frozen=True, slots=True)
class Heading:
    """A column's name taken apart.

    ``leaf``: the last part of a merged heading, plain. ``role``: whom it is about, from the leaf or the headings above.
    ``rest``: the leaf without the words of the role. ``own_role``: the role stands in the leaf itself.
    ``joined``: the heading above, bare, and the leaf (户主信息/身份证号 → 户主身份证号). ``above``: the bare heading
    above, if it says more than that these are data.
    ``unit``: of money or area, if the name tells one. ``words``: of a name in Latin letters.
    """

    column: str
    leaf: str
    whole: str
    joined: str
    above: str
    role: str | None
    rest: str
    own_role: bool
    unit: str | None
    words: tuple[str, ...]
    twin: bool

    @property
    def latin(self) -> bool:
        return self.leaf.isascii()

    @property
    def opaque(self) -> bool:
        """A name that says nothing: blank, 列3, col_2, F5, 字段7."""
        return not self.leaf or bool(
            re.fullmatch(r"(列|字段|栏|第)?\d+列?|(col|column|field|fld|f|c|v|x)\d*|[a-z]", self.leaf)
        )


def plain(name: str) -> str:
    """For comparing names: half-width, lower case, without brackets, units, blanks and marks."""
    text = unicodedata.normalize("NFKC", name).casefold()
    return re.sub(r"[\W_]+", "", _BRACKETS.sub("", text))


@cache
def heading(column: str) -> Heading:
    """Take a column's name apart."""
    name, _, twin = column.partition("#")
    parts = [part for part in _LEVELS.split(name) if plain(part)] or [name]
    leaf = plain(parts[-1]) or plain(re.sub(r"[\[\](){}（）【】]", " ", parts[-1]))
    words, unit = unit_at_end(words_of_heading(_BRACKETS.sub("", parts[-1])))
    if unit is not None:
        leaf = "".join(words)
    role, rest = _role(leaf, words)
    own = role is not None
    group = _bare(plain(parts[-2])) if len(parts) > 1 else ""
    joined = group + leaf
    noted = " ".join(_BRACKETS.findall(unicodedata.normalize("NFKC", parts[-1])))
    if role is None:
        for above in (noted, *reversed(parts[:-1])):
            role = role or _role_of_group(plain(above))
        if role is None and leaf in _THINGS and group and group not in _ABOUT_ALL:
            role = "other" if group[-1] in "人员者方长主友属伴亲" else None
    return Heading(
        column,
        leaf,
        plain("".join(parts)),
        joined,
        "" if group in _ABOUT_ALL else group,
        role,
        rest,
        own,
        unit or _unit(parts),
        words,
        bool(twin),
    )


@cache
def _role_words() -> Mapping[str, str]:
    found: dict[str, str] = {}
    for role, words in synonyms.document()["roles"].items():
        for word in words:
            found.setdefault(word, role)
    return dict(sorted(found.items(), key=lambda pair: -len(pair[0])))


@cache
def words_of_role(role: str) -> tuple[str, ...]:
    """The Latin words for a person or office."""
    return tuple(word for word in synonyms.document()["roles"].get(role, ()) if word.isascii())


def _role(leaf: str, words: Sequence[str]) -> tuple[str | None, str]:
    """(role, rest): the longest word of a role at the head of the name, or at the end of a Latin one."""
    known = _role_words()
    if leaf in known and not leaf.isascii():
        return known[leaf], leaf
    if not leaf.isascii():
        for word, role in known.items():
            if not word.isascii() and leaf.startswith(word) and len(leaf) > len(word):
                return role, leaf[len(word) :].lstrip("的")
        return _stranger(leaf)
    if len(words) > 1:
        for word, rest in ((words[0], words[1:]), (words[-1], words[:-1])):
            if word in known:
                return known[word], "".join(rest)
    return None, "".join(words) or leaf


def _stranger(leaf: str) -> tuple[str | None, str]:
    """Somebody we have no word for (家里人电话): said of another, so it is not the subject's."""
    for thing in sorted(_THINGS, key=len, reverse=True):
        whose = leaf.removesuffix(thing)
        if whose != leaf and whose and whose not in _ABOUT_ALL and whose[-1] in "人员者方长主友属伴亲爷奶叔":
            return "other", thing
    return None, leaf


def _role_of_group(text: str) -> str | None:
    """The role a heading above (户主信息) or a note in brackets (配偶) speaks of."""
    return _role_words().get(_bare(text))


def _bare(text: str) -> str:
    return re.sub(r"(基本|登记)?(信息|情况|资料|数据|一栏|栏)$", "", text)


def roles_at_head(leaf: str) -> list[tuple[str, str]]:
    """(role, rest) for every Latin word of a role that the unsplit name begins with: hzsfzh → head, sfzh."""
    return [
        (role, leaf[len(word) :])
        for word, role in _role_words().items()
        if word.isascii() and len(word) > 1 and leaf.startswith(word) and len(leaf) - len(word) > 1
    ]


def _unit(parts: Sequence[str]) -> str | None:
    """The unit in brackets, of the leaf or of a heading above it, or at the end of the leaf."""
    noted = [note for part in reversed(parts) for note in _BRACKETS.findall(part)]
    found = next((unit for note in noted if (unit := measures.unit_of(note))), None)
    return found or measures.unit_at_end(plain(parts[-1]))


@cache
def _listed(key: str) -> frozenset[str]:
    return frozenset(plain(name) for name in synonyms.document()[key])


def is_flag(column: str) -> bool:
    """A column that says whether the row counts at all (注销标志, DEL_FLAG)."""
    return heading(column).leaf in _listed("flags")


def address_parts(columns: Sequence[str]) -> list[str]:
    """Columns that are parts of an address, in the order in which they are written."""
    ranks = {column: rank for column in columns if (rank := _rank_of_part(heading(column).leaf)) is not None}
    return sorted(ranks, key=lambda column: ranks[column])


def _rank_of_part(leaf: str) -> int | None:
    """Where the part stands in an address; a Chinese name may say before it which address (现住街路巷)."""
    known = [plain(name) for name in synonyms.document()["addressParts"]]
    fitting = [name for name in known if leaf == name or (len(name) > 1 and not leaf.isascii() and leaf.endswith(name))]
    return known.index(max(fitting, key=len)) if fitting else None


def assumed(path: str) -> Mapping[str, str] | None:
    """What may be assumed of an element no column gives, with the sentence that says so; None if nothing may."""
    found: Mapping[str, str] | None = synonyms.document()["assumed"].get(path)
    return found


def blank_words() -> frozenset[str]:
    """Words that mean: nothing there."""
    return frozenset(synonyms.document()["missing"])


def status_words(path: str) -> Mapping[str, str]:
    """Words that people write into another column, such as 暂停 among the amounts, and the code each means."""
    found: Mapping[str, str] = synonyms.document()["words"].get(path, {})
    return found


def is_running(column: str, *, counts: bool = True) -> bool:
    """A running number: it identifies a row, but perhaps another one in the next extract.

    ``counts``: its values are 1, 2, 3. 序号 is one anyhow, 编号 only then.
    """
    leaf = heading(column).leaf
    return leaf in _listed("running") and (counts or leaf in ("序号", "xh", "行号"))


def is_number(column: str) -> bool:
    """A name that ends as those of numbers of things do: 编号, 号码, _no, _code, BH."""
    head = heading(column)
    if not head.latin:
        return head.leaf.endswith(("编号", "号", "号码", "编码"))
    return (len(head.words) > 1 and head.words[-1] in ("no", "code", "num", "number")) or head.leaf.endswith(
        ("bh", "hm")
    )


@cache
def _left_out() -> Mapping[str, tuple[str, str]]:
    topics = synonyms.not_carried().values()
    return {plain(name): (topic["zh"], topic["en"]) for topic in topics for name in topic["names"]}


def left_out(column: str) -> tuple[str, str] | None:
    """(zh, en) if no standard carries such a column on purpose: religion, politics, control lists, accounts."""
    return _left_out().get(heading(column).leaf)
