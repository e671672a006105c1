"""From an extract to a registered service by commands alone, in both languages, with exit codes a script can use."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from tongqu_client.cli import main
from tongqu_client.provider import register
from tongqu_client.provider.config import load
from tongqu_client.provider.conform import ThrowAwayGateway, sender
from tongqu_client.provider.errors import KitError

import standards
from standards import conformance
from tests.clients.provider.kit import ALL, ASSISTANCE, FLOATING, PEOPLE, POLICE, SAMPLES, Sample

COMMAND = [sys.executable, "-c", "import sys; from tongqu_client.cli import main; sys.exit(main())", "provider"]


def init(sample: Sample, folder: Path) -> list[str]:
    """The `init` command a person would type for this sample."""
    source = sample.source
    where = {
        "csv": ["--csv", str(SAMPLES / source.path)],
        "excel": ["--excel", str(SAMPLES / source.path)],
        "sql": ["--db", f"sqlite:///{SAMPLES / source.url.removeprefix('sqlite:///')}", "--table", source.table],
    }[source.kind]
    return ["provider", "init", *where, "--standard", sample.standard, str(folder)]


def mapped(sample: Sample, folder: Path) -> list[str]:
    given = [part for path, value in sample.given.items() for part in ("--set", f"{path}={value}")]
    return ["provider", "map", "--yes", *given, str(folder)]


@pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.name)
def test_init_map_test_lead_from_the_extract_to_a_conformant_service(
    sample: Sample, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(init(sample, tmp_path)) == 0
    assert main(mapped(sample, tmp_path)) == 0
    capsys.readouterr()
    assert main(["provider", "test", "--json", str(tmp_path)]) == 0
    report = json.loads(capsys.readouterr().out)
    assert report["conformance"]["outcome"] == "pass"
    assert json.loads((tmp_path / "report.json").read_text("utf-8"))["rows"] == report["rows"]


def test_bad_rows_are_listed_by_row_and_column_and_strict_makes_them_fail(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    main(init(POLICE, tmp_path))
    main(mapped(POLICE, tmp_path))
    assert main(["provider", "test", str(tmp_path)]) == 0
    shown = capsys.readouterr().out
    assert "共 302 行：可提供 300，不能提供 2" in shown
    for line in ("[302] CSRQ → birthDate", "[303] GMSFHM → idNumber", "[303] MZ → ethnicGroup：代码不在对照表中"):
        assert line in shown
    assert main(["provider", "test", "--strict", str(tmp_path)]) == 2
    page = (tmp_path / "report.html").read_text("utf-8")
    assert '<td class="">303</td>' in page and "unknown_code" in page and "<script" not in page
    for person in PEOPLE:
        assert person["id"] not in page + shown


def test_what_no_column_gives_is_asked_for_and_not_invented(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(init(ASSISTANCE, tmp_path))
    assert main(["provider", "map", "--yes", str(tmp_path)]) == 2
    asked = capsys.readouterr().err
    assert "--set divisionCode=… --set decisionOffice=…" in asked
    assert main(["provider", "test", str(tmp_path)]) == 2  # the draft is no crosswalk yet


def test_without_a_standard_map_proposes_the_nearest_and_writes_it_down(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = [part for part in init(FLOATING, tmp_path) if part not in ("--standard", FLOATING.standard)]
    assert main(command) == 0
    assert load(tmp_path).standard == ""
    assert main(mapped(FLOATING, tmp_path)) == 0
    assert "相近的标准：residence-record/1.0.0" in capsys.readouterr().out
    assert load(tmp_path).standard == FLOATING.standard


def test_a_file_alone_is_mapped_and_nothing_is_written(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    extract = tmp_path / ASSISTANCE.source.path
    extract.write_bytes((SAMPLES / ASSISTANCE.source.path).read_bytes())
    assert main(["provider", "map", str(extract), "--json"]) == 2  # what no column gives is still open
    report = json.loads(capsys.readouterr().out)
    assert report["standard"] == ASSISTANCE.standard and report["standard_settled"]
    told = {one["field"]: (one["columns"], one["certainty"]) for one in report["fields"] if one["columns"]}
    assert told["assistanceType"] == (["保障情况/类别"], "certain")
    assert told["applicantIdNumber"] == (["户主信息/身份证号"], "likely")
    assert "银行卡号" in [one["column"] for one in report["unused_columns"] if one["left_out_on_purpose"]]
    assert len(report["preview"]) == 3 and list(tmp_path.iterdir()) == [extract]


def test_a_standard_without_a_version_is_its_newest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    extract = SAMPLES / POLICE.source.path
    main(["provider", "map", str(extract), "--json", "--standard", "person-basic"])
    assert json.loads(capsys.readouterr().out)["standard"] == f"person-basic/{standards.versions('person-basic')[-1]}"


def test_a_file_of_an_unknown_kind_is_refused_with_the_kinds_there_are(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "a.docx").touch()
    assert main(["provider", "map", str(tmp_path / "a.docx")]) == 2
    assert ".xlsx" in capsys.readouterr().err


def test_the_mapping_report_lists_every_field_and_every_column(tmp_path: Path) -> None:
    main(init(FLOATING, tmp_path))
    main(mapped(FLOATING, tmp_path))
    text = (tmp_path / "mapping.md").read_text("utf-8")
    for element in standards.get(FLOATING.standard).elements:
        if element.kind not in ("object", "array"):
            assert element.path in text
    for column in ("xh", "xingming", "sfzhm", "haici", "zxbz"):
        assert column in text
    assert "1: 247，0: 13" in text  # the flag's codes are counted, so that somebody decides


def test_rows_are_kept_by_a_flag_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(init(FLOATING, tmp_path))
    main([*mapped(FLOATING, tmp_path), "--keep", "zxbz=1"])
    capsys.readouterr()
    assert main(["provider", "test", "--json", str(tmp_path)]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    assert (rows["translated"], rows["kept_out"]) == (247, 13)


@pytest.mark.parametrize(
    "wrong",
    [
        ["--set", "noSuchField=1"],
        ["--set", "divisionCode"],
        ["--use", "status=没有此列"],
        ["--keep", "没有此列=1"],
        ["--set", "decisionOffice=1", "--set", "divisionCode=440399"],
        ["--skip", "无"],
    ],
)
def test_map_refuses_what_cannot_be_meant(wrong: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(init(ASSISTANCE, tmp_path))
    assert main(["provider", "map", "--yes", *wrong, str(tmp_path)]) == 2
    assert capsys.readouterr().err


def test_words_a_code_list_does_not_know_are_explained_on_the_command_line(tmp_path: Path) -> None:
    extract = tmp_path / "extract.csv"
    extract.write_text("身份证号,姓名,性别,出生日期\n990101199001010019,甲甲,雄,1990-01-01\n", "utf-8")
    folder = tmp_path / "service"
    assert main(["provider", "init", "--csv", str(extract), "--standard", "person-basic/1.0.0", str(folder)]) == 0
    assert main(["provider", "map", "--yes", str(folder)]) == 2
    assert main(["provider", "map", "--yes", "--code", "sex:雄=1", str(folder)]) == 0
    assert main(["provider", "test", "--strict", str(folder)]) == 0


def test_init_does_not_overwrite_unless_told(tmp_path: Path) -> None:
    assert main(init(POLICE, tmp_path)) == 0
    assert main(init(POLICE, tmp_path)) == 2
    assert main([*init(POLICE, tmp_path), "--force"]) == 0


def test_english_is_spoken_on_request(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TONGQU_LANG", "en")
    main(init(POLICE, tmp_path))
    assert "302 rows and 15 columns read" in capsys.readouterr().out


@pytest.mark.parametrize(
    "arguments",
    [
        ["--csv", "absent.csv", "--standard", "person-basic/1.0.0"],
        ["--csv", str(SAMPLES / "gongan_changzhu.gb18030.csv"), "--standard", "nothing/1.0.0"],
        ["--excel", str(SAMPLES / "gongan_changzhu.gb18030.csv"), "--standard", "person-basic/1.0.0"],
        ["--db", "sqlite:////nowhere/x.sqlite", "--table", "t", "--standard", "person-basic/1.0.0"],
        ["--db", "no url", "--table", "t", "--standard", "person-basic/1.0.0"],
        ["--db", "nodatabase://x/y", "--table", "t", "--standard", "person-basic/1.0.0"],
        ["--db", "postgresql://${TONGQU_NOT_SET}@x/y", "--table", "t", "--standard", "person-basic/1.0.0"],
        ["--db", f"sqlite:///{SAMPLES}/jisheng_liudong.sqlite", "--standard", "residence-record/1.0.0"],
        ["--db", f"sqlite:///{SAMPLES}/jisheng_liudong.sqlite", "--table", "x", "--standard", "residence-record/1.0.0"],
    ],
)
def test_a_source_that_cannot_be_read_is_refused_in_words(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["provider", "init", *arguments, str(tmp_path)]) in (2, 7)
    assert capsys.readouterr().err.strip()
    assert not (tmp_path / "provider.toml").exists()


# ── register and serve, with a catalogue on the other side ────────────────────────────────────────────────────────────
class Catalogue:
    """The other side of `register`: a gateway that publishes its keys, keeps services and tests them."""

    def __init__(self) -> None:
        self.services: dict[str, dict[str, Any]] = {}
        self.bodies: list[Any] = []
        catalogue = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                data = json.dumps(catalogue.gateway.trust_document).encode()
                self.send_response(200 if self.path == "/.well-known/tongqu-trust" else 404)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def log_message(self, *_: Any) -> None:
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.gateway = ThrowAwayGateway(self.url)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def request(self, method: str, path: str, *, json: Mapping[str, Any] | None = None, scope: str) -> Any:
        assert scope == ("catalogue:read" if method == "GET" else "catalogue:write")
        parts = path.removeprefix("/v1/services").strip("/").split("/")
        if method == "GET":
            return self.services[parts[0]]
        self.bodies.append(json)
        if parts == [""]:
            service = {"id": f"svc_{len(self.services):026d}", "state": "registered", **dict(json or {})}
            self.services[service["id"]] = service
            return service
        service = self.services[parts[0]]
        report = conformance.run(
            sender(service["base_url"]),
            standard=standards.get(service["standard"]),
            service_id=service["id"],
            issuer=self.url,
            make_request=self.gateway.sign,
            **dict(json or {}),
        )
        service["state"] = "conformant" if report.passed else "registered"
        return {"state": service["state"], "passed": report.passed, "report": report.to_dict()}


@pytest.fixture
def catalogue() -> Iterator[Catalogue]:
    made = Catalogue()
    yield made
    made.server.shutdown()
    made.server.server_close()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.mark.parametrize("sample", ALL, ids=lambda sample: sample.name)
def test_register_pins_the_keys_saves_the_id_and_has_the_service_tested(
    sample: Sample, tmp_path: Path, catalogue: Catalogue
) -> None:
    port = free_port()
    config = replace(sample.config(tmp_path), service="", port=port, base_url=f"http://127.0.0.1:{port}")
    done = register.conform(register.register(config, catalogue.url, catalogue), catalogue)
    saved = load(tmp_path)
    assert done.state == "conformant"
    assert saved.service == done.config.service and saved.gateway == catalogue.url
    assert json.loads(saved.trust_path.read_text("utf-8"))["issuer"] == catalogue.url
    manifest = catalogue.bodies[0]
    assert manifest["crosswalk"] is None and manifest["timeout_ms"] == 3000
    again = register.register(saved, catalogue.url, catalogue)
    assert again.config.service == saved.service and len(catalogue.services) == 1


def test_another_gateway_than_the_one_pinned_is_refused(tmp_path: Path, catalogue: Catalogue) -> None:
    other = Catalogue()
    config = replace(POLICE.config(tmp_path), base_url="http://127.0.0.1:1")
    register.register(replace(config, service=""), catalogue.url, catalogue)
    with pytest.raises(KitError, match=r"issuer|固定"):
        register.register(load(tmp_path), other.url, other)
    other.server.shutdown()
    other.server.server_close()


def test_keys_are_not_fetched_over_plain_http_from_elsewhere(tmp_path: Path, catalogue: Catalogue) -> None:
    config = replace(POLICE.config(tmp_path), base_url="http://127.0.0.1:1")
    with pytest.raises(KitError, match="https"):
        register.register(config, "http://gateway.example", catalogue)


def test_serve_answers_on_gunicorn_and_follows_a_new_key_of_the_gateway(tmp_path: Path, catalogue: Catalogue) -> None:
    port = free_port()
    config = replace(POLICE.config(tmp_path), service="", port=port, base_url=f"http://127.0.0.1:{port}")
    registered = register.register(config, catalogue.url, catalogue)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    command = [*COMMAND, "serve", str(tmp_path)]
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, start_new_session=True) as process:
        try:
            wait_for(config.base_url, process)
            assert register.conform(registered, catalogue).state == "conformant"
            catalogue.gateway = ThrowAwayGateway(catalogue.url)  # the gateway has changed its key
            assert register.conform(registered, catalogue).state == "conformant"
        finally:
            process.send_signal(signal.SIGTERM)
            _, told = process.communicate(timeout=20)
    assert process.returncode == 0
    for person in PEOPLE:
        assert person["id"].encode() not in told


def wait_for(base_url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + 60
    while time.monotonic() < until and process.poll() is None:
        try:
            if requests.get(base_url + "/health", timeout=10).status_code == 200:
                return
        except requests.ConnectionError:
            time.sleep(0.1)
    raise AssertionError("the service did not start")


def test_serve_without_a_service_id_says_what_to_do_first(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(init(POLICE, tmp_path))
    main(mapped(POLICE, tmp_path))
    assert main(["provider", "serve", str(tmp_path)]) == 2
    assert "register" in capsys.readouterr().err


def test_a_conversion_starts_without_a_web_server_a_database_driver_or_the_client() -> None:
    code = (
        "import sys; from tongqu_client.cli import _parser; _parser(['provider', 'convert'], 'zh'); "
        "print([name for name in ('flask', 'sqlalchemy', 'requests') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_each_name_of_the_client_is_there_when_it_is_asked_for_and_no_other() -> None:
    code = (
        "import tongqu_client as t; assert all(getattr(t, name) for name in t.__all__); "
        "assert t.errors.ConfigError and t.verify.verify_receipt and 'Gateway' in dir(t); t.Gatewy"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "AttributeError: module 'tongqu_client' has no attribute 'Gatewy'" in done.stderr
