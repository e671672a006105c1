"""A whole log, checked offline: its files against its signed checkpoint, its story against the rules, and both against
what the verifier already held: earlier checkpoints, receipts, agreements. Reads a folder; never the network.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tongqu_client._canonical import MalformedJson, canonical, strict_loads
from tongqu_client.errors import CheckpointInvalid, ConfigError, ExportInvalid, ReceiptInvalid
from tongqu_client.verify import papers
from tongqu_client.verify import years as reading
from tongqu_client.verify.findings import ExportReport, Finding, of_entry
from tongqu_client.verify.ledger import Ledger
from tongqu_client.verify.notes import Checkpoint
from tongqu_client.verify.orders import Orders, kept_as_ordered, roots_named
from tongqu_client.verify.papers import Papers
from tongqu_client.verify.policy import Witnessed
from tongqu_client.verify.published import Published
from tongqu_client.verify.receipts import VerifiedReceipt, verify_receipt
from tongqu_client.verify.replay import Replay
from tongqu_client.verify.story import Story, parse, read_time
from tongqu_client.verify.structure import Folder, LogSource
from tongqu_client.verify.trust import ORDER_KEYS, TrustStore
from tongqu_client.verify.years import Whole

_AHEAD_S = 86_400  # by which a witness's clock may differ from the gateway's
_DECIDED = ("exchange.authorized", "exchange.refused")


def verify_export(
    source: Path | str | LogSource,
    trust: TrustStore | None = None,
    *,
    previous: Iterable[str | bytes] = (),
    receipts: Iterable[str] = (),
) -> ExportReport:
    """Verify an exported log. Raises ExportInvalid with every finding; CheckpointInvalid when its head is not signed.

    ``trust``: None takes the trust file that lies in the export, which shows only that the log agrees with itself.
    ``previous``: signed checkpoints kept from earlier; the log must begin with what they signed.
    ``receipts``: compact receipts whose entries must be in the log.
    """
    log = Folder(Path(source)) if isinstance(source, (str, Path)) else source
    known = trust or TrustStore.parse(_needed(log, "trust.json"))
    years, keys = reading.read(log, known)
    if len(years[-1].contents.want) < years[-1].checkpoint.size:
        raise _invalid([year.told(each) for year in years for each in year.findings])
    whole, checkpoint = Whole(years), years[-1].checkpoint
    findings = [*reading.seams(years), *reading.as_named(years, known.origins)]
    below = _pruned(whole)
    alone = years[-1].alone and years[-1].next_key is not None  # one year of several
    archived = whole.first == 0 and (papers.some(log) if alone else papers.archived(log))
    story = Story(checkpoint.origin, pruned=0 if archived else max(below, whole.first), starts=whole.starts)
    for number, entry in whole.entries():
        if entry is not None:
            findings += of_entry(number, story.feed(number, entry))
    witnessed = keys.witnessed(checkpoint)
    findings += _dated_ahead(story, witnessed)
    held, damaged = papers.read(log)
    held.believe(keys.document)
    findings += damaged
    fold = _fold(whole, held, keys, years[0].origin, findings, archived=archived)
    replay, below = fold.replay, fold.orders.below if archived else below
    gone = whole.gone(below)
    files = [
        year.told(each)
        for year in years
        for each in year.findings
        if each.kind != "file_missing" or (year.origin, each.where) not in gone
    ]
    # What was not ordered comes first: it explains what else is missing.
    findings = [*map(whole.placed, fold.unproven), *files, *map(whole.placed, findings)]
    earlier, tokens = list(previous), list(receipts)
    for note in earlier:
        findings += _continues(whole, keys.open_signed(note))
    for token in tokens:
        findings += _holds(whole, story, keys, token)
    findings += _trust_file(log, trust, keys)
    if findings:
        raise _invalid(findings)
    following = years[-1].next_key
    return ExportReport(
        checkpoint=checkpoint,
        years=tuple(year.checkpoint for year in years),
        begins=whole.first,
        goes_on=following[0] if following else None,
        later=known.origin if whole.of(known.origin) is None and not following else None,
        types=dict(story.types),
        first=story.first,
        last=story.last,
        unfinished=story.unfinished,
        agreements=len(held.agreements),
        standards=fold.standards,
        consents=len(held.consents),
        replayed=replay.replayed,
        not_replayed=sum((why_not := _why_not(story, fold)).values()),
        why_not=why_not,
        claimed=replay.claimed,
        previous=len(earlier),
        receipts=len(tokens),
        own_trust=trust is None,
        witnessed=witnessed,
        pruned=below,
        gone=sum(entry is None for number, entry in whole.entries() if number < below),
        orders=fold.orders.proved if archived else None,
        ordered_by=tuple(sorted(fold.orders.signers)),
    )


def _pruned(whole: Whole) -> int:
    """The number below which the log says that entries were pruned after their time; their hashes must be there."""
    below = 0
    for year in whole.years:
        for index, data in enumerate(year.contents.entries):
            if data is not None and b'"type":"audit.pruned"' in data:
                entry = year.entry(index) or {}
                if entry.get("type") == "audit.pruned" and isinstance(entry.get("below"), int):
                    below = max(below, min(entry["below"], year.first + index))
    return below


def _dated_ahead(story: Story, witnessed: Witnessed | None) -> Iterator[Finding]:
    """What a witness saw was written before: no entry can be dated after the first of them cosigned."""
    last = read_time(story.last) if story.last else None
    if last is None or witnessed is None or not witnessed.times:
        return
    if last.timestamp() > min(witnessed.times.values()) + _AHEAD_S:
        yield Finding(
            "dated_ahead",
            "checkpoint",
            f"最后一条的时间（{story.last}）晚于见证人见到它的时间一天以上：网关的时钟不对，或条目的时间是编造的。",
            f"The last entry is dated {story.last}, more than a day after a witness saw it: the gateway's clock is "
            "wrong, or the time was invented.",
        )


def _needed(log: LogSource, path: str) -> bytes:
    try:
        return log.read(path)
    except FileNotFoundError:
        if path == "trust.json":
            raise ConfigError(
                "没有信任文件：请用 --trust 指定。", "There is no trust file: name one with --trust."
            ) from None
        raise CheckpointInvalid(
            f"缺少 {path}，这不是日志的导出。", f"{path} is missing: this is no export of a log."
        ) from None


def _continues(whole: Whole, before: Checkpoint) -> Iterator[Finding]:
    """The log must still begin with what an earlier checkpoint signed."""
    year = whole.of(before.origin)
    if year is None:
        yield Finding(
            "year_missing",
            before.origin,
            f"先前的检查点出自 {before.origin}，而它不在这里：导出不完整，或那一年的日志被抽走。",
            f"The earlier checkpoint is of {before.origin}, which is not here: the export is incomplete, or the log of "
            "that year was taken out.",
        )
        return
    now, contents = year.checkpoint, year.contents
    if before.size > now.size:
        yield Finding(
            "rolled_back",
            "checkpoint",
            f"日志先前签过 {before.size} 条，现在只有 {now.size} 条：数据库被回退，之后的记录被抹去。",
            f"The log signed {before.size} entries before and has {now.size} now: it was rolled back, "
            "and what came later is erased.",
        )
    elif contents.root(before.size) not in (before.root, None):
        yield Finding(
            "forked",
            f"entries 0–{before.size - 1}",
            f"前 {before.size} 条与先前签过的不同：历史被改写，或网关对不同的人出示不同的日志。请保存两份检查点作证。",
            f"The first {before.size} entries are not those signed before: history was rewritten, or different "
            "people are shown different logs. Keep both checkpoints as evidence.",
        )


def _holds(whole: Whole, story: Story, trust: TrustStore, token: str) -> Iterator[Finding]:
    """The entry that a receipt promises must be there, and say the same."""
    try:
        receipt = verify_receipt(token, trust)
    except ReceiptInvalid as error:
        yield Finding("receipt_invalid", "receipt", error.detail_zh, error.detail_en)
        return
    where = f"receipt {receipt.query}, entry {receipt.index}"
    year = whole.of(receipt.origin)
    if year is None:
        yield Finding(
            "year_missing",
            where,
            f"回执出自 {receipt.origin}，而它不在这里：请核验那一年的日志。",
            f"The receipt is of {receipt.origin}, which is not here: verify the log of that year.",
        )
        return
    checkpoint, contents = year.checkpoint, year.contents
    if receipt.index >= checkpoint.size:
        yield _absent(receipt, checkpoint, story, where)
        return
    if receipt.leaf_hash != (contents.have[receipt.index] or contents.want[receipt.index]):
        yield Finding(
            "receipt_entry_differs",
            where,
            f"回执承诺的条目不在日志第 {receipt.index} 条：那里是别的内容。回执加上本检查点即是网关作假的证据。",
            f"The entry that the receipt promises is not entry {receipt.index}: something else stands there. "
            "Receipt and checkpoint together prove the misbehaviour.",
        )
        return
    entry = _entry(contents.entries[receipt.index])
    of = entry.get("of") if entry is not None else None
    before = type(of) is int and of < year.first + receipt.index
    permit = _entry(whole.at(of)) if before else None
    if entry is not None and not (_same_release(entry, receipt) and receipt.fits(entry, permit)):
        yield Finding(
            "receipt_entry_differs",
            where,
            f"第 {receipt.index} 条与回执所说不一致（单位、协议、用途、字段、摘要等有不同）：其中一份是假的。",
            f"Entry {receipt.index} does not say what the receipt says (offices, agreement, purpose, fields or digest "
            "differ): one of the two is false.",
        )


def _absent(receipt: VerifiedReceipt, checkpoint: Checkpoint, story: Story, where: str) -> Finding:
    last = read_time(story.last) if story.last else None
    if last is not None and last.timestamp() > receipt.issued.timestamp() + receipt.merge_delay:
        zh = "日志里已有更晚的记录，却没有它：这条记录被抹去或从未写入。回执即是证据。"
        en = "The log holds later entries but not this one: it was erased or never written. The receipt is the proof."
    else:
        zh = "要么这份导出早于回执（请重新导出），要么日志被回退。"
        en = "Either this export is older than the receipt (export again), or the log was rolled back."
    return Finding(
        "receipt_entry_absent",
        where,
        f"回执承诺日志有第 {receipt.index} 条，而日志只有 {checkpoint.size} 条。{zh}",
        f"The receipt promises entry {receipt.index}, and the log has only {checkpoint.size} entries. {en}",
    )


def _entry(data: bytes | None) -> dict[str, Any] | None:
    try:
        entry = strict_loads(data) if data is not None else None
    except MalformedJson:
        return None
    return entry if isinstance(entry, dict) else None


def _same_release(entry: dict[str, Any], receipt: VerifiedReceipt) -> bool:
    return (
        entry.get("type") == "exchange.released"
        and entry.get("query") == receipt.query
        and entry.get("response_digest") == receipt.claims["response_digest"]
        and entry.get("fields") == list(receipt.fields)
    )


@dataclass(frozen=True, slots=True)
class _Fold:
    """What one walk through the entries gives. ``replayable``: were there papers to decide by?"""

    replay: Replay
    orders: Orders
    standards: int  # whose signature by the data bureau was proved
    replayable: bool
    unproven: list[Finding]  # orders that are not proved


def _fold(
    whole: Whole, held: Papers, trust: TrustStore, origin: str, findings: list[Finding], *, archived: bool
) -> _Fold:
    """Decide everything again and check every order, entry by entry, against what the log says up to there.

    Without papers (a published log, a log that decided nothing) there is nothing to decide by, and no order to check.
    """
    entries = [(number, parse(data)) for number, data in whole.entries() if data is not None]
    known = [(index, entry) for index, entry in entries if entry is not None]  # of the others story.py has said so
    decided = archived and any(entry["type"] in _DECIDED and "decision" in entry for _, entry in known)
    ledger = Ledger(held if decided else None)
    replay, orders = Replay(held, ledger), Orders(origin, held, ledger, roots_named(whole, known), trust.order_keys)
    unproven: list[Finding] = []
    standards = Published(held, ledger)
    for index, entry in known:
        if decided:
            findings += of_entry(index, replay.feed(index, entry))
        if archived:
            unproven += of_entry(index, orders.feed(index, entry))
            findings += of_entry(index, standards.feed(index, entry))
        findings += of_entry(index, ledger.feed(index, entry))
    unproven += kept_as_ordered(orders, ((number, entry, whole.at(number) or b"") for number, entry in known))
    findings += standards.end()
    return _Fold(replay, orders, standards.proved, decided, unproven)


def _why_not(story: Story, fold: _Fold) -> dict[str, int]:
    """Decisions that were not made again, by the reason."""
    left = sum(story.types[name] for name in _DECIDED) - fold.replay.replayed
    gone = sum(each.decisions for each in fold.orders.pruned)
    counts = {"pruned": gone, "text_missing" if fold.replayable else "no_papers": left}
    return {name: count for name, count in counts.items() if count}


def _trust_file(log: LogSource, trust: TrustStore | None, keys: TrustStore) -> Iterator[Finding]:
    """The trust file in the export: written as exports are, and the one that the verifier trusts."""
    try:
        inside = log.read("trust.json")
        document = strict_loads(inside)
    except FileNotFoundError:
        return
    except MalformedJson:
        document = None
    if document is None or inside not in (
        canonical(document),
        json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n",
    ):
        yield Finding(
            "file_broken",
            "trust.json",
            "trust.json 不是导出时的写法：文件被改动过或已损坏。",
            "trust.json is not as exports write it: it was changed or is damaged.",
        )
    elif trust is not None and (_but_for_logs(document) != _but_for_logs(trust.document) or _strange(document, keys)):
        yield Finding(
            "trust_differs",
            "trust.json",
            "导出中的 trust.json 与您信任的不同：密钥已更换，或有人想让您改信别的密钥。",
            "The export's trust.json is not the one you trust: keys were changed, or you are to trust somebody else's.",
        )


def _but_for_logs(document: Any) -> Any:
    """A trust document without the names and keys of logs: a new year adds some."""
    if not isinstance(document, dict) or not isinstance(document.get("log"), dict):
        return document
    log = {name: value for name, value in document["log"].items() if name not in ("origin", "vkey", "earlier")}
    return {name: value for name, value in document.items() if name != ORDER_KEYS} | {"log": log}


def _strange(document: Any, keys: TrustStore) -> bool:
    """Whether it names a log's key that is neither trusted nor announced by a trusted log."""
    try:
        named = [document["log"], *document["log"].get("earlier", ())]
        return any(str(keys.log_key_of(each["origin"])) != each["vkey"] for each in named)
    except (KeyError, TypeError, AttributeError):
        return True


def _invalid(findings: Sequence[Finding]) -> ExportInvalid:
    first, more = findings[0], len(findings) - 1
    rest_zh, rest_en = (f"（另有 {more} 处）", f" (and {more} more)") if more else ("", "")
    return ExportInvalid(first.zh + rest_zh, first.en + rest_en, findings=tuple(findings))
