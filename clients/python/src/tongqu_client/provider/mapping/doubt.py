"""How sure a choice is, and why it is not certain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Certainty = Literal["certain", "likely", "unsure"]


@dataclass(frozen=True, slots=True)
class Doubt:
    """Why a choice is not certain. ``grave``: it may well be wrong."""

    zh: str
    en: str
    grave: bool = False
