"""Before an officer signs an order over the log: what does it say, and is it true of the archive that lies here?

Whoever runs the gateway writes the order; so nothing of it is believed. What is to go, how old it is, what stays and
whether a hold covers it is read from the archive, which was verified.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator, Mapping
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from tongqu_client._canonical import MalformedJson, strict_loads
from tongqu_client.errors import ConfigError, ExportInvalid
from tongqu_client.verify import papers, structure, tiles, years
from tongqu_client.verify.export import verify_export
from tongqu_client.verify.findings import ExportReport, Finding
from tongqu_client.verify.ledger import Ledger
from tongqu_client.verify.orders import Orders, Unproven, roots_named, staying, written_after
from tongqu_client.verify.story import parse
from tongqu_client.verify.trust import TrustStore
from tongqu_client.verify.years import Whole

ACTS: Mapping[str, frozenset[str]] = {
    "prune": frozenset({"below", "before", "days", "paper", "size", "root", "kept", "decisions"}),
    "shred": frozenset({"subject", "reason"}),
    "lift": frozenset({"hold", "reason"}),
}


def read_order(data: bytes) -> dict[str, str]:
    """An order as the gateway wrote it: exactly the members of its act, all of them texts. Raises ConfigError."""
    try:
        order = strict_loads(data)
    except MalformedJson:
        order = None
    members = ACTS.get(str(order.get("act"))) if isinstance(order, dict) else None
    if members is None or order.keys() != members | {"act", "log"} or not all(type(v) is str for v in order.values()):
        raise ConfigError(
            "这不是网关出具的命令：应为 gateway audit prune、shred 或 hold lift 打印的 JSON。",
            "This is no order of a gateway: expected the JSON that gateway audit prune, shred or hold lift prints.",
        )
    return dict(order)


def in_words(order: Mapping[str, str]) -> tuple[str, str]:
    """What signing it does, for whoever signs."""
    log = order["log"]
    if order["act"] == "prune":
        return (
            (
                f"清理日志 {log}：{order['before']} 以前写入、序号小于 {order['below']} 的条目将被永久移除，其中 "
                f"{order['decisions']} 次裁定；保存期限 {order['days']} 天；归档共 {order['size']} 条。"
            ),
            (
                f"Prune the log {log}: entries below {order['below']}, written before {order['before']}, are removed "
                f"for ever, {order['decisions']} decisions among them; kept for {order['days']} days; the archive has "
                f"{order['size']} entries."
            ),
        )
    if order["act"] == "shred":
        return (
            f"粉碎日志 {log} 中的一名居民 {order['subject']}（{order['reason']}）：此后无人能知道其为何人，不可恢复。",
            (
                f"Forget the resident {order['subject']} in the log {log} ({order['reason']}): nobody will be able to "
                "tell who that was; it cannot be undone."
            ),
        )
    return (
        f"解除日志 {log} 的法律保全 {order['hold']}（{order['reason']}）：其所涉内容此后可被清理或粉碎。",
        (
            f"Lift the legal hold {order['hold']} of the log {log} ({order['reason']}): what it covers may be pruned "
            "or forgotten from then on."
        ),
    )


def examine(order: Mapping[str, str], archive: Path, trust: TrustStore, *, now: datetime | None = None) -> ExportReport:
    """Verify the archive, and the order by it. Raises ExportInvalid with every reason not to sign."""
    report = verify_export(archive, trust)
    desk = _Desk(order, structure.Folder(archive), trust)
    at = (now or datetime.now(timezone.utc)).isoformat()
    if found := list(desk.findings(at)):
        raise ExportInvalid(found[0].zh, found[0].en, findings=tuple(found))
    return report


class _Desk:
    """One order beside one archive."""

    def __init__(self, order: Mapping[str, str], source: structure.Folder, trust: TrustStore) -> None:
        self.order, self.whole = order, Whole(years.read(source, trust)[0])
        read = ((number, data, parse(data)) for number, data in self.whole.entries() if data is not None)
        self.entries = [(number, entry, data) for number, data, entry in read if entry is not None]
        held, _ = papers.read(source)
        ledger = Ledger()
        roots = roots_named(self.whole, ((index, entry) for index, entry, _ in self.entries))
        self.orders = Orders(self.whole.years[0].origin, held, ledger, roots)
        for index, entry, _ in self.entries:
            for _found in (*self.orders.feed(index, entry), *ledger.feed(index, entry)):
                pass  # verify_export has found them all

    def findings(self, now: str) -> Iterator[Finding]:
        if self.order["log"] != self.whole.years[0].origin:
            yield _differs("log", f"命令是 {self.order['log']} 的", f"the order is for the log {self.order['log']}")
        if self.order["act"] == "lift" and self.order["hold"] not in self.orders.holds:
            yield _differs("hold", "归档中没有这项有效的保全", "no such hold is in force in the archive")
        if self.order["act"] == "shred":
            yield from self._held({self.order["subject"]})
        if self.order["act"] == "prune":
            yield from self._prune(now)

    def _prune(self, now: str) -> Iterator[Finding]:
        order, below = self.order, int(self.order["below"])
        heads = {(str(y.end), base64.b64encode(y.checkpoint.root).decode("ascii")): y.end for y in self.whole.years}
        size = heads.get((order["size"], order["root"]))
        if size is None:
            yield _differs("archive", "命令所指的不是这份归档", "the order names another archive than this one")
            return
        begins = max(year.first for year in self.whole.years if year.first <= below)
        if (below - begins) % tiles.WIDTH or not self.orders.below < below <= size:
            yield _differs("below", f"序号 {below} 不合理", f"{below} cannot be: it is no bundle of this archive")
            return
        try:
            self.orders.in_time(order, now)
        except Unproven as why:
            yield _differs("before", why.zh, why.en)
        left = staying(self.entries, below)
        if left.digest != order["kept"]:
            yield _differs(
                "kept",
                "命令所列的留存条目与归档不符（归档之后若有新的结果，请重新导出）",
                "what is to stay is not what the archive says must stay (if outcomes came since, export again)",
            )
        if str(left.decisions) != order["decisions"]:
            yield _differs(
                "decisions", f"归档中是 {left.decisions} 次裁定", f"the archive has {left.decisions} decisions there"
            )
        if young := [index for index, each in left.going if written_after(each, order["before"])]:
            yield _differs("before", f"第 {young[0]} 条写于此后", f"entry {young[0]} was written after that")
        yield from self._held({each.get("subject") for _, each in left.going})

    def _held(self, subjects: set[Any]) -> Iterator[Finding]:
        for name, held in sorted(self.orders.holds.items()):
            if held is None or held in subjects:
                yield _differs("hold", f"法律保全 {name} 有效", f"the legal hold {name} is in force")


def _differs(what: str, zh: str, en: str) -> Finding:
    return Finding("order_differs", f"order, {what}", f"不要签署：{zh}。", f"Do not sign: {en}.")
