"""How a value is hidden in part. The closed list of masks that elements, agreements and crosswalks may name."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType

HIDDEN = "*"


def _hide_middle(text: str) -> str:
    """Keep the first and the last quarter, at most four characters each."""
    keep = min(4, len(text) // 4)
    return text[:keep] + HIDDEN * (len(text) - 2 * keep) + (text[-keep:] if keep else "")


def _last_four(text: str) -> str:
    keep = 4 if len(text) > 4 else 0
    return HIDDEN * (len(text) - keep) + (text[-keep:] if keep else "")


def _year_only(text: str) -> str:
    return text[:4]


def _hidden(_text: str) -> str:
    return HIDDEN * 3  # of fixed length, so that not even the length tells


MASKS: Mapping[str, Callable[[str], str]] = MappingProxyType(
    {"hide-middle": _hide_middle, "last-four": _last_four, "year-only": _year_only, "hidden": _hidden}
)
