"""Every answer that C2SP tlog-witness prescribes for add-checkpoint, from a running witness."""

from __future__ import annotations

import base64
import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from hashlib import sha256

import pytest
import requests
from tongqu_client.verify.cosignatures import WitnessKey
from tongqu_client.verify.notes import Checkpoint as Read
from tongqu_client.verify.notes import VerifierKey

from gateway.audit.checkpoint import Checkpoint, CheckpointKey, cosigned
from gateway.audit.merkle import EMPTY_ROOT
from tests.witness.process import Tree, WitnessProcess, command, environment

KEY = CheckpointKey.generate("gw.test/audit/2026")
LEAVES = [sha256(b"leaf %d" % number).digest() for number in range(600)]
LOG = Tree(KEY, LEAVES)
FORK = Tree(KEY, [*LEAVES[:50], sha256(b"another").digest(), *LEAVES[51:]])
WITHOUT_A_DAY = Tree(KEY, LEAVES[:40] + LEAVES[60:])  # twenty entries taken out, the rest moved up
SIZE_TYPE = "text/x.tlog.size"


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WitnessProcess]:
    with WitnessProcess(tmp_path_factory.mktemp("w") / "witness", "audit.test/w1", KEY.vkey) as process:
        yield process


@pytest.fixture
def witness(running: WitnessProcess) -> WitnessProcess:
    """One that has seen nothing yet: it remembers by its folder alone, as it must."""
    if running.process.poll() is not None:
        running.__enter__()
    for file in (*(running.folder / "state").iterdir(), *(running.folder / "evidence").iterdir()):
        file.unlink()
    return running


def times(note: str, lines: str, witness: WitnessProcess) -> list[int | None]:
    """When each of the witness's keys signed, by the verifier's own reading."""
    checkpoint = Read.open(cosigned(note, [lines]), VerifierKey.parse(KEY.vkey))
    return [WitnessKey.parse(vkey).time_of(checkpoint) for vkey in witness.vkeys]


def test_a_growing_log_is_cosigned_at_each_step_with_both_keys(witness: WitnessProcess) -> None:
    known = 0
    for size in (1, 2, 3, 7, 256, 256, 257, 600):
        answer = witness.offer(LOG, size, known)
        assert answer.status_code == 200, answer.text
        found = times(LOG.note(size), answer.text, witness)
        assert len(found) == 2 and all(found), "Ed25519 and ML-DSA-44"
        known = size


def test_the_cosignature_is_for_this_head_only(witness: WitnessProcess) -> None:
    lines = witness.offer(LOG, 10, 0).text
    with pytest.raises(Exception, match="does not hold"):
        times(LOG.note(11), lines, witness)


def test_an_unknown_log_is_404(witness: WitnessProcess) -> None:
    assert witness.offer(Tree(CheckpointKey.generate("other.test/log"), LEAVES), 5, 0).status_code == 404


def test_a_head_that_the_logs_key_did_not_sign_is_403(witness: WitnessProcess) -> None:
    assert witness.offer(Tree(CheckpointKey.generate(KEY.origin), LEAVES), 5, 0).status_code == 403
    text, _, line = LOG.note(5).rpartition("\n\n")
    name, encoded = line.split(" ")[1:]
    raw = bytearray(base64.b64decode(encoded))
    raw[-1] ^= 1
    wrong = f"\u2014 {name} {base64.b64encode(bytes(raw)).decode()}\n"
    assert witness.add(f"old 0\n\n{text}\n\n{wrong}").status_code == 403
    assert witness.add(f"old 0\n\n{text}\n\n{line}{wrong}").status_code == 403, "one good, one wrong: malformed"


def test_signatures_of_others_on_the_head_are_ignored(witness: WitnessProcess) -> None:
    other = f"\u2014 someone.test {base64.b64encode(bytes(80)).decode()}\n"
    assert witness.add(LOG.submission(5, 0) + other).status_code == 200


def test_an_old_size_above_the_new_is_400(witness: WitnessProcess) -> None:
    assert witness.add(f"old 6\n\n{LOG.note(5)}").status_code == 400


MALFORMED = {
    "empty": "",
    "no old line": LOG.note(5),
    "leading zero": f"old 00\n\n{LOG.note(5)}",
    "negative": f"old -1\n\n{LOG.note(5)}",
    "two spaces": f"old  0\n\n{LOG.note(5)}",
    "carriage returns": LOG.submission(5, 0).replace("\n", "\r\n"),
    "proof line not base64": f"old 0\n*\n\n{LOG.note(5)}",
    "proof line too short": f"old 0\nAAAA\n\n{LOG.note(5)}",
    "64 proof lines": "old 3\n" + (base64.b64encode(bytes(32)).decode() + "\n") * 64 + f"\n{LOG.note(5)}",
    "no checkpoint": "old 0\n\n",
    "checkpoint without signature": f"old 0\n\n{LOG.checkpoint(5).text()}",
    "size with leading zero": f"old 0\n\n{LOG.note(5)}".replace("\n5\n", "\n05\n"),
    "old of 2^63": f"old {1 << 63}\n\n{LOG.note(5)}",
}


def test_a_body_that_is_none_is_400(witness: WitnessProcess) -> None:
    assert {defect: witness.add(body).status_code for defect, body in MALFORMED.items()} == dict.fromkeys(
        MALFORMED, 400
    )
    assert witness.add(b"old 0\n\n\xff\xfe").status_code == 400


def test_another_old_size_is_409_and_tells_the_right_one(witness: WitnessProcess) -> None:
    fresh = witness.add(f"old 3\n{base64.b64encode(bytes(32)).decode()}\n\n{LOG.note(5)}")
    assert (fresh.status_code, fresh.text, fresh.headers["Content-Type"]) == (409, "0\n", SIZE_TYPE)
    assert witness.offer(LOG, 100, 0).ok
    for old in (0, 50, 99):
        answer = witness.offer(LOG, 200, old)
        assert (answer.status_code, answer.text, answer.headers["Content-Type"]) == (409, "100\n", SIZE_TYPE)


def test_a_log_that_was_rolled_back_is_409(witness: WitnessProcess) -> None:
    assert witness.offer(LOG, 100, 0).ok
    assert witness.offer(LOG, 80, 80).status_code == 409
    assert witness.add(f"old 100\n\n{LOG.note(80)}").status_code == 400


def test_a_forked_log_is_422_whatever_proof_it_brings(witness: WitnessProcess) -> None:
    assert witness.offer(LOG, 100, 0).ok
    for tree in (FORK, WITHOUT_A_DAY):
        answer = witness.offer(tree, 200, 100)
        assert answer.status_code == 422 and "does not continue" in answer.text
    same = witness.add(f"old 100\n\n{FORK.note(100)}")
    assert same.status_code == 422 and "fork" in same.text
    assert witness.offer(LOG, 200, 100).ok, "the true log goes on"


def test_a_contradiction_is_kept_as_evidence_with_both_signatures(witness: WitnessProcess) -> None:
    assert witness.offer(LOG, 100, 0).ok
    witness.offer(FORK, 200, 100)
    (file,) = (witness.folder / "evidence").iterdir()
    known, _, refused = file.read_text().partition("\n--- refused ---\n\n")
    own = VerifierKey.parse(KEY.vkey)
    assert (Read.open(known, own).size, Read.open(refused, own).size) == (100, 200)
    shown = command("status", witness.folder)
    assert shown.returncode == 1 and "100 entries" in shown.stdout and "contradictions" in shown.stdout


def test_a_proof_from_nothing_or_for_equal_sizes_must_be_empty(witness: WitnessProcess) -> None:
    line = base64.b64encode(bytes(32)).decode()
    assert witness.add(f"old 0\n{line}\n\n{LOG.note(5)}").status_code == 422
    assert witness.offer(LOG, 5, 0).ok
    assert witness.add(f"old 5\n{line}\n\n{LOG.note(5)}").status_code == 422
    assert witness.offer(LOG, 5, 5).ok, "the same head again: signed again"


def test_an_empty_log_has_the_root_of_nothing(witness: WitnessProcess) -> None:
    wrong = KEY.sign(Checkpoint(KEY.origin, 0, bytes(32)))
    assert witness.add(f"old 0\n\n{wrong}").status_code == 422
    assert witness.add(f"old 0\n\n{KEY.sign(Checkpoint(KEY.origin, 0, EMPTY_ROOT))}").status_code == 200


def test_monitors_get_the_last_head_with_both_signatures(witness: WitnessProcess) -> None:
    address = f"{witness.url}/{sha256(KEY.origin.encode()).hexdigest()}/checkpoint"
    assert requests.get(address, timeout=5).status_code == 404
    witness.offer(LOG, 10, 0)
    witness.offer(LOG, 20, 10)
    shown = requests.get(address, timeout=5)
    assert shown.ok and all(times(shown.text, "", witness))
    assert Read.open(shown.text, VerifierKey.parse(KEY.vkey)).size == 20
    for path in ("", "x/checkpoint", "../witness.json", f"{'0' * 64}/checkpoint", "state"):
        assert requests.get(f"{witness.url}/{path}", timeout=5).status_code == 404


def test_other_methods_and_sizes_are_refused(witness: WitnessProcess) -> None:
    assert requests.post(f"{witness.url}/elsewhere", data="x", timeout=5).status_code == 404
    assert requests.put(f"{witness.url}/add-checkpoint", data="x", timeout=5).status_code == 501
    assert requests.post(f"{witness.url}/add-checkpoint", data=b"x" * 70_000, timeout=5).status_code == 413
    assert requests.post(f"{witness.url}/add-checkpoint", data=iter([b"x"]), timeout=5).status_code == 411


def test_what_was_signed_is_known_after_a_kill(witness: WitnessProcess) -> None:
    assert witness.offer(LOG, 100, 0).ok
    witness.kill()
    witness.__enter__()
    assert witness.offer(FORK, 300, 100).status_code == 422
    assert witness.offer(LOG, 300, 0).text == "100\n"
    assert witness.offer(LOG, 300, 100).ok


def test_killed_in_the_middle_of_many_it_never_forgets_what_it_signed(witness: WitnessProcess) -> None:
    signed = [0]

    def grow() -> None:
        try:
            for size in range(1, 600):
                assert witness.offer(LOG, size, signed[-1]).ok
                signed.append(size)
        except requests.RequestException:
            pass

    thread = threading.Thread(target=grow)
    thread.start()
    while signed[-1] < 30:
        assert thread.is_alive()
    witness.kill()
    thread.join()
    witness.__enter__()
    told = int(witness.add(f"old 599\n\n{LOG.note(600)}").text)
    assert told in (signed[-1], signed[-1] + 1), "what was answered is known; one more may have been written down"


def test_of_two_at_the_same_moment_one_is_cosigned(witness: WitnessProcess) -> None:
    assert witness.offer(LOG, 60, 0).ok
    answers: list[int] = []
    bodies = [LOG.submission(size, 60) for size in range(100, 140)]

    def send(body: str) -> None:
        answers.append(requests.post(f"{witness.url}/add-checkpoint", data=body.encode(), timeout=10).status_code)

    threads = [threading.Thread(target=send, args=(body,)) for body in bodies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [409] * (len(bodies) - 1)


def test_a_second_process_in_the_same_folder_does_not_start(witness: WitnessProcess) -> None:
    second = subprocess.run(
        [sys.executable, "-m", "tongqu_witness", "serve", witness.folder, "--listen", "127.0.0.1:0"],
        capture_output=True, text=True, timeout=20, env=environment(), check=False,
    )  # fmt: skip
    assert second.returncode == 1 and "running here already" in second.stderr


def test_a_damaged_state_is_not_taken_for_none(witness: WitnessProcess) -> None:
    assert witness.offer(LOG, 60, 0).ok
    file = witness.folder / "state" / sha256(KEY.origin.encode()).hexdigest()
    whole = file.read_bytes()
    file.write_bytes(whole[:40])
    assert witness.offer(FORK, 100, 0).status_code == 500
    file.write_bytes(whole)
    assert witness.offer(LOG, 100, 60).ok


def test_a_new_log_is_watched_without_a_restart_and_another_key_is_not(witness: WitnessProcess) -> None:
    next_year = Tree(CheckpointKey.generate("gw.test/audit/2027"), LEAVES)
    assert witness.offer(next_year, 5, 0).status_code == 404
    assert command("add-log", witness.folder, next_year.key.vkey).returncode == 0
    assert witness.offer(next_year, 5, 0).ok
    taken = command("add-log", witness.folder, CheckpointKey.generate(KEY.origin).vkey)
    assert taken.returncode == 1 and "another key" in taken.stderr


def test_status_tells_programs_too(witness: WitnessProcess) -> None:
    witness.offer(LOG, 60, 0)
    said = json.loads(command("status", witness.folder, "--json").stdout)
    assert said["name"] == "audit.test/w1" and said["vkeys"] == witness.vkeys
    assert (KEY.origin, 60) in [(each["origin"], each["size"]) for each in said["logs"]]


def test_its_keys_are_readable_by_nobody_else(witness: WitnessProcess) -> None:
    for file in witness.folder.glob("*.key"):
        assert file.stat().st_mode & 0o077 == 0
        file.chmod(0o644)
        assert "chmod 600" in command("status", witness.folder).stderr
        file.chmod(0o600)  # the next test needs it
