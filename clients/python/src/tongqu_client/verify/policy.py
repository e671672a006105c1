"""Which logs and witnesses to trust, and how many must have seen a checkpoint (C2SP tlog-policy).

Get the policy file over a way you trust, as the trust file: it says who must have been deceived before you can be.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tongqu_client.errors import ConfigError, QuorumMissing
from tongqu_client.verify.cosignatures import WitnessKey
from tongqu_client.verify.notes import Checkpoint, VerifierKey

_NONE = "none"
_MAX_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Witnessed:
    """Who of the policy's witnesses cosigned a checkpoint, and when (seconds since 1970); is that enough?"""

    times: Mapping[str, int]
    enough: bool


@dataclass(frozen=True, slots=True)
class Policy:
    """``groups``: name → (how many, members). ``quorum`` names a witness, a group, or none."""

    logs: tuple[VerifierKey, ...]
    witnesses: Mapping[str, WitnessKey]
    groups: Mapping[str, tuple[int, tuple[str, ...]]]
    quorum: str
    urls: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def load(cls, path: str | Path) -> Policy:
        """Read a policy file. Raises ConfigError."""
        try:
            return cls.parse(Path(path).read_bytes())
        except OSError:
            raise ConfigError(f"打不开见证策略文件 {path}。", f"The policy file {path} cannot be opened.") from None

    @classmethod
    def parse(cls, data: bytes | str) -> Policy:
        """Raises ConfigError, naming the line."""
        reader = _Reader()
        raw = data.encode() if isinstance(data, str) else data
        number = 0
        try:
            if len(raw) > _MAX_BYTES or any(byte < 0x20 and byte not in b"\t\n" for byte in raw) or b"\x7f" in raw:
                raise ValueError("expected lines of text, without control characters")
            # Names are octets, not characters (C2SP tlog-policy, character set): so decode without loss.
            for line in raw.decode("utf-8", "surrogateescape").split("\n"):
                number += 1
                words = [word for word in line.replace("\t", " ").split(" ") if word]
                if words and not words[0].startswith("#"):
                    reader.line(words)
            if reader.quorum is None:
                raise ValueError("expected a line: quorum <name>")
        except (ValueError, ConfigError) as error:
            why = error.detail_en if isinstance(error, ConfigError) else error
            raise ConfigError(
                f"见证策略文件第 {number} 行有误。", f"The policy file cannot be used (line {number}): {why}."
            ) from None
        return cls(tuple(reader.logs), reader.witnesses, reader.groups, reader.quorum, reader.urls)

    def witnessed(self, checkpoint: Checkpoint) -> Witnessed:
        """Raises CheckpointInvalid for a wrong signature that claims the key of a witness."""
        found = {name: key.time_of(checkpoint) for name, key in self.witnesses.items()}
        times = {name: time for name, time in found.items() if time is not None}
        return Witnessed(times, self.quorum == _NONE or self._holds(self.quorum, times))

    def require(self, checkpoint: Checkpoint) -> Witnessed:
        """The policy's log signed it, and its quorum of witnesses did. Raises QuorumMissing, CheckpointInvalid."""
        if self.logs and checkpoint.origin not in {log.name for log in self.logs}:
            raise QuorumMissing(
                f"见证策略不包括日志 {checkpoint.origin}。", f"The policy does not name the log {checkpoint.origin}."
            )
        for log in self.logs:
            if log.name == checkpoint.origin:
                Checkpoint.open(checkpoint.note, log)
        found = self.witnessed(checkpoint)
        if not found.enough:
            have = "、".join(found.times) or "无"
            raise QuorumMissing(
                f"检查点（{checkpoint.size} 条）缺少策略要求的见证（{self.quorum}）；已有见证：{have}。"
                "没有足够的外部机关看过这份日志，不能排除网关另有一份。",
                f"The checkpoint of size {checkpoint.size} lacks the witnesses that the policy requires "
                f"({self.quorum}); it has: {', '.join(found.times) or 'none'}. Too few outside offices have seen this "
                "log, so the gateway may be showing others a different one.",
            )
        return found

    def _holds(self, name: str, times: Mapping[str, int]) -> bool:
        if name in self.witnesses:
            return name in times
        least, members = self.groups[name]
        return sum(self._holds(member, times) for member in members) >= least


class _Reader:
    def __init__(self) -> None:
        self.logs: list[VerifierKey] = []
        self.witnesses: dict[str, WitnessKey] = {}
        self.groups: dict[str, tuple[int, tuple[str, ...]]] = {}
        self.urls: dict[str, str] = {}
        self.quorum: str | None = None

    def line(self, words: list[str]) -> None:
        kind, *rest = words
        if kind == "log" and len(rest) in (1, 2):
            self._log(*rest)
        elif kind == "witness" and len(rest) in (2, 3):
            self._witness(*rest)
        elif kind == "group" and len(rest) >= 3:
            self._group(rest[0], rest[1], tuple(rest[2:]))
        elif kind == "quorum" and len(rest) == 1:
            if self.quorum is not None or (rest[0] != _NONE and not self._known(rest[0])):
                raise ValueError("expected one quorum, of a name defined above it")
            self.quorum = rest[0]
        else:
            raise ValueError("expected log, witness, group or quorum, each with its words")

    def _log(self, vkey: str, url: str = "") -> None:
        key = VerifierKey.parse(vkey)
        if any(other.public == key.public for other in self.logs):
            raise ValueError("a log's key stands there twice")
        self.logs.append(key)

    def _witness(self, name: str, vkey: str, url: str = "") -> None:
        key = WitnessKey.parse(vkey)
        if any(other.public == key.public for other in self.witnesses.values()):
            raise ValueError("a witness's key stands there twice")
        self._new(name)
        self.witnesses[name] = key
        if url:
            self.urls[name] = url

    def _group(self, name: str, least: str, members: tuple[str, ...]) -> None:
        self._new(name)
        count = {"any": 1, "all": len(members)}.get(least)
        if count is None:
            if not least.isascii() or not least.isdigit() or least.startswith("0"):
                raise ValueError("expected all, any or a number")
            count = int(least)
        if not 1 <= count <= len(members):
            raise ValueError(f"expected 1 to {len(members)} of {len(members)} members")
        if any(not self._known(member) for member in members):
            raise ValueError("a member that is not defined above")
        taken = {member for _, others in self.groups.values() for member in others}
        if len(set(members)) != len(members) or taken & set(members):
            raise ValueError("a member that is listed twice")
        self.groups[name] = (count, members)

    def _new(self, name: str) -> None:
        if name == _NONE or self._known(name):
            raise ValueError(f"the name {name} is taken")

    def _known(self, name: str) -> bool:
        return name in self.witnesses or name in self.groups
