"""Policies (C2SP tlog-policy): gateway and verifier read the same file, each with its own code, in the same way; and
``tongqu verify --policy`` enforces the quorum."""

from __future__ import annotations

import base64
import struct
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA44PrivateKey
from tongqu_client.cli import main as tongqu
from tongqu_client.errors import CheckpointInvalid, ConfigError, QuorumMissing
from tongqu_client.verify import Checkpoint, Policy, VerifierKey
from tongqu_client.verify.cosignatures import WitnessKey

from gateway.audit import cosignature, policy
from gateway.audit.checkpoint import Checkpoint as Head
from gateway.audit.checkpoint import CheckpointInvalid as NoteRefused
from gateway.audit.checkpoint import CheckpointKey, cosigned, open_checkpoint
from tests.clients.made_log import START, good_log

LOG = CheckpointKey.from_seed("gw.test/log", bytes(32))
HEAD = Head(LOG.origin, 5, bytes(range(32)))
NOTE = LOG.sign(HEAD)


class Cosigner:
    """A witness's key as an outsider would make it, from the text of C2SP tlog-cosignature alone."""

    def __init__(self, name: str, kind: int = 4, seed: int = 1) -> None:
        self.name, self.kind = name, kind
        private = (Ed25519PrivateKey.from_private_bytes if kind == 4 else MLDSA44PrivateKey.from_seed_bytes)(
            bytes([seed]) * 32
        )
        self.private = private
        material = bytes([kind]) + private.public_key().public_bytes_raw()
        self.key_id = sha256(name.encode() + b"\n" + material).digest()[:4]
        self.vkey = f"{name}+{self.key_id.hex()}+{base64.b64encode(material).decode()}"

    def sign(self, note: str, at: int = 1_700_000_000) -> str:
        text = note.rpartition("\n\n")[0] + "\n"
        origin, size, root = text.split("\n")[:3]
        if self.kind == 4:
            message = f"cosignature/v1\ntime {at}\n{text}".encode()
        else:
            message = b"subtree/v1\n\x00" + bytes([len(self.name)]) + self.name.encode() + struct.pack(">Q", at)
            message += bytes([len(origin)]) + origin.encode() + struct.pack(">QQ", 0, int(size))
            message += base64.b64decode(root)
        raw = self.key_id + struct.pack(">Q", at) + self.private.sign(message)
        return f"\u2014 {self.name} {base64.b64encode(raw).decode()}\n"


A, B, C = Cosigner("a.test/w"), Cosigner("b.test/w", seed=2), Cosigner("c.test/w", kind=6, seed=3)
LINES = f"""# 三家见证，两家即可 / any two of three
log {LOG.vkey} https://gw.test/
witness a {A.vkey} https://a.test/
\twitness  b   {B.vkey}
witness c {C.vkey}

group courts any b c
group all-offices all a courts
quorum all-offices
"""


def both(text: str) -> tuple[Policy, policy.Policy]:
    return Policy.parse(text), policy.Policy.parse(text.encode())


@pytest.mark.parametrize(
    ("signers", "enough"),
    [((), False), ((A,), False), ((B, C), False), ((A, B), True), ((A, C), True), ((A, B, C), True)],
)
def test_a_quorum_over_two_levels(signers: tuple[Cosigner, ...], enough: bool) -> None:
    note = cosigned(NOTE, [each.sign(NOTE) for each in signers])
    outside, inside = both(LINES)
    checkpoint = Checkpoint.open(note, VerifierKey.parse(LOG.vkey))
    found = outside.witnessed(checkpoint)
    assert found.enough is enough
    assert set(found.times) == {each.name[0] for each in signers} and set(found.times.values()) <= {1_700_000_000}
    saw = [each.key.id for each in inside.witnesses if each.key.cosignature(HEAD, note)]
    assert inside.enough(saw) is enough and len(saw) == len(signers)
    assert open_checkpoint(note, LOG.verifier) == HEAD
    if not enough:
        with pytest.raises(QuorumMissing):
            outside.require(checkpoint)


@pytest.mark.parametrize("signer", [A, C], ids=["Ed25519", "ML-DSA-44"])
def test_a_cosignature_holds_for_this_head_time_and_name_only(signer: Cosigner) -> None:
    good = signer.sign(NOTE)
    other = LOG.sign(Head(LOG.origin, 6, HEAD.root))
    raw = bytearray(base64.b64decode(good.split(" ")[2]))
    defects = [cosigned(other, [good])]
    for place in (4, 11, 12, -1):  # the time, and the signature
        turned = bytearray(raw)
        turned[place] ^= 1
        defects.append(cosigned(NOTE, [f"\u2014 {signer.name} {base64.b64encode(bytes(turned)).decode()}\n"]))
    defects.append(cosigned(NOTE, [f"\u2014 {signer.name} {base64.b64encode(bytes(raw[:-1])).decode()}\n"]))
    defects.append(cosigned(NOTE, [signer.sign(NOTE, at=0)]))
    for note in defects:
        with pytest.raises(CheckpointInvalid):
            WitnessKey.parse(signer.vkey).time_of(Checkpoint.open(note, VerifierKey.parse(LOG.vkey)))
        with pytest.raises(NoteRefused):
            cosignature.WitnessKey.parse(signer.vkey).cosignature(open_checkpoint(note, LOG.verifier), note)


REFUSED = {
    "no quorum": f"log {LOG.vkey}\n",
    "two quorums": "quorum none\nquorum none\n",
    "quorum of nobody": "quorum someone\n",
    "quorum before its witness": f"quorum a\nwitness a {A.vkey}\n",
    "a log's key for a witness": f"witness a {LOG.vkey}\nquorum a\n",
    "a witness's key for a log": f"log {A.vkey}\nquorum none\n",
    "a key twice": f"witness a {A.vkey}\nwitness b {A.vkey}\nquorum a\n",
    "a name twice": f"witness a {A.vkey}\nwitness a {B.vkey}\nquorum a\n",
    "a witness called none": f"witness none {A.vkey}\nquorum none\n",
    "a log twice": f"log {LOG.vkey}\nlog {LOG.vkey}\nquorum none\n",
    "more than there are": f"witness a {A.vkey}\ngroup g 2 a\nquorum g\n",
    "none of them": f"witness a {A.vkey}\ngroup g 0 a\nquorum g\n",
    "leading zero": f"witness a {A.vkey}\ngroup g 01 a\nquorum g\n",
    "group of itself": f"witness a {A.vkey}\ngroup g any a g\nquorum g\n",
    "empty group": f"witness a {A.vkey}\ngroup g any\nquorum g\n",
    "a member of two groups": f"witness a {A.vkey}\nwitness b {B.vkey}\ngroup g any a\ngroup h all a b\nquorum h\n",
    "unknown word": "witnesses a b\nquorum none\n",
    "carriage return": "quorum none\r\n",
    "wrong key id": f"witness a {A.vkey.replace('+', '+0', 1)}\nquorum a\n",
}


@pytest.mark.parametrize("defect", REFUSED)
def test_what_is_no_policy_is_refused_by_both(defect: str) -> None:
    with pytest.raises(ConfigError):
        Policy.parse(REFUSED[defect])
    with pytest.raises(policy.PolicyInvalid):
        policy.Policy.parse(REFUSED[defect].encode())


def test_a_log_that_the_policy_does_not_name_is_refused() -> None:
    other = CheckpointKey.generate("other.test/log")
    checkpoint = Checkpoint.open(other.sign(Head(other.origin, 0, sha256(b"").digest())), VerifierKey.parse(other.vkey))
    with pytest.raises(QuorumMissing, match="does not name the log"):
        Policy.parse(f"log {LOG.vkey}\nquorum none\n").require(checkpoint)


def test_the_command_demands_the_quorum(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = good_log()
    folder = made.export(tmp_path / "log")
    trust, file = folder / "trust.json", tmp_path / "policy"
    own = made.keys.trust()["log"]["vkey"]
    file.write_text(f"log {own}\nwitness a {A.vkey}\nquorum a\n")
    arguments = ["verify", str(folder), "--trust", str(trust), "--policy", str(file), "--lang", "en"]
    assert tongqu(arguments) == 9
    assert "lacks the witnesses" in capsys.readouterr().err
    checkpoint = folder / "checkpoint"
    note, now = checkpoint.read_text(), int(START.timestamp()) + 60
    checkpoint.write_text(cosigned(note, [A.sign(note, now - 3 * 86_400)]))
    assert tongqu(arguments) == 9, "a witness saw it before its last entry says that it was written"
    assert "more than a day after a witness saw it" in capsys.readouterr().err
    checkpoint.write_text(cosigned(note, [A.sign(note, now)]))
    assert tongqu(arguments) == 0
    assert "Cosigned by the witness a" in capsys.readouterr().out
    assert tongqu(["verify", str(checkpoint), *arguments[2:]]) == 0
