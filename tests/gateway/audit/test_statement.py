"""A month by the log, to be compared with one's own books (threat T25)."""

from __future__ import annotations

import asyncio

import pytest
from flask.testing import FlaskClient

from gateway.audit.log import Log
from tests.clock import FixedClock
from tests.gateway.audit.conftest import AUDITOR, LINDEN, TAX, Door
from tests.gateway.audit.examples import authorized, failed, released


@pytest.fixture
def history(log: Log, clock: FixedClock) -> Log:
    """Three queries of Linden's in November, one of December's."""

    async def story() -> None:
        asked = [await log.append(authorized(f"qry_{n}")) for n in range(3)]
        await log.append(released("qry_0", asked[0].index))
        await log.append(released("qry_1", asked[1].index))
        await log.append(failed("qry_2", asked[2].index))
        clock.advance(seconds=20 * 86_400)
        await log.append(authorized("qry_3"))
        clock.advance(seconds=30 * 86_400)

    asyncio.run(story())
    return log


def test_it_counts_what_was_asked_and_how_it_ended(web: FlaskClient, door: Door, history: Log) -> None:
    door.visitor = LINDEN
    answer = web.get("/v1/log/statements/2026-11").json
    assert answer is not None and answer["statement"] == "tongqu-statement+jwt"
    claims = answer["claims"]
    assert (claims["party"], claims["month"], claims["held"]["total"]) == ("street-linden", "2026-11", 0)
    assert claims["asked"]["results"] == {"failed": 1, "released": 2}
    assert claims["asked"]["by_provider"]["police"] == {"released": 2}
    year, _ = history.shards()  # it is January now; November's counts stand in the log of its year
    assert year.size is not None and claims["log"]["origin"] == year.origin and claims["log"]["size"] <= year.size
    december = web.get("/v1/log/statements/2026-12").json
    assert december is not None and december["claims"]["asked"]["results"] == {"open": 1}


@pytest.mark.daily_on_one
def test_a_party_gets_its_own_and_an_overseer_anybodys(web: FlaskClient, door: Door, history: Log) -> None:
    door.visitor = TAX
    assert web.get("/v1/log/statements/2026-11?party=street-linden").status_code == 403
    own = web.get("/v1/log/statements/2026-11").json
    assert own is not None and own["claims"]["asked"]["total"] == 0
    door.visitor = AUDITOR
    theirs = web.get("/v1/log/statements/2026-11?party=street-linden").json
    assert theirs is not None and theirs["claims"]["asked"]["total"] == 3


@pytest.mark.daily_on_one
@pytest.mark.parametrize("month", ["2027-02", "9999-12", "2026-13", "november", "2026-1"])
def test_a_month_that_is_not_over_or_is_none_is_refused(web: FlaskClient, door: Door, history: Log, month: str) -> None:
    door.visitor = LINDEN
    assert web.get(f"/v1/log/statements/{month}").status_code == 422


# ── the report of a month ─────────────────────────────────────────────────────────────────────────────────────────────
def test_a_report_counts_each_side_and_the_month_before(web: FlaskClient, door: Door, history: Log) -> None:
    door.visitor = AUDITOR
    november, december = (web.get(f"/v1/log/reports/2026-{month}").json for month in (11, 12))
    assert november is not None and december is not None
    asked = {each["party"]: each for each in november["lines"] if each["side"] == "consumer"}
    assert (asked["street-linden"]["total"], asked["street-linden"]["results"]["released"]) == (3, 2)
    [linden] = [each for each in december["lines"] if (each["side"], each["party"]) == ("consumer", "street-linden")]
    assert (linden["total"], linden["month_before"]) == (1, 3)


@pytest.mark.daily_on_one
def test_in_a_report_a_party_reads_only_of_what_it_was_part_of(web: FlaskClient, door: Door, history: Log) -> None:
    door.visitor = TAX
    assert web.get("/v1/log/reports/2026-11").json == {"month": "2026-11", "lines": []}
    door.visitor = LINDEN
    own = web.get("/v1/log/reports/2026-11").json
    assert own is not None and {each["party"] for each in own["lines"] if each["side"] == "consumer"} == {
        "street-linden"
    }
    for month in ("2026-13", "november", "2026-1", "0000-01", "9999-12"):
        assert web.get(f"/v1/log/reports/{month}").status_code == 422
