"""``/v1/cases`` as the systems of the audit office and of an office that must explain see it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clock import FixedClock
from tests.gateway.agreements import office as offices
from tests.gateway.agreements.office import Office
from tests.gateway.agreements.people import AUDIT, NEIGHBOUR, POLICE, STREET
from tests.gateway.audit import examples

SCOPES = {"cases:read", "cases:write"}
TEXT = "请说明查询事由。"


@pytest.fixture
def office(tmp_path: Path, clock: FixedClock, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    monkeypatch.setattr(offices, "SCOPES", {AUDIT: SCOPES, POLICE: {"agreements:read"}})
    monkeypatch.setattr(offices, "USUAL", SCOPES)
    with offices.opened(tmp_path, clock) as office:
        with office.deps.log.transaction() as tx:
            tx.append(examples.authorized())
        yield office


def test_opened_asked_answered_decided_closed(office: Office) -> None:
    body = {"kind": "review", "text": TEXT, "party": STREET, "entries": [1]}
    case = office.did(AUDIT, "POST", "/v1/cases", body)
    path = f"/v1/cases/{case['id']}"
    assert (case["state"], case["workdays_left"], case["overdue"]) == ("assigned", 11, False)
    office.did(AUDIT, "POST", f"{path}/ask", {"party": STREET, "text": TEXT})
    seen = office.did(STREET, "GET", path)
    assert [each["text"] for each in seen["notes"]] == [TEXT]
    assert office.did(STREET, "POST", f"{path}/answer", {"text": "窗口办理。"})["state"] == "answered"
    office.did(AUDIT, "POST", f"{path}/notes", {"text": "已核对。"})
    office.did(AUDIT, "POST", f"{path}/links", {"search": "result:refused"})
    decided = office.did(AUDIT, "POST", f"{path}/decide", {"verdict": "justified", "text": "有办件。"})
    assert decided["verdict"] == "justified"
    assert office.did(AUDIT, "POST", f"{path}/close")["state"] == "closed"
    assert [each["id"] for each in office.did(AUDIT, "GET", "/v1/cases?state=closed")["cases"]] == [case["id"]]


def test_the_neighbour_sees_nothing(office: Office) -> None:
    case = office.did(AUDIT, "POST", "/v1/cases", {"kind": "review", "text": TEXT, "party": STREET})
    path = f"/v1/cases/{case['id']}"
    office.did(AUDIT, "POST", f"{path}/ask", {"party": STREET, "text": TEXT})
    assert office.send(NEIGHBOUR, "GET", path).status_code == 404
    assert office.send(NEIGHBOUR, "POST", f"{path}/answer", {"text": TEXT}).status_code == 404
    assert office.did(NEIGHBOUR, "GET", "/v1/cases")["cases"] == []
    assert office.send(NEIGHBOUR, "GET", "/v1/cases/reviews").status_code == 403
    assert office.send(POLICE, "GET", "/v1/cases").status_code == 403  # no scope


def test_a_personal_number_is_refused_and_not_repeated(office: Office) -> None:
    answer = office.send(AUDIT, "POST", "/v1/cases", {"kind": "review", "text": "查 110105194912310021"})
    assert answer.status_code == 422
    assert "110105194912310021" not in answer.get_data(as_text=True)


def test_the_review_queue_over_http(office: Office, clock: FixedClock) -> None:
    office.deps.reviews.percent = 100
    office.deps.reviews.tidy()
    with office.deps.log.transaction() as tx:
        at = tx.append(examples.authorized("qry_2"))
    with office.deps.log.transaction() as tx:
        tx.append(examples.released("qry_2", at.index))
    clock.advance(seconds=24 * 3600)
    office.deps.reviews.tidy()
    (item,) = office.did(AUDIT, "GET", "/v1/cases/reviews")["items"]
    assert (item["reason"], item["entry"]) == ("sample", at.index + 1)
    done = office.did(AUDIT, "POST", f"/v1/cases/reviews/{item['id']}", {"outcome": "case"})
    assert done["case"].startswith("cas_")
    month = office.did(AUDIT, "GET", "/v1/cases/reviews/statistics")["month"]
    assert month == {"total": 1, "reviewed": 1, "overdue": 0, "percent": 100}
