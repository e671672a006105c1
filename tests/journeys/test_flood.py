"""A consumer that floods, and what the others notice of it: facts about order and bounds, no clocks."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tongqu_client import errors

from gateway.asgi import CONTROL_PLANE_MAX, Gateway
from tests.cast import AN, BO, LINDEN, MAPLE, Cast
from tests.running import City, RunningGateway
from tests.simulators.department import Department

BURST = 3


@pytest.fixture
def city(tmp_path: Path, database_url: str) -> Iterator[City]:
    """A gateway that lets each client send three queries at once, and one more in an hour or so."""
    with Department({person["idNumber"]: [person] for person in (AN, BO)}) as department:
        gateway = RunningGateway(tmp_path / "gateway", database_url)
        gateway.deps.close()
        slow = {"queries_per_second_per_client": 0.0002, "burst_per_client": BURST}
        gateway.settings = replace(gateway.settings, **slow)
        gateway.make()
        cast = Cast(gateway.deps, department)
        gateway.start()
        made = City(gateway, cast, department)
        made.begin()
        try:
            yield made
        finally:
            made.close()
            gateway.stop()


def test_who_floods_is_refused_without_an_entry_and_the_neighbour_is_served(city: City) -> None:
    of_linden, of_maple = city.cast.agreement(), city.cast.agreement(consumer=MAPLE)
    for _ in range(BURST):
        assert city.ask(of_linden.id).found
    before = len(city.gateway.entries())
    for _ in range(3):  # each is kept waiting for its answer
        with pytest.raises(errors.RateLimited) as refused:
            city.ask(of_linden.id)
        assert (refused.value.status, refused.value.problem_code) == (429, "rate_limited")
        assert refused.value.retry_after is not None and refused.value.retry_after > 1 and refused.value.fix
    assert len(city.gateway.entries()) == before
    assert len(city.department.requests) == BURST
    assert city.ask(of_maple.id, party=MAPLE).found
    text = city.gateway.deps.metrics().decode()
    assert 'tongqu_queries_total{code="rate_limited",status="429"} 3.0' in text


@pytest.mark.daily_on_one
def test_a_new_token_does_not_buy_a_new_rate(city: City) -> None:
    agreement = city.cast.agreement()
    for _ in range(BURST):
        city.close()  # the next question comes with a token asked for anew
        assert city.ask(agreement.id).found
    city.close()
    with pytest.raises(errors.RateLimited):
        city.ask(agreement.id, party=LINDEN)


@pytest.mark.daily_on_one
def test_beyond_its_bound_the_control_plane_says_busy_and_health_still_answers(city: City) -> None:
    """Requests whose bodies never come, as many as there may be, and one more."""

    async def story() -> tuple[list[dict[str, object]], dict[str, object]]:
        application = Gateway(city.gateway.deps)
        never = asyncio.Event()

        async def body_that_never_comes() -> dict[str, object]:
            await never.wait()
            return {"type": "http.disconnect"}

        async def ask(method: str, path: str) -> list[dict[str, object]]:
            sent: list[dict[str, object]] = []

            async def send(message: dict[str, object]) -> None:
                sent.append(message)

            scope = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": []}
            await application(scope, body_that_never_comes, send)  # type: ignore[arg-type]
            return sent

        waiting = [asyncio.create_task(ask("POST", "/oauth/token")) for _ in range(CONTROL_PLANE_MAX)]
        await asyncio.sleep(0)
        refused, healthy = await ask("POST", "/v1/agreements"), await ask("GET", "/healthz")
        never.set()
        await asyncio.gather(*waiting)
        return refused, healthy[0]

    refused, healthy = asyncio.run(story())
    headers = dict(refused[0]["headers"])  # type: ignore[call-overload]
    assert refused[0]["status"] == 503 and headers[b"retry-after"] == b"1"
    assert b"signature" in headers, "an error under /v1 is signed like any answer"
    assert healthy["status"] == 200
