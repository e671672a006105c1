"""The least number that a new version may bear, decided by what the checker proved and by nobody's opinion.

    patch   a record of either version obeys the other as before: wording, titles
    minor   every record of the old version obeys the new one
    major   a record is known that the old version takes and the new one refuses, or one and the same record means
            something else (its unit, whom it is about, how many there are)

Where nothing could be proved, a person decides, and who and why is kept beside the version. Plain Python.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Protocol

from gateway.errors import DecisionNeeded, VersionTooLow
from gateway.registry.model import invalid

BUMPS: Final = ("patch", "minor", "major")
MAX_CHANGES: Final = 50  # told in one answer

Parts = tuple[int, ...]


class Comparison(Protocol):
    """What standards.compare.compare says of two schemas."""

    @property
    def verdict(self) -> str: ...  # identical | compatible | breaking | unproven
    @property
    def bump(self) -> str: ...  # none | patch | minor | major
    @property
    def changes(self) -> Iterable[Any]: ...  # pointer, kind, zh, en, verdict, bump
    @property
    def example(self) -> Mapping[str, Any] | None: ...
    @property
    def why_zh(self) -> str | None: ...
    @property
    def why_en(self) -> str | None: ...


@dataclass(frozen=True, slots=True)
class Decision:
    """A person's word where the checker has none: the ``bump`` it amounts to, and why."""

    bump: str
    reason: str


@dataclass(frozen=True, slots=True)
class Judgement:
    """What was found about one version. ``against`` None: it is the first of its name."""

    against: str | None
    digest: str
    number: str
    comparison: Comparison | None

    def insist(self, decision: Decision | None) -> None:
        """Raise VersionTooLow or DecisionNeeded unless the number says what the change is."""
        if self.comparison is None or self.against is None:
            return
        if decision is not None and self.comparison.verdict != "unproven":
            raise invalid(
                "/decision",
                "检查器已有结论，不以人的判断代替",
                "the checker has proved it; a person's word does not replace a proof",
            )
        bump = self.comparison.bump
        if self.comparison.verdict == "unproven":
            if decision is None:
                raise self._decision_needed()
            bump = decision.bump
        if bump == "none" or parts(self.number) < parts(least(self._old, bump)):
            raise self._too_low(bump)

    @property
    def _old(self) -> str:
        assert self.against is not None
        return self.against.split("/")[1]

    def as_member(self) -> dict[str, Any] | None:
        """As the API shows it and the row keeps it."""
        found = self.comparison
        if found is None or self.against is None:
            return None
        return {
            "against": self.against,
            "verdict": found.verdict,
            "bump": found.bump,
            "least": None if found.bump == "none" else least(self._old, found.bump),
            "changes": [
                {name: getattr(each, name) for name in ("pointer", "kind", "zh", "en", "verdict")}
                for each in list(found.changes)[:MAX_CHANGES]
            ],
            "example": found.example,
            "why_zh": found.why_zh,
            "why_en": found.why_en,
        }

    def _too_low(self, bump: str) -> VersionTooLow:
        member = self.as_member() or {}
        if bump == "none":
            return VersionTooLow(
                f"与 {self.against} 没有差别，无可发布。",
                f"It does not differ from {self.against}; there is nothing to publish.",
                **member,
            )
        wanted = least(self._old, bump)
        why_zh, why_en = self._why(bump)
        return VersionTooLow(
            f"版本号 {self.number} 说明的变化小于实际变化：相对 {self.against}，{why_zh}，版本号至少应为 {wanted}。",
            f"The number {self.number} says less than the change is: against {self.against}, {why_en}; "
            f"it must be {wanted} at the least.",
            fix_zh=f"请以 {wanted} 或更高的版本号重新起草，或撤去这处变化。",
            fix_en=f"Draft it anew as {wanted} or higher, or leave that change out.",
            **{**member, "least": wanted},
        )

    def _why(self, bump: str) -> tuple[str, str]:
        """What makes the change a ``bump``: the proof, a person's word, or else the change that asks for it."""
        assert self.comparison is not None
        if self.comparison.verdict == "breaking":
            return "有原版本接受而新版本拒绝的记录", "the old version takes records that the new one refuses"
        if self.comparison.verdict == "unproven":
            return f"变化经人判断为 {bump}", f"a person decided that the change is {bump}"
        cause = next(each for each in self.comparison.changes if each.bump == bump)
        return cause.zh, cause.en

    def _decision_needed(self) -> DecisionNeeded:
        assert self.comparison is not None
        return DecisionNeeded(
            f"检查器无法证明与 {self.against} 是否兼容（{self.comparison.why_zh}），须由人作出决定并写明理由。",
            f"The checker cannot prove whether it is compatible with {self.against} ({self.comparison.why_en}); "
            "a person must decide, and say why.",
            fix_zh="请在 decision 中写明 bump（patch、minor 或 major）和 reason。",
            fix_en="Give decision: its bump (patch, minor or major) and the reason.",
            **(self.as_member() or {}),
        )


def parts(number: str) -> Parts:
    """``1.2.3`` → (1, 2, 3)."""
    return tuple(map(int, number.split(".")))


def least(old: str, bump: str) -> str:
    """The lowest number after ``old`` that says ``bump``."""
    major, minor, patch = parts(old)
    return {
        "patch": f"{major}.{minor}.{patch + 1}",
        "minor": f"{major}.{minor + 1}.0",
        "major": f"{major + 1}.0.0",
    }[bump]


def baseline(number: str, released: Iterable[str]) -> str | None:
    """What a version of this number is compared with: the highest number below it that was ever published.

    Raises VersionTooLow when its own major line has gone further already: readers of that line follow its end.
    """
    known = sorted(set(released), key=parts)
    ahead = [each for each in known if parts(each)[0] == parts(number)[0] and parts(each) >= parts(number)]
    if ahead:
        wanted = least(ahead[-1], "patch")
        raise VersionTooLow(
            f"版本号 {number} 不高于已发布的 {ahead[-1]}，至少应为 {wanted}。",
            f"The number {number} is not above {ahead[-1]}, which is published; it must be {wanted} at the least.",
            fix_zh="请以更高的版本号起草。",
            fix_en="Draft it under a higher number.",
            least=wanted,
        )
    return next((each for each in reversed(known) if parts(each) < parts(number)), None)
