"""What the gateway really connects to: real sockets and certificates, only the names are ours (threats T6, T7)."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.catalogue.outbound import (
    Fetched,
    NotAllowed,
    NotReached,
    OutboundPolicy,
    conformance_sender,
    send,
    session,
)
from standards.conformance import Unreachable
from tests.simulators.department import Department

NAME = "department.example"
LISTED = ("127.0.0.1/32",)
PLAIN = OutboundPolicy(networks=LISTED, plain_http=True)


class Names:
    """The machine's resolver: each look-up gets the next answer, the last one again and again."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers, self.looked_up = answers, 0

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.looked_up += 1
        return self.answers[min(self.looked_up, len(self.answers)) - 1]


def get(policy: OutboundPolicy, url: str, names: Names, *, times: int = 1) -> list[Fetched]:
    """GET it so many times, one after another in one session."""

    async def run() -> list[Fetched]:
        async with session(policy, url.partition(":")[0], 1, names) as own:
            return [await send(own, "GET", url, headers={}, body=b"", timeout_s=3) for _ in range(times)]

    return asyncio.run(run())


@pytest.fixture
def department() -> Iterator[Department]:
    with Department() as running:
        yield running


# ── names and addresses ───────────────────────────────────────────────────────────────────────────────────────────────
def test_the_connection_goes_to_the_address_that_was_checked(department: Department) -> None:
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    (fetched,) = get(PLAIN, f"http://{NAME}:{department.port}/tongqu/health", names)
    assert fetched.status == 200
    assert names.looked_up == 1
    assert department.requests[0].header("host") == f"{NAME}:{department.port}"


def test_a_name_that_changes_its_mind_is_not_asked_again_by_an_open_session(department: Department) -> None:
    names = Names(["127.0.0.1"], ["169.254.169.254"])
    fetched = get(PLAIN, f"http://{NAME}:{department.port}/tongqu/health", names, times=3)
    assert [each.status for each in fetched] == [200, 200, 200]
    assert (names.looked_up, department.connections) == (1, 1)


BESIDE = ["127.0.0.2", "169.254.169.254", "10.0.0.1", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "93.184.216.34"]


@pytest.mark.parametrize("beside", BESIDE)
@pytest.mark.parametrize("good_first", [True, False])
def test_one_bad_address_among_good_ones_spoils_the_name(department: Department, beside: str, good_first: bool) -> None:
    """Or else an attacker would only have to make the good one fail. (93.184.216.34 is global, but this is http.)"""
    answer = ["127.0.0.1", beside] if good_first else [beside, "127.0.0.1"]
    with pytest.raises(NotAllowed):
        get(PLAIN, f"http://{NAME}:{department.port}/tongqu/health", Names(answer))
    assert department.connections == 0


def test_an_address_in_digits_passes_the_last_gate_too(department: Department) -> None:
    """``check_url`` refuses these before; a session refuses them by itself, for no resolver is asked about digits."""
    with pytest.raises(NotAllowed):
        get(OutboundPolicy(), f"http://127.0.0.1:{department.port}/tongqu/health", Names(["127.0.0.1"]))
    assert department.connections == 0


@pytest.mark.parametrize("odd", ["2130706433", "0177.0.0.1", "127.1", "0x7f.0.0.1"])
def test_a_number_that_the_c_library_takes_for_loopback_is_not_called(department: Department, odd: str) -> None:
    with pytest.raises(Exception) as caught:  # which refusal it is depends on the spelling
        get(OutboundPolicy(), f"http://{odd}:{department.port}/tongqu/health", Names(["127.0.0.1"]))
    assert type(caught.value).__name__ in {"NotAllowed", "NotReached", "NotHttp"}
    assert department.connections == 0


def test_a_name_without_addresses_is_not_reached() -> None:
    with pytest.raises(NotReached):
        get(PLAIN, f"http://{NAME}:1/", Names([]))


# ── nothing from the environment, nothing remembered ──────────────────────────────────────────────────────────────────
def test_proxies_and_passwords_of_the_environment_are_not_used(
    department: Department, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login clerk password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with Department() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        get(PLAIN, f"{department.base_url}/health", Names([]))
        assert proxy.connections == 0
    assert department.requests[0].header("authorization") is None


# ── certificates ──────────────────────────────────────────────────────────────────────────────────────────────────────
def certificate(folder: Path, name: str) -> Path:
    """A self-signed certificate for ``name`` with its key, in one PEM file."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path = folder / f"{name}.pem"
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def pem(tmp_path: Path) -> Path:
    return certificate(tmp_path, NAME)


@pytest.fixture
def secured(pem: Path) -> Iterator[Department]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(pem)
    with Department(tls=tls) as running:
        yield running


def trusting(pem: Path) -> OutboundPolicy:
    return OutboundPolicy(networks=LISTED, tls=ssl.create_default_context(cafile=pem))


def test_the_certificate_is_that_of_the_name_though_the_address_is_connected_to(secured: Department, pem: Path) -> None:
    (fetched,) = get(trusting(pem), f"https://{NAME}:{secured.port}/tongqu/health", Names(["127.0.0.1"]))
    assert fetched.status == 200


def test_a_certificate_for_another_name_is_not_accepted(secured: Department, pem: Path) -> None:
    with pytest.raises(NotReached, match="certificate"):
        get(trusting(pem), f"https://other.example:{secured.port}/tongqu/health", Names(["127.0.0.1"]))
    assert secured.requests == []


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(secured: Department) -> None:
    with pytest.raises(NotReached, match="certificate"):
        get(OutboundPolicy(networks=LISTED), f"https://{NAME}:{secured.port}/tongqu/health", Names(["127.0.0.1"]))
    assert secured.requests == []


def test_plain_http_needs_the_operators_word_even_in_a_listed_network(department: Department) -> None:
    with pytest.raises(NotAllowed):
        get(OutboundPolicy(networks=LISTED), f"{department.base_url}/health", Names([]))
    assert department.connections == 0


# ── the conformance test sends the same way ───────────────────────────────────────────────────────────────────────────
def test_the_conformance_test_gets_whatever_status_came(department: Department) -> None:
    department.behave("server_error")
    send_once = conformance_sender(PLAIN, department.base_url)
    question = b'{"standard":"person-basic/1.0.0","subject":{"scheme":"cn.resident-id","id":"0"},"fields":["name"]}'
    response = send_once("POST", "/records", {"Content-Type": "application/json"}, question, 30.0)
    assert (response.status, response.header("Content-Type")) == (500, "application/problem+json")
    began = time.monotonic()
    health = send_once("GET", "/health", {}, b"", 30.0)
    assert health.json()["status"] == "ok"
    assert 0 < health.elapsed <= time.monotonic() - began


@pytest.mark.parametrize("mistake", ["hang", "slow_trickle", "ten_megabytes", "endless", "reset", "not_http"])
def test_the_conformance_test_hears_that_no_answer_came(department: Department, mistake: str) -> None:
    department.behave(mistake)
    question = b'{"standard":"person-basic/1.0.0","subject":{"scheme":"cn.resident-id","id":"0"},"fields":["name"]}'
    with pytest.raises(Unreachable) as caught:
        conformance_sender(PLAIN, department.base_url)("POST", "/records", {}, question, 0.3)
    assert str(department.port) not in caught.value.zh + caught.value.en


def test_the_conformance_test_is_under_the_same_policy(department: Department) -> None:
    for policy, url, names in (
        (OutboundPolicy(), department.base_url, Names([])),
        (PLAIN, f"http://{NAME}:{department.port}", Names(["10.0.0.1"])),
    ):
        with pytest.raises(Unreachable, match="not allowed"):
            conformance_sender(policy, url, names)("GET", "/health", {}, b"", 1.0)
    assert department.connections == 0
