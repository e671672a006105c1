"""Checkpoints and proofs as texts: the examples of C2SP, and what must be refused."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.audit.checkpoint import (
    Checkpoint,
    CheckpointInvalid,
    CheckpointKey,
    VerifierKey,
    open_checkpoint,
    parse_proof,
    proof_text,
)

KEY = CheckpointKey.from_seed("gw.test/audit/2026", bytes(range(32)))
HEAD = Checkpoint("gw.test/audit/2026", 20_852_163, bytes(range(32)))
NOTE = KEY.sign(HEAD)


def test_a_checkpoint_is_what_was_signed() -> None:
    assert open_checkpoint(NOTE, VerifierKey.parse(KEY.vkey)) == HEAD
    assert NOTE.splitlines()[:3] == [HEAD.origin, "20852163", base64.b64encode(HEAD.root).decode()]


def test_the_key_comes_back_from_its_seed() -> None:
    assert CheckpointKey.from_seed(KEY.origin, KEY.seed).vkey == KEY.vkey


def test_further_signatures_by_others_are_ignored() -> None:
    witness = CheckpointKey.generate("witness.test")
    line = f"\u2014 witness.test {base64.b64encode(witness.verifier.key_id + bytes(72)).decode()}\n"
    assert open_checkpoint(NOTE + line, KEY.verifier) == HEAD
    assert open_checkpoint(NOTE.replace("\n\n", f"\n\n{line}"), KEY.verifier) == HEAD


@given(st.integers(0, len(NOTE.encode()) - 1), st.integers(0, 7))
def test_a_note_with_any_bit_turned_is_refused(place: int, bit: int) -> None:
    turned = bytearray(NOTE.encode())
    turned[place] ^= 1 << bit
    try:
        text = bytes(turned).decode()
    except UnicodeDecodeError:
        return
    with pytest.raises(CheckpointInvalid):
        open_checkpoint(text, KEY.verifier)


def signed(text: str) -> str:
    """A note with any text, rightly signed by the log's key."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    signature = Ed25519PrivateKey.from_private_bytes(KEY.seed).sign(text.encode())
    return f"{text}\n\u2014 {KEY.origin} {base64.b64encode(KEY.verifier.key_id + signature).decode()}\n"


ROOT = base64.b64encode(bytes(32)).decode()
TEXTS = {
    "two lines": f"{KEY.origin}\n5\n",
    "extension line": f"{KEY.origin}\n5\n{ROOT}\nmore\n",
    "size with leading zero": f"{KEY.origin}\n05\n{ROOT}\n",
    "negative size": f"{KEY.origin}\n-5\n{ROOT}\n",
    "size in other digits": f"{KEY.origin}\n５\n{ROOT}\n",
    "short root": f"{KEY.origin}\n5\nAAAA\n",
    "root without padding": f"{KEY.origin}\n5\n{ROOT[:-1]}\n",
    "root with stray bits": f"{KEY.origin}\n5\n{ROOT[:-2]}B=\n",
    "another origin": f"gw.test/audit/2027\n5\n{ROOT}\n",
    "empty origin": f"\n5\n{ROOT}\n",
}


@pytest.mark.parametrize("defect", TEXTS)
def test_a_signed_text_that_is_no_checkpoint_is_refused(defect: str) -> None:
    with pytest.raises(CheckpointInvalid):
        open_checkpoint(signed(TEXTS[defect]), KEY.verifier)


NOTES = {
    "no signature": HEAD.text(),
    "no blank line": NOTE.replace("\n\n", "\n"),
    "no last line end": NOTE[:-1],
    "hyphen for the em dash": NOTE.replace("\u2014", "-"),
    "carriage returns": NOTE.replace("\n", "\r\n"),
    "control character": NOTE.replace("gw", "g\x07w", 1),
    "too long": "x" * 70_000 + NOTE,
    "signature too short": f"{HEAD.text()}\n\u2014 {KEY.origin} AAAA\n",
    "signature not base64": f"{HEAD.text()}\n\u2014 {KEY.origin} A*AA\n",
    "empty": "",
}


@pytest.mark.parametrize("defect", NOTES)
def test_what_is_no_signed_note_is_refused(defect: str) -> None:
    with pytest.raises(CheckpointInvalid):
        open_checkpoint(NOTES[defect], KEY.verifier)


def test_every_signature_that_claims_the_key_must_be_right() -> None:
    wrong = base64.b64encode(KEY.verifier.key_id + bytes(64)).decode()
    with pytest.raises(CheckpointInvalid):
        open_checkpoint(f"{NOTE}\u2014 {KEY.origin} {wrong}\n", KEY.verifier)


NAME, ID, MATERIAL = KEY.vkey.split("+", 2)
VKEYS = {
    "another name": f"other+{ID}+{MATERIAL}",
    "another id": f"{NAME}+00000000+{MATERIAL}",
    "another type": f"{NAME}+{ID}+" + base64.b64encode(b"\x02" + KEY.verifier.public).decode(),
    "short key": f"{NAME}+{ID}+" + base64.b64encode(b"\x01" + KEY.verifier.public[:-1]).decode(),
    "no key": f"{NAME}+{ID}",
    "upper case id": f"{NAME}+{ID.upper()}+{MATERIAL}",
}


@pytest.mark.parametrize("defect", VKEYS)
def test_what_is_no_vkey_is_refused(defect: str) -> None:
    with pytest.raises(CheckpointInvalid):
        VerifierKey.parse(VKEYS[defect])


def test_a_key_signs_only_for_its_own_log() -> None:
    with pytest.raises(ValueError, match="signs for"):
        KEY.sign(Checkpoint("another", 1, bytes(32)))
    with pytest.raises(ValueError, match="origin"):
        CheckpointKey.generate("with space")


# ── tlog-proof ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_a_proof_file_says_what_was_written() -> None:
    hashes = (bytes(32), bytes(range(32)))
    proof = parse_proof(proof_text(73_894, hashes, NOTE))
    assert (proof.index, proof.hashes, proof.note) == (73_894, hashes, NOTE)


def test_a_proof_of_a_tree_of_one_has_no_hashes() -> None:
    assert parse_proof(proof_text(0, (), NOTE)).hashes == ()


def test_the_opaque_extra_line_is_passed_over() -> None:
    text = proof_text(3, (bytes(32),), NOTE).replace("@v1\n", "@v1\nextra AAAA\n")
    assert parse_proof(text).index == 3


GOOD = proof_text(3, (bytes(32),), NOTE)
PROOFS = {
    "another version": GOOD.replace("@v1", "@v2"),
    "no index": GOOD.replace("index 3\n", ""),
    "index with leading zero": GOOD.replace("index 3", "index 03"),
    "short hash": GOOD.replace(base64.b64encode(bytes(32)).decode(), "AAAA"),
    "no blank line": GOOD.replace("\n\n", "\n"),
    "header only": "c2sp.org/tlog-proof@v1\n\n" + NOTE,
    "empty": "",
}


@pytest.mark.parametrize("defect", PROOFS)
def test_what_is_no_proof_file_is_refused(defect: str) -> None:
    with pytest.raises(CheckpointInvalid):
        parse_proof(PROOFS[defect])
