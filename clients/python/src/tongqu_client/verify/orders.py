"""What destroys evidence takes two people: the orders by which a log was pruned, a resident forgotten, a hold lifted.

Each order is a compact JWS of an officer (``tongqu-audit-order+jws``) over the same RFC 8785 bytes; the entry names it
by its digest, and an export carries it. An entry that says it was ordered, and an order that is not there, not signed
by the keys that the log registers for two different signatories, or for something else, prove nothing: anyone with the
database could have written that entry.
"""

from __future__ import annotations

import base64
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Protocol

from tongqu_client import _jose
from tongqu_client._canonical import MalformedJson, canonical, strict_loads
from tongqu_client.verify import merkle, signers
from tongqu_client.verify.findings import Finding, Signer
from tongqu_client.verify.ledger import Ledger
from tongqu_client.verify.papers import Papers
from tongqu_client.verify.story import TOLERANCE, read_time

TYPE = "tongqu-audit-order+jws"
KINDS = ("audit_office", "data_bureau")
ROLE = "signatory"
MAX_SIGNED = 16
DECIDED = ("exchange.authorized", "exchange.refused")

# What passes is about single queries, sign-ins, cases and looks at the log; all else outlives a pruning.
PASSING = ("exchange", "identity", "account", "case", "review", "alarm")
LOOKS = frozenset({"audit.viewed", "audit.exported", "audit.extracted"})

Entry = Mapping[str, Any]
Entries = Iterable[tuple[int, Entry, bytes]]  # index, what it says, its bytes


class Unproven(Exception):
    """Why an order does not count; ``zh`` and ``en`` stand in a sentence."""

    def __init__(self, zh: str, en: str) -> None:
        super().__init__(en)
        self.zh, self.en = zh, en


@dataclass(frozen=True, slots=True)
class Pruned:
    """A pruning that was ordered. ``decisions``: how many of the entries that went had decided a query."""

    index: int
    below: int
    before: str
    kept: str
    decisions: int


@dataclass(slots=True)
class Orders:
    """Feed it every entry in order, each before the ledger is fed it. ``keys``: if not None, only these count."""

    origin: str
    papers: Papers
    ledger: Ledger
    roots: Mapping[int, str] = field(default_factory=dict)  # of the log at the sizes that prunings name
    keys: frozenset[str] | None = None
    days: int | None = None
    paper: str | None = None
    holds: dict[str, str | None] = field(default_factory=dict)  # in force: id → pseudonym, or None for everything
    pruned: list[Pruned] = field(default_factory=list)
    proved: int = 0
    signers: set[Signer] = field(default_factory=set)
    _placed_before: set[str] = field(default_factory=set)

    @property
    def below(self) -> int:
        """Entries below this index were pruned, as was proved."""
        return self.pruned[-1].below if self.pruned else 0

    def feed(self, index: int, entry: Entry) -> Iterator[Finding]:
        if not str(entry.get("type")).startswith("audit."):
            return
        step = {
            "audit.retention_set": self._retention,
            "audit.hold_placed": self._placed,
            "audit.hold_lifted": self._lifted,
            "audit.shredded": self._shredded,
            "audit.pruned": self._pruned,
        }.get(str(entry.get("type")))
        if step is None:
            return
        try:
            step(index, entry)
        except Unproven as why:
            yield _unproven(index, entry, why)
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
            yield _unproven(
                index, entry, Unproven("条目或命令不合格式", "the entry or its order does not have its form")
            )

    # ── the acts ──────────────────────────────────────────────────────────────────────────────────────────────────────
    def _retention(self, _: int, entry: Entry) -> None:
        self.days, self.paper = int(entry["days"]), str(entry["paper"])

    def _placed(self, _: int, entry: Entry) -> None:
        name = str(entry["hold"])
        if name in self._placed_before:  # else the second would narrow the first, or the order to lift it be used again
            self.holds.setdefault(name, entry["subject"])
            raise Unproven("每项保全只设一次", "a hold is placed once; what comes after is another hold")
        self._placed_before.add(name)
        self.holds[name] = entry["subject"]

    def _lifted(self, _: int, entry: Entry) -> None:
        _same(self._ordered(entry, "lift"), hold=entry["hold"], reason=entry["reason"])
        if str(entry["hold"]) not in self.holds:
            raise Unproven("日志没有这项有效的保全", "no such hold is in force")
        self.holds.pop(str(entry["hold"]), None)
        self.proved += 1

    def _shredded(self, _: int, entry: Entry) -> None:
        _same(self._ordered(entry, "shred"), subject=entry["subject"], reason=entry["reason"])
        self._free({entry["subject"]})
        self.proved += 1

    def _pruned(self, index: int, entry: Entry) -> None:
        order = self._ordered(entry, "prune")
        below, exported = entry["below"], entry["exported"]
        _same(order, below=str(below), size=str(exported["size"]), root=exported["root"])
        if not self.below < below <= exported["size"] <= index:
            raise Unproven(
                f"范围不合理：第 {self.below} 条以前已清理，归档 {exported['size']} 条",
                f"its range cannot be: {self.below} were pruned before, the archive has {exported['size']} entries",
            )
        self.in_time(order, entry["t"])
        if self.roots.get(exported["size"]) != exported["root"]:
            raise Unproven("所称归档不是本日志的", "the archive that it names is not of this log")
        self._free(set())
        decisions = int(order["decisions"])
        if not 0 <= decisions <= below:
            raise Unproven(f"命令称其中有 {decisions} 次裁定", f"the order counts {decisions} decisions among {below}")
        self.pruned.append(Pruned(index, below, str(order["before"]), str(order["kept"]), decisions))
        self.proved += 1

    def in_time(self, order: Mapping[str, Any], now: str) -> None:
        """By the retention policy in force, may what was written before the day of the order go? Raises Unproven."""
        if self.days is None or (order["days"], order["paper"]) != (str(self.days), self.paper):
            raise Unproven(
                f"命令所据保存期限为 {order['days']} 天，日志所定为 {self.days}",
                f"it rests on a retention of {order['days']} days, the log says {self.days}",
            )
        if _time(order["before"]) > _time(now) - timedelta(days=self.days) + TOLERANCE:
            raise Unproven(
                f"{order['before']} 以前的条目还未满 {self.days} 天",
                f"what was written before {order['before']} was to be kept for {self.days} days and was younger",
            )

    def _free(self, subjects: set[str]) -> None:
        """No hold in force over everything, or over one of these residents."""
        if standing := sorted(name for name, held in self.holds.items() if held is None or held in subjects):
            raise Unproven(f"法律保全 {standing[0]} 当时有效", f"the legal hold {standing[0]} was in force")

    # ── the two who signed ────────────────────────────────────────────────────────────────────────────────────────────
    def _ordered(self, entry: Entry, act: str) -> Mapping[str, Any]:
        """What both signed. Raises Unproven."""
        said: set[bytes] = set()
        who: list[Signer] = []
        signed: dict[str, str] = {}  # key → kind of the office
        if len(entry["approved"]) > MAX_SIGNED:
            raise Unproven(f"签名多于 {MAX_SIGNED} 个", f"it names more than {MAX_SIGNED} signatures")
        for each in entry["approved"]:
            token = self.papers.orders.get(str(each["jws_digest"]))
            if token is None:
                raise Unproven(
                    f"{each['officer']} 签署的命令不在导出中", f"the order signed by {each['officer']} is not here"
                )
            said.add(_payload(token))
            signer, kind = self._signed(token, str(each["officer"]))
            signed[signer.key] = kind
            who.append(signer)
        if len(signed) < 2 or len(said) != 1:
            raise Unproven(
                "须有两名不同的签字人签署同一命令", "two different signatories must have signed the same order"
            )
        if "audit_office" not in signed.values():
            raise Unproven("签字人中没有审计机关的人员", "neither of those who signed is of the audit office")
        order = strict_loads(said.pop())
        _same(order, act=act, log=self.origin)
        self.signers.update(who)
        return dict(order)

    def _signed(self, token: str, name: str) -> tuple[Signer, str]:
        """The officer, and the kind of the office that he or she signed for."""
        officer, thumbprint = self.ledger.officers.get(name), signers.key_id(token)
        if officer is None or officer.thumbprint != thumbprint or officer.suspended is not None:
            raise Unproven(
                f"签名密钥没有为 {name} 登记，或此人已停用",
                f"the log registers no such key for {name}, or suspended it",
            )
        if self.keys is not None and thumbprint not in self.keys:
            raise Unproven(
                f"{name} 的密钥不在您信任的签署密钥之列",
                f"the key of {name} is not among the order keys that you trust",
            )
        kind = self.ledger.kinds.get(officer.party)
        if officer.role != ROLE or kind not in KINDS or self.ledger.states.get(("party", officer.party)) != "active":
            raise Unproven(
                f"{name}（{officer.party}，{officer.role or '岗位不明'}）无权签署",
                f"{name} ({officer.party}, {officer.role or 'of no known role'}) may not sign it: expected a {ROLE} of "
                "the audit office or the data bureau",
            )
        jwk = self.papers.keys.get(thumbprint)
        if jwk is None:
            raise Unproven(f"{name} 的公钥不在导出中", f"the public key of {name} is not here")
        try:
            signers.signed(token, jwk, typ=TYPE, payload=_payload(token))
        except _jose.JoseInvalid as error:
            raise Unproven(f"{name} 的签名无效（{error}）", f"the signature of {name} is not valid: {error}") from None
        return Signer(name, officer.party, thumbprint), str(kind)


# ── what stays ────────────────────────────────────────────────────────────────────────────────────────────────────────
def lasts(type: str) -> bool:
    """Whether entries of this type are never pruned."""
    return type.partition(".")[0] not in PASSING and type not in LOOKS


@dataclass(frozen=True, slots=True)
class Staying:
    """What a pruning leaves: the digest over the entries that stay, and those that go and are still here."""

    digest: str
    going: tuple[tuple[int, Entry], ...]

    @property
    def decisions(self) -> int:
        return sum(entry["type"] in DECIDED for _, entry in self.going)


def staying(entries: Entries, below: int) -> Staying:
    """A permit stays as long as its outcome; all that is not about a single query or look stays for good."""
    told = list(entries)
    unfinished = {
        entry["of"]
        for index, entry, _ in told
        if index >= below and type(entry.get("of")) is int and _is_outcome(entry)
    }
    hashed, going = sha256(), []
    for index, entry, data in told:
        if index >= below:
            break
        if lasts(entry["type"]) or index in unfinished:
            hashed.update(index.to_bytes(8, "big") + merkle.leaf_hash(data))
        else:
            going.append((index, entry))
    return Staying(f"sha-256:{hashed.hexdigest()}", tuple(going))


def kept_as_ordered(orders: Orders, entries: Entries) -> Iterator[Finding]:
    """The newest order names what stays of all that was pruned: nothing of it may have been taken out besides, and
    nothing of it may be younger than what was to go."""
    if not orders.pruned:
        return
    last, told = orders.pruned[-1], list(entries)
    what = {"type": "audit.pruned", "below": last.below}
    if staying(told, last.below).digest != last.kept:
        why = Unproven(
            "留下的条目不是命令所列的：命令之外还有条目被抹去",
            "what stays is not what the order names: more was taken out than was ordered",
        )
        yield _unproven(last.index, what, why)
    young = [index for index, entry, _ in told if index < last.below and written_after(entry, last.before)]
    if young:
        why = Unproven(
            f"范围内第 {young[0]} 条写于 {last.before} 之后",
            f"entry {young[0]} within it was written after {last.before}",
        )
        yield _unproven(last.index, what, why)


def written_after(entry: Entry, before: str) -> bool:
    """Clocks of several machines differ by seconds."""
    at = read_time(entry["t"])
    return at is None or at > _time(before) + TOLERANCE


def _is_outcome(entry: Entry) -> bool:
    return str(entry["type"]).startswith("exchange.") and entry["type"] not in DECIDED


class Rooted(Protocol):
    """A log of which the roots are known."""

    def roots(self, sizes: Collection[int]) -> dict[int, bytes]:
        """The root that the log of its year had when there were so many entries over all years, for each size."""
        ...


def roots_named(log: Rooted, entries: Iterable[tuple[int, Entry]]) -> dict[int, str]:
    """The log's own roots at the sizes of the archives that prunings name."""
    sizes: set[int] = set()
    for _, entry in entries:
        exported = entry.get("exported") if entry["type"] == "audit.pruned" else None
        size = exported.get("size") if isinstance(exported, Mapping) else None
        if type(size) is int and size > 0:
            sizes.add(size)
    return {size: base64.b64encode(root).decode("ascii") for size, root in log.roots(sizes).items()}


# ── small things ──────────────────────────────────────────────────────────────────────────────────────────────────────
def _payload(token: str) -> bytes:
    try:
        data = _jose.decode(token.split(".")[1])
        if canonical(strict_loads(data)) == data:
            return data
    except (IndexError, MalformedJson, _jose.JoseInvalid):
        pass
    raise Unproven("命令不是规范格式的 JWS", "an order is no JWS over canonical JSON")


def _same(order: Any, **expected: object) -> None:
    for name, value in expected.items():
        said = order.get(name) if isinstance(order, Mapping) else None
        if said != value:
            raise Unproven(
                f"命令写的 {name} 是 {said}，条目写的是 {value}", f"the order says {name} = {said}, the entry {value}"
            )


def _time(text: str) -> datetime:
    at = read_time(text)
    if at is None:
        raise ValueError("no time")
    return at


def _unproven(index: int, entry: Entry, why: Unproven) -> Finding:
    kind = str(entry.get("type"))
    word, zh, en = {
        "audit.pruned": (
            "prune_unproven",
            f"称第 {entry.get('below')} 条以前的条目已依令清理",
            f"says that entries below {entry.get('below')} were pruned by order",
        ),
        "audit.shredded": (
            "shred_unproven", "称已依令粉碎一名居民的身份", "says that a resident was forgotten by order"
        ),
        "audit.hold_lifted": (
            "lift_unproven",
            f"称法律保全 {entry.get('hold')} 已依令解除",
            f"says that the legal hold {entry.get('hold')} was lifted by order",
        ),
        "audit.hold_placed": (
            "hold_repeated",
            f"再次设立编号 {entry.get('hold')} 的法律保全",
            f"places the legal hold {entry.get('hold')} once more",
        ),
    }.get(kind, ("order_malformed", "不合格式", "does not have its form"))  # fmt: skip
    return Finding(
        word,
        f"entry {index}",
        f"第 {index} 条{zh}，而两名签字人的命令不能证明（{why.zh}）：有数据库的人可以自己写下这一条来抹去证据。",
        f"Entry {index} {en}, which is not proved by two signatories' orders ({why.en}): whoever has the database can "
        "have written it to destroy evidence.",
    )
