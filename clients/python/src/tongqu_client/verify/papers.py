"""The papers that a log names by their digests: agreements, consents, standards, who signed them, and the keys.

Nothing is believed because it lies here. A paper counts under the digest of its own RFC 8785 bytes, a signature counts
once its key does, and a key counts once the log says whose it is (ledger.py).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from tongqu_client import _jose
from tongqu_client._canonical import MalformedJson, NotCanonical, canonical, digest_bytes, strict_loads
from tongqu_client.verify import signers
from tongqu_client.verify.findings import Finding
from tongqu_client.verify.structure import LogSource

AGREEMENT_TYPE = "tongqu-agreement-signature+jws"
CONSENT_TYPE = "tongqu-consent-proof+jws"
PORTAL, PORTAL_TYPE = "portal", "tongqu-consent-portal+jws"  # the gateway's word that the resident agreed at its page
KEYS = "keys.json"
MAX_ORDER = 16 * 1024  # characters of a signed order
MAX_PAPER = 4 << 20  # bytes; the largest standard has about 100,000

_FOLDERS = {"agreements": "agreement_changed", "consents": "consent_changed", "standards": "standard_changed"}
_NAMES = {"agreements": ("协议", "agreement"), "consents": ("同意", "consent"), "standards": ("标准", "standard")}


@dataclass(slots=True)
class Papers:
    """Each by its digest (``sha-256:…``), keys by their RFC 7638 thumbprint. ``standard_ids``: name/number → digest."""

    agreements: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    consents: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    standards: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    standard_ids: dict[str, str] = field(default_factory=dict)
    signatures: dict[str, tuple[Mapping[str, Any], ...]] = field(default_factory=dict)
    orders: dict[str, str] = field(default_factory=dict)  # over the log, by the digest of the JWS
    keys: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    gateway: dict[str, Mapping[str, Any]] = field(default_factory=dict)  # its own keys, from trust and nowhere else

    def believe(self, trust: Mapping[str, Any]) -> None:
        """Take the gateway's receipt keys from a trust document."""
        for jwk in trust["jwks"]["keys"]:
            if jwk.get("tongqu_purpose") == "receipt":
                self.gateway[_jose.thumbprint(jwk)] = jwk

    def add(self, folder: str, document: Any) -> str:
        """Take a paper in. Returns its digest. Raises ValueError when it is none."""
        if not isinstance(document, dict):
            raise ValueError("expected a JSON object")
        digest = digest_bytes(canonical(document))
        {"agreements": self.agreements, "consents": self.consents, "standards": self.standards}[folder][digest] = (
            document
        )
        if folder == "standards":
            self.standard_ids["/".join(str(document.get("$id", "")).rsplit("/", 2)[1:])] = digest
        return digest

    def add_key(self, jwk: Any) -> None:
        """Take a public key in, under its thumbprint. Raises ValueError."""
        if not isinstance(jwk, dict) or "d" in jwk:
            raise ValueError("expected a public JWK")
        self.keys[_jose.thumbprint(jwk)] = jwk

    def add_signatures(self, digest: str, given: Any) -> None:
        """Take in who signed the paper with this digest. Raises ValueError."""
        if not isinstance(given, list) or not all(isinstance(each, dict) for each in given) or len(given) > 16:
            raise ValueError("expected a short list of signatures")
        self.signatures[digest] = tuple(given)

    # ── who signed ────────────────────────────────────────────────────────────────────────────────────────────────────
    def agreement_signature(self, agreement: Mapping[str, Any], party: str, jws_digest: str | None) -> tuple[str, str]:
        """The JWS that ``party`` put under an agreement ({id, digest}), and the thumbprint of the key that made it.

        ``jws_digest``: what the log says of it. Raises JoseInvalid with the reason.
        """
        for given in self.signatures.get(str(agreement.get("digest")), ()):
            token = str(given.get("jws", ""))
            if given.get("party") == party and jws_digest in (None, digest_bytes(token.encode())):
                names = {"agreement_id": agreement["id"], "agreement_digest": agreement["digest"], "party": party}
                return token, self._signed(token, AGREEMENT_TYPE, canonical(names))
        raise _jose.JoseInvalid("its signature is not there")

    def consent_signatures(self, consent: Mapping[str, Any]) -> dict[str, str]:
        """Role at the counter → thumbprint of the key that signed, for a consent ({id, digest}). Raises JoseInvalid.

        A consent that was given at the gateway's page has one role, ``portal``, and the gateway's own signature.
        """
        payload = canonical({"consent_id": consent.get("id"), "consent_digest": consent.get("digest")})
        given = self.signatures.get(str(consent.get("digest")), ())
        if [each.get("role") for each in given] == [PORTAL]:
            return {PORTAL: self._signed(str(given[0].get("jws")), PORTAL_TYPE, payload, self.gateway)}
        found = {str(each.get("role")): self._signed(str(each.get("jws")), CONSENT_TYPE, payload) for each in given}
        if not {"clerk", "witness"} <= found.keys():
            raise _jose.JoseInvalid("clerk and witness must both have signed")
        return found

    def _signed(self, token: str, typ: str, payload: bytes, keys: Mapping[str, Mapping[str, Any]] | None = None) -> str:
        thumbprint = signers.key_id(token)
        jwk = (self.keys if keys is None else keys).get(thumbprint)
        if jwk is None:
            raise _jose.JoseInvalid("the key that signed is not among the papers")
        signers.signed(token, jwk, typ=typ, payload=payload)
        return thumbprint


def read(source: LogSource) -> tuple[Papers, list[Finding]]:
    """The papers of an export, and what is wrong with them as files."""
    papers, findings = Papers(), []
    for name in source.names() or ():
        folder, _, rest = name.partition("/")
        try:
            if folder in _FOLDERS:
                digest = papers.add(folder, _document(source, name))
                if rest != f"{digest.removeprefix('sha-256:')}.json":
                    raise ValueError("its digest is not the one in its name")
            elif folder == "signatures":
                papers.add_signatures(f"sha-256:{rest.removesuffix('.json')}", _document(source, name))
            elif folder == "orders":
                data = source.read(name)
                if len(data) > MAX_ORDER or rest != f"{digest_bytes(data).removeprefix('sha-256:')}.jws":
                    raise ValueError("its digest is not the one in its name")
                papers.orders[digest_bytes(data)] = data.decode("ascii")
            elif name == KEYS:
                for jwk in _keys(_document(source, name)):
                    papers.add_key(jwk)
        except (ValueError, NotCanonical) as error:
            findings.append(_changed(folder, name, error))
    return papers, findings


def count(source: LogSource, folder: str) -> int:
    return sum(name.startswith(f"{folder}/") for name in source.names() or ())


def _document(source: LogSource, name: str) -> Any:
    data = source.read(name)
    if len(data) > MAX_PAPER:
        raise ValueError(f"longer than {MAX_PAPER} bytes")
    document = strict_loads(data)
    if canonical(document) != data:
        raise MalformedJson("it is not in its canonical spelling")
    return document


def _keys(document: Any) -> Iterator[Any]:
    if not isinstance(document, dict) or not isinstance(document.get("keys"), list):
        raise ValueError("expected {keys: […]}")
    yield from document["keys"]


def _changed(folder: str, name: str, error: Exception) -> Finding:
    zh, en = _NAMES.get(folder, ("附件", "paper"))
    return Finding(
        _FOLDERS.get(folder, "paper_changed"),
        name,
        f"{name} 的内容与文件名中的摘要不符，或已损坏：{zh}文本被改动过。",
        f"{name} does not have the digest in its name, or is damaged ({error}): the {en} was changed.",
    )


def archived(source: LogSource) -> bool:
    """Does this source come with papers at all? A published log does not."""
    return source.names() is not None


def some(source: LogSource) -> bool:
    """Are papers here? One year's log, taken out of an export, has none beside it."""
    return any(name == KEYS or name.partition("/")[0] in _FOLDERS for name in source.names() or ())


def named(entries: Iterable[Mapping[str, Any]], kind: str) -> set[str]:
    """The digests under which entries speak of agreements or consents."""
    return {str(entry[kind]["digest"]) for entry in entries if isinstance(entry.get(kind), Mapping)}
