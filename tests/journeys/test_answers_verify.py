"""An answer proves itself: to the office that got it, and offline to anybody who holds the trust file."""

from __future__ import annotations

from tests.cast import AN, FIELDS
from tests.running import City


def test_an_answer_holds_the_granted_fields_and_verifies(city: City) -> None:
    agreement = city.cast.agreement()
    answer = city.ask(agreement.id)
    assert answer.one() == {name: AN[name] for name in FIELDS}
    assert answer.verify().claims["query"] == answer.request_id
