"""A gateway lives over New Year: what was agreed and consented last year counts in this one, and a stranger can check
all of it, year by year. The new year begins here when the test says so: the first log counts as last year's."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import text
from tongqu_client import Answer, TrustStore, errors
from tongqu_client.cli import main as tongqu
from tongqu_client.verify import Bundle, verify_bundle, verify_export
from tongqu_client.verify.rows import verify_rows

from gateway.audit.checkpoint import Checkpoint, CheckpointKey, base64_text
from gateway.audit.export import export
from gateway.audit.files import Folder, TileName, bundle
from gateway.audit.filter import Filter
from gateway.audit.merkle import leaf_hash, root_of
from gateway.audit.shard import end_of, year_of
from gateway.evidence import archive
from gateway.lib.canonical_json import canonical, strict_loads
from gateway.lib.clock import rfc3339
from tests.cast import AN
from tests.running import City, running_city

ACTOR = {"party": None, "client": None, "officer": None}


@dataclass(frozen=True, slots=True)
class Story:
    """What is left of it: answers of each year and the one over midnight, trust of December and of now, an export."""

    city: City
    december: TrustStore
    now: TrustStore
    old: Answer
    over: Answer
    new: Answer
    folder: Path
    notes: tuple[str, ...]  # checkpoints that somebody kept: of December, and of this year

    @property
    def years(self) -> list[str]:
        return [shard.year for shard in self.city.gateway.deps.log.shards()]


def pretend_last_year(city: City) -> None:
    """From now on the open log is last year's. Only its name in folders is the test's; nobody's entries are touched."""
    deps = city.gateway.deps
    until = end_of(year_of(rfc3339(deps.clock.now())) - 1)
    with deps.database.write() as conn:
        conn.execute(text("UPDATE log_head SET until = :until"), {"until": until})
        conn.execute(text("UPDATE log_shard SET until = :until"), {"until": until})


def exported(city: City, folder: Path) -> Path:
    deps = city.gateway.deps
    with deps.database.read() as conn:
        export(deps.log, folder, trust=deps.trust(), papers=archive.papers(conn, deps.library))
    return folder


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Story]:
    from tests.conftest import fresh_url

    folder = tmp_path_factory.mktemp("years")
    with fresh_url("sqlite", folder, sqlite_template) as url, running_city(folder / "gateway", url) as city:
        city.begin()
        deps = city.gateway.deps
        pretend_last_year(city)
        december = TrustStore.from_document(deps.trust())
        agreement = city.cast.agreement(consent="required")
        city.cast.consent(agreement, AN)
        old = city.ask(agreement.id)
        kept = [deps.log.publish()[1]]
        city.department.on_request = lambda _: deps.log.turn()
        over = city.ask(agreement.id)
        city.department.on_request = None
        new = city.ask(agreement.id)
        kept.append(deps.log.publish()[1])
        now = TrustStore.from_document(deps.trust())
        yield Story(city, december, now, old, over, new, exported(city, folder / "export"), tuple(kept))


# ── at the gateway ────────────────────────────────────────────────────────────────────────────────────────────────────
def test_answers_name_the_log_of_their_year(story: Story) -> None:
    first, second = story.city.gateway.deps.log.shards()
    assert (story.old.log_origin, story.over.log_origin, story.new.log_origin) == (
        first.origin,
        second.origin,
        second.origin,
    )
    assert story.over.log_index == 1  # after log.opened; its permit stands in last year's log


def test_a_client_that_trusts_decembers_key_learns_the_new_one_from_the_old_log(story: Story) -> None:
    """Also where it was given a trust file, which is never replaced."""
    assert story.december.log_key_of(story.new.log_origin) is None
    for answer in (story.old, story.over, story.new):
        assert answer.verify().checkpoint is not None


def test_a_receipt_of_one_year_is_not_proved_by_the_others_log(story: Story) -> None:
    receipt = story.new.verify()
    from tongqu_client.verify import verify_promise

    proof = story.city.client()._wire.call(
        "GET", f"/v1/log/entries/{receipt.index}/proof", query={"origin": story.old.log_origin}
    )
    with pytest.raises(errors.ProofInvalid):
        verify_promise(receipt, proof.body.decode(), story.now)


# ── the export ────────────────────────────────────────────────────────────────────────────────────────────────────────
def test_the_export_holds_a_log_for_each_year_and_verifies(story: Story) -> None:
    assert sorted(path.name for path in story.folder.glob("[0-9]*")) == story.years
    for trust in (story.december, story.now, None):
        report = verify_export(story.folder, trust, previous=story.notes, receipts=[story.over.receipt])
        assert [head.origin for head in report.years] == [
            shard.origin for shard in story.city.gateway.deps.log.shards()
        ]
        assert (report.begins, report.goes_on, report.unfinished, report.not_replayed) == (0, None, 0, 0)
        assert report.replayed == 3 and report.previous == 2 and report.receipts == 1


def test_the_command_names_both_years(story: Story, capsys: pytest.CaptureFixture[str]) -> None:
    assert tongqu(["verify", str(story.folder), "--lang", "en"]) == 0
    said = capsys.readouterr().out
    assert all(shard.origin in said for shard in story.city.gateway.deps.log.shards())


def test_one_year_alone_verifies_and_says_what_was_not_checked(
    story: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    trust = tmp_path / "trust.json"
    trust.write_bytes(canonical(dict(story.now.document)))
    first, second = story.city.gateway.deps.log.shards()
    old = verify_export(story.folder / first.year, story.now)
    new = verify_export(story.folder / second.year, story.now)
    assert (old.begins, old.goes_on) == (0, second.origin)
    assert (new.begins, new.goes_on, new.replayed) == (second.first, None, 0)
    assert tongqu(["verify", str(story.folder / second.year), "--trust", str(trust), "--lang", "en"]) == 0
    assert f"{second.first} entries of earlier years are not here" in capsys.readouterr().out
    assert tongqu(["verify", str(story.folder / first.year), "--trust", str(trust), "--lang", "en"]) == 0
    assert f"goes on as {second.origin}" in capsys.readouterr().out


def test_the_log_verifies_over_the_network(story: Story) -> None:
    from tongqu_client.cli.verify import RemoteLog

    report = verify_export(RemoteLog(story.city.client()), story.now, previous=story.notes)
    assert len(report.years) == 2 and report.begins == 0


# ── tampering with the seam ───────────────────────────────────────────────────────────────────────────────────────────
class Forger:
    """Has the export, and every key of the gateway: rewrites a year's log as he likes and signs it anew."""

    def __init__(self, story: Story, folder: Path) -> None:
        shutil.copytree(story.folder, folder)
        self.folder, self.keys = folder, story.city.gateway.deps.log.keys
        self.first, self.second = story.years
        self.origins = {shard.year: shard.origin for shard in story.city.gateway.deps.log.shards()}

    def entries(self, year: str) -> list[bytes]:
        data = next((self.folder / year / "tile" / "entries").rglob("*.p/*")).read_bytes()
        found = []
        while data:
            end = 2 + int.from_bytes(data[:2], "big")
            found.append(data[2:end])
            data = data[end:]
        return found

    def write(self, year: str, entries: list[bytes], key: CheckpointKey | None = None) -> None:
        """One bundle and one tile: these logs are short."""
        assert len(entries) < 256
        shutil.rmtree(self.folder / year)
        leaves, target = [leaf_hash(data) for data in entries], Folder(self.folder / year)
        target.write(TileName(None, 0, len(entries)), bundle(entries))
        target.write(TileName(0, 0, len(entries)), b"".join(leaves))
        signed = key or self.keys.of(self.origins[year])
        target.publish(signed.sign(Checkpoint(signed.origin, len(entries), root_of(leaves))))

    def edit(self, data: bytes, **members: object) -> bytes:
        return canonical({**strict_loads(data), **members})


def drop_the_first(it: Forger) -> None:
    shutil.rmtree(it.folder / it.first)


def drop_the_last(it: Forger) -> None:
    shutil.rmtree(it.folder / it.second)


def drop_a_year_between(it: Forger) -> None:
    """The new log goes on from one that is not there."""
    opened, *rest = it.entries(it.second)
    between = {**strict_loads(opened)["previous"], "origin": "127.0.0.1/log/between"}
    it.write(it.second, [it.edit(opened, previous=between), *rest])


def cut_the_old_year(it: Forger) -> None:
    it.write(it.first, it.entries(it.first)[:-4])


def cut_and_close_again(it: Forger) -> None:
    """The last entries of December are left out, and the log is closed anew before them."""
    *entries, closed = it.entries(it.first)
    it.write(it.first, [*entries[:-4], it.edit(closed, size=len(entries) - 3)])


def write_on_after_the_end(it: Forger) -> None:
    entries = it.entries(it.first)
    more = it.edit(entries[-2], id="01KARXPV2Z8W4N6T3Q5R7S9V0X")
    it.write(it.first, [*entries, more])


def exchange_the_end(it: Forger) -> None:
    """December's last entry announces a key of the forger's, who signs the new year with it."""
    mine = CheckpointKey.generate(it.origins[it.second])
    *entries, closed = it.entries(it.first)
    entries.append(it.edit(closed, next={"origin": mine.origin, "vkey": mine.vkey}))
    it.write(it.first, entries)
    opened, *rest = it.entries(it.second)
    previous = {**strict_loads(opened)["previous"], "root": base64_text(root_of(map(leaf_hash, entries)))}
    it.write(it.second, [it.edit(opened, previous=previous), *rest], mine)


def do_not_close(it: Forger) -> None:
    """The closing entry becomes an ordinary one, and the new year is made to fit."""
    *entries, closed = it.entries(it.first)
    other = it.edit(entries[-1], id=strict_loads(closed)["id"])
    entries.append(other)
    it.write(it.first, entries)
    opened, *rest = it.entries(it.second)
    previous = {**strict_loads(opened)["previous"], "root": base64_text(root_of(map(leaf_hash, entries)))}
    it.write(it.second, [it.edit(opened, previous=previous), *rest])


def begin_anew(it: Forger) -> None:
    opened, *rest = it.entries(it.second)
    it.write(it.second, [it.edit(opened, previous=None), *rest])


def count_from_elsewhere(it: Forger) -> None:
    """``first`` is wrong, so that ``of`` would mean other entries."""
    opened, *rest = it.entries(it.second)
    it.write(it.second, [it.edit(opened, previous={**strict_loads(opened)["previous"], "first": 1}), *rest])


def exchange_the_folders(it: Forger) -> None:
    (it.folder / it.first).rename(it.folder / "aside")
    (it.folder / it.second).rename(it.folder / it.first)
    (it.folder / "aside").rename(it.folder / it.second)


def the_old_year_twice(it: Forger) -> None:
    shutil.rmtree(it.folder / it.second)
    shutil.copytree(it.folder / it.first, it.folder / it.second)


def change_an_entry(it: Forger) -> None:
    file = next((it.folder / it.second / "tile" / "entries").rglob("*.p/*"))
    file.write_bytes(file.read_bytes().replace(b'"v":1}', b'"v":2}', 1))


TAMPERINGS: dict[Callable[[Forger], None], set[str]] = {
    drop_the_first: {"year_missing"},
    drop_the_last: {"year_missing"},
    drop_a_year_between: {"year_missing"},
    cut_the_old_year: {"year_cut"},
    cut_and_close_again: {"year_cut"},
    write_on_after_the_end: {"year_reopened"},
    exchange_the_end: {"year_other_next", "checkpoint", "trust_differs"},
    do_not_close: {"year_not_closed"},
    begin_anew: {"year_unconnected"},
    count_from_elsewhere: {"year_forked"},
    exchange_the_folders: {"year_unconnected", "year_missing", "year_other_next"},
    the_old_year_twice: {"year_unconnected"},
    change_an_entry: {"entry_changed"},
}


@pytest.mark.parametrize("tamper", TAMPERINGS, ids=lambda each: each.__name__)
@pytest.mark.parametrize("whose", ["december", "now", "own"])
def test_tampering_with_the_seam_is_found(
    story: Story, tmp_path: Path, tamper: Callable[[Forger], None], whose: str
) -> None:
    forger = Forger(story, tmp_path / "forged")
    tamper(forger)
    trust = {"december": story.december, "now": story.now, "own": None}[whose]
    with pytest.raises((errors.ExportInvalid, errors.CheckpointInvalid)) as refused:
        verify_export(forger.folder, trust)
    kinds = {found.kind for found in getattr(refused.value, "findings", ())} or {"checkpoint"}
    assert kinds & (TAMPERINGS[tamper] | ({"checkpoint"} if whose == "december" else set())), kinds


def first_of_all(it: Forger) -> None:
    """Last year is not there, and this year's log says that there was none; nothing in it rests on last year."""
    shutil.rmtree(it.folder / it.first)
    opened, *rest = it.entries(it.second)
    stays = [entry for entry in rest if not strict_loads(entry)["type"].startswith("exchange.")]
    it.write(it.second, [it.edit(opened, previous=None), *stays])


def a_year_invented(it: Forger) -> None:
    """Between the two, with a key of the gateway's own making."""
    key = it.keys.of("127.0.0.1/log/between")
    *entries, closed = it.entries(it.first)
    last = it.edit(closed, next={"origin": key.origin, "vkey": key.vkey})
    it.write(it.first, [*entries, last])
    (it.folder / it.second).rename(it.folder / "9999")
    shutil.copytree(it.folder / "9999", it.folder / it.second)
    opened, *rest = it.entries("9999")
    before = {**strict_loads(opened)["previous"], "root": base64_text(root_of(map(leaf_hash, [*entries, last])))}
    invented = [
        it.edit(opened, origin=key.origin, previous=before, id="01KARXPV2Z8W4N6T3Q5R7S9V0X"),
        it.edit(closed, size=2, id="01KARXPV2Z8W4N6T3Q5R7S9V0Y"),
    ]
    it.write(it.second, invented, key)
    after = {"origin": key.origin, "first": len(entries) + 1, "size": 2}
    after["root"] = base64_text(root_of(map(leaf_hash, invented)))
    it.origins["9999"] = it.origins[it.second]
    it.write("9999", [it.edit(opened, previous=after), *rest])


@pytest.mark.parametrize("tamper", [first_of_all, a_year_invented], ids=lambda each: each.__name__)
@pytest.mark.parametrize("whose", ["now", "own"])
def test_the_logs_are_those_that_the_trust_file_names(
    story: Story, tmp_path: Path, tamper: Callable[[Forger], None], whose: str
) -> None:
    forger = Forger(story, tmp_path / "forged")
    tamper(forger)
    with pytest.raises(errors.ExportInvalid) as refused:
        verify_export(forger.folder, story.now if whose == "now" else None)
    assert "year_not_named" in {found.kind for found in refused.value.findings}


def test_two_logs_of_one_name_are_refused(story: Story, tmp_path: Path) -> None:
    it = Forger(story, tmp_path / "forged")
    old = it.keys.of(it.origins[it.first])
    *entries, closed = it.entries(it.first)
    entries.append(it.edit(closed, next={"origin": old.origin, "vkey": old.vkey}))
    it.write(it.first, entries)
    opened, *rest = it.entries(it.second)
    previous = {**strict_loads(opened)["previous"], "root": base64_text(root_of(map(leaf_hash, entries)))}
    it.write(it.second, [it.edit(opened, origin=old.origin, previous=previous), *rest], old)
    (it.folder / "trust.json").write_bytes(canonical(dict(story.december.document)))
    with pytest.raises(errors.ExportInvalid) as refused:
        verify_export(it.folder, story.december)
    assert {found.kind for found in refused.value.findings} == {"year_repeated"}


def test_a_year_that_only_the_trust_file_names_is_told(
    story: Story, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """An export of December is no lie in January; but whoever gets it learns that it is not all."""
    it = Forger(story, tmp_path / "forged")
    shutil.rmtree(it.folder / it.second)
    *entries, _, _ = it.entries(it.first)
    it.write(it.first, entries)
    report = verify_export(it.folder, story.now)
    assert (report.later, report.goes_on) == (it.origins[it.second], None)
    assert verify_export(story.folder, story.now).later is None
    assert tongqu(["verify", str(it.folder), "--lang", "en"]) == 0
    assert f"names {it.origins[it.second]}, too" in capsys.readouterr().out


def test_a_log_beside_the_years_is_refused(story: Story, tmp_path: Path) -> None:
    """Else only the one would be read, and all be believed."""
    it = Forger(story, tmp_path / "forged")
    shutil.copytree(it.folder / it.first, it.folder, dirs_exist_ok=True)
    with pytest.raises(errors.CheckpointInvalid, match=r"which is meant|不知该核验哪一份"):
        verify_export(it.folder, story.now)


def test_a_new_year_that_begins_from_a_shorter_old_one_is_a_fork(story: Story, tmp_path: Path) -> None:
    """Both logs fit each other and are signed; who kept December's last checkpoint sees that entries went."""
    it = Forger(story, tmp_path / "forged")
    *entries, closed = it.entries(it.first)
    last = story.city.gateway.deps.log.publish(covering=len(entries) + 1)[1]
    short = [*entries[:-6], it.edit(closed, size=len(entries) - 5)]
    it.write(it.first, short)
    opened, *rest = it.entries(it.second)
    previous = {
        **strict_loads(opened)["previous"],
        "size": len(short),
        "root": base64_text(root_of(map(leaf_hash, short))),
    }
    it.write(it.second, [it.edit(opened, previous=previous), *rest])
    with pytest.raises(errors.ExportInvalid) as refused:
        verify_export(it.folder, story.now, previous=[last])
    assert "rolled_back" in {found.kind for found in refused.value.findings}


def test_a_checkpoint_of_a_year_that_is_not_there_is_missed(story: Story, tmp_path: Path) -> None:
    with pytest.raises(errors.ExportInvalid) as refused:
        verify_export(story.folder / story.years[1], story.now, previous=story.notes[:1])
    assert {found.kind for found in refused.value.findings} == {"year_missing"}


# ── bundles ───────────────────────────────────────────────────────────────────────────────────────────────────────────
@pytest.mark.parametrize("whose", ["december", "now"])
def test_evidence_of_each_year_and_over_midnight_verifies(story: Story, whose: str) -> None:
    trust = getattr(story, whose)
    for answer, years in ((story.old, 1), (story.over, 2), (story.new, 2)):
        made = answer.bundle()
        assert len(made.members.get("years", [1])) == years
        report = verify_bundle(made.to_bytes(), trust)
        assert {"logged", "decided_again", "agreement_signed", "consent_proved", "receipt"} <= {
            said.kind for said in report.proved
        }


def _without_a_year(document: dict[str, object]) -> None:
    document["years"] = document["years"][1:]  # type: ignore[index]


def _shifted(document: dict[str, object]) -> None:
    for year in document["years"][1:]:  # type: ignore[index]
        year["first"] += 1


def _other_previous(document: dict[str, object]) -> None:
    document["years"][1]["opened"]["entry"]["previous"]["size"] -= 1  # type: ignore[index]


def _other_head(document: dict[str, object]) -> None:
    lines = document["years"][0]["checkpoint"].split("\n")  # type: ignore[index]
    lines[1] = str(int(lines[1]) - 1)
    document["years"][0]["checkpoint"] = "\n".join(lines)  # type: ignore[index]


def _no_years(document: dict[str, object]) -> None:
    del document["years"]
    document["format"] = "tongqu-evidence/1"


def _closed_twice(document: dict[str, object]) -> None:
    document["years"][1]["closed"] = document["years"][0]["closed"]  # type: ignore[index]


def _entry_twice(document: dict[str, object]) -> None:
    document["entries"].append(document["entries"][0])  # type: ignore[attr-defined, index]


def _changed_permit(document: dict[str, object]) -> None:
    for each in document["entries"]:  # type: ignore[attr-defined]
        if each["entry"]["type"] == "exchange.authorized":
            each["entry"]["purpose"] = "housing"


@pytest.mark.parametrize(
    "change",
    [_without_a_year, _shifted, _other_previous, _other_head, _no_years, _changed_permit, _closed_twice, _entry_twice],
)
def test_a_changed_bundle_over_midnight_is_refused(story: Story, change: Callable[[dict[str, object]], None]) -> None:
    document = json.loads(story.over.bundle().to_bytes())
    change(document)
    with pytest.raises((errors.BundleInvalid, errors.CheckpointInvalid)):
        verify_bundle(Bundle.parse(canonical(document)), story.now)


def test_rows_of_both_years_are_one_file_that_verifies(story: Story, tmp_path: Path) -> None:
    deps = story.city.gateway.deps
    file = tmp_path / "rows.zip"
    made = deps.extractor.extract(Filter.parse("type:exchange"), "zip", reach=None, actor=ACTOR)
    file.write_bytes(b"".join(made.pieces()))
    for trust in (story.now, None):
        report = verify_rows(file, trust)
        assert [head.origin for head in report.years] == [shard.origin for shard in deps.log.shards()]
        assert report.types["exchange.released"] == 3
    twice = tmp_path / "twice.zip"
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(twice, "w") as target:
        for info in source.infolist():
            data = source.read(info.filename)
            if info.filename == "manifest.json":
                told = json.loads(data)
                rows = json.loads(source.read(f"{story.years[1]}/manifest.json"))["rows"]
                data = canonical({**told, "years": [*told["years"], "9999"], "rows": told["rows"] + rows})
            target.writestr(info.filename, data)
            if info.filename.startswith(f"{story.years[1]}/"):
                target.writestr(info.filename.replace(story.years[1], "9999", 1), data)
    with pytest.raises(errors.BundleInvalid, match=r"twice|两年"):
        verify_rows(twice, story.now)
    broken = tmp_path / "broken.zip"
    with zipfile.ZipFile(file) as source, zipfile.ZipFile(broken, "w") as target:
        for info in source.infolist():
            if not info.filename.startswith(f"{story.years[0]}/"):
                target.writestr(info.filename, source.read(info.filename))
    with pytest.raises(errors.BundleInvalid):
        verify_rows(broken, story.now)
