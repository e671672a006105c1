"""Threats T30 and T33: people sign in, look, object, unmask and export while everything is written down at DEBUG.

Afterwards no resident and no secret is found in the database, its files, its backup, what the gateway and a witness
said and keep, exports, metrics, error pages, and the titles and addresses of pages.
"""

from __future__ import annotations

import io
import sqlite3
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy.engine import make_url

from tests import postgres
from tests.cast import AN, AUDIT, BO, CASE, LINDEN
from tests.journeys import canaries, commands
from tests.journeys.at_the_pages import Browser, sign_in
from tests.journeys.by_hand import ByHand
from tests.journeys.officers import ask, officer
from tests.journeys.process import Process
from tests.journeys.test_kill import closed_city  # noqa: F401  # a fixture
from tests.running import City
from tests.witness.process import WitnessProcess

pytestmark = pytest.mark.torture
RESIDENTS = [AN["idNumber"], BO["idNumber"], AN["name"], BO["name"], AN["phone"], AN["domicileAddress"]["text"], CASE]
PAGES = 24


class Callers(ByHand):
    """A system that keeps every token, assertion and proof it makes or gets."""

    def __init__(self, city: City, party: str = LINDEN) -> None:
        self.secrets: set[str] = set()
        super().__init__(city, party)

    def proof(self, path: str, token: str | None = None, *, method: str = "POST") -> str:
        made = super().proof(path, token, method=method)
        self.secrets.add(made)
        return made

    def token(self, *agreement: str, **details: Any) -> str:
        token = super().token(*agreement, **details)
        self.secrets.add(token)
        return token

    def reader(self) -> str:
        """A token of the kind that reads the log."""
        token = self.token_of_scope("log:read")
        self.secrets.add(token)
        return token

    def get(self, path: str, token: str, query: str = "") -> requests.Response:
        headers = {"Authorization": f"DPoP {token}", "DPoP": self.proof(path, token, method="GET")}
        return requests.get(f"{self.url}{path}{query}", headers=headers, timeout=20)


def live(city: City) -> tuple[list[Browser], set[str], list[tuple[str, bytes]]]:
    """A day of everybody who signs in. Returns their browsers, further secrets, and what was taken away or refused."""
    agreement = city.cast.agreement().id
    assert ask(city, agreement, officer(city)).found
    linden, reader = Callers(city), Callers(city, AUDIT)
    assert linden.query(agreement, linden.token(agreement)).ok
    number = next(at for at, each in enumerate(city.gateway.entries()) if each["type"] == "exchange.authorized")

    an, _ = sign_in(city, "resident")
    an.get(f"/me/look-ups/{number}/object")
    assert an.post(f"/me/look-ups/{number}/object", {"text": "我那天没有去过窗口"}).status_code == 303
    assert an.post(f"/me/look-ups/{number}/object", {"text": f"我是{AN['idNumber']}"}).status_code == 422
    assert an.crawl("/me", PAGES) > 3

    wei, _ = sign_in(city, "compliance")
    qin, _ = sign_in(city, "compliance")
    wei.get("/desk/cases/new")
    case = wei.post(
        "/desk/cases", {"kind": "review", "party": LINDEN, "text": "夜间查询", "entry": str(number)}
    ).headers["Location"]
    wei.get(case)
    asked = wei.post(f"{case}/unmask/{number}", {"reason": "verify_duty"}).headers["Location"]
    qin.get(asked)
    assert qin.post(f"{asked}/approve").status_code == 303
    wei.get(asked)
    assert AN["idNumber"] in wei.post(f"{asked}/open").text
    wei.get("/desk/search")
    for typed in (AN["idNumber"], f"subject:{AN['idNumber']}", f"case:{CASE}", AN["name"]):
        wei.post("/desk/search", {"q": typed})
    assert wei.crawl("/desk", PAGES) >= PAGES / 2
    wei.get("/account")

    taken = []
    token = reader.reader()
    for format in ("csv", "json", "jsonl", "xlsx", "zip"):
        found = reader.get(f"/v1/log/search.{format}", token, "?q=type:exchange")
        assert found.ok, found.text
        taken += list(_unpacked(f"search.{format}", found.content))
    for path in (
        f"/me/{AN['idNumber']}",
        f"/desk/{AN['idNumber']}",
        f"/nothing/{AN['idNumber']}?{CASE}",
        f"/desk/cases/{CASE}",
    ):
        for browser in (an, wei, Browser(city.gateway.url)):
            page = browser.session.get(city.gateway.url + path, headers={"Accept": "text/html"}, timeout=20)
            assert page.status_code in (401, 403, 404) or "/sign-in" in page.url, page.status_code
            if "/sign-in" not in page.url:
                taken.append((f"error page of {path[:6]}", page.content))
    taken.append(("metrics", requests.get(f"{city.gateway.url}/metrics", timeout=20).content))
    return [an, wei, qin], linden.secrets | reader.secrets, taken


def _unpacked(name: str, data: bytes) -> Iterator[tuple[str, bytes]]:
    yield name, data
    if data.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            for each in archive.namelist():
                yield from _unpacked(f"{name}: {each}", archive.read(each))


def backup(url: str, folder: Path) -> Iterator[tuple[str, bytes]]:
    """The database as a backup of it holds it."""
    at = make_url(url)
    if at.get_backend_name() == "sqlite":
        with sqlite3.connect(at.database or "") as database, sqlite3.connect(folder / "backup.sqlite") as copy:
            database.backup(copy)
            yield "dump", "\n".join(copy.iterdump()).encode()
        database.close()
        copy.close()
        yield from canaries.files(folder / "backup.sqlite")
        return
    server = postgres.server()
    with postgres.admin(server, at.database or "") as connection:
        connection.execute("CHECKPOINT")
        found = connection.execute("SELECT oid FROM pg_database WHERE datname = current_database()").fetchone()
        assert found is not None
        tables = [row[0] for row in connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
        for table in tables:  # what pg_dump writes
            with connection.cursor().copy(f'COPY public."{table}" TO STDOUT') as out:
                yield f"dump of {table}", b"".join(bytes(piece) for piece in out)
    yield from canaries.files(server / "data" / "base" / str(found[0]))


def test_nothing_of_residents_and_no_secret_is_left_by_those_who_sign_in(
    closed_city: City,  # noqa: F811
    tmp_path: Path,
) -> None:
    city, said, settings = closed_city, tmp_path / "said", closed_city.gateway.settings
    log = city.gateway.deps.log
    with WitnessProcess(tmp_path / "witness", "audit.test/w1", log.key.vkey) as witness:
        policy = tmp_path / "policy"
        policy.write_text(f"log {log.key.vkey}\nwitness audit {witness.vkeys[0]} {witness.url}\nquorum audit\n")
        more = {"witness_policy": str(policy), "witness_seconds": 0.1, "log_level": "DEBUG"}
        config = commands.write_configuration(settings, tmp_path / "tongqu.toml", **more)
        with Process(config, settings.public_url, said):
            browsers, secrets, places = live(city)
        witness.process.terminate()
        assert witness.process.stderr is not None
        places.append(("said by the witness", witness.process.stderr.read().encode()))
    exported = commands.export(city, tmp_path, "log")
    for browser in browsers:
        secrets |= browser.secrets
        # what an address or a title shows is read by neighbours, proxies and the history of a browser
        shown = [("a title", each.encode()) for each in browser.titles]
        shown += [("an address", each.encode()) for each in browser.addresses]
        assert len(shown) > 20
        assert not canaries.found_in(shown, [*RESIDENTS, *browser.secrets])
    places += canaries.files(settings.data_dir, said, exported, witness.folder, *tmp_path.glob("gateway.sqlite*"))
    places += canaries.rows(settings.database)
    places += backup(settings.database, tmp_path)
    assert said.stat().st_size > 0
    assert len(secrets) > 20, secrets
    assert not canaries.found_in(places, RESIDENTS)
    kept = [
        (place, content) for place, content in places if not place.startswith("error page")
    ]  # forms have their token
    assert not canaries.found_in(kept, secrets, digests=False)
