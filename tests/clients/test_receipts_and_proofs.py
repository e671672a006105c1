"""A receipt and its proof hold as they were issued, and not after any change."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tongqu_client.errors import CheckpointInvalid, ConfigError, IntegrityError, ProofInvalid, ReceiptInvalid
from tongqu_client.verify import (
    Checkpoint,
    TlogProof,
    TrustStore,
    VerifierKey,
    open_note,
    verify_inclusion,
    verify_promise,
    verify_receipt,
)

from gateway.audit.checkpoint import Checkpoint as MadeCheckpoint
from gateway.audit.checkpoint import CheckpointKey
from gateway.exchange.receipt import salted_digest
from gateway.lib.canonical_json import canonical
from gateway.lib.jose import SigningKey
from tests.clients.made_log import ISSUER, good_log

LOG = good_log(40)
TRUST = TrustStore.from_document(LOG.keys.trust())
SALT = bytes(range(16))
REQUEST = {
    "agreement": "agr_1",
    "standard": "person-basic/1.0.0",
    "purpose": "dibao.initial",
    "subject": {"scheme": "cn.resident-id", "id": "990101199001010010"},
    "case": "SQ-0012",
}
CORE = {
    "data": [{"name": "张三", "income": "1234.50"}],
    "source": {"party": "police", "service": "svc_1", "as_of": "2026-11-22T16:00:00.000Z"},
    "withheld": [{"field": "phone", "reason": "not-granted"}],
}


def receipt(**changes: Any) -> str:
    digests = {
        "request_digest": salted_digest(SALT, canonical(REQUEST)),
        "response_digest": salted_digest(SALT, canonical(CORE)),
    }
    return LOG.receipt(9, salt=base64.urlsafe_b64encode(SALT).rstrip(b"=").decode(), **(digests | changes))


def test_a_receipt_holds_for_its_request_and_answer() -> None:
    verified = verify_receipt(receipt(), TRUST, request=REQUEST, response={**CORE, "request_id": "qry_3"})
    assert verified.request_checked and verified.response_checked
    assert (verified.agreement, verified.purpose, verified.index) == ("agr_1", "dibao.initial", 9)
    assert verified.checkpoint is None


def test_a_receipt_alone_says_what_was_not_checked() -> None:
    verified = verify_receipt(receipt(), TRUST)
    assert not verified.request_checked and not verified.response_checked


def test_a_receipt_and_its_proof_give_the_checkpoint() -> None:
    verified = verify_promise(verify_receipt(receipt(), TRUST), LOG.proof(9), TRUST)
    assert verified.checkpoint is not None and verified.checkpoint.size == len(LOG.entries)


def _claims_without(name: str) -> str:
    changes: dict[str, Any] = {name: None}
    return LOG.receipt(9, **changes)


ANOTHER_KEY = SigningKey.generate()
CLAIMS: dict[str, Any] = {"iss": ISSUER}
BAD_RECEIPTS = [
    ("not a token", "receipt"),
    ("empty", ""),
    ("another gateway's key", good_log().receipt(5)),
    ("signed by the response key", LOG.keys.response.sign_jwt("tongqu-receipt+jwt", CLAIMS)),
    ("an access token", LOG.keys.receipt.sign_jwt("at+jwt", CLAIMS)),
    ("another issuer", LOG.receipt(9, issuer="https://elsewhere.test")),
    ("another log", LOG.receipt(9, log={"origin": "x", "index": 9, "leaf_hash": "sha-256:" + "0" * 64, "mmd": 60})),
    ("no log", _claims_without("log")),
    ("no agreement", _claims_without("agreement")),
    ("no salt", _claims_without("salt")),
    ("a short salt", LOG.receipt(9, salt="AAAA")),
    ("a digest of another kind", LOG.receipt(9, response_digest="sha-512:" + "0" * 128)),
    ("an unsigned token", "eyJhbGciOiJub25lIn0.e30."),
]


@pytest.mark.parametrize("token", [row[1] for row in BAD_RECEIPTS], ids=[row[0] for row in BAD_RECEIPTS])
def test_what_this_gateway_did_not_issue_is_refused(token: str) -> None:
    with pytest.raises(ReceiptInvalid):
        verify_receipt(token, TRUST)


OTHER_REQUESTS = [
    {**REQUEST, "case": "SQ-0013"},
    {**REQUEST, "subject": {"scheme": "cn.resident-id", "id": "990101199001010029"}},
    {**REQUEST, "purpose": "housing"},
    {name: value for name, value in REQUEST.items() if name != "case"},
]
OTHER_ANSWERS = [
    {**CORE, "data": []},
    {**CORE, "data": [{"name": "李四", "income": "1234.50"}]},
    {**CORE, "withheld": []},
    {**CORE, "source": {**CORE["source"], "party": "tax"}},  # type: ignore[dict-item]  # CORE["source"] is an object
]


@pytest.mark.parametrize("request_", OTHER_REQUESTS)
def test_a_receipt_does_not_hold_for_another_request(request_: dict[str, Any]) -> None:
    with pytest.raises(ReceiptInvalid):
        verify_receipt(receipt(), TRUST, request=request_)


@pytest.mark.parametrize("answer", OTHER_ANSWERS)
def test_a_receipt_does_not_hold_for_another_answer(answer: dict[str, Any]) -> None:
    with pytest.raises(ReceiptInvalid):
        verify_receipt(receipt(), TRUST, response=answer)


RECEIPT = receipt()
PROOF = LOG.proof(9)
NOTE = LOG.note()


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, len(RECEIPT) - 1), bits=st.integers(1, 127))
def test_any_changed_byte_of_a_receipt_is_refused(at: int, bits: int) -> None:
    changed = RECEIPT[:at] + chr(ord(RECEIPT[at]) ^ bits) + RECEIPT[at + 1 :]
    with pytest.raises(ReceiptInvalid):
        verify_receipt(changed, TRUST)


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, len(PROOF.encode()) - 1), bits=st.integers(1, 255))
def test_any_changed_byte_of_a_proof_is_refused(at: int, bits: int) -> None:
    changed = bytearray(PROOF.encode())
    changed[at] ^= bits
    with pytest.raises(IntegrityError):
        verify_promise(verify_receipt(RECEIPT, TRUST), bytes(changed).decode("utf-8", "replace"), TRUST)


@settings(max_examples=150, deadline=None)
@given(at=st.integers(0, len(NOTE.encode()) - 1), bits=st.integers(1, 255))
def test_any_changed_byte_of_a_checkpoint_is_refused(at: int, bits: int) -> None:
    changed = bytearray(NOTE.encode())
    changed[at] ^= bits
    with pytest.raises(CheckpointInvalid):
        Checkpoint.open(bytes(changed), TRUST.log_key)


def test_a_proof_for_another_entry_is_refused() -> None:
    with pytest.raises(ProofInvalid):
        verify_promise(verify_receipt(RECEIPT, TRUST), LOG.proof(7), TRUST)


def test_a_proof_under_another_logs_key_is_refused() -> None:
    other = good_log(40)
    other.entries = LOG.entries
    with pytest.raises(CheckpointInvalid):
        verify_inclusion(verify_receipt(RECEIPT, TRUST).leaf_hash, other.proof(9), TRUST)


# ── notes and keys ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_signatures_of_witnesses_beside_the_logs_own_are_ignored() -> None:
    witness = CheckpointKey.generate("witness.test")
    line = witness.sign(MadeCheckpoint("witness.test", 0, b"\0" * 32)).rpartition("\n\n")[2]
    assert Checkpoint.open(NOTE + line, TRUST.log_key).size == len(LOG.entries)


def test_a_wrong_signature_by_the_log_refuses_the_note_even_beside_a_right_one() -> None:
    wrong = LOG.note(5).rpartition("\n\n")[2]
    with pytest.raises(CheckpointInvalid):
        open_note(NOTE + wrong, TRUST.log_key)


def _signed(text: str) -> str:
    """A note with any text, signed by the log's key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.from_private_bytes(LOG.keys.log.seed)
    signature = base64.b64encode(TRUST.log_key.key_id + key.sign(text.encode())).decode()
    return f"{text}\n— {LOG.keys.log.origin} {signature}\n"


ROOT64 = base64.b64encode(b"\1" * 32).decode()
BAD_CHECKPOINTS = [
    ("another origin", f"other.test\n1\n{ROOT64}\n"),
    ("a leading zero", f"{LOG.keys.log.origin}\n01\n{ROOT64}\n"),
    ("a negative size", f"{LOG.keys.log.origin}\n-1\n{ROOT64}\n"),
    ("a short root", f"{LOG.keys.log.origin}\n1\nAAAA\n"),
    ("no root", f"{LOG.keys.log.origin}\n1\n"),
    ("an extension line", f"{LOG.keys.log.origin}\n1\n{ROOT64}\nmore\n"),
    ("an empty log with a root", f"{LOG.keys.log.origin}\n0\n{ROOT64}\n"),
    ("a control character", f"{LOG.keys.log.origin}\n1\n{ROOT64}\r\n"),
]


@pytest.mark.parametrize("text", [row[1] for row in BAD_CHECKPOINTS], ids=[row[0] for row in BAD_CHECKPOINTS])
def test_a_checkpoint_of_another_form_is_refused_though_signed(text: str) -> None:
    with pytest.raises(CheckpointInvalid):
        Checkpoint.open(_signed(text), TRUST.log_key)


BAD_PROOFS = [
    ("nothing", ""),
    ("another header", PROOF.replace("@v1", "@v2")),
    ("no index", PROOF.replace("index 9\n", "")),
    ("a leading zero", PROOF.replace("index 9", "index 09")),
    ("a hash cut short", PROOF.replace("\n\n", "A\n\n", 1)),
    ("no checkpoint", PROOF.partition("\n\n")[0]),
]


@pytest.mark.parametrize("text", [row[1] for row in BAD_PROOFS], ids=[row[0] for row in BAD_PROOFS])
def test_a_proof_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(ProofInvalid):
        TlogProof.parse(text)


def test_the_extra_line_of_a_proof_is_not_believed_and_not_in_the_way() -> None:
    with_extra = PROOF.replace("index 9", "extra AAAA\nindex 9")
    assert TlogProof.parse(with_extra) == TlogProof.parse(PROOF)


VKEY = LOG.keys.log.vkey


def test_a_verifier_key_reads_back_as_it_is_written() -> None:
    assert str(VerifierKey.parse(VKEY)) == VKEY


DAMAGED = {
    "empty": "",
    "only a name": "name",
    "first letter lost": VKEY[1:],
    "end lost": VKEY[:-4],
    "a blank for a plus": VKEY.replace("+", " ", 1),
    "one letter more": VKEY + "A",
}


@pytest.mark.parametrize("text", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_verifier_key_is_refused(text: str) -> None:
    with pytest.raises(ConfigError):
        VerifierKey.parse(text)


# ── trust files ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _trust(**changes: Any) -> dict[str, Any]:
    return LOG.keys.trust() | changes


JWK = LOG.keys.trust()["jwks"]["keys"][0]
BAD_TRUST = [
    ("a list", []),
    ("no log", {name: value for name, value in _trust().items() if name != "log"}),
    ("an issuer that is no text", _trust(issuer=1)),
    ("an origin that is not the key's name", _trust(log={"origin": "x", "vkey": VKEY})),
    ("a kid that is not the thumbprint", _trust(jwks={"keys": [{**JWK, "kid": "x"}]})),
    ("a point off the curve", _trust(jwks={"keys": [{**JWK, "y": JWK["x"]}]})),
    ("an RSA key", _trust(jwks={"keys": [{"kty": "RSA", "n": "AQAB", "e": "AQAB", "tongqu_purpose": "receipt"}]})),
]


@pytest.mark.parametrize("document", [row[1] for row in BAD_TRUST], ids=[str(row[0]) for row in BAD_TRUST])
def test_a_trust_file_that_lacks_something_is_refused(document: object) -> None:
    with pytest.raises(ConfigError):
        TrustStore.from_document(document)


def test_a_key_is_found_for_its_own_purpose_only() -> None:
    kid = LOG.keys.receipt.kid
    assert TRUST.key("receipt", kid) is not None
    assert TRUST.key("response", kid) is None
    assert TRUST.key("receipt", None) is None
