"""Each matter leads to standards that exist, and each standard is reached from some matter."""

from __future__ import annotations

import standards
from standards.matters import matters


def test_each_matter_names_standards_that_exist() -> None:
    known = set(standards.names())
    assert {matter.id: [name for name in matter.standards if name not in known] for matter in matters()} == {
        matter.id: [] for matter in matters()
    }


def test_each_standard_is_reached_from_a_matter() -> None:
    assert set(standards.names()) == {name for matter in matters() for name in matter.standards}


def test_matters_are_told_apart() -> None:
    for part in ("id", "zh", "en"):
        assert len({getattr(matter, part) for matter in matters()}) == len(matters())
