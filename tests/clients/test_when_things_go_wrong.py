"""Lost answers, slow departments, tired gateways: what the client tries again, how, and what it never does."""

from __future__ import annotations

import email.utils
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tongqu_client import Gateway, Retries, Timeout, errors

from tests.clients.asking import PERSON, ask
from tests.clients.conftest import QUICK
from tests.clients.simulator import CLIENT, Sent, Simulator, problem


def keys_sent(simulator: Simulator) -> list[str]:
    return [received.headers["idempotency-key"] for received in simulator.to("/v1/queries")]


# ── tokens and nonces ─────────────────────────────────────────────────────────────────────────────────────────────────
def test_nonces_of_both_servers_are_learnt_once(gateway: Gateway, simulator: Simulator) -> None:
    for _ in range(3):
        ask(gateway)
    assert len(simulator.to("/oauth/token")) == 2  # without nonce, with it; the token serves all three
    assert len(simulator.to("/v1/queries")) == 4  # one challenge, three answers


def test_new_nonces_are_followed(gateway: Gateway, simulator: Simulator) -> None:
    ask(gateway)
    simulator.rotate_nonces()
    assert ask(gateway).found


def test_a_server_that_keeps_asking_for_nonces_is_not_followed_for_ever(gateway: Gateway, simulator: Simulator) -> None:
    ask(gateway)
    refused = problem(401, "use_dpop_nonce")
    refused.headers |= {"WWW-Authenticate": 'DPoP error="use_dpop_nonce"', "DPoP-Nonce": simulator.nonces["rs"]}
    simulator.script = [refused] * 10
    with pytest.raises(errors.ProofRequired):
        ask(gateway)
    assert len(simulator.to("/v1/queries")) == 4  # challenge and answer of the first, then two more


def test_a_token_is_for_one_agreement_and_purpose(gateway: Gateway, simulator: Simulator) -> None:
    ask(gateway)
    ask(gateway, purpose="housing")
    ask(gateway, agreement="agr_2")
    ask(gateway)
    granted = [token["details"][0] for token in simulator.tokens.values()]
    assert [(detail["agreement_id"], detail["purpose"]) for detail in granted] == [
        ("agr_1", "dibao.initial"),
        ("agr_1", "housing"),
        ("agr_2", "dibao.initial"),
    ]
    assert {detail["type"] for detail in granted} == {"gov_record_request"}


def test_a_token_that_is_about_to_end_is_not_used(gateway: Gateway, simulator: Simulator) -> None:
    simulator.token_life = 0
    ask(gateway)
    before = len(simulator.tokens)
    ask(gateway)
    assert len(simulator.tokens) == before + 1


def test_a_revoked_token_is_replaced_once(gateway: Gateway, simulator: Simulator) -> None:
    ask(gateway)
    simulator.tokens.clear()
    assert ask(gateway).found
    assert len(set(keys_sent(simulator))) == 2


def test_a_client_that_is_not_known_gets_a_plain_error(gateway: Gateway, simulator: Simulator) -> None:
    simulator.token_script = [Sent(401, {"error": "invalid_client", "error_description": "no"})]
    with pytest.raises(errors.ClientRejected) as caught:
        ask(gateway)
    assert caught.value.exit_code == 4
    assert len(simulator.to("/oauth/token")) == 2


@pytest.mark.parametrize(("seconds", "word"), [(-120, "ahead"), (120, "behind")])
def test_a_wrong_clock_is_named_as_the_cause(gateway: Gateway, simulator: Simulator, seconds: int, word: str) -> None:
    simulator.date = email.utils.formatdate(time.time() + seconds, usegmt=True)
    simulator.token_script = [Sent(401, {"error": "invalid_client"})]
    with pytest.raises(errors.ClockSkew, match=word):
        ask(gateway)


def test_a_refused_grant_says_why(gateway: Gateway, simulator: Simulator) -> None:
    document = {"error": "invalid_authorization_details", "code": "agreement_suspended", "detail_zh": "已暂停"}
    simulator.token_script = [Sent(400, document), Sent(400, {"error": "invalid_authorization_details"})]
    with pytest.raises(errors.AgreementSuspended):
        ask(gateway)
    with pytest.raises(errors.GrantRefused):
        ask(gateway)


def test_a_gateway_that_names_itself_otherwise_gets_no_assertion(
    simulator: Simulator, client_key: dict[str, str]
) -> None:
    alias = simulator.base_url.replace("127.0.0.1", "localhost")
    with Gateway(alias, client_id=CLIENT, key=client_key) as gateway, pytest.raises(errors.ConfigError):
        ask(gateway)
    assert not simulator.to("/oauth/token")


# ── retries ───────────────────────────────────────────────────────────────────────────────────────────────────────────
PASSING = [
    ("too fast", problem(429, "rate_limited", retryable=True, retry_after=0)),
    ("busy", problem(503, "busy", retryable=True, retry_after=0)),
    ("log unavailable", problem(503, "log_unavailable", retryable=True)),
    ("department unreachable", problem(502, "provider_unavailable", retryable=True)),
    ("department too slow", problem(504, "provider_timed_out", retryable=True)),
    ("the same request under way", problem(409, "idempotency_in_progress", retryable=True)),
    ("a proxy's page", Sent(502, b"<html>", signed=False)),
    ("hung up on", Sent(200, None, hang_up=True)),
    ("silence", Sent(200, None, after=1.5)),
]


@pytest.mark.parametrize("failure", [row[1] for row in PASSING], ids=[row[0] for row in PASSING])
def test_what_may_pass_is_tried_again_under_the_same_key(
    simulator: Simulator, client_key: dict[str, str], failure: Sent
) -> None:
    limits = Timeout(connect=30, read=1 if failure.after else 30, total=60)
    with Gateway(simulator.base_url, client_id=CLIENT, key=client_key, retries=QUICK, timeout=limits) as gateway:
        ask(gateway)
        simulator.script = [failure, failure]
        before = len(simulator.to("/v1/queries"))
        assert ask(gateway).found
        assert len(set(keys_sent(simulator)[before:])) == 1
        assert len(simulator.to("/v1/queries")) == before + 3


LASTING = [
    ("refused", problem(403, "purpose_not_covered"), errors.PurposeNotCovered),
    ("consent missing", problem(403, "consent_required"), errors.ConsentRequired),
    ("quota used up", problem(429, "quota_exceeded", retryable=False), errors.QuotaExceeded),
    ("not conformant", problem(502, "provider_nonconformant", retryable=False), errors.ProviderNonconformant),
    ("two persons", problem(502, "ambiguous_subject", retryable=False), errors.AmbiguousSubject),
    ("invalid", problem(422, "invalid_request", errors=[{"pointer": "/case", "zh": "缺"}]), errors.InvalidRequest),
    ("a key used for something else", problem(422, "idempotency_mismatch"), errors.IdempotencyMismatch),
    ("a surprise", problem(500, "internal", retryable=False), errors.ServerError),
    ("an unknown refusal", problem(403, "moon_phase"), errors.Denied),
    ("an unknown provider error", problem(502, "moon_phase", retryable=False), errors.ProviderError),
    ("a redirect", Sent(302, None, {"Location": "https://elsewhere.test"}), errors.UnexpectedReply),
    ("a page in place of an answer", Sent(200, b"<html>"), errors.UnexpectedReply),
    ("an answer without receipt", Sent(200, {"data": []}), errors.UnexpectedReply),
    ("an answer of another shape", Sent(200, dict.fromkeys(
        ["data", "withheld", "source", "receipt", "log", "request_id"], 1)), errors.UnexpectedReply),
]  # fmt: skip


@pytest.mark.parametrize(("failure", "expected"), [row[1:] for row in LASTING], ids=[str(row[0]) for row in LASTING])
def test_what_will_not_pass_is_asked_once(
    gateway: Gateway, simulator: Simulator, failure: Sent, expected: type[errors.GatewayError]
) -> None:
    ask(gateway)
    simulator.script = [failure]
    before = len(simulator.to("/v1/queries"))
    with pytest.raises(expected) as caught:
        ask(gateway)
    assert len(simulator.to("/v1/queries")) == before + 1
    assert PERSON not in str(caught.value)


def test_a_refusal_carries_everything_a_clerk_needs(gateway: Gateway, simulator: Simulator) -> None:
    reasons = [{"rule": "R8", "code": "consent_required"}, {"rule": "R9", "code": "quota_exceeded"}]
    members = {"rule": "R8", "fix": "先取得同意", "log_index": 41, "contact": "01-234", "reasons": reasons}
    simulator.script = [problem(403, "consent_required", **members)]
    with pytest.raises(errors.ConsentRequired) as caught:
        ask(gateway)
    error = caught.value
    assert (error.rule, error.fix, error.log_index, error.contact) == ("R8", "先取得同意", 41, "01-234")
    assert (error.say("zh"), error.say("en")) == ("中文句子", "an English sentence")
    assert (error.request_id, error.status, error.reasons) == ("qry_refused", 403, reasons)


def test_the_gateway_may_ask_for_a_pause(gateway: Gateway, simulator: Simulator) -> None:
    ask(gateway)
    simulator.script = [problem(503, "log_unavailable", retryable=True, retry_after=0.15)]
    began = time.monotonic()
    ask(gateway)
    assert time.monotonic() - began >= 0.15


@pytest.mark.timeout(30)
def test_a_long_pause_is_capped(gateway: Gateway, simulator: Simulator) -> None:
    ask(gateway)
    simulator.script = [problem(429, "rate_limited", retryable=True, retry_after=3600)]
    assert ask(gateway).found  # the cap of these tests is 0.2 s


@pytest.mark.timeout(30)
def test_a_pause_beyond_the_callers_time_is_not_begun(simulator: Simulator, client_key: dict[str, str]) -> None:
    patient = Retries(max_attempts=4, base=0.001, cap=120)
    with Gateway(simulator.base_url, client_id=CLIENT, key=client_key, retries=patient) as gateway:
        ask(gateway)
        simulator.script = [problem(503, "log_unavailable", retryable=True, retry_after=100)] * 5
        with pytest.raises(errors.LogUnavailable):
            ask(gateway, timeout=60)


def test_the_attempts_are_counted(gateway: Gateway, simulator: Simulator) -> None:
    ask(gateway)
    simulator.script = [problem(503, "log_unavailable", retryable=True)] * 10
    before = len(simulator.to("/v1/queries"))
    with pytest.raises(errors.LogUnavailable):
        ask(gateway)
    assert len(simulator.to("/v1/queries")) == before + QUICK.max_attempts


def test_a_gateway_in_trouble_is_not_stormed(gateway: Gateway, simulator: Simulator) -> None:
    ask(gateway)
    simulator.script = [problem(503, "log_unavailable", retryable=True)] * 100
    before = len(simulator.to("/v1/queries"))
    for _ in range(20):
        with pytest.raises(errors.LogUnavailable):
            ask(gateway)
    tries = len(simulator.to("/v1/queries")) - before
    assert 20 <= tries <= 20 + 10 + 3  # ten in reserve, and a tenth of what was asked


# ── lost answers ──────────────────────────────────────────────────────────────────────────────────────────────────────
def test_an_answer_that_got_lost_is_fetched_with_the_same_key(simulator: Simulator, client_key: dict[str, str]) -> None:
    once = Retries(max_attempts=1)
    with Gateway(simulator.base_url, client_id=CLIENT, key=client_key, retries=once) as gateway:
        ask(gateway)
        simulator.script = [Sent(200, None, after=1.5)]
        entries = len(simulator.log.entries)
        with pytest.raises(errors.TimedOut) as caught:
            ask(gateway, timeout=1)
        assert caught.value.sent
        assert len(simulator.log.entries) == entries + 2  # it was released all the same
        answer = ask(gateway, idempotency_key=caught.value.idempotency_key)
        assert len(simulator.log.entries) == entries + 2  # and not a second time
        answer.verify()


@pytest.mark.timeout(30)
def test_an_answer_that_trickles_ends_with_the_callers_time(simulator: Simulator, client_key: dict[str, str]) -> None:
    with Gateway(simulator.base_url, client_id=CLIENT, key=client_key, retries=Retries(max_attempts=1)) as gateway:
        ask(gateway)
        simulator.script = [Sent(200, None, trickle=0.1)]
        with pytest.raises(errors.TimedOut):
            ask(gateway, timeout=0.4)


def test_an_answer_cut_off_in_the_middle_is_a_lost_connection(client_key: dict[str, str]) -> None:
    with _raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{") as url:
        once = Retries(max_attempts=1)
        with (
            Gateway(url, client_id=CLIENT, key=client_key, retries=once) as gateway,
            pytest.raises(errors.ConnectionLost),
        ):
            ask(gateway)


def test_nobody_there_means_nothing_was_sent(client_key: dict[str, str]) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    with (
        Gateway(url, client_id=CLIENT, key=client_key, retries=QUICK) as gateway,
        pytest.raises(errors.ConnectFailed) as e,
    ):
        ask(gateway)
    assert e.value.retryable


def test_what_is_not_a_gateway_gives_an_error_of_the_transport(client_key: dict[str, str]) -> None:
    with _raw_server(b"SSH-2.0-server\r\n") as url:
        once = Retries(max_attempts=1)
        with (
            Gateway(url, client_id=CLIENT, key=client_key, retries=once) as gateway,
            pytest.raises(errors.TransportError),
        ):
            gateway.ping()


class _raw_server:  # used as a function
    """A server that says the same bytes to everybody and hangs up."""

    def __init__(self, reply: bytes) -> None:
        self._reply, self._socket = reply, socket.create_server(("127.0.0.1", 0))

    def __enter__(self) -> str:
        threading.Thread(target=self._serve, daemon=True).start()
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def __exit__(self, *error: object) -> None:
        self._socket.close()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection:
                connection.recv(65536)
                connection.sendall(self._reply)


# ── settings ──────────────────────────────────────────────────────────────────────────────────────────────────────────
BAD_ADDRESSES = [
    "",
    "gateway.example",
    "ftp://gateway.example",
    "http://gateway.example",
    "https://u:p@gateway.example",
]
BAD_ADDRESSES += ["https://gateway.example?x=1", "https://gateway.example#x", "http://10.0.0.1"]


@pytest.mark.parametrize("address", BAD_ADDRESSES)
def test_an_address_that_would_expose_residents_or_secrets_is_refused(address: str) -> None:
    with pytest.raises(errors.ConfigError):
        Gateway(address)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8080", "http://localhost", "https://gateway.example/", "http://[::1]"]
)
def test_other_addresses_are_accepted(address: str) -> None:
    Gateway(address).close()


def test_a_missing_certificate_file_is_a_matter_of_settings() -> None:
    with Gateway("https://127.0.0.1:9", ca="/nowhere/ca.pem") as gateway, pytest.raises(errors.ConfigError):
        gateway.ping()


def test_plain_http_can_be_permitted_on_a_protected_network() -> None:
    Gateway("http://10.0.0.1", allow_plain_http=True).close()


def test_a_client_without_a_key_says_what_is_missing(simulator: Simulator) -> None:
    with Gateway(simulator.base_url) as gateway, pytest.raises(errors.ConfigError, match="TONGQU_KEY"):
        ask(gateway)


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pytest.MonkeyPatch]:
    for name in ("BASE_URL", "CLIENT_ID", "KEY", "TRUST", "STATE", "CA", "LANG", "PROFILE", "ALLOW_PLAIN_HTTP"):
        monkeypatch.delenv(f"TONGQU_{name}", raising=False)
    monkeypatch.setenv("TONGQU_PROFILE_FILE", str(tmp_path / "profiles.ini"))
    (tmp_path / "profiles.ini").touch()
    yield monkeypatch


def test_settings_come_from_the_environment(
    environment: pytest.MonkeyPatch, simulator: Simulator, client_key: dict[str, str]
) -> None:
    environment.setenv("TONGQU_BASE_URL", simulator.base_url)
    environment.setenv("TONGQU_CLIENT_ID", CLIENT)
    environment.setenv("TONGQU_KEY", json.dumps(client_key))
    environment.setenv("TONGQU_LANG", "en")
    with Gateway.from_env() as gateway:
        assert ask(gateway).found
    assert simulator.to("/v1/queries")[-1].headers["accept-language"] == "en"


def test_settings_come_from_a_profile_and_paths_are_beside_it(
    environment: pytest.MonkeyPatch, simulator: Simulator, client_key: dict[str, str], tmp_path: Path
) -> None:
    (tmp_path / "client.jwk.json").write_text(json.dumps(client_key))
    profile = f"[street]\nbase_url = {simulator.base_url}\nclient_id = {CLIENT}\nkey = client.jwk.json\n"
    (tmp_path / "profiles.ini").write_text(profile)
    with Gateway.from_env(profile="street") as gateway:
        assert ask(gateway).found


BAD_PROFILES: list[tuple[str, str, dict[str, Any]]] = [
    ("no address", "[default]\n", {}),
    ("no such section", "[default]\n", {"profile": "street"}),
    ("an unknown setting", "[default]\nbase_url = http://127.0.0.1\nsecret = x\n", {}),
    ("not an INI file", "{", {}),
]


@pytest.mark.parametrize(("text", "more"), [row[1:] for row in BAD_PROFILES], ids=[row[0] for row in BAD_PROFILES])
def test_a_profile_that_cannot_be_used_is_refused(
    environment: pytest.MonkeyPatch, tmp_path: Path, text: str, more: dict[str, Any]
) -> None:
    (tmp_path / "profiles.ini").write_text(text)
    with pytest.raises(errors.ConfigError):
        Gateway.from_env(**more)


def test_a_password_in_netrc_does_not_replace_the_token(
    gateway: Gateway, environment: pytest.MonkeyPatch, tmp_path: Path, simulator: Simulator
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login u password p\n")
    (tmp_path / "netrc").chmod(0o600)
    environment.setenv("NETRC", str(tmp_path / "netrc"))
    assert ask(gateway).found
    assert not any("Basic" in received.headers.get("authorization", "") for received in simulator.received)


def test_a_proxy_of_the_environment_is_used(environment: pytest.MonkeyPatch, client_key: dict[str, str]) -> None:
    with _raw_server(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as proxy:
        environment.setenv("http_proxy", proxy)
        environment.delenv("no_proxy", raising=False)
        environment.delenv("NO_PROXY", raising=False)
        with Gateway("http://gateway.example", allow_plain_http=True, retries=Retries(max_attempts=1)) as gateway:
            assert not gateway.ping().ready
