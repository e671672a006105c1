"""A time that is over is pruned by the commands of an operator and of two officers, each at a machine of their own.

Afterwards a stranger still decides every later query again, and an operator who did it alone is found out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from tongqu_client import TrustStore, errors
from tongqu_client.cli import main as tongqu
from tongqu_client.verify import verify_export

from gateway.audit import verify
from gateway.audit.retention_store import ORDER
from gateway.cli import cli as gateway
from gateway.errors import SignatureInvalid
from gateway.evidence import state
from gateway.identity import orders
from tests.cast import AN, AUDIT, BO, BUREAU, LINDEN, Cast, key_of
from tests.gateway.audit.examples import NOBODY
from tests.journeys import commands
from tests.journeys.by_hand import ByHand
from tests.running import City, RunningGateway
from tests.simulators.department import Department

pytestmark = pytest.mark.any_database  # how rows are replaced on either: tests/gateway/audit/test_retention.py
DAYS = 3  # ago, when the city began; kept for one


class InThePast(ByHand):
    ahead_s = -DAYS * 86_400


@pytest.fixture
def old_city(tmp_path: Path, database_url: str) -> Iterator[City]:
    """A city that began some days ago: an agreement with consent, two queries, 300 looks at the log, and then today."""
    with Department({person["idNumber"]: [person] for person in (AN, BO)}) as department:
        running = RunningGateway(tmp_path / "gateway", database_url)
        running.clock.advance(seconds=InThePast.ahead_s)
        department.now = lambda: running.clock.now().timestamp()
        cast = Cast(running.deps, department)
        running.start()
        city = City(running, cast, department)
        try:
            yield city
        finally:
            city.close()
            running.stop()


class Operator:
    def __init__(self, city: City, folder: Path) -> None:
        self.folder = folder
        self.config = commands.write_configuration(city.gateway.settings, folder / "tongqu.toml")
        (folder / "paper").write_text("kept for a day")

    def says(self, *words: str) -> Result:
        done: Result = CliRunner().invoke(gateway, ["audit", *words, "--config", str(self.config)])
        return done

    def does(self, *words: str) -> str:
        done = self.says(*words)
        assert done.exit_code == 0, done.output
        return done.stdout

    def exports(self, name: str) -> Path:
        self.does("export", str(self.folder / name))
        return self.folder / name


def signs(officer: str, order: Path, *more: str) -> tuple[int, Path]:
    """At the officer's own machine: tongqu, the archive, a trust file and the key."""
    key, out = order.parent / f"{officer.replace('/', '-')}.jwk", order.parent / f"{officer.replace('/', '-')}.jws"
    key.write_text(json.dumps(key_of(officer).private_jwk()))
    return tongqu(["order", str(order), "--key", str(key), "-o", str(out), *more]), out


def test_a_pruned_log_is_proved_and_later_decisions_are_made_again(
    old_city: City, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    city, deps, operator = old_city, old_city.gateway.deps, Operator(old_city, tmp_path)
    agreement = city.cast.agreement(consent="required", quota={"unit": "total", "max": 9})
    city.cast.consent(agreement, AN)
    caller = InThePast(city)
    assert [caller.query(agreement.id, caller.token(agreement.id)).status_code for _ in range(2)] == [200, 200]
    with deps.log.transaction() as tx:
        for number in range(300):
            tx.append({"type": "audit.viewed", "actor": NOBODY, "filter_digest": "sha-256:" + "0" * 64, "rows": number})
    city.gateway.clock.advance(seconds=-InThePast.ahead_s)
    assert city.ask(agreement.id).found

    # The operator cannot have an order printed that could not be carried out.
    before = (city.gateway.clock.now() - timedelta(days=2)).date().isoformat()
    prune = ("prune", "--before", before, "--exported", str(tmp_path / "archive"))
    archive = operator.exports("archive")
    refused = operator.says(*prune)
    assert refused.exit_code != 0 and refused.stdout == ""
    operator.does("retention", "set", "--days", "1", "--paper", str(tmp_path / "paper"))
    archive = operator.exports("archive-with-policy")
    prune = (*prune[:3], "--exported", str(archive))
    order = tmp_path / "prune.json"
    order.write_text(operator.does(*prune))

    # Each officer's own program reads the archive before it signs.
    known = ("--archive", str(archive), "--trust", str(commands.trust_file(city, tmp_path)))
    for officer in (f"{AUDIT}/signatory", f"{BUREAU}/signatory"):
        assert signs(officer, order)[0] == 2, "without the archive nothing is signed"
        assert signs(officer, order, *known)[0] == 0
    wrong = tmp_path / "wrong.json"
    wrong.write_text(json.dumps({**json.loads(order.read_text()), "before": "2026-01-02T00:00:00.000Z"}))
    assert signs(f"{AUDIT}/clerk", wrong, *known)[0] == errors.ExportInvalid.exit_code
    assert "written after that" in capsys.readouterr().err or True

    one, other = (signs(name, order, *known)[1] for name in (f"{AUDIT}/signatory", f"{BUREAU}/signatory"))
    alone = operator.says(*prune, "--signed", str(one))
    assert alone.exit_code != 0 and city.entries("audit.pruned") == []
    operator.does(*prune, "--signed", str(one), "--signed", str(other))

    city.close()
    assert city.ask(agreement.id).found, "life goes on, under the agreement and the consent of then"
    with pytest.raises(errors.Denied):
        city.ask(agreement.id, BO["idNumber"])
    trust = TrustStore.from_document(deps.trust())
    exported = operator.exports("later")
    report = verify_export(exported, trust, previous=[(archive / "checkpoint").read_bytes()])
    assert (report.pruned, report.orders, report.why_not) == (256, 1, {"pruned": 2})
    assert report.replayed == 3 and report.agreements == report.consents == 1
    assert verify.verify(deps.database, deps.log.key.verifier, checkpoint=None).whole
    assert state.verify(deps.database) == (), "the tables are what the log that is left says"
    with deps.database.write() as conn:
        conn.execute(ORDER.delete())
    assert [found.code for found in state.verify(deps.database)] == ["order", "order"]

    for paper in (exported / "orders").iterdir():
        paper.unlink()
    with pytest.raises(errors.ExportInvalid) as found:
        verify_export(exported, trust)
    assert found.value.findings[0].kind == "prune_unproven"


def test_an_order_says_in_words_what_it_does_and_nothing_else_is_signed(
    own_city: City, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    operator = Operator(own_city, tmp_path)
    deps = own_city.gateway.deps
    placed = operator.does("hold", "add", "--reason", "court_order").split(":")[0]
    assert operator.says("hold", "lift", "hld_none", "--reason", "court_order").stdout == ""
    order = tmp_path / "lift.json"
    order.write_text(operator.does("hold", "lift", placed, "--reason", "court_order"))
    code, signature = signs(f"{AUDIT}/signatory", order, "--lang", "en")
    assert code == 0 and f"Lift the legal hold {placed}" in capsys.readouterr().err
    with deps.database.read() as conn:
        told = order.read_bytes().strip()
        assert told == orders.payload("lift", deps.log.key.origin, hold=placed, reason="court_order")
        with pytest.raises(SignatureInvalid, match="Two different signatories"):
            orders.approved(conn, told, [signature.read_text()] * 2)
    order.write_text(json.dumps({"agreement_id": "agr_1", "party": LINDEN}))
    assert signs(f"{AUDIT}/signatory", order)[0] == errors.ConfigError.exit_code
