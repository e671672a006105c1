"""openid-client, a JavaScript library by others, gets a token and asks, as its own documentation shows it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.interop.npm import libraries, run
from tests.interop.place import Place

pytestmark = pytest.mark.node


@pytest.fixture(scope="session")
def script() -> str:
    """client.mjs beside the library it needs."""
    libraries("the JavaScript client library is not tried here")
    return "client.mjs"


def _run(script: str, place: Place, **more: Any) -> dict[str, Any]:
    told = {
        "base_url": place.base_url,
        "client_id": place.client_id,
        "key": dict(place.key),
        "alg": place.alg,
        "authorization_details": [dict(place.details)],
        "url": place.url,
        "body": dict(place.body),
        "times": 3,
        **more,
    }
    answer: dict[str, Any] = run(script, told)
    return answer


def test_the_library_gets_a_bound_token_and_asks_three_times(script: str, place: Place) -> None:
    result = _run(script, place)
    assert result["token"]["token_type"].lower() == "dpop"
    assert result["token"]["authorization_details"][0]["agreement_id"] == place.details["agreement_id"]
    assert [answer["status"] for answer in result["answers"]] == [200] * 3, result["answers"]
    assert all(answer["body"] | dict(place.answer) == answer["body"] for answer in result["answers"])


def test_the_library_exchanges_an_officers_assertion_and_asks(script: str, place: Place) -> None:
    result = _run(script, place, subject_token=place.officer(), times=1)
    assert result["token"]["issued_token_type"] == "urn:ietf:params:oauth:token-type:access_token"
    assert [answer["status"] for answer in result["answers"]] == [200], result["answers"]


def test_it_works_with_keys_of_other_kinds(script: str, place_of_alg: Place) -> None:
    assert [answer["status"] for answer in _run(script, place_of_alg, times=1)["answers"]] == [200]
