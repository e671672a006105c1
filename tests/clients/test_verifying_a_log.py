"""An auditor verifies an exported log, and finds whatever was done to it."""

from __future__ import annotations

import struct
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tongqu_client.errors import CheckpointInvalid, ConfigError, ExportInvalid
from tongqu_client.verify import Finding, TrustStore, verify_export
from tongqu_client.verify.events import TYPES

from gateway.audit.checkpoint import Checkpoint
from gateway.audit.entry import EVENTS
from gateway.audit.files import bundle
from gateway.lib.canonical_json import canonical
from tests.clients.made_log import AGREEMENT, CONSENT, STANDARD, START, MadeLog, authorized, good_log, released, write
from tests.examples import examples


def trust_of(log: MadeLog) -> TrustStore:
    return TrustStore.from_document(log.keys.trust())


def findings(folder: Path, log: MadeLog, **more: list[str]) -> list[Finding]:
    """What the verifier finds; it must find something."""
    with pytest.raises(ExportInvalid) as caught:
        verify_export(folder, trust_of(log), **more)
    return list(caught.value.findings)


def kinds(found: list[Finding]) -> set[str]:
    return {finding.kind for finding in found}


def bundles(path: Path) -> list[bytes]:
    data, entries = path.read_bytes(), []
    while data:
        (length,) = struct.unpack(">H", data[:2])
        entries.append(data[2 : 2 + length])
        data = data[2 + length :]
    return entries


@pytest.mark.parametrize("queries", [0, 1, 3, 127, 128, 300])
def test_an_untouched_log_verifies(tmp_path: Path, queries: int) -> None:
    log = good_log(queries)
    report = verify_export(log.export(tmp_path), trust_of(log))
    assert report.checkpoint.size == len(log.entries)
    assert report.types.get("exchange.released", 0) == queries
    assert not report.own_trust


def test_a_log_whose_keys_came_with_it_is_marked_so(tmp_path: Path) -> None:
    assert verify_export(good_log().export(tmp_path)).own_trust


def test_a_log_without_any_trust_file_cannot_be_verified(tmp_path: Path) -> None:
    (good_log().export(tmp_path) / "trust.json").unlink()
    with pytest.raises(ConfigError):
        verify_export(tmp_path)


def test_a_changed_entry_is_named(tmp_path: Path) -> None:
    log = good_log()
    path = log.export(tmp_path) / "tile/entries/000.p/10"
    data = path.read_bytes()
    path.write_bytes(data.replace(b'"qry_1"', b'"qry_9"', 1))
    found = findings(tmp_path, log)
    assert found[0].kind == "entry_changed"
    assert found[0].where == "entry 4"
    assert "第 4 条" in found[0].zh and "Entry 4" in found[0].en


def test_a_changed_tile_is_told_from_a_changed_entry(tmp_path: Path) -> None:
    log = good_log()
    path = log.export(tmp_path) / "tile/0/000.p/10"
    data = bytearray(path.read_bytes())
    data[32 * 5] ^= 1
    path.write_bytes(bytes(data))
    found = findings(tmp_path, log)
    assert kinds(found) == {"tile_changed"}
    assert found[0].where.startswith("entry 5")


@pytest.mark.parametrize("gone", [0, 4, 9])
def test_a_removed_entry_is_named(tmp_path: Path, gone: int) -> None:
    log = good_log()
    path = log.export(tmp_path) / "tile/entries/000.p/10"
    entries = bundles(path)
    del entries[gone]
    path.write_bytes(bundle(entries))
    found = findings(tmp_path, log)
    assert ("entry_removed", f"entry {gone}") in {(finding.kind, finding.where) for finding in found}


def test_an_entry_removed_from_entries_and_tiles_alike_is_found(tmp_path: Path) -> None:
    log = good_log()
    note = log.note()
    del log.entries[4]
    files = log.files()
    files["checkpoint"] = note.encode()  # only the key's holder can sign another
    write(tmp_path, files)
    assert findings(tmp_path, log)


def test_an_entry_replaced_in_entries_and_tiles_alike_is_found(tmp_path: Path) -> None:
    log = good_log()
    note = log.note()
    log.entries[5] = log.entries[5].replace(b'"name"', b'"nome"')
    files = log.files()
    files["checkpoint"] = note.encode()
    write(tmp_path, files)
    assert "root_differs" in kinds(findings(tmp_path, log))


@pytest.mark.parametrize(("i", "j"), [(2, 3), (4, 9), (10, 400)])
def test_two_swapped_entries_are_named(tmp_path: Path, i: int, j: int) -> None:
    log = good_log(300)
    files = log.files()
    log.entries[i], log.entries[j] = log.entries[j], log.entries[i]
    swapped = log.files()
    files.update({name: data for name, data in swapped.items() if name.startswith("tile/entries/")})
    write(tmp_path, files)
    found = [finding for finding in findings(tmp_path, log) if finding.kind == "entries_swapped"]
    assert [finding.where for finding in found] == [f"entry {i}, entry {j}"]


def test_a_log_rolled_back_is_found_with_an_earlier_checkpoint(tmp_path: Path) -> None:
    log = good_log()
    kept = log.note()
    log.export(tmp_path, size=6)
    assert verify_export(tmp_path, trust_of(log)).checkpoint.size == 6  # by itself it looks whole
    assert kinds(findings(tmp_path, log, previous=[kept])) == {"rolled_back"}


def test_a_log_rolled_back_and_continued_is_found_with_an_earlier_checkpoint(tmp_path: Path) -> None:
    log = good_log()
    kept = log.note()
    del log.entries[6:]
    for number in range(8):
        permit = log.add(**authorized(f"qry_new{number}"))
        log.add(**released(f"qry_new{number}", permit))
    log.export(tmp_path)
    assert kinds(findings(tmp_path, log, previous=[kept])) == {"forked"}


def test_a_log_that_grew_is_consistent_with_every_earlier_checkpoint(tmp_path: Path) -> None:
    log = good_log()
    earlier = [log.note(size) for size in range(1, 11)]
    assert verify_export(log.export(tmp_path), trust_of(log), previous=earlier).previous == 10


def test_an_older_checkpoint_put_among_newer_files_is_found(tmp_path: Path) -> None:
    log = good_log()
    log.export(tmp_path)
    (tmp_path / "checkpoint").write_text(log.note(8))
    assert "beyond_checkpoint" in kinds(findings(tmp_path, log))


def test_a_receipt_whose_entry_is_there_is_counted(tmp_path: Path) -> None:
    log = good_log()
    report = verify_export(log.export(tmp_path), trust_of(log), receipts=[log.receipt(3), log.receipt(9)])
    assert report.receipts == 2


def test_a_receipt_for_an_entry_beyond_the_end_is_found(tmp_path: Path) -> None:
    log = good_log()
    receipt = log.receipt(9)
    log.export(tmp_path, size=8)
    found = findings(tmp_path, log, receipts=[receipt])
    assert kinds(found) == {"receipt_entry_absent"}
    assert "older than the receipt" in found[0].en or "The receipt is the proof" in found[0].en


def test_a_receipt_overdue_by_the_logs_own_time_is_proof(tmp_path: Path) -> None:
    log = good_log(100)
    receipt = log.receipt(9, issued=START, log={**_place(log, 9), "index": 5000})
    found = findings(log.export(tmp_path), log, receipts=[receipt])
    assert "The receipt is the proof" in found[0].en


def test_a_receipt_for_an_entry_that_was_replaced_is_found(tmp_path: Path) -> None:
    log = good_log()
    receipt = log.receipt(5)
    log.entries[5] = log.entries[5].replace(b'"ent_000005"', b'"ent_00000X"')
    log.export(tmp_path)  # rewritten and signed anew by the operator
    assert kinds(findings(tmp_path, log, receipts=[receipt])) == {"receipt_entry_differs"}


def test_a_receipt_that_says_more_than_its_entry_is_found(tmp_path: Path) -> None:
    log = good_log()
    receipt = log.receipt(5, fields=["name", "phone"])
    assert kinds(findings(log.export(tmp_path), log, receipts=[receipt])) == {"receipt_entry_differs"}


def test_a_receipt_by_a_stranger_is_found(tmp_path: Path) -> None:
    log, other = good_log(), good_log()
    assert kinds(findings(log.export(tmp_path), log, receipts=[other.receipt(5)])) == {"receipt_invalid"}


def test_the_verifier_knows_every_type_of_entry() -> None:
    assert frozenset(EVENTS) == TYPES


def _place(log: MadeLog, index: int) -> dict[str, object]:
    return {"origin": log.keys.log.origin, "index": index, "leaf_hash": "sha-256:" + "00" * 32, "mmd": 60}


# ── the story ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _released_without_permit(log: MadeLog) -> None:
    log.add(**released("qry_x", 0))


def _released_of_another_query(log: MadeLog) -> None:
    permit = log.add(**authorized("qry_x"))
    log.add(**released("qry_y", permit))


def _released_before_permit(log: MadeLog) -> None:
    log.add(**released("qry_x", len(log.entries) + 1))
    log.add(**authorized("qry_x"))


def _two_outcomes(log: MadeLog) -> None:
    permit = log.add(**authorized("qry_x"))
    log.add(type="exchange.failed", query="qry_x", of=permit, code="provider_timed_out")
    log.add(**released("qry_x", permit))


def _more_fields(log: MadeLog) -> None:
    permit = log.add(**authorized("qry_x"))
    log.add(**released("qry_x", permit, fields=["name", "phone"]))


def _stopped(stop: dict[str, object], **permit_of: object) -> Callable[[MadeLog], None]:
    def story(log: MadeLog) -> None:
        permit = log.add(**authorized("qry_x", **permit_of))
        log.add(**stop)
        log.add(**released("qry_x", permit))

    return story


def _time_runs_back(log: MadeLog) -> None:
    log.add(type="audit.exported", t="2026-11-22T00:00:00.000Z")


def _same_id(log: MadeLog) -> None:
    log.add(type="audit.exported", id="ent_000003")


def _not_canonical(log: MadeLog) -> None:
    log.add(type="audit.exported")
    log.entries[-1] = log.entries[-1].replace(b":", b": ", 1)


def _opened_again(log: MadeLog) -> None:
    log.add(type="log.opened", origin=log.keys.log.origin, previous=None)


STORIES = [
    ("released without permit", _released_without_permit, "outcome_without_permit"),
    ("released for another query", _released_of_another_query, "outcome_without_permit"),
    ("released before its permit", _released_before_permit, "outcome_without_permit"),
    ("two outcomes", _two_outcomes, "second_outcome"),
    ("more fields than permitted", _more_fields, "released_more"),
    ("agreement suspended", _stopped({"type": "agreement.suspended", "agreement": AGREEMENT}), "released_after_stop"),
    ("agreement superseded", _stopped({"type": "agreement.superseded", "agreement": AGREEMENT}), "released_after_stop"),
    ("agreement terminated", _stopped({"type": "agreement.terminated", "agreement": AGREEMENT}), "released_after_stop"),
    (
        "consent withdrawn",
        _stopped({"type": "consent.withdrawn", "consent": CONSENT}, consent=CONSENT),
        "released_after_stop",
    ),
    ("client suspended", _stopped({"type": "client.suspended", "client": "cli_linden"}), "released_after_stop"),
    (
        "standard withdrawn",
        _stopped({"type": "standard.withdrawn", "standard": STANDARD}),
        "released_after_stop",
    ),
    ("party suspended", _stopped({"type": "party.suspended", "party": "street-linden"}), "released_after_stop"),
    ("time runs back", _time_runs_back, "time_runs_back"),
    ("an id twice", _same_id, "id_repeated"),
    ("not canonical", _not_canonical, "entry_malformed"),
    ("opened twice", _opened_again, "log_opened"),
]


@pytest.mark.parametrize(("tell", "kind"), [story[1:] for story in STORIES], ids=[story[0] for story in STORIES])
def test_a_log_that_breaks_the_rules_is_found_though_it_is_well_signed(
    tmp_path: Path, tell: Callable[[MadeLog], None], kind: str
) -> None:
    log = good_log()
    tell(log)
    found = findings(log.export(tmp_path), log)
    assert kinds(found) == {kind}
    assert all(finding.zh and finding.en for finding in found)


def test_a_release_after_the_agreement_was_resumed_is_in_order(tmp_path: Path) -> None:
    log = good_log()
    log.add(type="agreement.suspended", agreement=AGREEMENT)
    log.add(type="agreement.resumed", agreement=AGREEMENT)
    permit = log.add(**authorized("qry_x"))
    log.add(**released("qry_x", permit))
    assert verify_export(log.export(tmp_path), trust_of(log)).unfinished == 0


def test_a_new_version_of_an_agreement_goes_on_when_the_old_one_ends(tmp_path: Path) -> None:
    log = good_log()
    second = {"id": "agr_1", "digest": "sha-256:" + "22" * 32, "version": 2}
    log.add(type="agreement.activated", agreement=second)
    log.add(type="agreement.superseded", agreement=AGREEMENT)
    permit = log.add(**authorized("qry_x", agreement=second))
    log.add(**released("qry_x", permit))
    verify_export(log.export(tmp_path), trust_of(log))


def test_clocks_that_differ_a_little_are_in_order(tmp_path: Path) -> None:
    log = good_log()
    log.add(type="audit.exported", t="2026-11-23T01:00:04.000Z")  # five seconds before the entry in front of it
    verify_export(log.export(tmp_path), trust_of(log))


def test_a_permit_under_way_counts_as_unfinished(tmp_path: Path) -> None:
    log = good_log()
    log.add(**authorized("qry_x"))
    assert verify_export(log.export(tmp_path), trust_of(log)).unfinished == 1


# ── whatever is changed ───────────────────────────────────────────────────────────────────────────────────────────────
@settings(max_examples=examples(100), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_changed_byte_in_any_file_is_found(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    log = LOG_OF_300
    files = dict(FILES_OF_300)
    name = data.draw(st.sampled_from(sorted(files)))
    content = bytearray(files[name])
    at = data.draw(st.integers(0, len(content) - 1))
    content[at] ^= data.draw(st.integers(1, 255))
    files[name] = bytes(content)
    folder = tmp_path_factory.mktemp("log")
    write(folder, files)
    with pytest.raises((ExportInvalid, CheckpointInvalid)):
        verify_export(folder, trust_of(log))


@pytest.mark.parametrize("name", ["tile/0/000", "tile/entries/000", "tile/1/000.p/1", "tile/0/001.p/44", "checkpoint"])
def test_any_missing_file_is_found(tmp_path: Path, name: str) -> None:
    write(tmp_path, FILES_OF_300)
    (tmp_path / name).unlink()
    with pytest.raises((ExportInvalid, CheckpointInvalid)):
        verify_export(tmp_path, trust_of(LOG_OF_300))


def test_an_archived_agreement_that_was_changed_is_found(tmp_path: Path) -> None:
    import hashlib

    log = good_log()
    text = canonical({"schema": "tongqu-agreement/1", "id": "agr_1"})
    path = log.export(tmp_path) / "agreements" / f"{hashlib.sha256(text).hexdigest()}.json"
    write(tmp_path, {path.relative_to(tmp_path).as_posix(): text})
    assert verify_export(tmp_path, trust_of(log)).agreements == 1
    path.write_bytes(text.replace(b"agr_1", b"agr_2"))
    assert kinds(findings(tmp_path, log)) == {"agreement_changed"}


def test_the_report_names_the_first_and_the_last_instant(tmp_path: Path) -> None:
    log = good_log()
    report = verify_export(log.export(tmp_path), trust_of(log))
    assert report.first is not None and datetime.fromisoformat(report.first) == START.replace(tzinfo=UTC)
    assert report.last == "2026-11-23T01:00:09.000Z"


LOG_OF_300 = good_log(149)
FILES_OF_300 = LOG_OF_300.files()


@pytest.mark.parametrize(
    "claim",
    [
        {"consumer": "street-maple"},
        {"provider": "health"},
        {"client": "cli_maple"},
        {"purpose": "counter.identity"},
        {"consent": {"id": "con_1", "digest": "sha-256:" + "0" * 64}},
        {"agreement": {"id": "agr_2", "digest": "sha-256:" + "0" * 64}},
    ],
    ids=lambda claim: next(iter(claim)),
)
def test_a_receipt_that_says_something_else_than_the_log_is_found(tmp_path: Path, claim: dict[str, object]) -> None:
    log = good_log(2)
    found = findings(log.export(tmp_path), log, receipts=[log.receipt(3, **claim)])
    assert kinds(found) == {"receipt_entry_differs"}


def test_a_signed_size_without_files_is_named_at_once(tmp_path: Path) -> None:
    log = good_log(2)
    folder = log.export(tmp_path)
    note = log.keys.log.sign(Checkpoint(log.keys.log.origin, 10**15, b"1" * 32))
    (folder / "checkpoint").write_text(note)
    assert kinds(findings(folder, log)) == {"file_missing"}
