"""What departments agree a record looks like. Knows nothing of the gateway; usable alone.

>>> import standards
>>> person = standards.get("person-basic/1.0.0")
>>> person.validator(("name", "sex")).errors({"name": "测试", "sex": "1"})
[]

Standards are published files (``schemas/<name>/<version>.json``), never edited: a new version is a new file.
"""

from __future__ import annotations

from standards.registry import REGISTRY, UnknownStandard, get, names, versions
from standards.rules import Problem, check
from standards.standard import Element, Standard, UnknownField, bilingual
from standards.validate import Validator, Violation

__all__ = [
    "REGISTRY",
    "Element",
    "Problem",
    "Standard",
    "UnknownField",
    "UnknownStandard",
    "Validator",
    "Violation",
    "bilingual",
    "check",
    "get",
    "names",
    "versions",
]
