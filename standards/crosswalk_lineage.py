"""Where each field of a crosswalk comes from: which columns, through which functions, what is lost on the way.

Read off the document alone, so that it can be told before the first record and published beside the crosswalk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from standards.crosswalk_inverse import inverse

_LOSSES: Mapping[str, tuple[str, str]] = {
    "mask": ("遮盖后原值不再可见", "what is masked cannot be seen any more"),
    "split": ("只取其中一段", "only one piece is taken"),
    "first": ("只取第一个有值的列，其余不取", "only the first filled column is taken"),
    "when-eq": ("只留下条件的结果", "only the outcome of the condition is kept"),
    "region_code": ("末尾的零与更细的层级不保留", "trailing zeros and finer levels are not kept"),
    "lookup": ("不同写法合为一个代码", "different spellings become one code"),
    "id15to18": ("十五位旧号码的写法不保留", "the old spelling of 15 digits is not kept"),
    "trim": ("空格与写法差异不保留", "blanks and ways of writing are not kept"),
    "integer": ("量词不保留", "the word it was counted in is not kept"),
}


@dataclass(frozen=True, slots=True)
class Lineage:
    """One target field. ``losses``: (zh, en) for each function that loses something. ``back``: the inverse exists."""

    target: str
    columns: tuple[str, ...]
    functions: tuple[str, ...]
    losses: tuple[tuple[str, str], ...]
    back: bool
    why_not_zh: str = ""
    why_not_en: str = ""

    def to_dict(self) -> dict[str, Any]:
        losses = [{"zh": zh, "en": en} for zh, en in self.losses]
        found = {
            "field": self.target,
            "columns": list(self.columns),
            "functions": list(self.functions),
            "losses": losses,
        }
        why = {"zh": self.why_not_zh, "en": self.why_not_en}
        return found | {"invertible": self.back} | ({} if self.back else {"not_invertible": why})


def lineage(document: Mapping[str, Any]) -> tuple[Lineage, ...]:
    """The lineage of every field of a compiled crosswalk's document, parts of list items with their list's path."""
    stuck = {one.target: one for one in inverse(document).not_invertible}
    return tuple(
        Lineage(
            target,
            columns,
            tuple(step["fn"] for step in steps),
            tuple(dict.fromkeys(loss for step in steps if (loss := _loss(step)))),
            target not in stuck,
            stuck[target].zh if target in stuck else "",
            stuck[target].en if target in stuck else "",
        )
        for target, columns, steps in _fields(document["targets"], "", ())
    )


def _fields(
    targets: Mapping[str, Any], prefix: str, above: tuple[str, ...]
) -> Iterator[tuple[str, tuple[str, ...], Sequence[Mapping[str, Any]]]]:
    for name, rule in targets.items():
        if "each" in rule:
            above = (_column(rule["each"]),) if rule["each"] else ()  # without one the row itself is the item
            yield prefix + name, above, ()
            yield from _fields(rule["targets"], f"{prefix}{name}.", above)
            continue
        steps = [{"fn": step} if isinstance(step, str) else step for step in rule.get("fn", ["copy"])]
        given = rule.get("from", ())
        pointers = [given] if isinstance(given, str) else list(given)
        gates = [_column(step["column"]) for step in steps if "column" in step]
        own = [f"{above[0]}/{_column(one)}" if above else _column(one) for one in pointers]
        yield prefix + name, tuple(dict.fromkeys([*own, *gates])), steps


def _loss(step: Mapping[str, Any]) -> tuple[str, str] | None:
    name = step["fn"]
    if name == "date":
        if "missing_day" in step and step.get("as") != "month":
            return ("没有日的取每月第一天或最后一天", "a month without a day becomes its first or last day")
        if any("HH" in one for one in step["formats"]) and step.get("as", "date") != "date-time":
            return ("时刻不保留", "the time of day is not kept")
        return None
    if name == "lookup" and "from_codelist" in step:
        return ("经另一代码表转换，细分可能合并", "translated from another list; finer codes may become one")
    return _LOSSES.get(name)


def _column(pointer: str) -> str:
    return pointer[1:].replace("~1", "/").replace("~0", "~")
