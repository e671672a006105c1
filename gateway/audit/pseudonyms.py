"""Residents and cases in the log: by a keyed hash, never by name or number.

A bare hash would do nothing: there are fewer than 10^11 identity numbers, and a dictionary of them is made in minutes.
With a secret per resident and epoch the same person has the same pseudonym within an epoch, so look-ups can be counted.
Once that person's secret is destroyed (``gateway audit shred``), or the epoch's, nobody can tell any more which
pseudonym was theirs, and the tree still verifies. Decision 0031.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from typing import NamedTuple, Protocol

from gateway.lib.jose import encode64
from gateway.lib.keyed_hash import KeyedHash
from gateway.lib.subject_key import HANDLE_BYTES, Forgotten, SubjectKey
from gateway.lib.value import value

SECRET_BYTES = 32
PSEUDONYM_BYTES = 16  # 128 bits: no two residents meet
_CASE = b"\x00case\x00"  # no scheme is written like this
_SIDECAR = b"\x00sidecar"


@value
class Place:
    """Where a resident's secret is found again, by those who hold the keys. It tells nothing without them."""

    epoch: int
    layer: int
    handle: bytes = field(repr=False)


@value
class Resident:
    """What a query needs of one resident, made at once and gone with the query: nothing about anybody is kept."""

    scheme: str
    id: str = field(repr=False)
    subjects: list[str]  # the pseudonyms in all epochs whose key still exists, the latest first
    place: Place
    box_key: bytes = field(repr=False)  # what this resident's part of the sidecar is sealed with


class Own(NamedTuple):
    """A resident's secret in one epoch."""

    layer: int
    key: KeyedHash
    box: bytes  # hashed with it: the key of the resident's part of the sidecar


class Epoch(Protocol):
    """The secret of one epoch."""

    @property
    def common(self) -> KeyedHash:
        """What is nobody's own is hashed with it."""
        ...

    def own(self, handle: bytes) -> Own:
        """The present secret of the resident who has this handle."""
        ...

    def own_in(self, layer: int, handle: bytes) -> Own:
        """Raises Forgotten."""
        ...


class Pseudonyms:
    """``secrets``: by epoch (a number), the key of that epoch. The latest makes new pseudonyms.

    ``index``: what handles are made with.
    """

    def __init__(self, secrets: Mapping[int, bytes | SubjectKey], index: bytes = b"\x00" * SECRET_BYTES) -> None:
        self._index = KeyedHash(index)
        self.replace(secrets)

    def replace(self, secrets: Mapping[int, bytes | SubjectKey]) -> None:
        """Other keys from now on: somebody was forgotten, or an epoch began."""
        short = [secret for secret in secrets.values() if isinstance(secret, bytes) and len(secret) < SECRET_BYTES]
        if not secrets or short:
            raise ValueError(f"expected at least one epoch, each with a key of {SECRET_BYTES} bytes or more")
        self._epochs: dict[int, Epoch] = {  # the latest first
            epoch: _Whole(secret) if isinstance(secret, bytes) else _Personal(secret)
            for epoch, secret in sorted(secrets.items(), reverse=True)
        }

    def resident(self, scheme: str, id: str) -> Resident:
        """All that a query needs of a resident."""
        what, handle = _what(scheme, id), self.handle(scheme, id)
        owns = [(epoch, key.own(handle)) for epoch, key in self._epochs.items()]
        epoch, own = owns[0]
        subjects = [_subject(number, its.key.of(what)) for number, its in owns]
        return Resident(scheme, id, subjects, Place(epoch, own.layer, handle), own.key.of(own.box))

    def subject(self, scheme: str, id: str) -> str:
        """A resident's pseudonym in the present epoch: ``s:<epoch>:<22 characters>``."""
        epoch, key = self._present()
        return _subject(epoch, key.own(self.handle(scheme, id)).key.of(_what(scheme, id)))

    def subjects(self, scheme: str, id: str) -> list[str]:
        """The resident's pseudonyms in all epochs whose key still exists, the latest first: for searching."""
        return self.resident(scheme, id).subjects

    def case(self, text: str) -> str:
        """The pseudonym of a case number: ``c:<epoch>:<22 characters>``."""
        epoch, key = self._present()
        return _case(epoch, key, text)

    def cases(self, text: str) -> list[str]:
        """The case number's pseudonyms in all epochs, as ``subjects``."""
        return [_case(epoch, key, text) for epoch, key in self._epochs.items()]

    def places(self, scheme: str, id: str) -> list[Place]:
        """Where this resident's secrets are, in every epoch whose key still exists."""
        handle = self.handle(scheme, id)
        return [Place(epoch, key.own(handle).layer, handle) for epoch, key in self._epochs.items()]

    def box_key(self, place: Place) -> bytes:
        """Raises Forgotten, also when the epoch's key is gone."""
        key = self._epochs.get(place.epoch)
        if key is None:
            raise Forgotten
        own = key.own_in(place.layer, place.handle)
        return own.key.of(own.box)

    def handle(self, scheme: str, id: str) -> bytes:
        return self._index.of(_what(scheme, id))[:HANDLE_BYTES]

    def _present(self) -> tuple[int, Epoch]:
        return next(iter(self._epochs.items()))


class _Personal:
    """An epoch in which every resident has a secret of their own."""

    def __init__(self, key: SubjectKey) -> None:
        self._key = key
        self.common = KeyedHash(key.common)

    def own(self, handle: bytes) -> Own:
        layer, leaf = self._key.leaf(handle)
        return Own(layer, KeyedHash(leaf), _SIDECAR)

    def own_in(self, layer: int, handle: bytes) -> Own:
        return Own(layer, KeyedHash(self._key.leaf_in(layer, handle)), _SIDECAR)


class _Whole:
    """An epoch with one secret for all (before decision 0031): it can only be destroyed as a whole."""

    def __init__(self, secret: bytes) -> None:
        self.common = KeyedHash(secret)

    def own(self, handle: bytes) -> Own:
        return Own(0, self.common, _SIDECAR + handle)

    def own_in(self, layer: int, handle: bytes) -> Own:
        return self.own(handle)


def _what(scheme: str, id: str) -> bytes:
    return f"{scheme}\0{id}".encode()


def _subject(epoch: int, hashed: bytes) -> str:
    return f"s:{epoch}:{encode64(hashed[:PSEUDONYM_BYTES])}"


def _case(epoch: int, key: Epoch, text: str) -> str:
    return f"c:{epoch}:{encode64(key.common.of(_CASE + text.encode())[:PSEUDONYM_BYTES])}"
