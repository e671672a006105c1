"""What a verifier finds wrong in a log, and what it reports when nothing is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from tongqu_client.verify import tiles
from tongqu_client.verify.notes import Checkpoint
from tongqu_client.verify.policy import Witnessed


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that does not hold. ``where``: an entry (``entry 17``) or a file; ``kind`` is a stable word.

    The sentences say what is wrong and what it means for somebody who relies on the log.
    """

    kind: str
    where: str
    zh: str
    en: str

    def say(self, language: str = "zh") -> str:
        return self.en if language.startswith("en") else self.zh


@dataclass(frozen=True, slots=True, order=True)
class Signer:
    """Who ordered something. ``key``: its thumbprint, to be compared with the office."""

    officer: str
    party: str
    key: str


@dataclass(frozen=True, slots=True)
class ExportReport:
    """A log that held. ``own_trust``: its keys came with it, so it was only shown to agree with itself.

    ``pruned``: entries below this index were removed after their time, by two officers' orders that were checked, but
    for what later decisions rest on; ``gone`` is how many. Of those, only hashes are there. ``orders``: how many orders
    (to prune, to forget a resident, to lift a hold) were proved; None where they were not to be had (a published log).
    ``witnessed``: which witnesses saw the checkpoint, by the verifier's policy or else the gateway's.
    ``replayed``: decisions that were made again and came out the same; ``claimed``: refusals that rest on what only the
    gateway knew. ``not_replayed``: decisions that were not made again, and ``why_not``: ``pruned`` (by the orders'
    count), ``text_missing`` (a refusal whose agreement is not here), ``no_papers`` (a published log).
    ``years``: the head of each year's log, the last of them ``checkpoint``. ``begins``: entries before this number, of
    earlier years, were not here, and what rests on them was not checked; ``goes_on``: a later log that was not here;
    ``later``: one that only the trust file names.
    ``standards``: those whose signature by the data bureau was proved.
    ``unfinished``: permits without an outcome yet; queries that were under way during the export.
    """

    checkpoint: Checkpoint
    types: Mapping[str, int] = field(default_factory=dict)
    first: str | None = None
    last: str | None = None
    unfinished: int = 0
    agreements: int = 0
    consents: int = 0
    standards: int = 0
    replayed: int = 0
    not_replayed: int = 0
    claimed: int = 0
    previous: int = 0
    receipts: int = 0
    own_trust: bool = False
    witnessed: Witnessed | None = None
    pruned: int = 0
    gone: int = 0
    orders: int | None = None
    ordered_by: tuple[Signer, ...] = ()
    why_not: Mapping[str, int] = field(default_factory=dict)
    years: tuple[Checkpoint, ...] = ()
    begins: int = 0
    goes_on: str | None = None
    later: str | None = None


def of_entry(index: int, found: Iterator[Finding]) -> Iterator[Finding]:
    """What a rule finds in an entry; where the entry does not have the form that the rule reads, that is what is wrong.

    Whoever has the log's key can write anything into it, and a verifier must end with a sentence all the same.
    """
    try:
        yield from found
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, OverflowError):
        yield Finding(
            "entry_malformed",
            f"entry {index}",
            f"第 {index} 条或它所指的文本没有规定的成员，无法核验：它不是由网关按规定写入的。",
            f"Entry {index}, or a text that it names, does not have the members that it must: the gateway's rules did "
            "not write it.",
        )


def missing(path: str) -> Finding:
    """A file that the checkpoint requires is not there."""
    return Finding(
        "file_missing",
        path,
        f"缺少 {path}：导出不完整，或有人删去了这些条目。",
        f"{path} is missing: the export is incomplete, or these entries were removed.",
    )


def broken(path: str, why_zh: str, why_en: str) -> Finding:
    """A file that does not hold what it must."""
    return Finding(
        "file_broken",
        path,
        f"{path} 与日志其余部分不符（{why_zh}）：文件被改动过或已损坏。",
        f"{path} does not fit the rest of the log ({why_en}): it was changed or is damaged.",
    )


def removed(index: int, path: str) -> Finding:
    """An entry that the tree still knows of."""
    return Finding(
        "entry_removed",
        f"entry {index}",
        f"第 {index} 条被删去（{path}）：树里有它的散列值，条目本身却不见了。",
        f"Entry {index} was removed ({path}): the tree holds its hash, but the entry is gone.",
    )


def changed(index: int, *, tiles_right: bool, entries_right: bool) -> Finding:
    """An entry and its hash in the tile differ; the signed root tells which of them is right."""
    if entries_right and not tiles_right:
        path = tiles.path(0, index // tiles.WIDTH)
        return Finding(
            "tile_changed",
            f"entry {index}, {path}",
            f"{path} 中第 {index} 条的散列值被改动过；条目本身与检查点相符。",
            f"The hash of entry {index} in {path} was changed; the entry itself fits the checkpoint.",
        )
    return Finding(
        "entry_changed",
        f"entry {index}",
        f"第 {index} 条在写入之后被改动过：它的内容与树里的散列值不符，不能采信。",
        f"Entry {index} was changed after it was written: its content does not fit its hash. Do not rely on it.",
    )


def other_root(checkpoint: Checkpoint) -> Finding:
    """Entries and tiles agree, and the signature is over something else."""
    return Finding(
        "root_differs",
        "checkpoint",
        f"{checkpoint.size} 条条目得出的根不是检查点签过的根：条目与树被一起改写过。",
        f"The {checkpoint.size} entries do not lead to the signed root: entries and tree were rewritten together.",
    )
