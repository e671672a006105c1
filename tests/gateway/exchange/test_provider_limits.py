"""What bounds one question to a department: its deadline, the queue before it, and settings that became stricter."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from gateway import errors
from gateway.catalogue.outbound import OutboundPolicy
from gateway.exchange.providers.rest import RestProviders
from tests.gateway.exchange.asking import RECORD, RESIDENT, providers, question, run
from tests.simulators.department import Department


@pytest.fixture
def department() -> Iterator[Department]:
    with Department({RESIDENT: [RECORD]}) as running:
        yield running


@pytest.mark.timeout(30)
def test_the_time_spent_in_the_queue_is_part_of_the_deadline(department: Department) -> None:
    """One place, taken for most of a minute; the second question waits that long and then has the rest of its own."""
    seconds = 0.0

    async def story(own: RestProviders) -> None:
        nonlocal seconds
        first, second = (
            asyncio.create_task(own.fetch(question(department, max_concurrent=1, timeout_s=60.0))) for _ in range(2)
        )
        while not own.waiting:
            await asyncio.sleep(0.001)
        seconds += 59.8
        first.cancel()
        with pytest.raises(errors.ProviderTimedOut):
            await second

    department.behave("hang")
    run(story, monotonic=lambda: seconds)


STRICTER = {
    "plain http is no longer allowed": OutboundPolicy(networks=("127.0.0.0/8",)),
    "the network is no longer listed": OutboundPolicy(networks=("10.0.0.0/8",), plain_http=True),
}


@pytest.mark.parametrize("change", STRICTER)
def test_a_service_registered_under_looser_settings_is_not_called(department: Department, change: str) -> None:
    async def story() -> None:
        own = providers(STRICTER[change])
        try:
            with pytest.raises(errors.ProviderUnavailable) as caught:
                await own.fetch(question(department))
            assert "provider_networks" in (caught.value.fix_en or "")
            assert own.breaker_states() == {}, "it was not asked, so nothing is known about it"
        finally:
            await own.close()

    asyncio.run(story())
    assert department.connections == 0


def test_a_user_name_in_a_stored_address_is_never_sent(department: Department) -> None:
    with pytest.raises(errors.ProviderUnavailable):
        run(lambda own: own.fetch(question(department, base_url=department.base_url.replace("//", "//user:word@"))))
    assert department.connections == 0


def test_cookies_that_a_department_sets_are_not_kept(department: Department) -> None:
    """A cookie would tie one resident's question to another's."""

    async def twice(own: RestProviders) -> None:
        department.behave("sets_a_cookie", times=1)
        for _ in range(2):
            await own.fetch(question(department, base_url=department.base_url.replace("127.0.0.1", "department.test")))

    run(twice, names=lambda host, port: ["127.0.0.1"])
    assert [received.header("cookie") for received in department.requests] == [None, None]


@pytest.mark.parametrize(("registered", "processes", "at_once"), [(4, 1, 4), (4, 2, 2), (4, 3, 1), (1, 4, 1)])
def test_processes_share_what_a_department_gives_at_once(
    department: Department, registered: int, processes: int, at_once: int
) -> None:
    """So that all of them together never ask more at once than was registered, unless there are more processes."""
    department.delay_s = 0.05

    async def ask(own: RestProviders) -> None:
        await asyncio.gather(*(own.fetch(question(department, max_concurrent=registered)) for _ in range(8)))

    run(ask, processes=processes)
    assert department.connections == at_once
