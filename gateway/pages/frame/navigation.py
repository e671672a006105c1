"""Where one can go, by role. Each audience's pages add their sections here; the first of a role is where it begins."""

from __future__ import annotations

from typing import NamedTuple

from gateway.pages.public.words import Text


class Section(NamedTuple):
    path: str
    title: Text
    roles: tuple[str, ...]


EVERYBODY = ("department", "street_office", "compliance", "bureau", "resident")
DESK, OFFICES = ("compliance",), ("department", "street_office")
SECTIONS: tuple[Section, ...] = (
    Section("/me", Text("我的数据", "My data"), ("resident",)),
    Section("/desk", Text("总览", "Overview"), DESK),
    Section("/desk/search", Text("日志检索", "Search"), DESK),
    Section("/desk/cases", Text("核查案件", "Cases"), DESK),
    Section("/desk/reviews", Text("核查队列", "Reviews"), DESK),
    Section("/desk/integrity", Text("完整性", "Integrity"), DESK),
    Section("/desk/reports", Text("报表", "Reports"), DESK),
    Section("/desk/rules", Text("规则", "Rules"), DESK),
    Section("/account", Text("我的账户", "My account"), EVERYBODY),
    Section("/desk/asked", Text("要求说明", "To be explained"), OFFICES),
)

BESIDE = {"/desk/entries/": "/desk/search/", "/desk/unmaskings/": "/desk/cases/"}  # pages that belong to a section


def sections_of(role: str) -> list[Section]:
    return [section for section in SECTIONS if role in section.roles]


def home_of(role: str) -> str:
    """Where somebody of this role begins."""
    return sections_of(role)[0].path


def current(sections: list[Section], path: str) -> str | None:
    """Of these sections the one that a page belongs to: the longest address that its own begins with."""
    for beside, section in BESIDE.items():
        path = path.replace(beside, section, 1) if path.startswith(beside) else path
    found = [each.path for each in sections if path == each.path or path.startswith(each.path + "/")]
    return max(found, key=len, default=None)
