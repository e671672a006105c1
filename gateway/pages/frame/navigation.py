"""Where one can go, by role. Each audience's pages add their sections here; the first of a role is where it begins."""

from __future__ import annotations

from typing import NamedTuple

from gateway.pages.public.words import Text


class Section(NamedTuple):
    path: str
    title: Text
    roles: tuple[str, ...]


EVERYBODY = ("department", "street_office", "compliance", "bureau", "resident")
SECTIONS: tuple[Section, ...] = (
    Section("/me", Text("我的数据", "My data"), ("resident",)),
    Section("/account", Text("我的账户", "My account"), EVERYBODY),
)


def sections_of(role: str) -> list[Section]:
    return [section for section in SECTIONS if role in section.roles]


def home_of(role: str) -> str:
    """Where somebody of this role begins."""
    return sections_of(role)[0].path
