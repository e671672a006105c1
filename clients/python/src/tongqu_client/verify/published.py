"""The standards of a whole log: is each that an agreement names here, and did the data bureau sign what it published?

The log notes who signed a version, and the digest of the signature; the signature itself (detached JWS over the text)
is among the papers. A later signature under the same version takes the place of an earlier one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tongqu_client import _jose
from tongqu_client._canonical import NotCanonical, canonical, digest_bytes
from tongqu_client.verify import signers
from tongqu_client.verify.findings import Finding
from tongqu_client.verify.ledger import Ledger, paper_missing
from tongqu_client.verify.papers import Papers
from tongqu_client.verify.standards import SIGNATURE_TYPE

BUREAU, ROLE, SHIPPED = "data_bureau", "signatory", "shipped"

Entry = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class _Noted:
    """A signature as the log notes it. ``key``: thumbprint of the officer's key."""

    index: int
    digest: str
    jws_digest: str
    key: str


@dataclass(slots=True)
class Published:
    """Feed it every entry in order, each before the ledger is fed it; ``end`` then says what is not signed."""

    papers: Papers
    ledger: Ledger
    proved: int = 0
    _signed: dict[str, _Noted] = field(default_factory=dict)  # standard → the last signature

    def feed(self, index: int, entry: Entry) -> Iterator[Finding]:
        if entry["type"] == "agreement.activated":
            yield from self._named(index, entry)
        if entry["type"] not in ("standard.published", "standard.signed"):
            return
        name, signature = str(entry.get("standard")), entry.get("signature")
        if signature is None and entry["type"] == "standard.published" and entry.get("reason") == SHIPPED:
            return  # it came with the software, and nobody claims to have signed it
        officer = self.ledger.officers.get(str(signature.get("officer"))) if isinstance(signature, Mapping) else None
        if (
            officer is None
            or officer.suspended is not None
            or officer.role != ROLE
            or self.ledger.kinds.get(officer.party) != BUREAU
        ):
            yield _unproven(
                index, name, "日志没有登记这样一名签字人", "the log registers no such signatory of the data bureau"
            )
            return
        assert isinstance(signature, Mapping)
        digest, jws_digest = str(entry.get("digest")), str(signature.get("jws_digest"))
        self._signed[name] = _Noted(index, digest, jws_digest, officer.thumbprint)

    def end(self) -> Iterator[Finding]:
        """The signatures that hold now, each against the text and the key that the log registers."""
        for name, noted in self._signed.items():
            schema = self.papers.standards.get(noted.digest)
            if schema is None:
                yield paper_missing(noted.index, "standard", name, noted.digest)
                continue
            try:
                self._check(noted, schema)
                self.proved += 1
            except (_jose.JoseInvalid, NotCanonical) as error:
                yield _unproven(noted.index, name, "签名或公钥不在导出中，或与正文不符", f"{error}")

    def _check(self, noted: _Noted, schema: Mapping[str, Any]) -> None:
        given = [str(each.get("jws", "")) for each in self.papers.signatures.get(noted.digest, ())]
        token = next((jws for jws in given if digest_bytes(jws.encode()) == noted.jws_digest), None)
        if token is None:
            raise _jose.JoseInvalid("the signature that the log notes is not here")
        jwk = self.papers.keys.get(noted.key)
        if jwk is None:
            raise _jose.JoseInvalid("the key of the officer who signed is not here")
        signers.signed(token, jwk, typ=SIGNATURE_TYPE, payload=canonical(dict(schema)), detached=True)

    def _named(self, index: int, entry: Entry) -> Iterator[Finding]:
        """Every standard of an agreement that comes into force, whether anybody asks under it or not."""
        named = entry.get("agreement")
        document = self.papers.agreements.get(str(named.get("digest"))) if isinstance(named, Mapping) else None
        items = document.get("items") if document is not None else None
        for item in items if isinstance(items, list) else ():
            if item["standard"] not in self.papers.standard_ids:
                yield paper_missing(index, "standard", item["standard"], item["schema_digest"])


def _unproven(index: int, name: str, zh: str, en: str) -> Finding:
    return Finding(
        "standard_unproven",
        f"entry {index}",
        f"第 {index} 条称主管部门签署了标准 {name}，而不能证明（{zh}）：它可能是别人的文本。",
        f"Entry {index} says that the data bureau signed the standard {name}, which is not proved ({en}): the text may "
        "be somebody else's.",
    )
