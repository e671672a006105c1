"""Data classes of which a query makes many: frozen for the type checker, not when they run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True, field_specifiers=(field,))
def value(cls: type[T]) -> type[T]:
    """As ``dataclass(frozen=True, slots=True)``, whose instances take six times as long to make: mypy sees to it that
    nobody changes one. It has no hash.
    """
    return dataclass(slots=True)(cls)
