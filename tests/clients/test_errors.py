"""Every code that a gateway can say has a class of its own here, in the right family, with an exit code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tongqu_client import _problems, errors

import gateway.exchange
from gateway import errors as server

REFUSALS = [
    "no_agreement",
    "agreement_not_active",
    "agreement_suspended",
    "agreement_expired",
    "not_a_party",
    "purpose_not_covered",
    "standard_not_covered",
    "field_not_covered",
    "case_required",
    "consent_required",
    "consent_withdrawn",
    "consent_expired",
    "outside_jurisdiction",
    "quota_exceeded",
    "outside_hours",
    "service_unavailable",
    "party_suspended",
    "client_suspended",
    "token_mismatch",
    "subject_scheme_unknown",
    "subject_invalid",
]


OF_PAGES = {"form_rejected", "sign_in_refused"}  # what only people with a browser meet: to the client, Denied


def _codes_of_the_gateway() -> list[str]:
    found = {server.TongquError.code}
    waiting = [server.TongquError]
    while waiting:
        for child in waiting.pop().__subclasses__():
            found.add(child.code)
            waiting.append(child)
    return sorted(found - OF_PAGES)


def _codes_of_decisions() -> list[str]:
    """The codes written in the rules: the second argument of each Reason."""
    source = (Path(gateway.exchange.__path__[0]) / "decision.py").read_text(encoding="utf-8")
    return sorted(set(re.findall(r'"((?:[a-z]+_)+[a-z]+)",\n', source)))


@pytest.mark.parametrize("code", _codes_of_the_gateway())
def test_every_problem_code_of_the_gateway_has_a_class(code: str) -> None:
    assert code in _problems.BY_CODE


@pytest.mark.parametrize("code", REFUSALS)
def test_every_refusal_code_has_a_class(code: str) -> None:
    assert code in _problems.BY_CODE


def test_every_code_in_the_rules_has_a_class() -> None:
    codes = _codes_of_decisions()
    assert "purpose_not_covered" in codes  # the rules were read
    assert set(codes) <= set(_problems.BY_CODE)


def test_no_two_classes_share_a_code() -> None:
    every = {cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, errors.GatewayError)}
    named = [cls.code for cls in every if "code" in vars(cls) and cls.code]
    assert len(set(named)) == len(named) == len(_problems.BY_CODE)


EXIT_CODES = [
    (errors.ConfigError, 2),
    (errors.InvalidRequest, 2),
    (errors.SubjectInvalid, 2),
    (errors.NotFound, 3),
    (errors.UnknownStandard, 3),
    (errors.Denied, 4),
    (errors.Unauthorized, 4),
    (errors.ConsentRequired, 5),
    (errors.ConsentRevoked, 5),
    (errors.ConsentExpired, 5),
    (errors.QuotaExceeded, 6),
    (errors.RateLimited, 6),
    (errors.ProviderError, 7),
    (errors.ServiceUnavailable, 7),
    (errors.TransportError, 8),
    (errors.TimedOut, 8),
    (errors.ServerError, 8),
    (errors.IntegrityError, 9),
    (errors.ExportInvalid, 9),
]


@pytest.mark.parametrize(("cls", "code"), EXIT_CODES)
def test_a_family_has_its_exit_code(cls: type[errors.GatewayError], code: int) -> None:
    assert cls.exit_code == code


FAMILIES = [
    (400, errors.InvalidRequest),
    (401, errors.Unauthorized),
    (403, errors.Denied),
    (404, errors.NotFound),
    (409, errors.InvalidRequest),
    (418, errors.InvalidRequest),
    (422, errors.InvalidRequest),
    (429, errors.RateLimited),
    (500, errors.ServerError),
    (502, errors.ProviderError),
    (503, errors.ServerError),
    (504, errors.ProviderError),
    (599, errors.ServerError),
]


@pytest.mark.parametrize(("status", "family"), FAMILIES)
def test_an_unknown_code_becomes_the_class_of_its_family(status: int, family: type[errors.GatewayError]) -> None:
    error = _problems.from_problem({"code": "from_the_future"}, status=status, retry_after=None, request_id=None)
    assert type(error) is family
    assert error.problem_code == "from_the_future"


@pytest.mark.parametrize("document", [{}, {"code": 1, "detail": [], "retry_after": "x", "log_index": "1"}, None])
def test_a_problem_of_any_shape_becomes_an_error(document: dict[str, object] | None) -> None:
    error = _problems.from_problem(document, status=503, retry_after=None, request_id="qry_1")
    assert (type(error), error.request_id, error.retryable) == (errors.ServerError, "qry_1", True)
    assert error.say("zh") and error.say("en")


def test_every_class_has_a_title_in_both_languages() -> None:
    classes: list[type[errors.GatewayError]] = [errors.GatewayError, *_problems.BY_CODE.values()]
    for cls in classes:
        assert cls().say("zh") != cls().say("en")
