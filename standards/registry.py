"""The published standards of this package, read once, when first asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from standards.standard import Standard

SCHEMAS = Path(__file__).parent / "schemas"


class UnknownStandard(KeyError):
    """No standard, or no version of it, under this name."""


class Registry(Mapping[str, Standard]):
    """``<name>/<version>`` → Standard, for every file below one folder. A file is read when it is first asked for."""

    def __init__(self, folder: Path) -> None:
        found = sorted(folder.glob("*/*.json"), key=lambda path: (path.parent.name, _version_key(path.stem)))
        self._files = {f"{path.parent.name}/{path.stem}": path for path in found}
        self._read: dict[str, Standard] = {}

    def __getitem__(self, standard: str) -> Standard:
        if standard not in self._files:
            raise UnknownStandard(standard)
        if standard not in self._read:
            document = json.loads(self._files[standard].read_text(encoding="utf-8"))
            self._read[standard] = Standard.of(document)
        return self._read[standard]

    def __iter__(self) -> Iterator[str]:
        return iter(self._files)

    def __len__(self) -> int:
        return len(self._files)


def _version_key(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


REGISTRY = Registry(SCHEMAS)


def names() -> list[str]:
    """The names of all standards, without versions."""
    return sorted({standard.split("/")[0] for standard in REGISTRY})


def versions(name: str) -> list[str]:
    """The versions of one standard, oldest first; none for an unknown name."""
    return [standard.split("/")[1] for standard in REGISTRY if standard.split("/")[0] == name]


def get(standard: str) -> Standard:
    """A standard by ``name/version``. Raises UnknownStandard, a KeyError."""
    return REGISTRY[standard]
