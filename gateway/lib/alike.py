"""One object for all collections of texts that are equal: what a thousand agreements have in common is in memory once,
and so in the processor's cache whichever of them is asked for. (For single texts there is ``sys.intern``.)"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from sys import intern
from types import MappingProxyType


def texts(values: Iterable[str]) -> tuple[str, ...]:
    return _texts(tuple(map(intern, values)))


def set_of(values: Iterable[str]) -> frozenset[str]:
    return _set(frozenset(map(intern, values)))


def mapping(values: Mapping[str, str]) -> Mapping[str, str]:
    return _mapping(tuple(values.items()))


# The first of all that are equal is what the others are exchanged for.
@lru_cache(maxsize=4096)
def _texts(values: tuple[str, ...]) -> tuple[str, ...]:
    return values


@lru_cache(maxsize=4096)
def _set(values: frozenset[str]) -> frozenset[str]:
    return values


@lru_cache(maxsize=1024)
def _mapping(items: tuple[tuple[str, str], ...]) -> Mapping[str, str]:
    return MappingProxyType(dict(items))
