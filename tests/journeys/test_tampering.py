"""Somebody with all of the gateway's files, and even its keys, rewrites the log. ``tongqu verify`` finds each way.

The forger here is thorough: hashes are computed anew, and where that is said the checkpoint is signed anew with the
gateway's own key. Against that stand what others hold: an earlier checkpoint, and the receipts.
"""

from __future__ import annotations

import json
import shutil
import struct
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tongqu_client.cli import main as tongqu

from gateway.audit.checkpoint import Checkpoint, CheckpointKey
from gateway.audit.files import bundle
from gateway.audit.merkle import leaf_hash, root_of
from tests.cast import LINDEN
from tests.journeys import commands
from tests.running import City

pytestmark = pytest.mark.any_database  # files of a log are alike wherever its rows lay

EVIDENCE_DOES_NOT_HOLD = 9  # the command's exit code


@dataclass(frozen=True, slots=True)
class Export:
    """An exported log of a city in which something happened, what others hold of it, and the operator's key."""

    folder: Path
    trust: Path
    earlier: Path  # a checkpoint that the audit office kept
    receipt: Path  # an answer that Linden kept; of one of the last entries
    key: CheckpointKey

    def entries(self) -> list[bytes]:
        data, found = next((self.folder / "tile" / "entries").rglob("000*/*")).read_bytes(), []
        while data:
            (length,) = struct.unpack(">H", data[:2])
            found.append(data[2 : 2 + length])
            data = data[2 + length :]
        return found

    def rewrite(self, entries: list[bytes], *, sign: bool) -> None:
        """Put these entries in place of the true ones, with all hashes right; ``sign``: with the gateway's own key."""
        for level, data in (("entries", bundle(entries)), ("0", b"".join(map(leaf_hash, entries)))):
            shutil.rmtree(self.folder / "tile" / level)
            partial = self.folder / "tile" / level / "000.p"
            partial.mkdir(parents=True)
            (partial / str(len(entries))).write_bytes(data)
        if sign:
            root = root_of(map(leaf_hash, entries))
            note = self.key.sign(Checkpoint(self.key.origin, len(entries), root))
            (self.folder / "checkpoint").write_text(note)

    def verify(self, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, dict[str, Any]]:
        """What ``tongqu verify`` says: its exit code and its JSON."""
        code = tongqu(["verify", str(self.folder), "--trust", str(self.trust), "--json", *more])
        out, err = capsys.readouterr()
        said = json.loads(out or err)
        return code, said.get("error", said)


def make_export(city: City, folder: Path) -> Export:
    agreement = city.cast.agreement()
    city.ask(agreement.id)
    earlier = folder / "checkpoint-of-the-audit-office"
    shutil.copy(commands.export(city, folder, "earlier") / "checkpoint", earlier)
    city.gateway.deps.agreements.suspend(city.cast.caller(LINDEN), agreement.id)
    receipt = folder / "answer-of-linden.json"
    city.ask(city.cast.agreement().id).save(receipt)
    key = CheckpointKey.from_seed(city.gateway.settings.origin, city.gateway.deps.keys.checkpoint_seed)
    exported = commands.export(city, folder, "log")
    return Export(exported, commands.trust_file(city, folder), earlier, receipt, key)


@pytest.fixture(scope="module")
def original(shared_city: City, tmp_path_factory: pytest.TempPathFactory) -> Export:
    shared_city.begin()
    return make_export(shared_city, tmp_path_factory.mktemp("original"))


@pytest.fixture
def export(original: Export, tmp_path: Path) -> Export:
    """A copy that the test may spoil."""
    copy = shutil.copytree(original.folder, tmp_path / "log")
    return Export(copy, original.trust, original.earlier, original.receipt, original.key)


def others_hold(export: Export) -> tuple[str, ...]:
    return ("--previous", str(export.earlier), "--receipt", str(export.receipt))


def test_the_untouched_log_holds(export: Export, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = export.verify(capsys, *others_hold(export))
    assert code == 0 and said["size"] == len(export.entries())
    assert (said["previous"], said["receipts"]) == (1, 1)


# ── by whoever has the files ──────────────────────────────────────────────────────────────────────────────────────────
def place_of(export: Export, type: str) -> int:
    return next(at for at, entry in enumerate(export.entries()) if json.loads(entry)["type"] == type)


def change_a_byte(export: Export) -> list[bytes]:
    entries = export.entries()
    at = place_of(export, "exchange.released")
    entries[at] = entries[at].replace(b'"records":1', b'"records":0')
    assert entries != export.entries()
    return entries


def remove_an_entry(export: Export) -> list[bytes]:
    entries = export.entries()
    del entries[place_of(export, "agreement.suspended")]
    return entries


def swap_two(export: Export) -> list[bytes]:
    entries = export.entries()
    at = place_of(export, "exchange.authorized")
    entries[at], entries[at + 1] = entries[at + 1], entries[at]
    return entries


def cut_off_the_end(export: Export) -> list[bytes]:
    return export.entries()[: -len(export.entries()) // 4]


FORGERIES: list[Callable[[Export], list[bytes]]] = [change_a_byte, remove_an_entry, swap_two, cut_off_the_end]


@pytest.mark.parametrize("forge", FORGERIES)
def test_entries_alone_were_changed(
    export: Export, forge: Callable[[Export], list[bytes]], capsys: pytest.CaptureFixture[str]
) -> None:
    file = next((export.folder / "tile" / "entries").rglob("000*/*"))
    file.write_bytes(bundle(forge(export)))
    code, said = export.verify(capsys)
    assert code == EVIDENCE_DOES_NOT_HOLD and said["findings"][0]["zh"] and said["findings"][0]["en"]


@pytest.mark.parametrize("forge", FORGERIES)
def test_entries_and_hashes_were_changed_alike(
    export: Export, forge: Callable[[Export], list[bytes]], capsys: pytest.CaptureFixture[str]
) -> None:
    export.rewrite(forge(export), sign=False)
    code, said = export.verify(capsys)
    assert code == EVIDENCE_DOES_NOT_HOLD, said


def test_a_changed_entry_is_named(export: Export, capsys: pytest.CaptureFixture[str]) -> None:
    file = next((export.folder / "tile" / "entries").rglob("000*/*"))
    at = place_of(export, "exchange.released")
    file.write_bytes(bundle(change_a_byte(export)))
    _, said = export.verify(capsys)
    assert [(each["kind"], each["where"]) for each in said["findings"]] == [("entry_changed", f"entry {at}")]


def test_a_changed_agreement_is_found(export: Export, capsys: pytest.CaptureFixture[str]) -> None:
    file = next((export.folder / "agreements").iterdir())
    file.write_bytes(file.read_bytes().replace(b"counter.identity", b"counter.idle-ity"))
    code, _ = export.verify(capsys)
    assert code == EVIDENCE_DOES_NOT_HOLD


# ── by whoever has the keys too ───────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("forge", FORGERIES)
def test_a_log_rewritten_and_signed_anew_contradicts_what_others_hold(
    export: Export, forge: Callable[[Export], list[bytes]], capsys: pytest.CaptureFixture[str]
) -> None:
    export.rewrite(forge(export), sign=True)
    code, said = export.verify(capsys, *others_hold(export))
    assert code == EVIDENCE_DOES_NOT_HOLD, said


def test_a_release_that_was_taken_out_is_missed_by_its_receipt(
    export: Export, capsys: pytest.CaptureFixture[str]
) -> None:
    last = json.loads(export.receipt.read_text())["answer"]["log"]["index"]
    entries = export.entries()
    export.rewrite(entries[: last - 1] + entries[last + 1 :], sign=True)
    assert export.verify(capsys, "--previous", str(export.earlier))[0] == 0  # it was older: nothing shows by it
    code, _ = export.verify(capsys, "--receipt", str(export.receipt))
    assert code == EVIDENCE_DOES_NOT_HOLD


def test_a_release_without_permission_is_found_although_well_signed(
    export: Export, capsys: pytest.CaptureFixture[str]
) -> None:
    export.rewrite(swap_two(export), sign=True)
    code, said = export.verify(capsys)
    assert code == EVIDENCE_DOES_NOT_HOLD, said


def test_a_receipt_of_another_log_is_found(
    export: Export, own_city: City, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    foreign = tmp_path / "answer-of-elsewhere.json"
    own_city.ask(own_city.cast.agreement().id).save(foreign)
    code, _ = export.verify(capsys, "--receipt", str(foreign))
    assert code == EVIDENCE_DOES_NOT_HOLD


# ── by whoever puts an old backup back ────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_put_back_to_an_earlier_day_is_found(
    own_city: City, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    database, data = tmp_path / "gateway.sqlite", own_city.gateway.settings.data_dir
    agreement = own_city.cast.agreement()
    own_city.ask(agreement.id)
    own_city.gateway.stop()
    backup = [shutil.copy(database, tmp_path / "backup.sqlite"), shutil.copytree(data / "log", tmp_path / "backup-log")]

    own_city.gateway.make()
    own_city.gateway.start()
    own_city.ask(agreement.id).save(tmp_path / "answer.json")
    before = commands.export(own_city, tmp_path, "before")
    own_city.gateway.stop()

    for left in tmp_path.glob("gateway.sqlite-*"):
        left.unlink()
    shutil.copy(backup[0], database)
    refused = commands.gateway(own_city, tmp_path, "audit", "export", str(tmp_path / "half"))
    assert refused.returncode != 0 and not (tmp_path / "half").exists()  # it differs from what was published
    shutil.rmtree(data / "log")
    shutil.copytree(backup[1], data / "log")

    own_city.gateway.make()
    own_city.gateway.start()  # with all of its files put back it cannot know
    for _ in range(4):
        own_city.ask(agreement.id)
    after = commands.export(own_city, tmp_path, "after")
    trust = str(commands.trust_file(own_city, tmp_path))
    assert tongqu(["verify", str(after), "--trust", trust]) == 0
    for held in (("--previous", str(before / "checkpoint")), ("--receipt", str(tmp_path / "answer.json"))):
        assert tongqu(["verify", str(after), "--trust", trust, *held]) == EVIDENCE_DOES_NOT_HOLD
    assert capsys.readouterr().err
