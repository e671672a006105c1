"""One object for all collections of texts that are equal: what a thousand agreements have in common is in memory once,
and so in the processor's cache whichever of them is asked for. (For single texts there is ``sys.intern``.)"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from functools import lru_cache
from sys import intern
from types import MappingProxyType
from typing import TypeVar

T = TypeVar("T", bound=Hashable)


def texts(values: Iterable[str]) -> tuple[str, ...]:
    return _first(tuple(map(intern, values)))


def set_of(values: Iterable[str]) -> frozenset[str]:
    return _first(frozenset(map(intern, values)))


def mapping(values: Mapping[str, str]) -> Mapping[str, str]:
    return _mapping(tuple(values.items()))


@lru_cache(maxsize=1024)
def _mapping(items: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    return MappingProxyType(dict(items))


@lru_cache(maxsize=4096)
def _kept(value: T) -> T:
    return value


def _first(value: T) -> T:
    """Of all that are equal to this one."""
    found: T = _kept(value)
    return found
