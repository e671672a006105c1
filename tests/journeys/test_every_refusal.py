"""Every negative case of the OAuth profile, against a gateway of one process and of four: whichever worker is asked
refuses it, with the same error. The way that works comes last, to prove that the others failed for their reasons."""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import requests

from gateway.identity.model import OPERATOR
from gateway.lib.clock import SystemClock
from tests.cast import AN, BO, CASE, LINDEN, POLICE, PURPOSE, SCHEME, STANDARD, Cast
from tests.conftest import fresh_url
from tests.gateway.identity import test_officer, test_proof, test_token
from tests.gateway.identity.sender import REMOVE, Key, Sender
from tests.journeys import commands
from tests.journeys.process import Process
from tests.running import City, RunningGateway
from tests.simulators.department import Department

pytestmark = pytest.mark.torture
ROUTE = "/v1/queries"
AT_ONCE = 12
MOST_OF_IT = 0.6


class Remote:
    """A system of the street office and its agency; each request goes over a connection of its own."""

    def __init__(self, city: City) -> None:
        self.url, self.party = city.gateway.url, LINDEN
        identity, clock = city.gateway.deps.identity, SystemClock()
        key, other = Key.make(), Key.make()
        scopes = ["exchange:query", "agreements:read"]
        client = identity.add_client(OPERATOR, LINDEN, key=key.public, scopes=scopes)
        neighbour = identity.add_client(OPERATOR, POLICE, key=other.public, scopes=["catalogue:read"])
        self.sender = Sender(self.url, client.id, key, clock)  # type: ignore[arg-type]  # any clock will do
        self.neighbour = Sender(self.url, neighbour.id, other, clock)  # type: ignore[arg-type]
        self.agency = Key.make()
        identity.add_assertion_key(OPERATOR, LINDEN, key=self.agency.public)
        self.clerk = identity.add_officer(OPERATOR, LINDEN, role="clerk", title="窗口经办人").id
        self.agreement = city.cast.agreement().id

    def details(self, **changes: Any) -> str:
        usual = {"type": "gov_record_request", "agreement_id": self.agreement, "purpose": PURPOSE, **changes}
        return json.dumps([{name: value for name, value in usual.items() if value is not REMOVE}])

    def post(self, path: str, form: dict[str, Any], *proofs: str) -> requests.Response:
        headers = {"DPoP": proofs[0]} if proofs else {}
        return requests.post(self.url + path, data=form, headers=headers, timeout=20)

    def fresh(self) -> None:
        nonce = requests.get(f"{self.url}/v1/standards", timeout=20).headers["DPoP-Nonce"]
        self.sender.nonce = self.neighbour.nonce = nonce

    def ask(self, sender: Sender | None = None, **form: Any) -> requests.Response:
        self.fresh()
        sender = sender or self.sender
        asked = {"authorization_details": self.details(), **form} if sender is self.sender else form
        return self.post("/oauth/token", sender.form(**asked), sender.proof("POST", "/oauth/token"))

    def token(self) -> str:
        answer = self.ask()
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])

    def query(self, token: str, *proofs: str, scheme: str = "DPoP") -> requests.Response:
        body = {"agreement": self.agreement, "standard": STANDARD, "purpose": PURPOSE, "case": CASE}
        body |= {"subject": {"scheme": SCHEME, "id": AN["idNumber"]}}
        headers = {"Authorization": f"{scheme} {token}", **({"DPoP": proofs[0]} if proofs else {})}
        return requests.post(self.url + ROUTE, json=body, headers=headers, timeout=20)

    def assertion(self, *, header: Any = None, **claims: Any) -> str:
        """As the agency of tests/gateway/identity/test_officer.py makes it."""
        now = self.sender.now()
        usual = {"iss": LINDEN, "sub": self.clerk, "aud": self.url, "iat": now, "exp": now + 300}
        usual |= {"jti": secrets.token_urlsafe(16), **claims}
        head = {"alg": "ES256", "typ": "tongqu-officer+jwt", "kid": self.agency.thumbprint, **(header or {})}
        kept = {name: value for name, value in usual.items() if value is not REMOVE}
        return self.agency.jws({name: value for name, value in head.items() if value is not REMOVE}, kept)

    def exchange(self, assertion: str, **form: Any) -> requests.Response:
        asked = {"grant_type": test_officer.EXCHANGE, "subject_token": assertion, **form}
        return self.ask(**{"subject_token_type": test_officer.JWT, **asked})


def in_time(attempt: Callable[[], requests.Response]) -> requests.Response:
    """Some defects are a matter of one second, and times are whole seconds: begun and ended within one of them."""
    while True:
        if (fraction := time.time() % 1) > MOST_OF_IT:
            time.sleep(1 - fraction)
        second = int(time.time())
        answer = attempt()
        if int(time.time()) == second:
            return answer


@pytest.fixture(scope="module", params=[1, 4], ids=["one worker", "four workers"])
def remote(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[Remote]:
    folder = tmp_path_factory.mktemp("refusals")
    people = {person["idNumber"]: [person] for person in (AN, BO)}
    with fresh_url("sqlite", folder, sqlite_template) as url, Department(people) as department:
        gateway = RunningGateway(folder / "gateway", url)
        city = City(gateway, Cast(gateway.deps, department), department)
        made = Remote(city)
        config = commands.write_configuration(gateway.settings, folder / "tongqu.toml", log_level="ERROR")
        with Process(config, gateway.url, folder / "said", workers=request.param):
            yield made
        city.close()
        gateway.deps.close()


def test_client_assertions(remote: Remote) -> None:
    for defect, change in test_token.ASSERTION_DEFECTS.items():
        answer = in_time(lambda change=change: _with_assertion(remote, *change(remote.sender.now())))  # type: ignore[misc]
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client"), defect
    without = remote.ask(client_assertion=REMOVE)
    assert (without.status_code, without.json()["error"]) == (400, "invalid_client")
    other = remote.ask(client_assertion=remote.sender.assertion(key=remote.neighbour.key))
    assert (other.status_code, other.json()["error"]) == (400, "invalid_client")
    assert remote.ask().status_code == 200


def _with_assertion(remote: Remote, claims: dict[str, Any], header: dict[str, Any]) -> requests.Response:
    return remote.ask(client_id=REMOVE, client_assertion=remote.sender.assertion(header=header, **claims))


def test_forms(remote: Remote) -> None:
    for defect, (changes, error) in test_token.FORM_DEFECTS.items():
        asked = {"authorization_details": REMOVE, **changes}
        if isinstance(text := asked["authorization_details"], str):
            asked["authorization_details"] = _with_our_agreement(remote, text)
        answer = remote.ask(**asked)
        assert (answer.status_code, answer.json()["error"]) == (400, error), (defect, answer.text)
    assert remote.ask().status_code == 200


def _with_our_agreement(remote: Remote, text: str) -> str:
    return text.replace("agr_1", remote.agreement).replace("dibao.initial", PURPOSE)


def test_proofs_at_both_endpoints(remote: Remote) -> None:
    token = remote.token()
    for defect, change in {**test_proof.DEFECTS, **test_proof.AT_RESOURCE_ONLY}.items():
        answer = in_time(lambda change=change: _proved(remote, ROUTE, token, change))  # type: ignore[misc]
        assert (answer.status_code, answer.json()["rule"]) == (401, "A7"), defect
        assert 'error="invalid_dpop_proof"' in answer.headers["WWW-Authenticate"]
        if defect not in test_proof.AT_RESOURCE_ONLY:
            answer = in_time(lambda change=change: _proved(remote, "/oauth/token", None, change))  # type: ignore[misc]
            assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof"), defect
    for defect, nonce in test_proof.NONCE_DEFECTS.items():
        answer = remote.query(token, remote.sender.proof("POST", ROUTE, token, nonce=nonce))
        assert (answer.status_code, answer.json()["rule"]) == (401, "A9"), defect
        answer = remote.post(
            "/oauth/token", remote.sender.form(), remote.sender.proof("POST", "/oauth/token", nonce=nonce)
        )
        assert (answer.status_code, answer.json()["error"]) == (400, "use_dpop_nonce"), defect
    missing = remote.query(token)
    assert (missing.status_code, missing.json()["rule"]) == (401, "A7")
    remote.fresh()
    assert remote.query(token, remote.sender.proof("POST", ROUTE, token)).status_code == 200


def _proved(remote: Remote, path: str, token: str | None, change: Any) -> requests.Response:
    remote.fresh()
    proof = remote.sender.proof("POST", path, token, **change(remote.sender.now(), remote.sender.proof_key))
    return remote.post(path, remote.sender.form(), proof) if token is None else remote.query(token, proof)


def test_tokens_of_others_and_of_nobody(remote: Remote) -> None:
    token = remote.token()
    remote.fresh()
    for scheme in ("Bearer", "bearer"):
        answer = remote.query(token, remote.sender.proof("POST", ROUTE, token), scheme=scheme)
        assert (answer.status_code, answer.json()["rule"]) == (401, "A2")
    thief = remote.sender.with_key(Key.make())
    stolen = remote.query(token, thief.proof("POST", ROUTE, token))
    assert (stolen.status_code, stolen.json()["rule"]) == (401, "A6")
    forged = token[:-8] + "AAAAAAAA"
    answer = remote.query(forged, remote.sender.proof("POST", ROUTE, forged))
    assert (answer.status_code, answer.json()["rule"]) == (401, "A3")


def test_officer_assertions(remote: Remote) -> None:
    for defect, change in test_officer.DEFECTS.items():
        answer = in_time(lambda change=change: _vouched(remote, *change(remote.sender.now())))  # type: ignore[misc]
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request"), defect
        assert answer.json()["code"] == "officer_assertion_invalid", defect
    for defect, (form, error) in test_officer.FORMS.items():
        if "authorization_details" in form:
            form = {"authorization_details": remote.details(purpose="curiosity")}
        answer = remote.exchange(remote.assertion(), **form)
        assert (answer.status_code, answer.json()["error"]) == (400, error), defect
    assert remote.exchange(remote.assertion()).status_code == 200


def _vouched(remote: Remote, claims: dict[str, Any], header: dict[str, Any]) -> requests.Response:
    said = {name: _here(remote, value) for name, value in claims.items()}
    return remote.exchange(remote.assertion(header=header, **said))


def _here(remote: Remote, value: Any) -> Any:
    """What the table says of its own small gateway, said of this one."""
    if isinstance(value, list):
        return [_here(remote, each) for each in value]
    return value.replace("https://gw.test", remote.url) if isinstance(value, str) else value


def test_what_counts_once_counts_once_whoever_gets_it(remote: Remote) -> None:
    token = remote.token()
    remote.fresh()
    sender = remote.sender
    proof, used = sender.proof("POST", ROUTE, token), sender.assertion()
    vouched, ask = remote.assertion(), {"authorization_details": remote.details()}

    def with_assertion(_: int) -> int:
        form = sender.form(client_assertion=used, **ask)
        return remote.post("/oauth/token", form, sender.proof("POST", "/oauth/token")).status_code

    def with_officer(_: int) -> int:
        more = {"grant_type": test_officer.EXCHANGE, "subject_token": vouched, "subject_token_type": test_officer.JWT}
        form = sender.form(**more, **ask)
        return remote.post("/oauth/token", form, sender.proof("POST", "/oauth/token")).status_code

    with ThreadPoolExecutor(AT_ONCE) as pool:
        for attempt, no in (
            (lambda _: remote.query(token, proof).status_code, 401),
            (with_assertion, 400),
            (with_officer, 400),
        ):
            assert Counter(pool.map(attempt, range(AT_ONCE))) == {200: 1, no: AT_ONCE - 1}


def test_a_revoked_token_opens_nothing_and_tells_nothing(remote: Remote) -> None:
    token = remote.token()
    for path, form in (
        ("/oauth/revoke", {"token": token}),
        ("/oauth/introspect", {"token": token}),
        ("/oauth/revoke", {**remote.sender.form(token=token, grant_type=REMOVE), "client_assertion": "x"}),
    ):
        answer = remote.post(path, form)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")
    missing = remote.post("/oauth/introspect", remote.sender.form(grant_type=REMOVE))
    assert (missing.status_code, missing.json()["error"]) == (400, "invalid_request")
    others = remote.neighbour.form(token=token, grant_type=REMOVE)
    assert remote.post("/oauth/introspect", others).json() == {"active": False}
    stolen = remote.post("/oauth/revoke", remote.neighbour.form(token=token, grant_type=REMOVE))
    assert (stolen.status_code, stolen.json()["error"]) == (400, "unauthorized_client")  # docs/deviations.md, RFC 7009
    assert remote.post("/oauth/revoke", remote.sender.form(token=token, grant_type=REMOVE)).status_code == 200
    for _ in range(8):  # whichever worker is asked
        remote.fresh()
        answer = remote.query(token, remote.sender.proof("POST", ROUTE, token))
        assert (answer.status_code, answer.json()["rule"]) == (401, "A5")
        told = remote.post("/oauth/introspect", remote.sender.form(token=token, grant_type=REMOVE))
        assert told.json() == {"active": False}
