"""The commands that people are told of exist, with the options they are told of."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from tongqu_client.cli import main as tongqu

from gateway.cli import cli
from tests.promises.tables import ROOT, tracked

# Promised by name to scripts and other systems, as far as this release delivers them. The rest has plans of its own:
# make bench; gateway standards diff|publish.
GATEWAY = """
serve --host --port --workers --config
init
demo --port --data --once --no-story
db upgrade
db check
openapi --write
config check
standards list
standards check
standards generate --count --seed --city
standards site --base-url
party add
party list
party suspend
client add
client rotate
officer add
officer list
officer suspend
user add --role --party --officer --subject-stdin
user list
user suspend
user resume
user reset
user link --issuer --subject
audit verify --since
audit export
doctor
"""
TONGQU = """
query --agreement --purpose --case --fields --id-stdin
catalogue search
explain --agreement --purpose
verify
provider init
provider map
provider test
provider serve
provider register
provider indicator --period --json
"""
MAKE = ("demo", "test", "check")


def _gateway_command(words: list[str]) -> tuple[click.Command, list[str]]:
    """The command that these words lead to, and the words left over."""
    command: click.Command = cli
    context = click.Context(cli)
    while isinstance(command, click.Group):
        found = command.get_command(context, words[0]) if words else None
        assert found is not None, f"no command gateway … {' '.join(words)}"
        command, words = found, words[1:]
    return command, words


def _assert_gateway(words: list[str]) -> None:
    command, left = _gateway_command(words)
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word.split("=")[0] for word in left if word.startswith("--")} <= known


def _assert_tongqu(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    commands = ("provider", "catalogue", "standards")
    depth = 2 if words[0] in commands else 1
    with pytest.raises(SystemExit) as ended:
        tongqu([*words[:depth], "--help"])
    assert ended.value.code == 0
    known = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    assert {word.split("=")[0] for word in words if word.startswith("--")} <= known


def _documented(program: str) -> Iterator[tuple[str, list[str]]]:
    """(page, words) of every line in a fenced block of our pages that calls ``program``."""
    for page in tracked("*.md"):
        for block in re.findall(r"^```[a-z]*\n(.*?)^```", (ROOT / page).read_text(encoding="utf-8"), re.M | re.S):
            for line in block.replace("\\\n", " ").splitlines():
                for part in line.split("&&"):
                    words = _words(part)
                    if words and Path(words[0].removeprefix("ExecStart=")).name == program:
                        yield page, words[1:]


def _words(line: str) -> list[str]:
    try:
        return shlex.split(line, comments=True)
    except ValueError:
        return []


@pytest.mark.parametrize("line", GATEWAY.strip().splitlines())
def test_a_promised_command_of_the_gateway_exists(line: str) -> None:
    _assert_gateway(line.split())


@pytest.mark.parametrize("line", TONGQU.strip().splitlines())
def test_a_promised_command_of_the_client_exists(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    _assert_tongqu(line.split(), capsys)


@pytest.mark.parametrize("target", MAKE)
def test_a_promised_target_of_make_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)


def test_pages_name_only_commands_of_the_gateway_that_exist() -> None:
    lines = [(page, words) for page, words in _documented("gateway") if words]
    assert len(lines) > 10
    for page, words in lines:
        try:
            _assert_gateway(words)
        except AssertionError as error:
            pytest.fail(f"{page}: gateway {' '.join(words)}: {error}")


def test_pages_name_only_commands_of_the_client_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    lines = [(page, words) for page, words in _documented("tongqu") if words]
    assert len(lines) > 20
    for page, words in lines:
        try:
            _assert_tongqu(words, capsys)
        except (AssertionError, pytest.fail.Exception) as error:
            pytest.fail(f"{page}: tongqu {' '.join(words)}: {error}")
