"""An officer walked three hundred identity numbers at night. Does the audit office find it, and can it prove it?

The look-ups are real: made by the path of a query, at a real department, two nights ago by the gateway's clock. Then
the gateway serves, and two people at the audit office do the rest in a browser.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyotp
import pytest
from tongqu_client.cli import main as tongqu

from gateway.errors import ProviderError
from gateway.exchange import query as path
from gateway.exchange.model import Query
from gateway.identity.model import Assertion, Grant
from gateway.lib.ids import new_id
from tests.cast import CASE, LINDEN, PURPOSE, SCHEME, STANDARD, Cast, key_of, resident
from tests.clock import FixedClock
from tests.journeys import commands
from tests.pages.browser import look
from tests.pages.signing_in import PASSWORD, person
from tests.running import City, MovableClock, RunningGateway
from tests.simulators.department import Department

pytestmark = [pytest.mark.browser, pytest.mark.torture]
WALKED, ON_FILE = 300, 150
MOST_CLICKS = 5
PEOPLE = [resident(number, f"居民{number}") for number in range(100, 100 + WALKED)]


@dataclass
class Colleague:
    """Somebody at the audit office with a device for one-time codes."""

    username: str
    device: pyotp.TOTP
    used: int = -1  # the last code's place, each good once

    def signs_in(self, url: str) -> list[list[Any]]:
        self.used = max(self.used + 1, int(time.time()) // 30)
        return [
            ["goto", f"{url}/sign-in"],
            ["fill", "#username", self.username],
            ["fill", "#password", PASSWORD],
            ["click", "[data-testid=sign-in]"],
            ["waitForURL", "**/sign-in/second**"],
            ["fill", "#code", self.device.at(self.used * 30)],
            ["click", "[data-testid=second]"],
            ["waitForURL", "**/desk"],
        ]


@dataclass
class Scene:
    city: City
    officer: str
    wei: Colleague
    qin: Colleague


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path) -> Iterator[Scene]:
    folder = tmp_path_factory.mktemp("abuse")
    (folder / "gateway.sqlite").write_bytes(sqlite_template.read_bytes())
    now = datetime.now(UTC)
    night = FixedClock((now - timedelta(days=2)).replace(hour=17, minute=10, second=0, microsecond=0))  # 01:10 there
    on_file = {each["idNumber"]: [each] for each in PEOPLE[:ON_FILE]}
    with Department(on_file | dict(_of_the_cast()), now=lambda: night.now().timestamp()) as department:
        gateway = RunningGateway(folder / "gateway", f"sqlite:///{folder / 'gateway.sqlite'}")
        gateway.deps.close()
        gateway.clock = night  # type: ignore[assignment]  # only until it serves
        gateway.make()
        cast = Cast(gateway.deps, department)
        officer = cast.officers[f"{LINDEN}/clerk"]
        asyncio.run(_walk(gateway, cast, officer, night))
        gateway.deps.close()
        gateway.clock = MovableClock()
        gateway.make()
        gateway.start()
        colleagues = [_colleague(gateway, name) for name in ("audit-wei", "audit-qin")]
        city = City(gateway, cast, department)
        try:
            yield Scene(city, officer, *colleagues)
        finally:
            city.close()
            gateway.stop()


def _of_the_cast() -> Iterator[tuple[str, list[Any]]]:
    from tests.cast import AN

    yield AN["idNumber"], [AN]


async def _walk(gateway: RunningGateway, cast: Cast, officer: str, clock: FixedClock) -> None:
    """Every number in turn, one every twenty-five seconds, by the path of a query."""
    deps, agreement = gateway.deps, cast.agreement(case_required=False)
    exchange = deps.exchange
    assertion = Assertion(officer, ("counter",), None, "aal2", ("pwd", "otp"), clock.now(), None, None)
    key = key_of(f"{LINDEN}/clerk").kid
    grant = Grant(agreement.id, agreement.digest, PURPOSE, STANDARD, None)
    caller = replace(cast.caller(LINDEN), grant=grant, officer=officer, officer_key=key, assertion=assertion)
    with deps.log:
        for each in PEOPLE:
            number = each["idNumber"]
            query = Query(
                new_id("qry"), caller, agreement.id, STANDARD, PURPOSE, SCHEME, number,
                deps.pseudonyms.subject(SCHEME, number),
            )  # fmt: skip
            kept = deps.sidecar.sealed(query.id, deps.pseudonyms.resident(SCHEME, number), CASE)
            with contextlib.suppress(ProviderError):
                await path.answer(query, exchange.deps, [], lambda: None, beside=[kept])
            clock.advance(seconds=25)
        await deps.providers.close()


def _colleague(gateway: RunningGateway, username: str) -> Colleague:
    account = person(gateway.deps, "compliance", username=username)
    secret = gateway.deps.factors.new_secret()
    device, at = pyotp.TOTP(secret), int(time.time()) // 30 - 1
    gateway.deps.factors.add_totp(account, secret, device.at(at * 30))
    return Colleague(username, device, at)


def click(testid: str) -> list[list[Any]]:
    return [["click", f"[data-testid={testid}] >> nth=0"], ["waitForLoadState", "load"]]


def fit(view: dict[str, Any]) -> bool:
    serious = [each for each in view["violations"] if each["impact"] in ("serious", "critical")]
    assert not serious, serious
    assert view["sideways"] == 0, view["at"]
    assert all(request.startswith(view["url"].split("/desk")[0].split("/sign-in")[0]) for request in view["requests"])
    return True


def test_found_in_five_clicks_opened_by_two_and_proved_to_a_stranger(scene: Scene, tmp_path: Path) -> None:
    url, gateway = scene.city.gateway.url, scene.city.gateway
    begin = {"url": f"{url}/sign-in", "width": 1440}

    # From the overview: the worst finding, its look-ups, a case, and the request to unmask the first of them.
    to_case = [
        *click("finding-1"),
        *click("case-of-search"),
        ["fill", "#text", "夜间逐个查询三百人，没有办件编号，请说明。"],
        *click("open-case"),
        *click("unmask"),
        *click("ask-unmasking"),
    ]
    clicks = [step for step in to_case if step[0] == "click"]
    assert len(clicks) <= MOST_CLICKS
    worst = f".finding.first >> text=连续查询 {WALKED} 名"
    overview = [["waitForSelector", "text=逐个遍历"], ["waitForSelector", worst]]
    (asked,) = look([{**begin, "steps": [*scene.wei.signs_in(url), *overview, *to_case]}])
    assert fit(asked)
    unmasking = asked["at"]
    assert "/desk/unmaskings/unm_" in unmasking

    # The colleague finds the request on the overview, approves, and looks.
    approve = [*click("waiting-unmasking"), *click("approve"), *click("open-unmasking")]
    (opened,) = look([{**begin, "steps": [*scene.qin.signs_in(url), *approve]}])
    assert fit(opened)
    assert any(each["idNumber"] in opened["text"] for each in PEOPLE)

    # The one who asked looks too, and takes the evidence along.
    entry = _unmasked_entry(gateway)
    take = [
        ["goto", f"{url}/desk/entries/{entry}"],
        ["click", "[data-testid=evidence]"],
        ["waitForTimeout", 1500],
        ["goto", f"{url}/desk/search?q=officer:{scene.officer}"],
        ["click", "[data-testid=as-bundle]"],
        ["waitForTimeout", 3000],
    ]
    look_too = [["goto", unmasking], *click("open-unmasking"), ["waitForSelector", "[data-testid=revealed]"]]
    steps = [*scene.wei.signs_in(url), *look_too, *take]
    (taken,) = look([{**begin, "steps": steps, "downloads": str(tmp_path)}])
    assert fit(taken)
    (bundle,) = tmp_path.glob("*.tqe")
    trust = commands.trust_file(scene.city, tmp_path)
    assert tongqu(["verify", str(bundle), "--trust", str(trust)]) == 0
    assert tongqu(["verify", str(tmp_path / "log.zip"), "--trust", str(trust)]) == 0

    looks = [each for each in gateway.entries() if each["type"].startswith("case.unmask")]
    assert [each["type"] for each in looks] == [
        "case.unmask_asked", "case.unmask_approved", "case.unmasked", "case.unmasked",
    ]  # fmt: skip
    assert looks[0]["by"] != looks[1]["by"]
    released = [each for each in gateway.entries() if each["type"] == "exchange.released"]
    assert sum(each["records"] for each in released) == ON_FILE  # where nobody is on file, that is what is released
    text = str(gateway.entries())
    assert not any(each["idNumber"] in text or each["name"] in text for each in PEOPLE)


def _unmasked_entry(gateway: RunningGateway) -> int:
    return next(each["entry"] for each in gateway.entries() if each["type"] == "case.unmasked")


@pytest.mark.parametrize(("width", "lang"), [(1440, "en"), (390, "zh")])
def test_every_page_of_the_desk_is_fit_for_everybody(scene: Scene, width: int, lang: str) -> None:
    url = scene.city.gateway.url
    entry = _first_look_up(scene.city.gateway)
    case = next((each["file"] for each in scene.city.gateway.entries() if each["type"] == "case.opened"), None)
    paths = [
        *("", "/search?q=risk:night", "/search?q=officer:off_none", "/search?q=nonsense", f"/entries/{entry}"),
        *(
            "/cases",
            f"/cases/new?entry={entry}",
            "/reviews",
            "/integrity",
            "/integrity?since=2026-01-01&until=2026-01-02",
        ),
        *("/reports", "/rules"),
        *((f"/cases/{case}", f"/cases/{case}/unmask/{entry}") if case else ()),
    ]
    steps = scene.qin.signs_in(url)
    for page in paths:
        at = f"{url}/desk{page}{'&' if '?' in page else '?'}lang={lang}"
        steps += [["goto", at], ["judge"]]
    (seen,) = look([{"url": f"{url}/sign-in", "width": width, "steps": steps, "axe": False}])
    assert len(seen["judged"]) == len(paths)
    assert all(fit(each) for each in seen["judged"])


def _first_look_up(gateway: RunningGateway) -> int:
    return next(n for n, each in enumerate(gateway.entries()) if each["type"] == "exchange.authorized")
