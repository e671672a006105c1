"""An operator rewrites the log and signs it anew, all correctly. A witness that saw an earlier head does not cosign it,
and ``tongqu verify --policy`` accepts nothing that the witness did not cosign."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tongqu_client import TrustStore, errors
from tongqu_client.verify import Checkpoint, Policy, VerifierKey, verify_export

from gateway.audit.merkle import leaf_hash
from gateway.lib.canonical_json import canonical
from tests.journeys.forging import Entry, Forger, place, remove
from tests.journeys.test_fifty_tamperings import Original, other_subject, permit, refused, regrow, remove_day, story
from tests.running import City
from tests.witness.process import Tree, WitnessProcess

pytestmark = pytest.mark.any_database

CONTRADICTS, STALE = 422, 409  # C2SP tlog-witness


@dataclass(frozen=True, slots=True)
class Watched:
    """A true export, its whole log seen and cosigned by one witness."""

    original: Original
    witness: WitnessProcess
    size: int
    policy: Policy


@pytest.fixture(scope="module")
def watched(shared_city: City, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    folder = tmp_path_factory.mktemp("watched")
    original = story(shared_city, folder / "log")
    with WitnessProcess(folder / "audit", "audit.test/w1", original.key.vkey) as witness:
        true = tree(Forger(original.folder, original.key))
        assert witness.offer(true, 40, 0).status_code == 200
        cosigned = witness.offer(true, len(true.leaves), 40)
        assert cosigned.status_code == 200
        note = (original.folder / "checkpoint").read_text() + cosigned.text
        (original.folder / "checkpoint").write_text(note)
        policy = Policy.parse(f"witness audit {witness.vkeys[0]}\nquorum audit\n")
        yield Watched(original, witness, len(true.leaves), policy)


def tree(forger: Forger, entries: list[Entry] | None = None) -> Tree:
    return Tree(forger.key, [leaf_hash(canonical(entry)) for entry in entries or forger.entries()])


def grown(entries: list[Entry], size: int) -> None:
    """Fill up with events until the forged log is longer than what the witness saw."""
    while len(entries) <= size:
        entries.append({**entries[-1], "id": f"01FORGED{len(entries):018d}"})


FORGERIES: dict[str, Callable[[list[Entry]], Any]] = {
    "a denial taken out": lambda entries: remove(entries, refused(entries, "R9")),
    "a registration taken out": lambda entries: remove(entries, place(entries, "party.added")),
    "a day taken out": remove_day,
    "another resident": other_subject,
    "another time": lambda entries: entries[permit(entries)].update(t="2026-01-01T00:00:00.000Z"),
    "two entries change places": lambda entries: entries.__setitem__(slice(4, 6), [entries[5], entries[4]]),
    "rolled back and grown again": regrow,
    "made anew from the first entry": lambda entries: [
        entry.update(gw={"node": "x", "build": "1"}) for entry in entries
    ],
}


@pytest.mark.parametrize("name", FORGERIES)
def test_the_witness_does_not_cosign_a_rewritten_history(name: str, watched: Watched, tmp_path: Path) -> None:
    forger = Forger(shutil.copytree(watched.original.folder, tmp_path / "log"), watched.original.key)
    entries = forger.entries()
    FORGERIES[name](entries)
    grown(entries, watched.size)
    answer = watched.witness.offer(tree(forger, entries), len(entries), watched.size)
    assert answer.status_code == CONTRADICTS


def test_the_witness_does_not_go_back(watched: Watched) -> None:
    short = tree(Forger(watched.original.folder, watched.original.key))
    for size, old in ((20, 20), (20, 0), (watched.size - 1, 40)):
        answer = watched.witness.offer(short, size, old)
        assert answer.status_code == STALE and answer.text.strip() == str(watched.size)


def test_the_witness_does_not_sign_two_heads_of_one_size(watched: Watched) -> None:
    forger = Forger(watched.original.folder, watched.original.key)
    entries = forger.entries()
    other_subject(entries)
    answer = watched.witness.offer(tree(forger, entries), watched.size, watched.size)
    assert answer.status_code in (CONTRADICTS, STALE)


def test_the_true_log_is_accepted_with_its_witness(watched: Watched) -> None:
    trust = watched.original.trust.requiring(watched.policy)
    report = verify_export(watched.original.folder, trust)
    assert report.witnessed is not None and set(report.witnessed.times) == {"audit"}


@pytest.mark.parametrize("name", FORGERIES)
def test_a_verifier_who_demands_the_witness_accepts_no_forgery(name: str, watched: Watched, tmp_path: Path) -> None:
    forger = Forger(shutil.copytree(watched.original.folder, tmp_path / "log"), watched.original.key)
    forger.rewrite(FORGERIES[name])
    trust: TrustStore = watched.original.trust.requiring(watched.policy)
    with pytest.raises(errors.QuorumMissing):
        verify_export(forger.folder, trust)


def test_a_cosignature_moved_to_the_forgery_is_refused(watched: Watched, tmp_path: Path) -> None:
    forger = Forger(shutil.copytree(watched.original.folder, tmp_path / "log"), watched.original.key)
    true = (forger.folder / "checkpoint").read_text()
    forger.rewrite(other_subject)
    lines = [f"{line}\n" for line in true.split("\n") if line.startswith("\u2014 audit.test/w1 ")]
    (forger.folder / "checkpoint").write_text((forger.folder / "checkpoint").read_text() + "".join(lines))
    forged = Checkpoint.open((forger.folder / "checkpoint").read_text(), VerifierKey.parse(forger.key.vkey))
    with pytest.raises(errors.CheckpointInvalid):
        watched.policy.witnessed(forged)
