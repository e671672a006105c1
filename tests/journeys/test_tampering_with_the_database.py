"""The operator writes into the database, past the gateway: ``gateway audit verify`` finds it, and so do others."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from sqlalchemy import Connection
from tongqu_client import TrustStore, errors
from tongqu_client.verify import verify_export

from gateway import db
from gateway.audit import verify as audit
from gateway.audit.export import export
from gateway.audit.files import Folder
from gateway.audit.verify import Finding
from gateway.config import Settings
from gateway.evidence import archive, state
from gateway.wiring import Store
from tests.cast import AN, LINDEN, MAPLE
from tests.running import City, running_city


@dataclass(frozen=True, slots=True)
class Kept:
    """A stopped gateway's data: a folder with its database, keys and published log."""

    folder: Path
    settings: Settings
    trust: TrustStore

    def copy(self, to: Path) -> Kept:
        folder = shutil.copytree(self.folder, to)
        url = f"sqlite:///{folder / 'gateway.sqlite'}"
        return Kept(folder, replace(self.settings, data_dir=folder / "gateway", database_url=url), self.trust)

    def change(self, tamper: Callable[[Connection], None]) -> None:
        with closing(db.Database(self.settings.database_url)) as database, database.write() as conn:
            tamper(conn)

    def findings(self) -> list[Finding]:
        """What ``gateway audit verify`` says."""
        with closing(Store(self.settings)) as store:
            checkpoint = Folder(store.log.folder).checkpoint()
            report = audit.verify(store.database, store.log.key.verifier, checkpoint=checkpoint)
            return [*report.findings, *state.verify(store.database)]


def story(city: City) -> None:
    cast, deps = city.cast, city.gateway.deps
    counted, consented = cast.agreement(quota={"unit": "day", "max": 1}), cast.agreement(consent="required")
    city.ask(counted.id)
    consent = cast.consent(consented, AN)
    city.ask(consented.id)
    deps.consents.withdraw(cast.caller(LINDEN), consent.id)
    deps.agreements.suspend(cast.caller(LINDEN), cast.agreement().id)
    deps.identity.suspend_party({"party": None, "client": None, "officer": None}, MAPLE)
    deps.log.publish()


@pytest.fixture(scope="module")
def original(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kept]:
    folder = tmp_path_factory.mktemp("data")
    shutil.copyfile(sqlite_template, folder / "gateway.sqlite")
    with running_city(folder / "gateway", f"sqlite:///{folder / 'gateway.sqlite'}") as city:
        story(city)
        kept = Kept(folder, city.gateway.settings, TrustStore.from_document(city.gateway.deps.trust()))
    yield kept


@pytest.fixture
def kept(original: Kept, tmp_path: Path) -> Kept:
    return original.copy(tmp_path / "data")


def sql(statement: str) -> Callable[[Connection], None]:
    def change(conn: Connection) -> None:
        assert conn.exec_driver_sql(statement).rowcount > 0

    return change


WAYS: dict[str, tuple[Callable[[Connection], None], str, str]] = {
    "a quota is raised in the agreement": (
        sql("""UPDATE agreement SET document = replace(document, '"max":1', '"max":9')"""),
        "agreement", "the text of the agreement"),
    "fields are added to the agreement": (
        sql("""UPDATE agreement SET document = replace(document, '"phone"', '"phone","ethnicGroup"')"""),
        "agreement", "the text of the agreement"),
    "text and digest of the agreement": (
        sql("UPDATE agreement SET digest = 'sha-256:' || id"),
        "agreement", "in the log"),
    "a suspended agreement made active": (
        sql("UPDATE agreement SET state = 'active' WHERE state = 'suspended'"), "agreement", "suspended in the log"),
    "a signature exchanged": (
        sql("""UPDATE agreement SET signatures = replace(signatures, '"jws":"ey', '"jws":"eY')"""),
        "agreement", "is not the one in the log"),
    "a withdrawn consent made valid again": (
        sql("DELETE FROM consent_event WHERE state = 'withdrawn'"), "consent", "withdrawn in the log"),
    "a consent widened": (
        sql("""UPDATE consent SET record = replace(record, '"phone"', '"phonebook"')"""), "consent", "was changed"),
    "a consent erased": (
        lambda conn: (sql("DELETE FROM consent_event")(conn), sql("DELETE FROM consent")(conn))[1],
        "consent", "is not in the database"),
    "a suspended party made active": (
        sql("UPDATE identity_party SET state = 'active' WHERE state = 'suspended'"), "party", "suspended in the log"),
    "an officer's key exchanged": (
        sql("""UPDATE identity_officer SET key = replace(key, '"kid":"', '"kid":"x') WHERE role = 'signatory'"""),
        "officer", "is not the one in the log"),
    "a client nobody registered": (
        sql("""INSERT INTO identity_client (id, party, keys, scopes, state, changed_at)
               SELECT 'cli_ghost', party, keys, scopes, state, changed_at FROM identity_client LIMIT 1"""),
        "client", "unknown in the log"),
}  # fmt: skip


def test_what_nobody_touched_is_whole(kept: Kept) -> None:
    assert kept.findings() == []


@pytest.mark.parametrize("name", WAYS)
def test_a_table_that_was_changed_is_found(kept: Kept, name: str) -> None:
    change, code, names = WAYS[name]
    kept.change(change)
    found = [finding for finding in kept.findings() if finding.code == code]
    assert any(names in finding.en for finding in found), found
    assert all(finding.zh for finding in found)


def test_a_stranger_finds_what_was_decided_on_a_changed_table(kept: Kept, tmp_path: Path) -> None:
    """The quota is raised in the tables, the log goes on: the export does not hold."""
    kept.change(WAYS["a quota is raised in the agreement"][0])
    with closing(Store(kept.settings)) as store, store.database.read() as conn:
        export(store.log, tmp_path / "log", trust=store.trust(), papers=archive.papers(conn, store.library))
    with pytest.raises(errors.ExportInvalid) as found:
        verify_export(tmp_path / "log", kept.trust)
    assert "agreement_changed" in {finding.kind for finding in found.value.findings}
