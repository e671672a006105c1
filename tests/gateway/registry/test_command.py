"""The life of a standard at the command line: on the gateway's machine, signed with a key that is not the gateway's."""

from __future__ import annotations

import json
import shutil
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import cli
from gateway.errors import TongquError
from gateway.lib.clock import rfc3339
from standards import REGISTRY
from tests import migrated
from tests.gateway.registry.desk import PERSON, narrowed, widened

NEW = "person-basic/1.1.0"
WORDS = ("--zh", "增加备用电话", "--en", "a second telephone")


class Office:
    """A new installation with a data bureau and its signatory."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.runner = folder, CliRunner()
        (folder / "gw" / "data").mkdir(parents=True)
        shutil.copyfile(migrated.sqlite(), folder / "gw" / "data" / "tongqu.sqlite")
        assert self.run("init", str(folder / "gw"), config=False).exit_code == 0
        with (folder / "gw" / "tongqu.toml").open("a") as config:
            config.write("standards_consultation_days = 0\nstandards_grace_days = 0\n")
        self.key = str(folder / "bureau.jwk.json")
        self.ok("party", "add", "data-bureau", "--name-zh", "数据局", "--name-en", "Bureau", "--kind", "data_bureau")
        post = ("--role", "signatory", "--title", "局长", "--key", self.key, "--new-key")
        self.ok("officer", "add", "data-bureau", *post)

    def run(self, *arguments: str, config: bool = True) -> Result:
        more = ("--config", str(self.folder / "gw" / "tongqu.toml")) if config else ()
        return self.runner.invoke(cli, [*arguments, *more])

    def ok(self, *arguments: str) -> str:
        done = self.run(*arguments)
        assert done.exit_code == 0, (done.output, done.exception)
        return done.output

    def refused(self, *arguments: str) -> str:
        """The code of the error, or what the command said."""
        done = self.run(*arguments)
        assert done.exit_code != 0
        return done.exception.code if isinstance(done.exception, TongquError) else done.output

    def file(self, schema: dict[str, object]) -> str:
        path = self.folder / "standard.json"
        path.write_text(json.dumps(schema, ensure_ascii=False))
        return str(path)


@pytest.fixture
def office(tmp_path: Path) -> Office:
    return Office(tmp_path)


def soon(seconds: float) -> str:
    return rfc3339(datetime.now(UTC) + timedelta(seconds=seconds))


def lay_open(office: Office) -> None:
    """For a moment, and until it is over: for the shortest that has not passed before the command gets there."""
    for seconds in (0.2, 1, 5, 25):
        if office.run("standards", "consult", NEW, "--until", soon(seconds)).exit_code == 0:
            time.sleep(seconds + 0.01)
            return
    pytest.fail("the command takes longer than any consultation")


def test_a_standard_from_draft_to_withdrawal(office: Office) -> None:
    file = office.file(widened("1.1.0"))
    assert "compatible, minor" in office.ok("standards", "draft", file, *WORDS)
    office.ok("standards", "draft", file, *WORDS)  # once more replaces it
    office.ok("standards", "consult", NEW, "--until", soon(60))
    publish = ("standards", "publish", file, "--key", office.key)
    assert office.refused(*publish) == "wrong_state"
    office.ok("standards", "reopen", NEW)
    lay_open(office)
    assert "signed by data-bureau" in office.ok(*publish)
    assert "deprecated" in office.ok("standards", "deprecate", PERSON, "--until", "2099-12-31")
    listed = office.ok("standards", "list")
    assert f"{NEW:32} published" in listed and f"{PERSON:32} deprecated" in listed
    assert office.refused("standards", "withdraw", PERSON) == "invalid_request"
    withdraw = ("standards", "withdraw", PERSON, "--reason", "defective")
    assert office.refused(*withdraw) == "invalid_request"  # nobody signed
    assert "withdrawn" in office.ok(*withdraw, "--key", office.key)


def test_what_was_laid_open_is_what_is_published(office: Office) -> None:
    office.ok("standards", "draft", office.file(widened("1.1.0")), *WORDS)
    lay_open(office)
    other = office.file(widened("1.1.0") | {"title": "偷换的标题"})
    assert "differs" in office.refused("standards", "publish", other, "--key", office.key)


def test_a_number_that_says_less_is_refused(office: Office) -> None:
    office.ok("standards", "draft", office.file(narrowed("1.1.0")), *WORDS)
    assert office.refused("standards", "consult", NEW, "--until", soon(60)) == "version_too_low"


def test_comments_are_seen_and_a_draft_goes_back_to_the_desk(office: Office) -> None:
    office.ok("standards", "draft", office.file(widened("1.1.0")), *WORDS)
    office.ok("standards", "consult", NEW, "--until", soon(60))
    assert office.ok("standards", "comments", NEW) == ""
    answer = ("--outcome", "accepted", "--text", "好")
    assert office.refused("standards", "answer", NEW, "cmt_1", *answer) == "not_found"
    assert "draft" in office.ok("standards", "reopen", NEW)


def test_the_bureau_signs_all_that_came_with_the_software(office: Office) -> None:
    assert "unsigned: shipped with release" in office.ok("standards", "list")
    assert f"{len(REGISTRY)} not signed" in office.ok("doctor")
    signed = office.ok("standards", "sign", "--all", "--key", office.key)
    assert signed.count("signed by data-bureau") == len(REGISTRY)
    assert "0 not signed" in office.ok("doctor")
    assert office.ok("standards", "sign", "--all", "--key", office.key) == ""


def test_without_a_bureau_or_with_a_strange_key_nothing_is_done(office: Office) -> None:
    strange = str(office.folder / "police.jwk.json")
    office.ok("party", "add", "police", "--name-zh", "公安局", "--name-en", "Police", "--kind", "department")
    post = ("--role", "signatory", "--title", "科长", "--key", strange, "--new-key")
    office.ok("officer", "add", "police", *post)
    assert office.refused("standards", "sign", PERSON, "--key", strange) == "signature_invalid"
    assert "no active data bureau" in office.refused("standards", "reopen", NEW, "--party", "police")
    office.ok("party", "suspend", "data-bureau")
    assert "found 0" in office.refused("standards", "reopen", NEW)


@pytest.mark.parametrize("until", ["soon", "2099-02-30", "2099-01-01T00:00:00"])
def test_a_time_that_is_none_is_refused(office: Office, until: str) -> None:
    assert "expected a date" in office.refused("standards", "deprecate", PERSON, "--until", until)
