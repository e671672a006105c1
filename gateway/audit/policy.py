"""Which witnesses there are and how many must have seen a checkpoint (C2SP tlog-policy). Text in, answers out.

    log <vkey> [<url>]                witness <name> <vkey> [<url>]
    group <name> all|any|<k> <name>…  quorum <name>|none

One file for both sides: the gateway reads from it whom to ask, a verifier (``tongqu verify --policy``) what to demand.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from gateway.audit.checkpoint import CheckpointInvalid, VerifierKey
from gateway.audit.cosignature import WitnessKey

NONE = "none"
MAX_BYTES = 1 << 20


class PolicyInvalid(ValueError):
    """The message names the line and what was expected there."""


@dataclass(frozen=True, slots=True)
class Witness:
    """``url``: its submission prefix (C2SP tlog-witness); empty where nobody is to ask it."""

    name: str
    key: WitnessKey
    url: str = ""


@dataclass(frozen=True, slots=True)
class Policy:
    """``groups``: name → (how many of, its members). ``quorum``: a witness, a group, or none."""

    logs: tuple[VerifierKey, ...] = ()
    witnesses: tuple[Witness, ...] = ()
    groups: Mapping[str, tuple[int, tuple[str, ...]]] | None = None
    quorum: str = NONE
    text: str = "quorum none\n"

    @classmethod
    def parse(cls, data: bytes) -> Policy:
        """Raises PolicyInvalid."""
        if len(data) > MAX_BYTES or any(byte < 0x20 and byte not in b"\t\n" for byte in data) or b"\x7f" in data:
            raise PolicyInvalid("expected lines of text without control characters, 1 MiB at most")
        try:
            text = data.decode()
        except UnicodeDecodeError:
            raise PolicyInvalid("expected UTF-8") from None
        reader = _Reader()
        for number, line in enumerate(text.split("\n"), 1):
            words = [word for word in line.replace("\t", " ").split(" ") if word]
            try:
                if words and not words[0].startswith("#"):
                    reader.take(words)
            except (ValueError, CheckpointInvalid) as error:
                raise PolicyInvalid(f"line {number}: {error}") from None
        if reader.quorum is None:
            raise PolicyInvalid("expected a line: quorum <name>, or quorum none")
        return cls(tuple(reader.logs), tuple(reader.witnesses.values()), reader.groups, reader.quorum, text)

    def enough(self, keys: Collection[str]) -> bool:
        """Whether these witnesses (ids of their keys) make the quorum."""
        return self.quorum == NONE or self._saw(self.quorum, keys)

    def _saw(self, name: str, keys: Collection[str]) -> bool:
        for witness in self.witnesses:
            if witness.name == name:
                return witness.key.id in keys
        least, members = (self.groups or {})[name]
        return sum(self._saw(member, keys) for member in members) >= least


NO_WITNESSES = Policy()


class _Reader:
    def __init__(self) -> None:
        self.logs: list[VerifierKey] = []
        self.witnesses: dict[str, Witness] = {}
        self.groups: dict[str, tuple[int, tuple[str, ...]]] = {}
        self.quorum: str | None = None

    def take(self, words: list[str]) -> None:
        match words:
            case ["log", vkey] | ["log", vkey, _]:
                self._log(VerifierKey.parse(vkey))
            case ["witness", name, vkey]:
                self._witness(Witness(name, WitnessKey.parse(vkey)))
            case ["witness", name, vkey, url]:
                self._witness(Witness(name, WitnessKey.parse(vkey), url.rstrip("/")))
            case ["group", name, least, *members] if members:
                self._group(name, least, tuple(members))
            case ["quorum", name] if self.quorum is None and (name == NONE or self._known(name)):
                self.quorum = name
            case _:
                raise ValueError("expected log, witness, group, or one quorum of a name defined above it")

    def _log(self, key: VerifierKey) -> None:
        if any(other.public == key.public for other in self.logs):
            raise ValueError("this log's key was named before")
        self.logs.append(key)

    def _witness(self, witness: Witness) -> None:
        if any(other.key.public == witness.key.public for other in self.witnesses.values()):
            raise ValueError("this witness's key was named before")
        self._new(witness.name)
        self.witnesses[witness.name] = witness

    def _group(self, name: str, least: str, members: tuple[str, ...]) -> None:
        self._new(name)
        taken = {member for _, others in self.groups.values() for member in others}
        if not all(map(self._known, members)) or len(set(members)) < len(members) or taken & set(members):
            raise ValueError("expected members defined above, each in one group at most")
        words = {"any": 1, "all": len(members)}
        decimal = least.isascii() and least.isdigit() and not least.startswith("0")
        count = words[least] if least in words else int(least) if decimal else 0
        if not 1 <= count <= len(members):
            raise ValueError(f"expected all, any, or a number from 1 to {len(members)}")
        self.groups[name] = (count, members)

    def _new(self, name: str) -> None:
        if name == NONE or self._known(name):
            raise ValueError(f"the name {name} is taken")

    def _known(self, name: str) -> bool:
        return name in self.witnesses or name in self.groups
