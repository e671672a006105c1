"""From one version of a standard to another: a crosswalk as far as it can be derived, and what a person must add.

Derived: fields that stay, fields under a new name, codes that stay or that a published table between two code
lists translates, lists and objects part by part. Not derived, and never guessed: where a new required field comes from, what a
code without a successor becomes, another type. Nothing is cut to fit a narrower limit: a record that the new version
refuses is reported by the crosswalk as refused.

>>> migration = suggest(standards.get("person-basic/1.0.0").schema, draft)
>>> migration.usable, [gap.en for gap in migration.gaps]
(False, ['the new required field email has no source in the old version'])
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from standards import codelists
from standards.change_meaning import moved_codes
from standards.changes import changes
from standards.crosswalk import CrosswalkInvalid, compile
from standards.proof.search import Effort
from standards.renames import renamed
from standards.standard import Standard
from standards.validate import pointer

Schema = Mapping[str, Any]
LANGUAGE = "tongqu-crosswalk/1"
Place = tuple[str, ...]
Made = tuple[dict[str, Any], dict[str, Any]]  # rules by target, and columns left out with the reason
_LIMITS = frozenset(
    {"required_added", "minLength", "maxLength", "pattern", "format", "minimum", "maximum", "minItems", "maxItems"}
)


@dataclass(frozen=True, slots=True)
class Gap:
    """What could not be derived. ``target``: a dotted field of the new version, or of the old one if it is gone."""

    target: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Migration:
    """``document``: the crosswalk, which passes every check if it is ``usable``; else a draft to be completed.

    ``lossless``: usable, without gaps, and every record of the old version comes through with all its values.
    """

    document: dict[str, Any] = field(repr=False)
    usable: bool
    gaps: tuple[Gap, ...]

    @property
    def lossless(self) -> bool:
        return self.usable and not self.gaps


def suggest(old: Schema, new: Schema) -> Migration:
    """A crosswalk from records of ``old`` to records of ``new``; both have passed standards.check."""
    made = _Maker([])
    targets, ignored = made.members(old, new, (), "", "")
    made.gaps.extend(_narrower(old, new))
    standard = Standard.of(dict(new))
    document: dict[str, Any] = {
        "crosswalk": LANGUAGE,
        "standard": standard.id,
        "title_zh": f"{old['title']} {_version(old)} → {_version(new)}",
        "title_en": f"{old['x-en']} {_version(old)} to {_version(new)}",
        "targets": targets,
    }
    if ignored:
        document["ignored"] = ignored
    try:
        compile(document, standard)
    except CrosswalkInvalid as invalid:
        left = [problem for problem in invalid.problems if problem.code != "required_without_rule"]  # told already
        made.gaps.extend(Gap(problem.pointer, problem.zh, problem.en) for problem in left)
        return Migration(document, False, tuple(made.gaps))
    return Migration(document, True, tuple(made.gaps))


@dataclass(frozen=True, slots=True)
class _Maker:
    gaps: list[Gap]

    def members(self, old: Schema, new: Schema, place: Place, prefix: str, path: str) -> Made:
        """The rules for the members of an object, and the columns of the old one that none of them takes.

        ``prefix``: what stands before the name of a target; ``path``: what stands before it for people to find it.
        """
        origin = {now: was for was, now in renamed(old["properties"], new["properties"]).items()}
        rules: dict[str, Any] = {}
        ignored: dict[str, Any] = {}
        taken: set[str] = set()
        for name, part in new["properties"].items():
            source = name if name in old["properties"] else origin.get(name)
            if source is None:
                self._without_source(new, name, path + name)
                continue
            taken.add(source)
            found, left = self._element(old["properties"][source], part, (*place, source), prefix + name, path + name)
            rules.update(found)
            ignored.update(left)
        for name in old["properties"].keys() - taken:
            ignored[pointer((*place, name))] = self._gone(path + name)
        return rules, ignored

    def _element(self, old: Schema, new: Schema, place: Place, target: str, path: str) -> Made:
        for keyword, zh, en in (("type", "类型", "type"), ("x-unit", "计量单位", "unit")):
            if old.get(keyword) != new.get(keyword):
                self._gap(
                    path,
                    f"{path} 的{zh}不同，如何换算须由人决定",
                    f"the {en} of {path} differs: a person must say how to convert",
                )
                return {}, {pointer(place): _reason(f"{zh}不同，未换算", f"another {en}, not converted")}
        if old["type"] == "object":
            return self.members(old, new, place, f"{target}.", f"{path}.")
        if old["type"] == "array":
            return self._list(old, new, place, target, path)
        return self._field(old, new, place, target, path)

    def _list(self, old: Schema, new: Schema, place: Place, target: str, path: str) -> Made:
        rules, ignored = self.members(old["items"], new["items"], (), "", f"{path}.")
        if not rules or any("each" in rule for rule in rules.values()):
            self._gap(path, f"{path} 的项无法逐项对应", f"the items of {path} cannot be matched one by one")
            return {}, {pointer(place): _reason("列表的项无法对应", "its items cannot be matched")}
        each: dict[str, Any] = {"each": pointer(place), "targets": rules}
        return {target: {**each, "ignored": ignored} if ignored else each}, {}

    def _field(self, old: Schema, new: Schema, place: Place, target: str, path: str) -> Made:
        rule: dict[str, Any] = {"from": pointer(place)}
        wanted = str(new.get("format", ""))
        if "enum" in new:
            table = self._codes(old, new, path)
            if not table:
                return {}, {pointer(place): _reason("没有可对应的代码", "no code has a successor")}
            rule |= {"fn": [{"fn": "lookup", "table": table}], "on_unknown": "refuse"}
        elif wanted in _CHECKED and old.get("format") not in (wanted, None):
            self._gap(path, f"{path} 的格式不同，须由人决定", f"the format of {path} differs: a person must decide")
            return {}, {pointer(place): _reason("格式不同，未换算", "another format, not converted")}
        elif wanted in _CHECKED:
            rule["fn"] = _CHECKED[wanted]
        return {target: rule}, {}

    def _codes(self, old: Schema, new: Schema, path: str) -> dict[str, str]:
        """From each old code to its new one: itself, or what the published table between the two lists says."""
        if "enum" not in old:
            return {code: code for code in new["enum"]}
        published = _published_pairs(old, new)
        moved = {code for code, _, _ in moved_codes(old, new)} if published is None else set()
        table: dict[str, str] = {}
        for code in old["enum"]:
            successor = code if published is None else published.get(code)
            if successor in new["enum"] and code not in moved:
                table[code] = str(successor)
            else:
                self._gap(
                    path,
                    f"{path} 的代码 {code} 在新版中没有对应，含此代码的记录会被退回",
                    f"code {code} of {path} has no successor: records with it are refused",
                )
        return table

    def _without_source(self, new: Schema, name: str, path: str) -> None:
        if name in new.get("required", ()):
            self._gap(
                path,
                f"新增必填字段 {path} 在旧版中没有来源",
                f"the new required field {path} has no source in the old version",
            )

    def _gone(self, path: str) -> dict[str, str]:
        self._gap(
            path,
            f"旧版的 {path} 在新版中没有位置，其内容不再传递",
            f"{path} of the old version has no place in the new one: what it holds is left behind",
        )
        return _reason("新版没有这个字段", "the new version has no such field")

    def _gap(self, target: str, zh: str, en: str) -> None:
        self.gaps.append(Gap(target, zh, en))


def _narrower(old: Schema, new: Schema) -> Iterator[Gap]:
    """Limits that some records of the old version break; they are not cut to fit."""
    for change in changes(old, new, Effort()):
        if change.kind in _LIMITS and change.verdict != "compatible":
            yield Gap(
                change.element,
                f"{change.zh}：不符合的记录会被退回，不会被截断",
                f"{change.en}: records that break it are refused, not cut",
            )


# What a value must pass so that the crosswalk knows that it has the format; the value itself stays
_CHECKED: Mapping[str, list[Any]] = {
    "date": [{"fn": "date", "formats": ["yyyy-MM-dd"]}],
    "date-time": [{"fn": "date", "formats": ["rfc3339"], "as": "date-time"}],
    "cn-resident-id": ["id15to18"],
}


def _published_pairs(old: Schema, new: Schema) -> Mapping[str, str] | None:
    """The table between the two code lists; None if both take the same list or one takes none."""
    before, after = (str(schema.get("x-codelist", "")).partition("/")[0] for schema in (old, new))
    if not before or not after or before == after:
        return None
    try:
        return codelists.crosswalk(before, after).pairs
    except codelists.UnknownCodeList:
        return {}  # another list, and nobody has said what becomes of its codes


def _reason(zh: str, en: str) -> dict[str, str]:
    return {"zh": zh, "en": en}


def _version(schema: Schema) -> str:
    return str(schema["$id"]).rsplit("/", 1)[-1]
