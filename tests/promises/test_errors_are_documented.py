"""docs/errors.md says every code that the gateway can say, with its status and rule, and the client knows each."""

from __future__ import annotations

import inspect
import re
from collections import Counter

import pytest
from tongqu_client import _problems
from tongqu_client import errors as client

from gateway import errors, problems
from gateway.agreements import grant
from gateway.exchange import api, decision, query
from gateway.identity import oauth
from tests.promises.tables import DOCS, ROOT, rows

PAGE = DOCS / "errors.md"
COLUMNS = 6  # code, status, rule, meaning, what to do, class of the client
DOCUMENTED = {row[0]: row for row in rows(PAGE, COLUMNS)}

# A rule's code in the source: Reason("R4", "unknown_standard", …, and the pairs in the tables of states.
_OF_RULE = re.compile(r"\"(R\d+)\",\s+\"([a-z_]+)\"")
_OF_STATE = re.compile(r"\(\"(agreement_[a-z]+)\", \"")
_OAUTH = ("oauth.py", "server.py", "grants.py")
_OF_IDENTITY = re.compile(r"rule=\"(A\d+)\"")


def _error_classes() -> list[type[errors.TongquError]]:
    return [kind for _, kind in inspect.getmembers(errors, inspect.isclass) if issubclass(kind, errors.TongquError)]


def _refusals() -> dict[str, str]:
    """Every refusal code of the rules, and the rule that says it."""
    found: dict[str, str] = {}
    for module in (decision, grant, query):
        source = inspect.getsource(module)
        found |= {code: rule for rule, code in _OF_RULE.findall(source)}
        found |= dict.fromkeys(_OF_STATE.findall(source), "R1")
    return found | {errors.ChangedMeanwhile.code: "R18"}


def test_the_search_for_refusals_finds_them() -> None:
    assert {"no_agreement", "agreement_superseded", "quota_exceeded", "outside_jurisdiction"} <= set(_refusals())
    assert set(decision.RULE_IDS) <= set(_refusals().values())


def test_each_code_stands_on_the_page_once() -> None:
    counted = Counter(row[0] for row in rows(PAGE, COLUMNS))
    assert [code for code, times in counted.items() if times > 1] == []


def test_the_page_holds_exactly_the_codes_of_the_code() -> None:
    said = {kind.code for kind in _error_classes()} | set(_refusals())
    said |= {code for code, _, _ in problems._OF_HTTP.values()}
    assert said == set(DOCUMENTED)


@pytest.mark.parametrize("code", sorted(_refusals()))
def test_a_refusal_is_documented_with_its_rule_and_status(code: str) -> None:
    _, status, rule, *_ = DOCUMENTED[code]
    assert rule == _refusals()[code]
    assert int(status) == api._STATUS_OF_REASON.get(code, 403)


@pytest.mark.parametrize("kind", _error_classes())
def test_an_error_is_documented_with_its_status(kind: type[errors.TongquError]) -> None:
    assert int(DOCUMENTED[kind.code][1]) == problems.STATUS.get(kind, 500)


@pytest.mark.parametrize(("status", "code"), [(status, row[0]) for status, row in problems._OF_HTTP.items()])
def test_what_the_framework_refuses_is_documented_with_its_status(status: int, code: str) -> None:
    assert int(DOCUMENTED[code][1]) == status


def test_every_rule_of_identity_is_documented() -> None:
    folder = ROOT / "gateway" / "identity"
    said = {rule for file in folder.glob("*.py") for rule in _OF_IDENTITY.findall(file.read_text(encoding="utf-8"))}
    assert said == {row[2] for row in DOCUMENTED.values() if row[2].startswith("A")} != set()


@pytest.mark.parametrize("code", sorted(DOCUMENTED))
def test_the_client_raises_the_documented_class(code: str) -> None:
    _, status, _, _, _, name = DOCUMENTED[code]
    raised = _problems.from_problem({"code": code}, status=int(status), retry_after=None, request_id=None)
    assert f"`{type(raised).__name__}`" == name
    assert isinstance(raised, client.GatewayError) and raised.problem_code == code


@pytest.mark.parametrize("code", sorted(DOCUMENTED))
def test_each_row_says_it_in_both_languages(code: str) -> None:
    _, _, _, meaning, remedy, _ = DOCUMENTED[code]
    for cell in (meaning, remedy):
        assert re.search(r"[一-鿿]", cell) and re.search(r"[A-Za-z]{3}", cell), cell


def test_the_words_of_the_token_endpoint_are_documented() -> None:
    source = "".join((ROOT / "gateway" / "identity" / name).read_text(encoding="utf-8") for name in _OAUTH)
    said = set(re.findall(r"\"((?:invalid|use_dpop|unsupported|temporarily|server)_[a-z_]+)\"", source))
    assert said == {row[0] for row in rows(PAGE, 3)} != set()


def test_the_token_endpoint_answers_400_unless_documented_otherwise() -> None:
    assert inspect.signature(oauth.Refused).parameters["status"].default == 400
    others = {row[0]: row[1] for row in rows(PAGE, 3) if row[1] != "400"}
    assert others == {"temporarily_unavailable": "503", "server_error": "500"}
    passing = {str(problems.STATUS[kind]) for kind in (errors.Busy, errors.LogUnavailable)}
    assert passing == {others["temporarily_unavailable"]}
