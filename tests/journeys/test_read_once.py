"""What a query rests on is read when it changes, and not again for each query, however many agreements there are."""

from __future__ import annotations

from collections import Counter
from types import SimpleNamespace
from typing import Any

import pytest
from tongqu_client.errors import ClientSuspended

from gateway.agreements.terms import read
from gateway.exchange import facts
from gateway.identity import store
from gateway.identity.model import OPERATOR
from tests.cast import LINDEN
from tests.running import City


def test_the_next_query_does_not_read_the_agreement_again(city: City) -> None:
    agreement = city.cast.agreement()
    assert city.ask(agreement.id).found
    read.cache_clear()  # what is read from now on is read anew
    assert city.ask(agreement.id).found
    hits = read.cache_info().hits
    read(agreement.text)
    assert read.cache_info().hits == hits, "it was read for the second query"


def test_what_agreements_have_in_common_is_read_once_and_again_when_it_changes(
    city: City, monkeypatch: pytest.MonkeyPatch
) -> None:
    times = Counter[str]()

    def get_client(*given: Any) -> Any:
        times["client"] += 1
        return store.get_client(*given)

    def get_party(*given: Any) -> Any:
        times["party"] += 1
        return store.get_party(*given)

    counting = SimpleNamespace(**{**vars(store), "get_client": get_client, "get_party": get_party})
    monkeypatch.setattr(facts, "identity_store", counting)
    first, second, third = (city.cast.agreement() for _ in range(3))
    assert city.ask(first.id).found and times["client"] <= 1 and times["party"] <= 2  # the office and the department
    times.clear()
    assert city.ask(second.id).found and not times
    identity, client = city.gateway.deps.identity, city.cast.clients[LINDEN]
    identity.suspend_client(OPERATOR, client)
    try:
        with pytest.raises(ClientSuspended):
            city.ask(first.id)
    finally:
        identity.resume_client(OPERATOR, client)
    times.clear()
    assert city.ask(third.id).found and times == {"client": 1}, "it is another client than the one that was kept"
