"""Entries that somebody searched for and took away (``rows.zip``, format ``tongqu-rows/1``): do they stand in the log?

Whoever sends the file may be hostile: only the six members of the format are read, each of them bounded by what the
signed checkpoint allows, and memory does not grow with the rows. It shows that every entry stands in the log as it is;
not that no other entry would have been found.
"""

from __future__ import annotations

import json
import re
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tongqu_client._canonical import MalformedJson, strict_loads
from tongqu_client.errors import BundleInvalid
from tongqu_client.verify import merkle
from tongqu_client.verify.findings import Finding
from tongqu_client.verify.notes import Checkpoint
from tongqu_client.verify.policy import Witnessed
from tongqu_client.verify.trust import TrustStore

FORMAT = "tongqu-rows/1"
FORMAT_OF_YEARS = "tongqu-rows-years/1"
MAX_YEARS = 200
MEMBERS = frozenset({"manifest.json", "trust.json", "checkpoint", "rows.jsonl", "nodes", "leaves"})
MAX_SMALL = 1 << 20  # bytes of manifest, trust and checkpoint
MAX_LINE = 65_535 + 64
TILE = 256
_HASH = 32
# What zipfile raises; RuntimeError for a password or an unknown compression
_UNREADABLE = (zipfile.BadZipFile, zlib.error, RuntimeError, EOFError, OSError)
_YEAR = re.compile(r"[0-9]{4}/", re.ASCII)
_LINE = re.compile(rb'\{"index":(0|[1-9][0-9]{0,15}),"entry":(\{.*\})\}\n')


@dataclass(frozen=True, slots=True)
class RowsReport:
    """Rows that held. ``q``: what was searched for, as the file says; ``types``: how many entries of each event.

    ``years``: the heads of the logs they stand in, where these are several; ``checkpoint`` is that of the last.
    """

    checkpoint: Checkpoint
    rows: int
    q: str
    types: Mapping[str, int]
    own_trust: bool
    witnessed: Witnessed | None = None
    years: tuple[Checkpoint, ...] = ()


def is_rows(path: Path) -> bool:
    """Does this file look like one? By its first bytes."""
    try:
        with path.open("rb") as file:
            return file.read(4) == b"PK\x03\x04"
    except OSError:
        return False


def verify_rows(path: Path, trust: TrustStore | None = None) -> RowsReport:
    """``trust`` None: the keys in the file, which shows only that it agrees with itself.

    Raises BundleInvalid, CheckpointInvalid, ConfigError.
    """
    try:
        with zipfile.ZipFile(path) as file:
            return _verify(file, trust)
    except _UNREADABLE as error:
        raise _wrong("malformed", "file", "不是完好的 ZIP 文件", f"it is no sound ZIP file: {error}") from None


def _verify(file: zipfile.ZipFile, trust: TrustStore | None) -> RowsReport:
    names = [info.filename for info in file.infolist()]
    if len(names) == len(MEMBERS) and set(names) == MEMBERS:
        return _verify_log(file, "", trust)
    years = sorted({name[:5] for name in names if _YEAR.match(name)})
    expected = {"manifest.json", "trust.json", *(f"{year}{name}" for year in years for name in MEMBERS)}
    if not years or len(names) != len(expected) or set(names) != expected or len(years) > MAX_YEARS:
        raise _wrong("malformed", "file", "成员不是规定的那些", f"expected the members {', '.join(sorted(MEMBERS))}")
    told = _manifest_of_years(_small(file, "manifest.json"))
    if [f"{year}/" for year in told["years"]] != years:
        raise _wrong("missing", "manifest.json", "缺少一年的条目", "the entries of a year are missing")
    keys = trust or TrustStore.parse(_small(file, "trust.json"))
    reports = [_verify_log(file, year, keys) for year in years]
    if sum(report.rows for report in reports) != told["rows"]:
        raise _wrong("missing", "manifest.json", "条数不符", "not as many rows as it says")
    if len({report.checkpoint.origin for report in reports}) < len(reports):
        raise _wrong("years", "manifest.json", "同一份日志列为两年", "the log of one year is there twice")
    types: Counter[str] = Counter()
    for report in reports:
        types.update(report.types)
    heads = tuple(report.checkpoint for report in reports)
    return RowsReport(heads[-1], told["rows"], told["q"], dict(types), trust is None, reports[-1].witnessed, heads)


def _verify_log(file: zipfile.ZipFile, at: str, trust: TrustStore | None) -> RowsReport:
    """The rows that stand in one log, in the folder ``at``."""
    manifest = _manifest(_small(file, f"{at}manifest.json"))
    keys = trust or TrustStore.parse(_small(file, "trust.json"))
    checkpoint = keys.open_checkpoint(_small(file, f"{at}checkpoint"))
    if (manifest["origin"], manifest["size"]) != (checkpoint.origin, checkpoint.size):
        raise _wrong(
            "manifest", "manifest.json", "所写的日志或条数与检查点不符", "its log or size is not the checkpoint's"
        )
    nodes = _nodes(file, at, checkpoint)
    with file.open(f"{at}leaves") as leaves, file.open(f"{at}rows.jsonl") as rows:
        tiles = _Tiles(leaves, nodes, checkpoint)
        types: Counter[str] = Counter()
        last, count = -1, 0
        for index, entry in _lines(rows):
            if not last < index < checkpoint.size:
                raise _wrong(
                    "order", f"entry {index}", "次序不对或超出检查点", "out of order, or beyond the checkpoint"
                )
            last, count = index, count + 1
            tiles.check(index, entry)
            types[_type(entry, index)] += 1
        tiles.end()
    if count != manifest["rows"]:
        raise _wrong(
            "missing",
            "rows.jsonl",
            f"应有 {manifest['rows']} 条，实有 {count} 条",
            f"{count} of {manifest['rows']} rows",
        )
    return RowsReport(checkpoint, count, manifest["q"], dict(types), trust is None, keys.witnessed(checkpoint))


class _Tiles:
    """The leaf hashes, read once from the first tile to the last; each tile is checked when it is reached."""

    def __init__(self, file: IO[bytes], nodes: bytes, checkpoint: Checkpoint) -> None:
        self._file, self._nodes = file, nodes
        self._full, self._rest = divmod(checkpoint.size, TILE)
        self._number, self._leaves = -1, b""
        self._root = checkpoint.root

    def check(self, index: int, entry: bytes) -> None:
        number, at = divmod(index, TILE)
        if number != self._number:
            self._read(number)
        if self._leaves[at * _HASH : (at + 1) * _HASH] != merkle.leaf_hash(entry):
            raise _wrong(
                "entry_changed",
                f"entry {index}",
                "与日志中的这一条不符：内容被改动过",
                "it is not what stands in the log",
            )

    def end(self) -> None:
        """The last tile leads to the root, with or without rows in it; and nothing follows."""
        if self._number != self._full:
            self._read(self._full)
        if self._file.read(1):
            raise _wrong("leaves", "leaves", "多出内容", "there is more than the rows need")
        tree = merkle.Range()
        for low in range(0, len(self._nodes), _HASH):
            tree.append(self._nodes[low : low + _HASH])
        last = merkle.Range()
        for low in range(0, len(self._leaves), _HASH):
            last.append(self._leaves[low : low + _HASH])
        if tree.root_before(last) != self._root:
            raise _wrong("root", "nodes", "算出的根与签过的根不符", "the hashes do not lead to the signed root")

    def _read(self, number: int) -> None:
        width = TILE if number < self._full else self._rest
        self._leaves = self._file.read(width * _HASH)
        self._number = number
        if len(self._leaves) != width * _HASH:
            raise _wrong("leaves", "leaves", "缺少散列", "hashes are missing")
        if number < self._full:
            hashes = [self._leaves[low : low + _HASH] for low in range(0, len(self._leaves), _HASH)]
            if merkle.root_of(hashes) != self._nodes[number * _HASH : (number + 1) * _HASH]:
                raise _wrong("leaves", f"tile {number}", "散列与其上级不符", "its hashes do not lead to their node")


def _nodes(file: zipfile.ZipFile, at: str, checkpoint: Checkpoint) -> bytes:
    expected = checkpoint.size // TILE * _HASH
    with file.open(f"{at}nodes") as member:
        nodes = member.read(expected + 1)
    if len(nodes) != expected:
        raise _wrong("nodes", "nodes", "长度与检查点不符", "its length does not fit the checkpoint")
    return nodes


def _lines(file: IO[bytes]) -> Iterator[tuple[int, bytes]]:
    number = 0
    while line := file.readline(MAX_LINE + 1):
        number += 1
        match = _LINE.fullmatch(line)
        if match is None:
            raise _wrong("malformed", f"rows.jsonl line {number}", "不合规定的格式", "it does not have its form")
        yield int(match[1]), match[2]


def _type(entry: bytes, index: int) -> str:
    """Read only after the entry is known to be the log's."""
    value = json.loads(entry)
    return str(value.get("type", "?")) if isinstance(value, dict) else "?"


def _manifest(data: bytes) -> Mapping[str, Any]:
    try:
        value = strict_loads(data)
    except MalformedJson as error:
        raise _wrong("malformed", "manifest.json", "不是有效的 JSON", f"no JSON: {error}") from None
    kinds = {"format": str, "origin": str, "size": int, "rows": int, "q": str}
    if not isinstance(value, dict) or {name: type(member) for name, member in value.items()} != kinds:
        raise _wrong("malformed", "manifest.json", "不合规定的格式", "it does not have its form")
    if value["format"] != FORMAT:
        raise _wrong("malformed", "manifest.json", f"应为 {FORMAT}", f"expected the format {FORMAT}")
    return value


def _manifest_of_years(data: bytes) -> Mapping[str, Any]:
    try:
        value = strict_loads(data)
    except MalformedJson as error:
        raise _wrong("malformed", "manifest.json", "不是有效的 JSON", f"no JSON: {error}") from None
    kinds = {"format": str, "years": list, "rows": int, "q": str}
    if not isinstance(value, dict) or {name: type(member) for name, member in value.items()} != kinds:
        raise _wrong("malformed", "manifest.json", "不合规定的格式", "it does not have its form")
    if value["format"] != FORMAT_OF_YEARS:
        raise _wrong("malformed", "manifest.json", f"应为 {FORMAT_OF_YEARS}", f"expected the format {FORMAT_OF_YEARS}")
    return value


def _small(file: zipfile.ZipFile, name: str) -> bytes:
    with file.open(name) as member:
        data = member.read(MAX_SMALL + 1)
    if len(data) > MAX_SMALL:
        raise _wrong("malformed", name, "过大", "it is too large")
    return data


def _wrong(kind: str, where: str, zh: str, en: str) -> BundleInvalid:
    found = Finding(kind, where, f"{where}：{zh}。", f"{where}: {en}.")
    return BundleInvalid(found.zh, found.en, findings=(found,))
