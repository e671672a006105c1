"""Each peer of the benchmark does what the table says it does: no more and no less."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
import requests

from bench import records
from bench.peers import NotInstallable, Peer, nginx, node_js
from bench.peers.base import listens
from bench.peers.everyone import peers
from bench.peers.tokens import COLUMNS, Issuer

pytestmark = pytest.mark.timeout(900)  # the first start installs packages


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@pytest.fixture(scope="module")
def stub() -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.stub", str(port)], cwd=Path(__file__).parents[2])
    try:
        while not listens(port):
            assert process.poll() is None
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


@contextmanager
def running(peer: Peer, workdir: Path, stub: str) -> Iterator[str]:
    port = free_port()
    try:
        peer.start(workdir, stub, port)
    except NotInstallable as why:
        pytest.skip(f"{peer.name}: {why}")
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        peer.stop()


def ask(peer: Peer, url: str, token: str | None = "its own") -> requests.Response:
    method, path, headers, body = peer.request()
    sent = dict(headers)
    if token is None:
        sent.pop("Authorization")
    elif token != "its own":
        sent["Authorization"] = f"Bearer {token}"
    return requests.request(method, url + path, headers=sent, data=body, timeout=10)


def alive(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)  # ended; its new parent has not asked yet
    except psutil.NoSuchProcess:
        return False


def _param(peer: Peer) -> object:
    """Those of Node.js install and compile packages for minutes."""
    marks = pytest.mark.torture if isinstance(peer, node_js.NodePeer) else ()
    return pytest.param(peer, id=peer.name.split(",")[0], marks=marks)


@pytest.fixture(params=[_param(peer) for peer in peers()])
def peer(request: pytest.FixtureRequest) -> Peer:
    made: Peer = request.param
    return made


def test_a_right_request_gets_the_departments_record(peer: Peer, tmp_path: Path, stub: str) -> None:
    with running(peer, tmp_path, stub) as url:
        answer = ask(peer, url)
        assert answer.status_code == 200
        found = answer.json()["records"][0]
        person = records.person(records.ids()[0])
        assert found == ({name: person[name] for name in COLUMNS} if isinstance(peer, node_js.Broker) else person)


def test_whoever_checks_a_token_refuses_all_others(peer: Peer, tmp_path: Path, stub: str) -> None:
    with running(peer, tmp_path, stub) as url:
        if "Authorization" not in peer.headers():
            assert type(peer) is nginx.Nginx  # the only one that checks nothing
            return
        own = peer.headers()["Authorization"].removeprefix("Bearer ")
        algorithm = "RS256" if isinstance(peer, node_js.ExpressGateway) else "ES256"
        header, claims, signature = own.split(".")
        others = Issuer.new(algorithm).token().split(".")
        wrong = {
            "none at all": None,
            "another issuer's key": ".".join(others),
            "another's signature": f"{header}.{claims}.{others[2]}",
            "no signature": f"{header}.{claims}.",
            "other claims": f"{header}.{others[1][:-4]}AAAA.{signature}",
        }
        assert {defect: ask(peer, url, token).status_code for defect, token in wrong.items()} == dict.fromkeys(
            wrong, 401
        )


def test_all_its_processes_are_counted_and_none_is_left(peer: Peer, tmp_path: Path, stub: str) -> None:
    with running(peer, tmp_path, stub):
        deadline = time.monotonic() + 10
        while len(pids := peer.pids()) < 3 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert len(pids) == 3  # one that watches, two that work
        assert all(alive(pid) for pid in pids)
    assert [pid for pid in pids if alive(pid)] == []
    assert peer.pids() == []


@pytest.mark.torture
def test_the_broker_has_an_entry_on_disk_for_each_answer_and_signs_it(tmp_path: Path, stub: str) -> None:
    broker = node_js.Broker(1)
    with running(broker, tmp_path, stub) as url:
        answers = [ask(broker, url) for _ in range(3)]
        with sqlite3.connect(f"file:{tmp_path}/log-1.sqlite?mode=ro", uri=True) as log:
            kept = {f"{id}.{at}" for id, at in log.execute("SELECT id, at FROM entries")}
        log.close()
    assert kept == {answer.headers["entry"] for answer in answers}
    assert all(len(answer.headers["signature"]) == 86 for answer in answers)  # 64 bytes in base64url


@pytest.mark.torture
def test_the_broker_refuses_what_its_schema_does_not_know(tmp_path: Path, stub: str) -> None:
    broker = node_js.Broker(1)
    with running(broker, tmp_path, stub) as url:
        method, path, headers, body = broker.request()
        asked = json.loads(body)
        defects = {
            "no subject": {**asked, "subject": None},
            "not a resident's number": {**asked, "subject": {"scheme": "cn.resident-id", "id": "1"}},
            "no fields": {**asked, "fields": []},
        }
        codes = {
            defect: requests.request(method, url + path, headers=dict(headers), json=sent, timeout=10).status_code
            for defect, sent in defects.items()
        }
        nothing = requests.request(
            method, url + path, headers=dict(headers), json={**asked, "fields": ["BZ"]}, timeout=10
        )
    assert codes == dict.fromkeys(defects, 400)
    assert nothing.status_code == 403


def test_what_is_not_there_is_left_out_with_its_word(tmp_path: Path) -> None:
    """A machine without Node.js: an empty PATH."""
    look = "from bench.peers.node_js import Broker\nfrom pathlib import Path\nBroker().start(Path('.'), '', 0)"
    run = subprocess.run(
        [sys.executable, "-c", look], cwd=Path(__file__).parents[2], env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert "NotInstallable: no Node.js with npm" in run.stderr


@pytest.mark.parametrize("package", ["broker", "express-gateway"])
def test_a_lock_names_each_package_with_its_digest_and_no_registry(package: str) -> None:
    lock = json.loads((Path(node_js.__file__).parent / "node" / package / "package-lock.json").read_text())
    locked = {name: row for name, row in lock["packages"].items() if name}
    assert all("resolved" not in row for row in locked.values())
    assert [name for name, row in locked.items() if not row.get("integrity") and not row.get("inBundle")] == []
