"""Make the demo city: programs started, services registered and approved, agreements signed, consent given.

Everything after the keys goes over HTTP, with the same calls that a real department or street office makes.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from importlib import resources
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tongqu_client import Gateway, Officer

import standards
from gateway.config import Settings, load
from gateway.demo import city, logins, papers, people, sources, traffic
from gateway.demo.processes import Processes, free_port
from gateway.lib.canonical_json import canonical, digest
from gateway.lib.clock import SystemClock, rfc3339
from gateway.lib.durable import write_file
from gateway.lib.jose import SigningKey
from gateway.wiring import Store, make_installation

Say = Callable[[str, str], None]
SCHEME = "cn.resident-id"
CONFIGURATION = """\
# The demo city · 示范城市
data_dir = "gateway"
public_url = "{url}"
port = {port}
provider_networks = ["127.0.0.0/8"]   # the city's departments run on this machine · 部门系统都在本机
provider_plain_http = true
environment = "test"
"""
# department → (source file, how the kit is told of it, standard)
KIT = {
    city.POLICE: ("police.csv", ("--csv",), papers.PERSON),
    city.CIVIL: ("civil-affairs.xlsx", ("--excel",), papers.ASSISTANCE),
    city.POPULATION: ("population.sqlite", ("--table", "t_ldrk", "--db"), papers.RESIDENCE),
}
TITLES = {
    city.POLICE: ("常住人口基本信息", "Permanent residents"),
    city.CIVIL: ("最低生活保障台账", "Minimum living allowance"),
    city.POPULATION: ("流动人口登记", "Floating population"),
    city.HEALTH: ("居民健康档案首页", "Health records, cover page"),
}
KIT_COMMAND = ("-m", "tongqu_client", "provider")


@dataclass(slots=True)
class City:
    """The running city. ``about`` is what demo.json says."""

    folder: Path
    settings: Settings
    processes: Processes
    about: dict[str, Any] = field(default_factory=dict)
    people: list[people.Person] = field(default_factory=people.residents)

    @property
    def url(self) -> str:
        return self.settings.public_url

    def client(self, party: str) -> Gateway:
        """The SDK as this party's registered system uses it."""
        own = next(each for each in self.about["clients"] if each["party"] == party)
        return Gateway(
            self.url,
            client_id=own["client_id"],
            key=str(self.folder / own["key_file"]),
            trust=str(self.folder / "trust.json"),
        )

    def officer(self, party: str, role: str, number: int = 0) -> Officer:
        """An officer of this party, as the SDK asks for one: with the officer's own key."""
        officers = [each for each in self.about["officers"] if each["party"] == party and each["role"] == role]
        return Officer.load(self.folder / officers[number]["key_file"])

    def key(self, party: str, role: str, number: int = 0) -> SigningKey:
        """The key of an officer, which only that office has."""
        officers = [each for each in self.about["officers"] if each["party"] == party and each["role"] == role]
        return SigningKey.from_jwk(json.loads((self.folder / officers[number]["key_file"]).read_text()))

    def sign(self, party: str, role: str, typ: str, payload: dict[str, Any], number: int = 0) -> str:
        """What an officer of the party signs."""
        return self.key(party, role, number).sign_payload(typ, canonical(payload))

    def agreement(self, paper: dict[str, Any]) -> dict[str, Any]:
        purpose = paper["purpose"][0]
        found: dict[str, Any] = next(each for each in self.about["agreements"] if each["purpose"] == purpose)
        return found


def build(folder: Path, port: int, say: Say) -> City:
    """Make everything anew under ``folder``, leave it running, and write demo.json when it is ready to serve."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "tongqu.toml"
    write_file(file, CONFIGURATION.format(url=f"http://127.0.0.1:{port}", port=port).encode())
    settings = load(file, environment=False)
    make_installation(settings)
    made = City(folder, settings, Processes(folder / "logs"))
    try:
        _witness(made, file, say)
        store = Store(made.settings)
        try:
            say("登记 8 个单位、它们的系统和签字人。", "Eight parties, their systems and signatories are admitted.")
            made.about = settle(made, store)
            made.about["logins"] = logins.settle(store.accounts, made.about, made.url)
            write_file(folder / "trust.json", _json(store.trust()))
        finally:
            store.close()
        start_gateway(made)
        say(f"网关已启动：{made.url}", f"The gateway runs at {made.url}.")
        _standards(made, say)
        _departments(made, say)
        _agreements(made, say)
        _consents(made, say)
        traffic.send(made, say)
        write_file(folder / "demo.json", _json(made.about))
    except BaseException:
        made.processes.stop()
        raise
    return made


def settle(made: City, store: Store) -> dict[str, Any]:
    return {
        "base_url": made.url,
        "issuer": made.settings.issuer,
        "resource": made.settings.public_url,
        **city.settle(store.identity, made.folder),
        "agreements": [],
        "subjects": [],
        "logins": [],
    }


def start_gateway(made: City) -> int:
    arguments = ("-m", "gateway", "serve", "--config", str(made.folder / "tongqu.toml"))
    pid = made.processes.start("gateway", arguments, f"{made.url}/readyz")
    (made.folder / "gateway.pid").write_text(str(pid))
    return pid


# ── the witness ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _witness(made: City, file: Path, say: Say) -> None:
    """The audit office's: it sees hashes only, and nobody can rewrite the log past it."""
    if find_spec("tongqu_witness") is None:
        say(
            "未安装 tongqu-witness：本次演示没有外部见证。",
            "tongqu-witness is not installed: nobody witnesses this log.",
        )
        return
    store = Store(made.settings)
    try:
        vkey = store.log.key.vkey
    finally:
        store.close()
    home, port = made.folder / "witness", free_port()
    command = ("-m", "tongqu_witness")
    told = made.processes.run((*command, "init", str(home), "--name", "audit.example/w1", "--log", vkey))
    own = next(line for line in told.splitlines() if line.startswith("witness ")).split()[2]
    made.processes.start(
        "witness", (*command, "serve", str(home), "--listen", f"127.0.0.1:{port}"), f"http://127.0.0.1:{port}/healthz"
    )
    policy = f"log {vkey}\nwitness audit {own} http://127.0.0.1:{port}\nquorum audit\n"
    write_file(made.folder / "policy", policy.encode())
    write_file(file, file.read_bytes() + b'witness_policy = "policy"\nwitness_seconds = 1\n')
    made.settings = load(file, environment=False)
    say("审计局运行见证程序，守望日志。", "The audit office runs a witness that watches the log.")


# ── standards ─────────────────────────────────────────────────────────────────────────────────────────────────────────
def _standards(made: City, say: Say) -> None:
    """What came with the software becomes the city's own: the data bureau signs each schema."""
    key = made.key(city.BUREAU, "signatory")
    with made.client(city.BUREAU) as gateway:
        found = gateway.request("GET", "/v1/standards", scope="standards:write")
        for each in found:
            schema = gateway.request("GET", each["url"], scope="standards:write")
            body = {"jws": key.sign_detached("tongqu-standard-signature+jws", canonical(schema))}
            gateway.request("POST", f"{each['url']}/sign", json=body, scope="standards:write")
    say(f"主管部门签署 {len(found)} 项数据标准。", f"The data bureau signs {len(found)} data standards.")


# ── departments ───────────────────────────────────────────────────────────────────────────────────────────────────────
def _departments(made: City, say: Say) -> None:
    for party in KIT:
        _kit_service(made, party)
    _health_service(made)
    say(
        "四个部门用各自的格式（GB18030 CSV、Excel 台账、SQLite 表、旧 HTTP 接口）登记了服务，"
        "通过符合性测试，由主管部门核准。",
        "Four departments registered services over their own formats (GB18030 CSV, an Excel ledger, a SQLite "
        "table, an old HTTP interface); each passed the conformance test and was approved by the data bureau.",
    )


def _kit_service(made: City, party: str) -> None:
    """The way of a department engineer: provider init, a crosswalk, register, serve."""
    name, how, standard = KIT[party]
    home = made.folder / "departments" / party
    home.mkdir(parents=True)
    source = home / name
    {
        city.POLICE: sources.write_police,
        city.CIVIL: sources.write_civil_affairs,
        city.POPULATION: sources.write_population,
    }[party](made.people, source)
    *flags, last = how
    place = f"sqlite:///{source}" if last == "--db" else str(source)
    zh, en = TITLES[party]
    described = ("--standard", standard, "--title-zh", zh, "--title-en", en, "--contact", "数据管理科")
    made.processes.run((*KIT_COMMAND, "init", str(home), *flags, last, place, *described))
    (home / "crosswalk.json").write_text(_crosswalk(party), encoding="utf-8")
    port = free_port()
    own = next(each for each in made.about["clients"] if each["party"] == party)
    register = (
        *(*KIT_COMMAND, "register", str(home), "--gateway", made.url, "--client-id", own["client_id"]),
        *("--key", str(made.folder / own["key_file"]), "--base-url", f"http://127.0.0.1:{port}"),
    )
    made.processes.run((*register, "--no-conformance"))
    made.processes.start(
        party, (*KIT_COMMAND, "serve", str(home), "--port", str(port)), f"http://127.0.0.1:{port}/health"
    )
    made.processes.run(register)
    service = next(each for each in _own_services(made, party) if each["standard"] == standard)
    _approve(made, service["id"])


def _health_service(made: City) -> None:
    """An interface that stays as it is: the gateway translates its answers."""
    home = made.folder / "departments" / city.HEALTH
    home.mkdir(parents=True)
    sources.write_health(made.people, home / "records.json")
    shutil.copy(made.folder / "trust.json", home / "trust.json")
    fields = [element.path for element in standards.get(papers.PERSON).elements]
    (home / "fields.json").write_text(json.dumps(fields))
    port = free_port()
    zh, en = TITLES[city.HEALTH]
    manifest = {
        "standard": papers.PERSON,
        "title_zh": zh,
        "title_en": en,
        "base_url": f"http://127.0.0.1:{port}",
        "crosswalk": json.loads(_crosswalk(city.HEALTH)),
        "contact": "信息统计科",
    }
    with made.client(city.HEALTH) as gateway:
        service = gateway.request("POST", "/v1/services", json=manifest, scope="catalogue:write")
        (home / "service.txt").write_text(service["id"])
        arguments = ("-m", "gateway.demo.health", str(home), str(port))
        made.processes.start(city.HEALTH, arguments, f"http://127.0.0.1:{port}/health")
        found = {"scheme": SCHEME, "id": made.people[0].id}
        tested = gateway.request(
            "POST",
            f"/v1/services/{service['id']}/conformance",
            json={"subject_found": found, "subject_absent": {"scheme": SCHEME, "id": people.stranger()}},
            scope="catalogue:write",
        )
    if not tested["passed"]:
        failed = [each for each in tested["report"]["checks"] if each["outcome"] == "fail"]
        raise RuntimeError(f"the health commission's service is not conformant: {failed}")
    _approve(made, service["id"])


def _own_services(made: City, party: str) -> list[dict[str, Any]]:
    with made.client(party) as gateway:
        found = gateway.request("GET", "/v1/catalogue", scope="catalogue:read")
    return [each for each in found if each["party"] == party]


def _approve(made: City, service: str) -> None:
    with made.client(city.BUREAU) as gateway:
        gateway.request("POST", f"/v1/services/{service}/approve", scope="admin")


def _crosswalk(party: str) -> str:
    return (resources.files("gateway.demo") / "crosswalks" / f"{party}.json").read_text(encoding="utf-8")


# ── agreements ────────────────────────────────────────────────────────────────────────────────────────────────────────
def _agreements(made: City, say: Say) -> None:
    for paper, consumer, signed in (
        (papers.IDENTITY_CHECK, city.LINDEN, True),
        (papers.ASSISTANCE_CHECK, city.LINDEN, True),
        (papers.OWN_RESIDENTS, city.MAPLE, True),
        (papers.HEALTH_FILE, city.MAPLE, True),
        (papers.HEALTH_FILE, city.LINDEN, False),
    ):
        made.about["agreements"].append(_agree(made, paper, consumer, signed))
    say(
        "起草 5 份共享协议：4 份经双方签署生效（1 份须本人同意，1 份限本辖区），1 份等待提供部门签署。",
        "Five agreements: four signed by both parties (one needs the resident's consent, one is limited to the own "
        "division), one waits for the provider's signature.",
    )


def _agree(made: City, paper: dict[str, Any], consumer: str, signed: bool) -> dict[str, Any]:
    """Drafted and signed by the street office, then signed by the department, over one digest."""
    with made.client(consumer) as street:
        draft = street.request(
            "POST", "/v1/agreements", json=papers.document(paper, consumer), scope="agreements:write"
        )
        path = f"/v1/agreements/{draft['id']}"
        street.request("POST", f"{path}/submit", scope="agreements:write")
        view = _sign(made, street, consumer, draft)
    if signed:
        with made.client(paper["provider"]) as department:
            view = _sign(made, department, paper["provider"], draft)
    return {
        "id": draft["id"],
        "consumer": consumer,
        "provider": paper["provider"],
        "standard": paper["standard"],
        "fields": list(paper["fields"]),
        "purpose": paper["purpose"][0],
        "consent": paper["consent"],
        "state": view["state"],
        "divisions": paper.get("divisions"),
        "quota": paper["quota"],
    }


def _sign(made: City, gateway: Gateway, party: str, draft: dict[str, Any]) -> dict[str, Any]:
    payload = {"agreement_id": draft["id"], "agreement_digest": draft["digest"], "party": party}
    jws = made.sign(party, "signatory", "tongqu-agreement-signature+jws", payload)
    signed: dict[str, Any] = gateway.request(
        "POST", f"/v1/agreements/{draft['id']}/sign", json={"jws": jws}, scope="agreements:write"
    )
    return signed


# ── consent, and whom one may ask for ─────────────────────────────────────────────────────────────────────────────────
def _consents(made: City, say: Say) -> None:
    applicants = [made.people[number] for number in sources.ON_ASSISTANCE]
    consent = give_consent(made, applicants[0])
    say(
        "一位居民在窗口当面同意；经办人和复核人两人签名为证，撤回码交给本人。",
        "A resident consents at the counter; two officers sign as witnesses, the withdrawal code goes to the resident.",
    )
    notes = [
        (made.people[0].id, "found", None),
        (applicants[0].id, "found", consent["id"]),
        (applicants[1].id, "no_consent", None),
        (people.stranger(), "not_found", None),
        (made.people[sources.TWICE].id, "ambiguous", None),
        (sources.outside(made.people).id, "outside_jurisdiction", None),
        (sources.inside(made.people).id, "inside_jurisdiction", None),
    ]
    made.about["subjects"] = [
        {"scheme": SCHEME, "id": id, "note": note} | ({"consent": consent} if consent else {})
        for id, note, consent in notes
    ]


def give_consent(made: City, person: people.Person) -> dict[str, Any]:
    """Consent of proof level 1: given at the counter before two officers."""
    paper: dict[str, Any] = papers.ASSISTANCE_CHECK
    asked = {
        "agreement_id": made.agreement(paper)["id"],
        "subject": {"scheme": SCHEME, "id": person.id},
        "purposes": [paper["purpose"][0]],
        "validity": {"until": rfc3339(SystemClock().now() + timedelta(days=90))},
        "notice": {"version": "2026-1", "digest": digest({"notice": "最低生活保障申请告知书"}), "channel": "counter"},
        "language": "zh",
    }
    with made.client(city.LINDEN) as street:
        consent: dict[str, Any] = street.request("POST", "/v1/consents", json=asked, scope="consents:write")
        payload = {"consent_id": consent["id"], "consent_digest": consent["digest"]}
        typ = "tongqu-consent-proof+jws"
        proof = {
            "kind": "counter-two-person",
            "clerk": made.sign(city.LINDEN, "clerk", typ, payload, 0),
            "witness": made.sign(city.LINDEN, "clerk", typ, payload, 1),
        }
        given: dict[str, Any] = street.request(
            "POST", f"/v1/consents/{consent['id']}/give", json={"proof": proof}, scope="consents:write"
        )
    return given


def _json(value: Any) -> bytes:
    return (json.dumps(value, ensure_ascii=False, indent=1) + "\n").encode()
