"""Does an evidence bundle prove what it says? Every part is checked, and what is *not* proved is said as plainly.

Offline and quick. A failure is a finding with its own word; all of them are reported, not only the first.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tongqu_client import _jose
from tongqu_client._canonical import MalformedJson, NotCanonical, canonical, strict_loads
from tongqu_client._signatures import verify_response
from tongqu_client.errors import BundleInvalid, CheckpointInvalid, IntegrityError, ProofInvalid, ReceiptInvalid
from tongqu_client.verify import merkle, signers
from tongqu_client.verify.bundle import Bundle
from tongqu_client.verify.chain import Head, heads
from tongqu_client.verify.findings import Finding, of_entry
from tongqu_client.verify.ledger import Ledger
from tongqu_client.verify.notes import Checkpoint, TlogProof
from tongqu_client.verify.papers import Papers
from tongqu_client.verify.receipts import VerifiedReceipt, provider_signature, verify_receipt
from tongqu_client.verify.replay import Replay, Undecidable
from tongqu_client.verify.standards import SIGNATURE_TYPE
from tongqu_client.verify.story import Story
from tongqu_client.verify.trust import TrustStore

_FIELDS = {"content-digest": "Content-Digest", "signature-input": "Signature-Input", "signature": "Signature"}
DECIDING = ("exchange.authorized", "exchange.refused")


@dataclass(frozen=True, slots=True)
class Said:
    """One thing that was proved, or that was not; ``kind`` is a stable word."""

    kind: str
    zh: str
    en: str

    def say(self, language: str = "zh") -> str:
        return self.en if language.startswith("en") else self.zh


@dataclass(frozen=True, slots=True)
class EvidenceReport:
    """A bundle that held. ``own_trust``: the keys came with it, so it only agrees with itself."""

    index: int
    checkpoint: Checkpoint
    entry: Mapping[str, Any]
    decided: Mapping[str, Any]
    proved: tuple[Said, ...]
    not_proved: tuple[Said, ...]
    receipt: VerifiedReceipt | None = None
    own_trust: bool = False
    seconds: float = 0.0


def verify_bundle(data: bytes | Bundle, trust: TrustStore | None = None) -> EvidenceReport:
    """Verify a ``.tqe`` file. ``trust`` None: the keys in the bundle, which shows only that it agrees with itself.

    Raises BundleInvalid with every finding, CheckpointInvalid when the log did not sign.
    """
    began = time.perf_counter()
    bundle = data if isinstance(data, Bundle) else Bundle.parse(data)
    keys = trust or TrustStore.from_document(bundle["trust"])
    checkpoint, years, keys = heads(bundle, keys)
    case = _Case(bundle, keys, checkpoint, years, own_trust=trust is None)
    report = case.verify()
    return replace(report, seconds=time.perf_counter() - began)


@dataclass(frozen=True, slots=True)
class _Request:
    """What the kept response answered."""

    method: str
    url: str
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class _Response:
    """A response as it was kept."""

    call: _Request
    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class _Case:
    """One bundle on the desk."""

    bundle: Bundle
    trust: TrustStore
    checkpoint: Checkpoint
    years: Sequence[Head]
    own_trust: bool
    findings: list[Finding] = field(default_factory=list)
    proved: list[Said] = field(default_factory=list)
    not_proved: list[Said] = field(default_factory=list)
    receipt: VerifiedReceipt | None = None

    def verify(self) -> EvidenceReport:
        entries = {each["index"]: each["entry"] for each in self.bundle["entries"]}
        self._in_the_log()
        index = self.bundle["index"]
        entry = entries.get(index)
        decided = self._decided(entries, entry)
        if entry is None or decided is None:
            self.findings.append(_missing_entry(index))
            raise self._refused()
        papers = self._papers(entry, decided)
        self._papers_count(entries, papers, decided)
        self._receipt(entry, decided)
        self._response()
        self._standard_signed(papers)
        if self.findings:
            raise self._refused()
        self._say_what_is_open(entry)
        return EvidenceReport(
            index,
            self.checkpoint,
            entry,
            decided,
            tuple(self.proved),
            tuple(self.not_proved),
            receipt=self.receipt,
            own_trust=self.own_trust,
        )

    # ── the entries ───────────────────────────────────────────────────────────────────────────────────────────────────
    def _in_the_log(self) -> None:
        """Each entry is where it says, under the one signed checkpoint; the tlog-proof for other tools holds too."""
        for each in self.bundle["entries"]:
            try:
                head = next((head for head in self.years if head.holds(each["index"])), self.years[-1])
                head.proves(each)
                if each["index"] == self.bundle["index"]:
                    self._proof_text(merkle.leaf_hash(canonical(each["entry"])))
            except (ValueError, ProofInvalid):
                self.findings.append(
                    Finding(
                        "entry_not_in_log",
                        f"entry {each['index']}",
                        f"第 {each['index']} 条不在检查点签过的日志里：它被改动过，或属于别的日志。",
                        f"Entry {each['index']} is not in the log that the checkpoint signs: it was changed, or "
                        "belongs to another log.",
                    )
                )
        if len(self.years) > 1:
            first, names = self.years[0].origin, len(self.years)
            self._say(
                "years",
                f"{first} 起 {names} 年的日志首尾相接，后一年的第 0 条记着前一年封存时的条数与根。",
                f"The logs of {names} years from {first} on follow one another: entry 0 of each tells the size and the "
                "root of the one before it.",
            )
        self._say(
            "logged",
            f"{len(self.bundle['entries'])} 条日志都在 {self.checkpoint.origin} 签名的检查点之内"
            f"（共 {self.checkpoint.size} 条），一字未改。",
            f"{len(self.bundle['entries'])} entries are in the log {self.checkpoint.origin} as its signed checkpoint "
            f"({self.checkpoint.size} entries) has them, to the letter.",
        )

    def _proof_text(self, leaf: bytes) -> None:
        proof = TlogProof.parse(self.bundle["proof"])
        if proof.index + self.years[-1].first != self.bundle["index"] or proof.checkpoint != self.bundle["checkpoint"]:
            raise ProofInvalid("证明与证据包不符。", "The proof is for something else than the bundle.")
        merkle.verify_inclusion(proof.index, self.checkpoint.size, leaf, proof.hashes, self.checkpoint.root)

    def _decided(self, entries: Mapping[int, Any], entry: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
        """The entry that decided the query, which for an outcome is the permit before it."""
        if entry is None or entry.get("type") in DECIDING:
            return entry
        of = entry.get("of")
        decided = entries.get(of) if type(of) is int and of < self.bundle["index"] else None
        same = decided is not None and decided.get("query") == entry.get("query")
        return decided if same and decided is not None and decided.get("type") == DECIDING[0] else None

    # ── the papers ────────────────────────────────────────────────────────────────────────────────────────────────────
    def _papers(self, entry: Mapping[str, Any], decided: Mapping[str, Any]) -> Papers:
        papers = Papers()
        papers.believe(self.trust.document)
        for member, folder, text in (
            ("agreement", "agreements", "document"),
            ("consent", "consents", "record"),
            ("standard", "standards", "schema"),
        ):
            if (part := self.bundle[member]) is None:
                continue
            digest = papers.add(folder, part[text])
            signatures = part.get("signatures") or []
            papers.add_signatures(digest, signatures)
            named = decided.get(member)
            refused = member == "consent" and named is None and decided["type"] != DECIDING[0]
            if member == "standard" or refused:
                continue
            if not isinstance(named, Mapping) or named.get("digest") != digest:
                zh = {"agreement": "协议", "consent": "同意"}[member]
                self.findings.append(
                    Finding(
                        f"{member}_differs",
                        member,
                        f"附上的{zh}不是日志所记的那一份：它被改动过，或被换成了另一份。",
                        f"The {member} in the bundle is not the one that the log names: it was changed or replaced.",
                    )
                )
        for jwk in self.bundle["keys"]:
            try:
                papers.add_key(jwk)
            except ValueError:
                self.findings.append(
                    Finding("key_malformed", "keys", "附上的一个公钥无法读取。", "A public key in it cannot be read.")
                )
        return papers

    def _papers_count(self, entries: Mapping[int, Any], papers: Papers, decided: Mapping[str, Any]) -> None:
        """Fold the entries that are here as if they were the log, and decide the query again on that."""
        ledger, story = Ledger(papers if self.bundle["agreement"] is not None else None), Story(self.checkpoint.origin)
        replay = Replay(papers, ledger)
        activated = False
        for index in sorted(entries):
            entry = entries[index]
            if entry is decided:
                self._decide_again(index, entry, replay)
                activated = self._in_force(entry, ledger)
            self.findings += of_entry(index, ledger.feed(index, entry))
            told = of_entry(index, story.feed(index, canonical(entry)))
            self.findings += [each for each in told if each.kind in _ONE_QUERY]
        if self.findings or self.bundle["agreement"] is None:
            return
        parties = "、".join(sorted(each["party"] for each in self.bundle["agreement"]["signatures"]))
        en = parties.replace("、", " and ")
        if activated:
            self._say(
                "agreement_signed",
                f"依据的协议由 {parties} 的工作人员用各自登记的密钥签署，并在此之前生效。",
                f"The agreement was signed by officers of {en}, each with a registered key, and in force before.",
            )
        if self.bundle["consent"] is not None and any(each.portal for each in ledger.consents.values()):
            self._say(
                "consent_at_the_page",
                "当事人登录网关页面表示同意，网关签名为证；这一点只凭网关的陈述。",
                "The gateway signed that the resident, signed in at its page, agreed; for this there is its word only.",
            )
        elif self.bundle["consent"] is not None:
            self._say(
                "consent_proved",
                "当事人的同意有两名工作人员各自的见证签名。",
                "The resident's consent bears the signatures of two officers who witnessed it.",
            )

    def _in_force(self, decided: Mapping[str, Any], ledger: Ledger) -> bool:
        """A permit needs an agreement whose coming into force is among the entries."""
        digest = (decided.get("agreement") or {}).get("digest")
        active = ledger.agreements.get(str(digest)) == "active"
        if decided["type"] == DECIDING[0] and not active:
            self.findings.append(
                Finding(
                    "agreement_not_activated",
                    "agreement",
                    "证据包里没有协议生效的记录：不能证明准许时协议有效。",
                    "No entry in the bundle puts the agreement in force before the permit.",
                )
            )
        return active

    def _decide_again(self, index: int, entry: Mapping[str, Any], replay: Replay) -> None:
        try:
            case = replay.case(index, entry)
            found = [*replay.compare(index, case), *replay.papers_agree(index, case)]
        except Undecidable as error:
            if entry["type"] == DECIDING[0]:
                self.findings.append(error.args[0])
            else:
                self._open(
                    "not_replayed",
                    "拒绝是否正确：所依据的文本不在证据包里。",
                    "That the refusal was right: what it rests on is not in the bundle.",
                )
            return
        except (KeyError, TypeError, ValueError, AttributeError):
            self.findings.append(_malformed_decision(index))
            return
        self.findings += found
        if not found:
            self._say(
                "decided_again",
                "按日志所记的事实和附上的协议、同意、标准重新裁定，结果相同。",
                "Decided again from the logged facts and the agreement, consent and standard: the same result.",
            )

    def _standard_signed(self, papers: Papers) -> None:
        part = self.bundle["standard"]
        if part is None:
            return
        signature = part["signature"]
        if signature is None:
            self._open(
                "standard_unsigned",
                "数据标准由谁发布：该版本没有主管部门的签名，只有摘要与协议所列相符。",
                "Who published the standard: this version bears no signature; its digest is the one in the agreement.",
            )
            return
        try:
            payload = canonical(part["schema"])
            signers.signed(signature["jws"], signature["key"], typ=SIGNATURE_TYPE, payload=payload, detached=True)
        except (_jose.JoseInvalid, NotCanonical):
            self.findings.append(
                Finding(
                    "standard_signature",
                    "standard",
                    "标准的签名与正文不符：标准被改动过。",
                    "The signature under the standard does not fit it: the standard was changed.",
                )
            )
            return
        name, thumbprint = signature["party"], _jose.thumbprint(signature["key"])
        told = [each["entry"] for each in self.bundle["entries"]]
        if not any((each.get("key"), each.get("party")) == (thumbprint, name) for each in told):
            self._open(
                "standard_key",
                f"数据标准由谁发布：签名（密钥 {thumbprint[:12]}…）自称出自 {name}，而没有条目登记这个密钥。",
                f"Who published the standard: its signature (key {thumbprint[:12]}…) claims to be {name}'s, and no "
                "entry in the bundle registers that key.",
            )
            return
        self._say("standard_signed", f"数据标准由 {name} 签署。", f"The standard is signed by {name}.")

    # ── what the holder added ─────────────────────────────────────────────────────────────────────────────────────────
    def _receipt(self, entry: Mapping[str, Any], decided: Mapping[str, Any]) -> None:
        if self.bundle["receipt"] is None:
            return
        try:
            receipt = verify_receipt(
                self.bundle["receipt"], self.trust, request=self.bundle["request"], response=self.bundle["answer"]
            )
        except ReceiptInvalid as error:
            self.findings.append(Finding("receipt_invalid", "receipt", error.detail_zh, error.detail_en))
            return
        leaf = merkle.leaf_hash(canonical(dict(entry)))
        place = (self.years[-1].origin, self.bundle["index"] - self.years[-1].first)
        same = (receipt.origin, receipt.index) == place
        same = same and (receipt.leaf_hash, receipt.query) == (leaf, entry.get("query"))
        if not (same and receipt.fits(entry, decided)):
            self.findings.append(
                Finding(
                    "receipt_other",
                    "receipt",
                    "回执属于另一次查询，或日志的条目与回执承诺的不同。",
                    "The receipt is for another query, or the entry is not the one that it promised.",
                )
            )
            return
        self.receipt = replace(receipt, checkpoint=self.checkpoint)
        self._say(
            "receipt",
            f"网关在 {receipt.issued.isoformat()} 签发了回执，所承诺的日志条目确在日志里。",
            f"The gateway signed the receipt at {receipt.issued.isoformat()}, and the entry it promised is in the log.",
        )
        self._department_signed(receipt)
        if receipt.request_checked and receipt.response_checked:
            self._say("record", "附上的查询与记录正是当时的查询与记录。", "Request and record are those of that query.")

    def _department_signed(self, receipt: VerifiedReceipt) -> None:
        """verify_receipt has checked the signature itself; whose key made it, the entries say."""
        if self.bundle["answer"] is None:
            return
        thumbprint = provider_signature(receipt, self.bundle["answer"]["data"])
        if thumbprint is None:
            return
        told = [each["entry"] for each in self.bundle["entries"]]
        if any(each.get("key") == thumbprint and each.get("party") == receipt.provider for each in told):
            self._say(
                "provider_evidence",
                f"记录有 {receipt.provider} 自己的签名（密钥 {thumbprint[:12]}…）：网关也不能改动。",
                f"The records bear {receipt.provider}'s own signature (key {thumbprint[:12]}…): not even the gateway "
                "could have changed them.",
            )
        else:
            self._open(
                "provider_key",
                f"记录上的签名（密钥 {thumbprint[:12]}…）出自 {receipt.provider}：日志没有登记这个密钥。",
                f"That the signature on the records (key {thumbprint[:12]}…) is {receipt.provider}'s: no entry "
                "registers this key.",
            )

    def _response(self) -> None:
        kept = self.bundle["response"]
        if kept is None:
            return
        sent = {_FIELDS[name]: value for name, value in kept["request_headers"].items()}
        call = _Request(kept["method"], kept["target_uri"], sent)
        reply = _Response(call, kept["status"], kept["headers"], kept["body"].encode("utf-8"))
        try:
            verify_response(reply, self.trust, at_any_time=True)
            body = strict_loads(reply.body)
            core = {name: body.get(name) for name in ("data", "source", "withheld")} if isinstance(body, dict) else None
            if core != self.bundle["answer"] or body.get("receipt") != self.bundle["receipt"]:
                raise MalformedJson("another answer")
        except (IntegrityError, MalformedJson):
            self.findings.append(
                Finding(
                    "response_signature",
                    "response",
                    "网关对响应的签名（RFC 9421）与附上的内容不符：内容被改动过。",
                    "The gateway's signature under the response (RFC 9421) does not fit: something was changed.",
                )
            )
            return
        self._say(
            "response",
            "附上的 HTTP 响应有网关的签名（RFC 9421）。",
            "The HTTP response bears the gateway's signature (RFC 9421).",
        )

    # ── words ─────────────────────────────────────────────────────────────────────────────────────────────────────────
    def _say_what_is_open(self, entry: Mapping[str, Any]) -> None:
        if self.own_trust:
            self._open(
                "own_trust",
                "网关的身份：密钥取自证据包自身。请用 --trust 指定从别处取得的信任文件再核验。",
                "Whose gateway this is: the keys came with the bundle. Verify with --trust and a file got another way.",
            )
        self._say_who_witnessed()
        if self.bundle["receipt"] is None:
            self._open("no_receipt", "回执：证据包里没有。", "The receipt: the bundle has none.")
        elif self.bundle["answer"] is None:
            self._open(
                "no_record",
                "记录的内容：证据包里没有记录，只有它的摘要。",
                "What the record said: the bundle has its digest only.",
            )
        self._open(
            "between",
            "协议与同意生效之后、查询之前没有停止过：证据包只有与本次查询有关的条目；核验整份日志可知。",
            "That agreement and consent were not stopped between: verify the whole log (tongqu verify DIR) for that.",
        )
        self._open(
            "keys",
            "登记的密钥确属该人员：请与该单位核对指纹 " + "、".join(self._thumbprints()) + "。",
            "That the registered keys are those people's: compare with the office "
            + ", ".join(self._thumbprints())
            + ".",
        )
        self._open(
            "truth",
            "部门的数据本身正确，以及没有别的渠道泄露。",
            "That the data is right, or that nothing leaked elsewhere.",
        )

    def _say_who_witnessed(self) -> None:
        witnessed = self.trust.witnessed(self.checkpoint)
        if witnessed is not None and witnessed.times:
            names = "、".join(sorted(witnessed.times))
            self._say(
                "witnessed",
                f"检查点由外部机关见证：{names}。",
                f"The checkpoint was cosigned by outside offices: {names.replace('、', ', ')}.",
            )
        if witnessed is None or not witnessed.enough or not witnessed.times:
            self._open(
                "not_witnessed",
                "网关没有向别人出示另一份日志：没有足够的外部机关见证这个检查点。",
                "That the gateway shows everybody the same log: too few outside offices cosigned this checkpoint.",
            )

    def _thumbprints(self) -> Iterator[str]:
        return (_jose.thumbprint(jwk)[:12] + "…" for jwk in self.bundle["keys"])

    def _say(self, kind: str, zh: str, en: str) -> None:
        self.proved.append(Said(kind, zh, en))

    def _open(self, kind: str, zh: str, en: str) -> None:
        self.not_proved.append(Said(kind, zh, en))

    def _refused(self) -> BundleInvalid:
        first, more = self.findings[0], len(self.findings) - 1
        zh = f"（另有 {more} 处）" if more else ""
        en = f" (and {more} more)" if more else ""
        return BundleInvalid(f"{first.zh}{zh}", f"{first.en}{en}", findings=tuple(self.findings))


_ONE_QUERY = frozenset(
    {"entry_malformed", "outcome_without_permit", "second_outcome", "released_after_stop", "released_more"}
)


def _missing_entry(index: int) -> Finding:
    return Finding(
        "entry_missing",
        f"entry {index}",
        f"证据包里没有第 {index} 条，或没有准许它的那一条。",
        f"The bundle lacks entry {index}, or the one that decided it.",
    )


def _malformed_decision(index: int) -> Finding:
    return Finding(
        "decision_malformed",
        f"entry {index}",
        f"第 {index} 条没有完整的裁定事实。",
        f"Entry {index} lacks the facts of its decision.",
    )


__all__ = ["CheckpointInvalid", "EvidenceReport", "Said", "verify_bundle"]
