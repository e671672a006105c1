"""What a proposal is made of: the user's wishes, the choice for each element, the columns that feed nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from standards import Element

from tongqu_client.provider.mapping.doubt import Certainty, Doubt
from tongqu_client.provider.mapping.rules import Fit, Rule

State = Literal["mapped", "derived", "constant", "assumed", "waiting", "open"]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the user said. ``set``: constants. ``use``: columns. ``codes``: word → code. ``skip``: leave out.

    ``other_party``: of a couple in one row, the second is the subject.
    """

    set: Mapping[str, str] = field(default_factory=dict)
    use: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    codes: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    skip: frozenset[str] = frozenset()
    other_party: bool = False


@dataclass(frozen=True, slots=True)
class Choice:
    """What was chosen for one element and why. ``must``: the record is not complete without it.

    ``waiting``: found, but held back until a required part of its object is given. ``certainty`` and
    ``doubts`` are of choices the program made: none where nothing was chosen or the user chose.
    """

    element: Element
    must: bool
    state: State
    columns: tuple[str, ...] = ()
    confidence: float = 0.0
    zh: str = "没有列给出此项"
    en: str = "no column gives it"
    rule: Rule | None = None
    fit: Fit | None = None
    certainty: Certainty | None = None
    doubts: tuple[Doubt, ...] = ()
    unknown: Mapping[str, int] = field(default_factory=dict)  # words the code table lacks, as far as they may be shown
    near: tuple[str, ...] = ()  # the columns whose name fits and which were not taken


@dataclass(frozen=True, slots=True)
class Unused:
    """A column that no element takes. ``flag``: it may say that a row does not count; then ``values`` are counted.

    ``left_out``: no standard carries it, on purpose.
    """

    column: str
    flag: bool
    zh: str
    en: str
    values: Mapping[str, int] = field(default_factory=dict)
    left_out: bool = False


@dataclass(frozen=True, slots=True)
class Proposal:
    """The crosswalk document and the story behind it. ``remarks``: on the table as a whole."""

    document: dict[str, Any]
    choices: tuple[Choice, ...]
    unused: tuple[Unused, ...]
    remarks: tuple[Doubt, ...] = ()

    @property
    def open(self) -> tuple[Choice, ...]:
        """Required elements that nothing gives."""
        return tuple(choice for choice in self.choices if choice.must and choice.state == "open")

    @property
    def unsure(self) -> tuple[Choice, ...]:
        """Choices a person should look at: assumptions, and columns that may be another's."""
        return tuple(one for one in self.choices if one.certainty == "unsure")
