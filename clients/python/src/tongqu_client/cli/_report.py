"""How ``tongqu verify`` tells what held, and, as plainly, what was not checked."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import Any

from tongqu_client.cli._output import Output, plain
from tongqu_client.verify.evidence import EvidenceReport
from tongqu_client.verify.findings import ExportReport
from tongqu_client.verify.policy import Witnessed
from tongqu_client.verify.receipts import VerifiedReceipt
from tongqu_client.verify.rows import RowsReport

_WHY_NOT = {
    "pruned": ("条目已依令清理，据命令所计", "pruned by order, as the orders count"),
    "text_missing": ("拒绝所指的协议文本不在这里", "refusals whose agreement is not here"),
    "no_papers": ("这里没有协议与同意的文本", "for lack of agreements and consents"),
}


def show_log(report: ExportReport, out: Output, *, required: bool = False) -> None:
    """A whole log that held. ``required``: the verifier named the witnesses that it must have."""
    if out.as_json:
        out.document(_reported(report))
        return
    size = report.checkpoint.size
    for earlier in report.years[:-1]:
        out.line(
            f"✓ 检查点签名有效：{earlier.origin}，封存时 {earlier.size} 条；下一年的日志由它续接。",
            f"✓ The checkpoint is signed: {earlier.origin}, closed with {earlier.size} entries; the next year's log "
            "goes on from it.",
        )
    out.line(
        f"✓ 检查点签名有效：{report.checkpoint.origin}，共 {size} 条。",
        f"✓ The checkpoint is signed: {report.checkpoint.origin}, {size} entries.",
    )
    if report.begins:
        out.line(
            f"! 此前各年的 {report.begins} 条不在这里：没有重新裁定，额度没有复核；放行是否依据往年的准许、协议与同意，"
            "无从核验。请核验整份导出。",
            f"! The {report.begins} entries of earlier years are not here: no decision was made again, no quota "
            "counted, and releases that rest on permits, agreements and consents of those years were not judged. "
            "Verify the whole export.",
        )
    if report.goes_on:
        out.line(
            f"! 这份日志已封存，由 {report.goes_on} 续接；其后的事不在这里。",
            f"! This log was closed and goes on as {report.goes_on}; what came after is not here.",
        )
    if report.later:
        out.line(
            f"! 信任文件还列有 {report.later}，而它不在这里：这份导出较早，或其后的日志被抽走。",
            f"! The trust file names {report.later}, too, which is not here: this export is older, or that log was "
            "left out.",
        )
    show_witnesses(report.witnessed, out, required=required)
    out.line(
        "✓ 每条条目、每个树节点都与签过的根相符，次序未变。",
        "✓ Every entry and every tile leads to the signed root, in order.",
    )
    if report.pruned and report.orders is None:
        out.line(
            f"! 第 {report.pruned} 条以前有 {report.gone} 条不在了，只有散列值：网关称已过保存期限并经两人签名清理；"
            "公布的日志不含命令，须用完整导出核验。与它们有关的放行是否经过准许、是否在停止之后，无从核验。",
            f"! Below {report.pruned}, {report.gone} entries are gone, only their hashes are left. The gateway says "
            "that they were pruned after their time by two officers' orders; a published log does not hold the "
            "orders, use a full export. Whether releases that rest on them were permitted, or came after a stop, "
            "cannot be told.",
        )
    else:
        out.line(
            "✓ 每次放行之前日志都记有准许，暂停或撤回之后没有放行。",
            "✓ The log has a permit before each release; none came after a suspension or withdrawal.",
        )
    if report.standards:
        out.line(
            f"✓ {report.standards} 份数据标准有主管部门签字人的有效签名，密钥登记在日志中。",
            f"✓ {report.standards} standards bear the data bureau's valid signature, by keys that the log registers.",
        )
    if report.orders:
        out.line(
            f"✓ {report.orders} 项销毁或解除保全的命令，各有两名有权签字人的有效签名，与所做的相符。",
            f"✓ {report.orders} orders to destroy evidence or to lift a hold: each bears the valid signatures of two "
            "who may order it, and was for what was done.",
        )
        for each in report.ordered_by:
            out.line(
                plain(f"  – {each.party} 的 {each.officer}，密钥 {each.key}：请与该单位核对"),
                plain(f"  – {each.officer} of {each.party}, key {each.key}: compare it with the office"),
            )
    if report.pruned and report.orders is not None:
        out.line(
            f"! 第 {report.pruned} 条以前有 {report.gone} 条已过保存期限，依令清理，只有散列值；"
            "此后的裁定所依据的条目都在。额度按尚在的条目重新计数。",
            f"! Below {report.pruned}, {report.gone} entries were pruned after their time, by order; their hashes are "
            "left. All that later decisions rest on is here; quotas were counted again from the entries that are left.",
        )
    if report.unfinished:
        out.line(
            f"! {report.unfinished} 次准许还没有结果：导出时正在进行，或结果被抹去；是否放行，请向持有回执的单位核对。",
            f"! {report.unfinished} permits have no outcome: under way during the export, or it was erased. Whether "
            "data left, ask those who would hold a receipt.",
        )
    _show_replay(report, out)
    if report.previous:
        out.line(
            f"✓ 与先前 {report.previous} 份检查点一致。", f"✓ Consistent with {report.previous} earlier checkpoints."
        )
    if report.receipts:
        out.line(
            f"✓ {report.receipts} 份回执所承诺的条目都在。", f"✓ The entries of {report.receipts} receipts are there."
        )
    if report.own_trust:
        out.line(
            "! 密钥取自日志自身，只说明它自相一致；要向他人证明，请用 --trust 指定另行取得的信任文件。",
            "! The keys came with the log, so it only agrees with itself; to convince others, use --trust with "
            "a trust file that you got another way.",
        )


def show_witnesses(witnessed: Witnessed | None, out: Output, *, required: bool) -> None:
    """Who beside the gateway has seen this head of the log."""
    if out.as_json or witnessed is None:
        return
    for name, time in witnessed.times.items():
        at = datetime.fromtimestamp(min(time, 253402300799), timezone.utc).isoformat()
        out.line(f"✓ 见证人 {name} 于 {at} 见证。", f"✓ Cosigned by the witness {name} at {at}.")
    if not required:
        out.line(
            "! 见证策略取自网关自己；要求法定见证，请用 --policy 指定另行取得的策略文件。"
            if witnessed.enough
            else "! 此检查点还没有足够的见证；网关可能对不同的人出示不同的日志。",
            "! The policy came from the gateway; to require witnesses, use --policy with a file that you got another "
            "way."
            if witnessed.enough
            else "! Too few witnesses have seen this checkpoint; others may be shown a different log.",
        )


def reported_witnesses(witnessed: Witnessed | None) -> dict[str, Any] | None:
    return None if witnessed is None else {"enough": witnessed.enough, "times": dict(witnessed.times)}


def _show_replay(report: ExportReport, out: Output) -> None:
    if report.replayed:
        out.line(
            f"✓ {report.replayed} 次裁定按所记事实与 {report.agreements} 份协议、{report.consents} 份同意重新裁定，"
            "结果相同；生效的协议均有双方有效签名，额度未突破。",
            f"✓ {report.replayed} decisions were made again from the logged facts, {report.agreements} agreements and "
            f"{report.consents} consents: the same result. Each agreement bears both signatures; no quota was broken.",
        )
    elif any(name in report.types for name in ("exchange.authorized", "exchange.refused")):
        out.line(
            "! 未重新裁定：这里没有协议与同意的文本，请用完整导出（gateway audit export）核验。",
            "! No decision was made again: agreements and consents are not here; use a full export.",
        )
    if report.not_replayed:
        whole = report.replayed + report.not_replayed
        reasons = [(_WHY_NOT[name], count) for name, count in report.why_not.items()]
        out.line(
            f"! {whole} 次裁定中有 {report.not_replayed} 次没有重新作出（"
            + "；".join(f"{zh} {count} 次" for (zh, _), count in reasons)
            + "）：是否合乎规则，以网关所述为准。",
            f"! {report.not_replayed} of {whole} decisions were not made again ("
            + "; ".join(f"{count} {en}" for (_, en), count in reasons)
            + "): that they follow the rules is the gateway's word.",
        )
    if report.claimed:
        out.line(
            f"! 其中 {report.claimed} 次拒绝依据的事实（令牌、证件写法、未提交的草稿）不在日志内，以网关所述为准。",
            f"! {report.claimed} refusals rest on what the log lacks (token, identifier, draft): the gateway's word.",
        )


def show_receipt(receipt: VerifiedReceipt, out: Output) -> None:
    """A receipt that held, and what was not checked of it."""
    if out.as_json:
        out.document(
            {
                "kind": "receipt",
                "claims": dict(receipt.claims),
                "request_checked": receipt.request_checked,
                "response_checked": receipt.response_checked,
                "logged": receipt.checkpoint is not None,
            }
        )
        return
    issued = receipt.issued.isoformat()
    out.line(
        f"✓ 回执签名有效：{receipt.provider} 经网关向 {receipt.consumer} 提供 {receipt.standard}（{issued}，协议 "
        f"{receipt.agreement}，用途 {receipt.purpose}，字段 {'、'.join(receipt.fields)}）。",
        f"✓ The receipt is signed: {receipt.provider} gave {receipt.standard} to {receipt.consumer} ({issued}, "
        f"agreement {receipt.agreement}, purpose {receipt.purpose}, fields {', '.join(receipt.fields)}).",
    )
    if receipt.request_checked and receipt.response_checked:
        out.line("✓ 查询与答复正是回执所指。", "✓ Request and answer are those that the receipt is for.")
    if receipt.checkpoint is not None:
        out.line(
            f"✓ 日志第 {receipt.index} 条记着它（检查点共 {receipt.checkpoint.size} 条）。",
            f"✓ It is entry {receipt.index} of the log (checkpoint of size {receipt.checkpoint.size}).",
        )
    else:
        out.line(
            f"! 未核验日志：回执承诺它是第 {receipt.index} 条；请连同证明或日志导出再核验。",
            f"! The log was not checked: the receipt promises entry {receipt.index}; verify with a proof or an export.",
        )


def show_bundle(report: EvidenceReport, out: Output) -> None:
    """A bundle that held: what happened, what is proved, and what is not."""
    if out.as_json:
        out.document(_reported_bundle(report))
        return
    out.line(*_what_happened(report))
    out.line("证明了：", "Proved:")
    for said in report.proved:
        out.line(f"  ✓ {said.zh}", f"  ✓ {said.en}")
    out.line("没有证明：", "Not proved:")
    for said in report.not_proved:
        out.line(f"  – {said.zh}", f"  – {said.en}")


def show_rows(report: RowsReport, out: Output, *, required: bool = False) -> None:
    """Rows of a search that held, and what they do not show."""
    if out.as_json:
        out.document(
            {
                "kind": "rows",
                "origin": report.checkpoint.origin,
                "size": report.checkpoint.size,
                "rows": report.rows,
                "years": [{"origin": each.origin, "size": each.size} for each in report.years],
                "q": report.q,
                "types": dict(report.types),
                "witnessed": reported_witnesses(report.witnessed),
                "own_trust": report.own_trust,
            }
        )
        return
    for head in report.years or (report.checkpoint,):
        out.line(
            f"✓ 检查点签名有效：{head.origin}，共 {head.size} 条。",
            f"✓ The checkpoint is signed: {head.origin}, {head.size} entries.",
        )
    names = [head.origin for head in report.years or (report.checkpoint,)]
    out.line(
        f"✓ {report.rows} 条都在日志 {'、'.join(names)} 中，一字未改。",
        f"✓ All {report.rows} entries stand in the log {', '.join(names)} as they are here.",
    )
    out.line(
        f"  检索条件（据文件所述）：{report.q or '（全部）'}",
        f"  Searched for, as the file says: {report.q or '(all)'}",
    )
    show_witnesses(report.witnessed, out, required=required)
    out.line(
        "! 未证明：是否还有符合条件的其他条目；须核验整份日志。",
        "! Not proved: that no other entry would have been found; for that, verify the whole log.",
    )
    if report.own_trust:
        out.line(
            "! 密钥取自文件自身，只说明它自相一致；请用 --trust 指定另行取得的信任文件。",
            "! The keys came with the file, so it only agrees with itself; use --trust with a file got another way.",
        )


def _what_happened(report: EvidenceReport) -> tuple[str, str]:
    decided, entry = report.decided, report.entry
    asked, purpose = decided["actor"]["party"], decided["purpose"] or "?"
    standard, agreement = decided["standard"] or "?", (decided["agreement"] or {}).get("id", "–")
    fields = list(entry.get("fields") or ())
    if entry["type"] == "exchange.released":
        gave, records = entry["source"]["party"], entry["records"]
        zh = f"{entry['t']}（世界时），{gave} 经网关向 {asked} 提供 {standard} {records} 条（{'、'.join(fields)}），"
        en = f"At {entry['t']}, {gave} gave {asked} {records} record(s) of {standard} ({', '.join(fields)}), "
        return f"{zh}用途 {purpose}，依据协议 {agreement}。", f"{en}purpose {purpose}, under the agreement {agreement}."
    rules = entry.get("rules") or decided["decision"]["rules"]
    refused = entry["type"] in ("exchange.refused", "exchange.withheld")
    zh = f"拒绝，规则 {'、'.join(rules)}" if refused else f"结果 {entry['type']}"
    en = f"refused by {', '.join(rules)}" if refused else f"outcome {entry['type']}"
    return (
        f"{entry['t']}（世界时），{asked} 查询 {standard}，用途 {purpose}，依据协议 {agreement}：{zh}，没有放行。",
        f"At {entry['t']}, {asked} asked for {standard}, purpose {purpose}, under {agreement}: {en}; no record left.",
    )


def _reported_bundle(report: EvidenceReport) -> dict[str, Any]:
    zh, en = _what_happened(report)
    return {
        "kind": "evidence",
        "verdict_zh": zh,
        "verdict_en": en,
        "index": report.index,
        "query": report.entry.get("query"),
        "type": report.entry["type"],
        "origin": report.checkpoint.origin,
        "size": report.checkpoint.size,
        "proved": [{"kind": said.kind, "zh": said.zh, "en": said.en} for said in report.proved],
        "not_proved": [{"kind": said.kind, "zh": said.zh, "en": said.en} for said in report.not_proved],
        "own_trust": report.own_trust,
        "seconds": round(report.seconds, 4),
    }


def _reported(report: ExportReport) -> dict[str, Any]:
    return {
        "kind": "log",
        "origin": report.checkpoint.origin,
        "size": report.checkpoint.size,
        "root": report.checkpoint.root.hex(),
        "types": dict(report.types),
        "first": report.first,
        "last": report.last,
        "unfinished": report.unfinished,
        "agreements": report.agreements,
        "consents": report.consents,
        "standards": report.standards,
        "replayed": report.replayed,
        "not_replayed": report.not_replayed,
        "why_not": dict(report.why_not),
        "claimed": report.claimed,
        "previous": report.previous,
        "receipts": report.receipts,
        "own_trust": report.own_trust,
        "years": [{"origin": each.origin, "size": each.size, "root": each.root.hex()} for each in report.years],
        "begins": report.begins,
        "goes_on": report.goes_on,
        "later": report.later,
        "pruned": report.pruned,
        "gone": report.gone,
        "orders": report.orders,
        "ordered_by": [{"officer": each.officer, "party": each.party, "key": each.key} for each in report.ordered_by],
        "witnessed": reported_witnesses(report.witnessed),
    }
