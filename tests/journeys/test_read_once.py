"""What an agreement says is read when it changes, and not again for each query, however many agreements there are."""

from __future__ import annotations

from gateway.agreements.terms import read
from tests.running import City


def test_the_next_query_does_not_read_the_agreement_again(city: City) -> None:
    agreement = city.cast.agreement()
    assert city.ask(agreement.id).found
    read.cache_clear()  # what is read from now on is read anew
    assert city.ask(agreement.id).found
    hits = read.cache_info().hits
    read(agreement.text)
    assert read.cache_info().hits == hits, "it was read for the second query"
