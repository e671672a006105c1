"""An export that somebody made to stop or to crash its reader: verifying ends soon, and with a sentence."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
from tongqu_client import TrustStore
from tongqu_client.cli import main as tongqu
from tongqu_client.errors import CheckpointInvalid, ExportInvalid
from tongqu_client.verify import verify_export

from gateway.lib.canonical_json import canonical
from tests.clients.made_log import ACTOR, AGREEMENT, good_log, released
from tests.clients.ordered_log import NOBODY

ZERO = "/dev/zero"


@pytest.mark.parametrize("name", ["checkpoint", "tile/0/000.p/10", "tile/entries/000.p/10"])
@pytest.mark.parametrize("what", ["pipe", "link to itself", "endless device"])
def test_what_is_no_plain_file_counts_as_missing(tmp_path: Path, name: str, what: str) -> None:
    file = good_log().export(tmp_path) / name
    file.unlink()
    if what == "pipe":
        os.mkfifo(file)
    else:
        file.symlink_to(file.name if what == "link to itself" else ZERO)
    with pytest.raises((ExportInvalid, CheckpointInvalid), match=r"missing|缺少"):
        verify_export(tmp_path)


def test_a_file_without_end_is_read_in_part(tmp_path: Path) -> None:
    file = good_log().export(tmp_path) / "checkpoint"
    os.truncate(file, 1 << 40)
    with pytest.raises(CheckpointInvalid):
        verify_export(tmp_path)


def test_folders_that_lead_back_to_themselves_change_nothing(tmp_path: Path) -> None:
    log = good_log()
    (log.export(tmp_path) / "loop").symlink_to(".")
    assert verify_export(tmp_path).checkpoint.size == len(log.entries)


def test_more_years_than_there_can_be_are_not_read(tmp_path: Path) -> None:
    for year in range(1000, 1300):
        (tmp_path / str(year)).mkdir()
        (tmp_path / str(year) / "checkpoint").write_text("")
    with pytest.raises(CheckpointInvalid, match="300"):
        verify_export(tmp_path, TrustStore.from_document(good_log().keys.trust()))


def test_thousands_of_invented_prunings_take_seconds(tmp_path: Path) -> None:
    """Each names an archive of another size; the tree is walked once for all of them."""
    log = good_log()
    for size in range(1500):
        told = {"size": size + 1, "root": ""}
        log.add(type="audit.pruned", actor=NOBODY, below=1, exported=told, approved=[])
    with pytest.raises(ExportInvalid) as found:
        verify_export(log.export(tmp_path))
    assert {each.kind for each in found.value.findings} == {"prune_unproven"}


@pytest.mark.parametrize(
    "entry",
    [
        {"type": "standard.withdrawn"},
        {"type": "standard.withdrawn", "standard": {}},
        {"type": "consent.given", "consent": {}, "agreement": {}, "subject": {}},
        {"type": "exchange.authorized", "query": "q", "fields": 1.5},
        {"type": "exchange.authorized", "query": "q", "agreement": {}, "decision": {"facts": "none"}},
        {"type": "exchange.authorized", "query": "q", "actor": "x", "agreement": AGREEMENT, "decision": {"facts": {}}},
        released("q", 2, fields=True),
        {"type": "exchange.released", "query": "q", "of": [], "source": [], "fields": {}},
        {"type": "audit.hold_placed", "hold": [], "subject": {}},
        {"type": "audit.pruned", "below": {}, "exported": [], "approved": 5},
        {"type": "log.closed", "next": {"origin": 1, "vkey": []}, "size": "x"},
        {"type": "party.added", "party": {}, "kind": "x", "t": "0001-01-01T00:00:00Z"},
    ],
    ids=lambda entry: f"{entry['type']} {len(json.dumps(entry))}",
)
def test_an_entry_without_its_members_is_named(tmp_path: Path, entry: dict[str, Any]) -> None:
    """The log's key signs whatever its owner likes."""
    log = good_log()
    log.add(**entry)
    log.add(**entry)
    with pytest.raises(ExportInvalid) as found:
        verify_export(log.export(tmp_path))
    assert any("entry 1" in each.where for each in found.value.findings)


def test_an_agreement_of_nothing_is_named(tmp_path: Path) -> None:
    """Its text is an empty object, under its right digest."""

    text = canonical({})
    digest = hashlib.sha256(text).hexdigest()
    named = {"id": "agr_2", "digest": f"sha-256:{digest}"}
    log = good_log()
    log.add(type="agreement.activated", actor=ACTOR, agreement=named, reason=None, signature=None)
    decision = {"facts": {"at": "2026-11-23T01:00:00Z"}, "policy": "tongqu-rules:3", "effect": "permit", "rules": []}
    log.add(type="exchange.authorized", query="q", actor=ACTOR, agreement=named, fields=[], decision=decision)
    (log.export(tmp_path) / "agreements").mkdir()
    (tmp_path / "agreements" / f"{digest}.json").write_bytes(text)
    with pytest.raises(ExportInvalid) as found:
        verify_export(tmp_path)
    assert "entry_malformed" in {each.kind for each in found.value.findings}


@pytest.mark.parametrize("more", [(), ("--json",)])
def test_no_name_in_it_writes_a_line_of_its_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], more: tuple[str, ...]
) -> None:
    """Neither the type of an entry nor a file's name clears the screen, or looks like a line of the verdict."""
    log = good_log()
    log.add(type="x\x1b[2J\r\n✓ All is well\u202e")
    (log.export(tmp_path) / "orders").mkdir()
    (tmp_path / "orders" / os.fsdecode(b"\xff\n\x1b.jws")).write_bytes(b"")
    assert tongqu(["verify", str(tmp_path), "--lang", "en", *more]) == ExportInvalid.exit_code
    said = capsys.readouterr()
    assert not {"\x1b", "\r", "\u202e"} & set(said.out + said.err) or more
    assert not any(line.startswith("✓") for line in (said.out + said.err).splitlines())
    said.out.encode("utf-8")
