"""Each negative case of the OAuth profile, by a stranger over the wire, with one worker and with four.

The stranger signs with its own code (tests/gateway/identity/sender.py) and sends with ``requests``, each time over a
connection of its own. The right request comes last in each table: so the refusals before it had the right reason.
"""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from gateway.identity.model import OPERATOR
from gateway.lib.clock import SystemClock
from tests.cast import AN, BO, CASE, LINDEN, MAPLE, PURPOSE, SCHEME, STANDARD, Cast
from tests.conftest import fresh_url
from tests.gateway.identity.sender import REMOVE, Key, Sender, b64, rsa_jwk
from tests.journeys import commands
from tests.journeys.process import Process
from tests.running import City, RunningGateway
from tests.simulators.department import Department

pytestmark = pytest.mark.torture

TOKEN, QUERY = "/oauth/token", "/v1/queries"
EXCHANGE, JWT = "urn:ietf:params:oauth:grant-type:token-exchange", "urn:ietf:params:oauth:token-type:jwt"
DESCRIPTIONS: set[str] = set()  # of invalid_client: there is one
CONNECTIONS = 12  # over which a used thing is sent again: enough to meet each of four workers


class Stranger(Sender):
    """A registered system whose owner read the standards and nothing else."""

    agreement = ""
    agency: Key
    clerk = ""

    def send(self, method: str, path: str, **more: Any) -> requests.Response:
        answer = requests.request(method, self.base_url + path, timeout=30, **more)
        if nonce := answer.headers.get("DPoP-Nonce"):
            self.nonce = nonce
        return answer

    def ask(self, form: Any = None, headers: Any = None, **changes: Any) -> requests.Response:
        """A well-made request for a token, with whatever ``changes``. ``headers`` None: a proof."""
        usual = {"scope": "agreements:read"} if "authorization_details" not in changes else {}
        sent = form if form is not None else self.form(**{**usual, **changes})
        shown = headers if headers is not None else {"DPoP": self.proof("POST", TOKEN)}
        return self.send("POST", TOKEN, data=sent, headers=shown)

    def assert_by(self, *, header: Mapping[str, Any] | None = None, key: Key | None = None, **claims: Any) -> Any:
        return self.ask(client_assertion=self.assertion(header=header, key=key, **claims))

    def prove_by(self, *, header: Mapping[str, Any] | None = None, key: Key | None = None, **claims: Any) -> Any:
        return self.ask(headers={"DPoP": self.proof("POST", TOKEN, header=header, key=key, **claims)})

    def details(self, **changes: Any) -> str:
        usual = {"type": "gov_record_request", "agreement_id": self.agreement, "purpose": PURPOSE, **changes}
        return json.dumps([{name: value for name, value in usual.items() if value is not REMOVE}])

    def officer(self, *, header: Mapping[str, Any] | None = None, key: Key | None = None, **claims: Any) -> str:
        key, now = key or self.agency, self.now()
        usual = {"iss": LINDEN, "sub": self.clerk, "aud": self.base_url, "iat": now, "exp": now + 60}
        said = {**usual, "jti": secrets.token_hex(12), **claims}
        head = {"alg": key.alg, "typ": "tongqu-officer+jwt", "kid": key.thumbprint, **(header or {})}
        return key.jws(head, {name: value for name, value in said.items() if value is not REMOVE})

    def exchange(self, assertion: str | None = None, **changes: Any) -> requests.Response:
        said = {"grant_type": EXCHANGE, "subject_token": assertion or self.officer(), "subject_token_type": JWT}
        return self.ask(**{"authorization_details": self.details(), **said, **changes})

    def query(self, token: str, proof: str | None = None, scheme: str = "DPoP", **more: Any) -> requests.Response:
        body: dict[str, Any] = {"agreement": self.agreement, "standard": STANDARD, "purpose": PURPOSE, "case": CASE}
        body |= {"subject": {"scheme": SCHEME, "id": AN["idNumber"]}}
        headers = {"Authorization": f"{scheme} {token}", "DPoP": proof or self.proof("POST", QUERY, token)}
        headers |= more.pop("headers", {})
        kept = {name: value for name, value in headers.items() if value is not REMOVE}
        return self.send("POST", QUERY + more.pop("address", ""), json=body | more, headers=kept)

    def token_of(self, **changes: Any) -> str:
        answer = self.ask(**{"authorization_details": self.details(), **changes})
        assert answer.status_code == 200, answer.text
        return str(answer.json()["access_token"])


@pytest.fixture(scope="module", params=(1, 4), ids=("one worker", "four workers"))
def stranger(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, sqlite_template: Path
) -> Iterator[tuple[Stranger, Stranger]]:
    """One of Linden's systems, and one of Maple's: the neighbour."""
    folder = tmp_path_factory.mktemp("stranger")
    people = {person["idNumber"]: [person] for person in (AN, BO)}
    with fresh_url("sqlite", folder, sqlite_template) as url, Department(people) as department:
        gateway = RunningGateway(folder / "gateway", url)
        city = City(gateway, Cast(gateway.deps, department), department)
        linden, maple = (registered(city, party) for party in (LINDEN, MAPLE))
        linden.agreement = city.cast.agreement().id
        maple.agreement = city.cast.agreement(consumer=MAPLE).id
        config = commands.write_configuration(
            gateway.settings, folder / "tongqu.toml", log_level="WARNING", queries_per_second_per_client=0
        )
        with Process(config, gateway.url, folder / "said", workers=request.param):
            for each in (linden, maple):
                each.send("GET", "/v1/standards")
            yield linden, maple
        city.close()
        gateway.deps.close()


def registered(city: City, party: str) -> Stranger:
    identity, key = city.gateway.deps.identity, Key.make()
    client = identity.add_client(OPERATOR, party, key=key.public, scopes=["exchange:query", "agreements:read"])
    made = Stranger(city.gateway.url, client.id, key, SystemClock())  # type: ignore[arg-type]  # the time of day
    made.agency = Key.make("PS256") if party == LINDEN else Key.make()
    identity.add_assertion_key(OPERATOR, party, key=made.agency.public)
    made.clerk = identity.add_officer(OPERATOR, party, role="clerk", title="窗口经办人").id
    return made


Case = Callable[[Stranger], requests.Response]

CLIENT: dict[str, Case] = {
    "no assertion": lambda s: s.ask(client_assertion=REMOVE),
    "a secret in its place": lambda s: s.ask(client_assertion=REMOVE, client_assertion_type=REMOVE, client_secret="x"),
    "a secret beside it": lambda s: s.ask(client_secret="x"),
    "Basic": lambda s: s.ask(
        s.form(client_assertion=REMOVE, client_assertion_type=REMOVE),
        {"DPoP": s.proof("POST", TOKEN), "Authorization": "Basic eDp4"},
    ),
    "another type of assertion": lambda s: s.ask(client_assertion_type="urn:ietf:params:oauth:grant-type:saml2"),
    "RS256": lambda s: s.assert_by(key=Key.make("RS256")),
    "ES384": lambda s: s.assert_by(key=Key.make("ES384")),
    "HS256 with the public key": lambda s: s.assert_by(header={"alg": "HS256"}),
    "none": lambda s: s.assert_by(header={"alg": "none"}),
    "a stranger's key under our kid": lambda s: s.assert_by(header={"kid": s.key.thumbprint}, key=Key.make()),
    "a key in the header": lambda s: (
        lambda other: s.assert_by(header={"jwk": dict(other.public), "kid": other.thumbprint}, key=other)
    )(Key.make()),
    "an unknown client": lambda s: s.ask(
        client_id="cli_nobody", client_assertion=s.assertion(iss="cli_nobody", sub="cli_nobody")
    ),
    "no sub": lambda s: s.assert_by(sub=REMOVE),
    "no iss": lambda s: s.assert_by(iss=REMOVE),
    "iss is not sub": lambda s: s.assert_by(iss="cli_other"),
    "another client_id": lambda s: s.ask(client_id="cli_other"),
    "aud is a list": lambda s: s.assert_by(aud=[s.base_url]),
    "aud is a list with another": lambda s: s.assert_by(aud=[s.base_url, "https://other.test"]),
    "aud is the token endpoint": lambda s: s.assert_by(aud=s.base_url + TOKEN),
    "aud is another server": lambda s: s.assert_by(aud="https://other.test"),
    "no aud": lambda s: s.assert_by(aud=REMOVE),
    "no exp": lambda s: s.assert_by(exp=REMOVE),
    "it lives for ten minutes": lambda s: s.assert_by(exp=s.now() + 600),
    "it lives for thirty years": lambda s: s.assert_by(exp=s.now() + 10**9),
    "it expired five minutes ago": lambda s: s.assert_by(exp=s.now() - 300),
    "exp is a text": lambda s: s.assert_by(exp=str(s.now() + 60)),
    "issued in a minute": lambda s: s.assert_by(iat=s.now() + 60),
    "not before a minute": lambda s: s.assert_by(nbf=s.now() + 60),
    "no jti": lambda s: s.assert_by(jti=REMOVE),
    "jti of seven": lambda s: s.assert_by(jti="1234567"),
    "jti of 129": lambda s: s.assert_by(jti="x" * 129),
    "crit": lambda s: s.assert_by(header={"crit": []}),
    "b64": lambda s: s.assert_by(header={"b64": False}),
    "a proof in its place": lambda s: s.ask(client_assertion=s.proof("POST", TOKEN)),
    "typ of an access token": lambda s: s.assert_by(header={"typ": "at+jwt"}),
    "a member twice": lambda s: s.ask(client_assertion=twice(s)),
    "nine kilobytes": lambda s: s.assert_by(more="x" * 9000),
    "no JWT": lambda s: s.ask(client_assertion="x.y.z"),
}


def twice(s: Stranger) -> str:
    now = s.now()
    said = {"iss": s.client_id, "sub": s.client_id, "iat": now, "exp": now + 60, "jti": secrets.token_hex(12)}
    text = json.dumps(said)[:-1] + f', "aud": "https://other.test", "aud": "{s.base_url}"}}'
    return s.key.jws({"alg": s.key.alg, "typ": "JWT", "kid": s.key.thumbprint}, text.encode())


PROOF: dict[str, Case] = {
    "none": lambda s: s.ask(headers={}),
    "empty": lambda s: s.ask(headers={"DPoP": ""}),
    "two in one": lambda s: s.ask(headers={"DPoP": f"{s.proof('POST', TOKEN)}, {s.proof('POST', TOKEN)}"}),
    "no JWS": lambda s: s.ask(headers={"DPoP": "a.b.c"}),
    "no typ": lambda s: s.prove_by(header={"typ": REMOVE}),
    "typ JWT": lambda s: s.prove_by(header={"typ": "JWT"}),
    "RS256": lambda s: s.prove_by(key=Key.make("RS256")),
    "none as alg": lambda s: s.prove_by(header={"alg": "none"}),
    "HS256": lambda s: s.prove_by(header={"alg": "HS256"}),
    "no jwk": lambda s: s.prove_by(header={"jwk": REMOVE}),
    "a secret key": lambda s: s.prove_by(header={"jwk": {"kty": "oct", "k": "AAAA"}}),
    "a private key": lambda s: s.prove_by(header={"jwk": {**s.key.public, "d": "AAAA"}}),
    "a short RSA key": lambda s: s.prove_by(header={"jwk": rsa_jwk(1024), "alg": "PS256"}),
    "another key's signature": lambda s: s.prove_by(header={"jwk": dict(Key.make().public)}),
    "crit": lambda s: s.prove_by(header={"crit": ["exp"]}),
    "b64": lambda s: s.prove_by(header={"b64": False}),
    "another method": lambda s: s.prove_by(htm="GET"),
    "the method in small letters": lambda s: s.prove_by(htm="post"),
    "another address": lambda s: s.prove_by(htu=s.base_url + "/oauth/revoke"),
    "another server": lambda s: s.prove_by(htu="https://other.test" + TOKEN),
    "no address": lambda s: s.prove_by(htu=REMOVE),
    "no jti": lambda s: s.prove_by(jti=REMOVE),
    "no iat": lambda s: s.prove_by(iat=REMOVE),
    "two minutes old": lambda s: s.prove_by(iat=s.now() - 120),
    "from the next minute": lambda s: s.prove_by(iat=s.now() + 60),
    "expired": lambda s: s.prove_by(exp=s.now() - 60),
    "not yet": lambda s: s.prove_by(nbf=s.now() + 120),
    "nine kilobytes": lambda s: s.prove_by(more="x" * 9000),
}
NONCE: dict[str, Case] = {
    "none": lambda s: s.prove_by(nonce=REMOVE),
    "of our own making": lambda s: s.prove_by(nonce=b64(secrets.token_bytes(24))),
    "a number": lambda s: s.prove_by(nonce=1),
}
PROOF_WELL: dict[str, Case] = {
    "ten seconds slow": lambda s: s.prove_by(iat=s.now() - 10),
    "some seconds fast": lambda s: s.prove_by(iat=s.now() + 5),
    "with query and fragment": lambda s: s.prove_by(htu=s.base_url + TOKEN + "?a=b#c"),
    "with unknown claims and header": lambda s: s.prove_by(header={"x": 1}, y=2),
    "of another key than the assertion": lambda s: s.prove_by(key=Key.make("PS256")),
    "expiring in a minute": lambda s: s.prove_by(exp=s.now() + 60, nbf=s.now() - 60),
}
REQUEST: dict[str, tuple[Case, str]] = {
    "the password grant": (lambda s: s.ask(grant_type="password"), "unsupported_grant_type"),
    "a code": (lambda s: s.ask(grant_type="authorization_code", code="x"), "unsupported_grant_type"),
    "a refresh token": (lambda s: s.ask(grant_type="refresh_token", refresh_token="x"), "unsupported_grant_type"),
    "no grant": (lambda s: s.ask(grant_type=REMOVE), "invalid_request"),
    "a parameter twice": (lambda s: s.ask([*s.form().items(), ("scope", "a"), ("scope", "b")]), "invalid_request"),
    "parameters in the address": (
        lambda s: s.send("POST", TOKEN + "?scope=a", data=s.form(), headers={"DPoP": s.proof("POST", TOKEN)}),
        "invalid_request",
    ),
    "JSON": (
        lambda s: s.send("POST", TOKEN, json=s.form(), headers={"DPoP": s.proof("POST", TOKEN)}),
        "invalid_request",
    ),
    "another resource": (lambda s: s.ask(resource="https://other.test"), "invalid_target"),
    "a scope that it has not": (lambda s: s.ask(scope="admin"), "invalid_scope"),
    "a query without an agreement": (lambda s: s.ask(scope="exchange:query"), "invalid_authorization_details"),
}
DETAILS: dict[str, Callable[[Stranger], str]] = {
    "no JSON": lambda s: "{",
    "no list": lambda s: "{}",
    "nothing": lambda s: "[]",
    "two": lambda s: json.dumps(json.loads(s.details()) * 2),
    "another type": lambda s: s.details(type="payment"),
    "an unknown member": lambda s: s.details(everything=True),
    "no agreement": lambda s: s.details(agreement_id=REMOVE),
    "an unknown agreement": lambda s: s.details(agreement_id="agr_" + "0" * 26),
    "another purpose": lambda s: s.details(purpose="curiosity"),
    "another standard": lambda s: s.details(standard="household/1.0.0"),
    "a field that is not granted": lambda s: s.details(datatypes=["personStatus"]),
    "another text": lambda s: s.details(agreement_digest="sha-256:" + "0" * 64),
    "another place": lambda s: s.details(locations=["https://other.test"]),
    "another action": lambda s: s.details(actions=["delete"]),
}
OFFICER: dict[str, Case] = {
    "another type of token": lambda s: s.exchange(subject_token_type="urn:ietf:params:oauth:token-type:access_token"),
    "none": lambda s: s.exchange(subject_token=REMOVE),
    "no JWT": lambda s: s.exchange("x.y.z"),
    "an actor": lambda s: s.exchange(actor_token="x", actor_token_type=JWT),
    "typ JWT": lambda s: s.exchange(s.officer(header={"typ": "JWT"})),
    "for another server": lambda s: s.exchange(s.officer(aud="https://other.test")),
    "aud is a list": lambda s: s.exchange(s.officer(aud=[s.base_url])),
    "another agency's": lambda s: s.exchange(s.officer(iss=MAPLE)),
    "an officer that there is not": lambda s: s.exchange(s.officer(sub="off_nobody")),
    "expired": lambda s: s.exchange(s.officer(exp=s.now() - 60)),
    "for ten minutes": lambda s: s.exchange(s.officer(exp=s.now() + 600)),
    "no exp": lambda s: s.exchange(s.officer(exp=REMOVE)),
    "no jti": lambda s: s.exchange(s.officer(jti=REMOVE)),
    "signed by the client": lambda s: s.exchange(s.officer(key=s.key)),
    "signed by a stranger": lambda s: s.exchange(s.officer(key=Key.make())),
    "none as alg": lambda s: s.exchange(s.officer(header={"alg": "none"})),
    "for another client": lambda s: s.exchange(s.officer(client_id="cli_other")),
}


def test_a_client_that_does_not_prove_itself(stranger: tuple[Stranger, Stranger]) -> None:
    linden, _ = stranger
    for name, case in CLIENT.items():
        answer = case(linden)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client"), name
        DESCRIPTIONS.add(answer.json()["error_description"])
        assert "access_token" not in answer.text and answer.headers["Cache-Control"] == "no-store"
    assert len(DESCRIPTIONS) == 1, "one sentence, whatever is wrong"
    once = linden.form(scope="agreements:read")
    assert linden.ask(once).status_code == 200
    for _ in range(CONNECTIONS):  # in whichever worker
        answer = linden.ask(once)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client"), "used"


def test_a_proof_that_proves_nothing(stranger: tuple[Stranger, Stranger]) -> None:
    linden, _ = stranger
    for name, case in PROOF.items():
        answer = case(linden)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof"), name
    for name, case in NONCE.items():
        answer = case(linden)
        assert (answer.status_code, answer.json()["error"]) == (400, "use_dpop_nonce"), name
        assert answer.headers["DPoP-Nonce"]
    for name, case in PROOF_WELL.items():
        assert case(linden).status_code == 200, name
    used = {"DPoP": linden.proof("POST", TOKEN)}
    assert linden.ask(headers=used).status_code == 200
    for _ in range(CONNECTIONS):
        answer = linden.ask(headers=used)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof"), "used"


def test_an_assertion_is_not_spent_by_asking_for_a_nonce(stranger: tuple[Stranger, Stranger]) -> None:
    linden, _ = stranger
    form = linden.form(scope="agreements:read")
    first = linden.ask(form, {"DPoP": linden.proof("POST", TOKEN, nonce=REMOVE)})
    assert first.json()["error"] == "use_dpop_nonce"
    assert linden.ask(form).json()["token_type"] == "DPoP"


def test_a_request_for_what_there_is_not(stranger: tuple[Stranger, Stranger]) -> None:
    linden, maple = stranger
    for name, (case, error) in REQUEST.items():
        answer = case(linden)
        assert (answer.status_code, answer.json()["error"]) == (400, error), name
    for name, text in DETAILS.items():
        answer = linden.ask(authorization_details=text(linden))
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_authorization_details"), name
    theirs = linden.ask(authorization_details=maple.details())
    assert theirs.json()["error"] == "invalid_authorization_details", "the neighbour's agreement"
    assert linden.send("GET", TOKEN).status_code == 405
    answer = linden.ask(authorization_details=linden.details(datatypes=["name"]))
    (granted,) = answer.json()["authorization_details"]
    assert granted["datatypes"] == ["name"] and answer.json()["expires_in"] == 300


def test_an_officer_for_whom_nobody_vouched(stranger: tuple[Stranger, Stranger]) -> None:
    linden, maple = stranger
    for name, case in OFFICER.items():
        answer = case(linden)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request"), name
    own = linden.officer()
    assert maple.exchange(own).json()["error"] == "invalid_request", "the neighbour with our officer's assertion"
    assert linden.exchange(own).status_code == 200, "which is not spent by that"
    for _ in range(CONNECTIONS):
        assert linden.exchange(own).json()["error"] == "invalid_request", "used"


def test_a_token_in_the_wrong_hands(stranger: tuple[Stranger, Stranger]) -> None:
    linden, maple = stranger
    token, another = linden.token_of(), Key.make()
    refused: dict[str, tuple[Callable[[], requests.Response], int]] = {
        "no token": (lambda: linden.query(token, headers={"Authorization": REMOVE}), 401),
        "as Bearer": (lambda: linden.query(token, scheme="Bearer"), 401),
        "as Bearer without a proof": (lambda: linden.query(token, scheme="Bearer", headers={"DPoP": REMOVE}), 401),
        "without a proof": (lambda: linden.query(token, headers={"DPoP": REMOVE}), 401),
        "with another key": (lambda: linden.query(token, linden.proof("POST", QUERY, token, key=another)), 401),
        "by the neighbour": (lambda: maple.query(token, maple.proof("POST", QUERY, token)), 401),
        "about another token": (lambda: linden.query(token, linden.proof("POST", QUERY, "x")), 401),
        "about no token": (lambda: linden.query(token, linden.proof("POST", QUERY)), 401),
        "for another address": (lambda: linden.query(token, linden.proof("POST", "/v1/agreements", token)), 401),
        "for another method": (lambda: linden.query(token, linden.proof("GET", QUERY, token)), 401),
        "without a nonce": (lambda: linden.query(token, linden.proof("POST", QUERY, token, nonce=REMOVE)), 401),
        "in the address": (lambda: linden.query(token, address=f"?access_token={token}"), 400),
        "no JWT": (lambda: linden.query("x.y.z"), 401),
        "cut": (lambda: linden.query(token[:-2]), 401),
        "an assertion": (lambda: linden.query(linden.assertion()), 401),
        "of our own making": (lambda: linden.query(forged(linden, token, linden.key)), 401),
        "without a signature": (lambda: linden.query(token.rpartition(".")[0] + "."), 401),
        "a token for something else": (lambda: linden.query(str(linden.ask().json()["access_token"])), 403),
        "the neighbour's agreement": (lambda: linden.query(token, agreement=maple.agreement), 403),
        "another purpose": (lambda: linden.query(token, purpose="curiosity"), 403),
    }
    for name, (case, status) in refused.items():
        answer = case()
        assert answer.status_code == status, (name, answer.text)
        assert AN["name"] not in answer.text
        if status == 401:
            assert answer.headers["WWW-Authenticate"].startswith("DPoP "), name
    assert "use_dpop_nonce" in refused["without a nonce"][0]().headers["WWW-Authenticate"]
    used = linden.proof("POST", QUERY, token)
    assert linden.query(token, used, scheme="dPoP").json()["data"][0]["name"] == AN["name"]
    for _ in range(CONNECTIONS):
        answer = linden.query(token, used)
        assert (answer.status_code, answer.json()["code"]) == (401, "proof_replayed")


def forged(s: Stranger, token: str, key: Key) -> str:
    """What a genuine token says, signed by somebody else under the genuine kid."""
    head, claims = (json.loads(b64_decoded(part)) for part in token.split(".")[:2])
    return key.jws({**head, "alg": key.alg}, {**claims, "exp": s.now() + 3000})


def b64_decoded(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def test_a_token_given_back_is_dead_everywhere_and_only_ones_own_can_be(stranger: tuple[Stranger, Stranger]) -> None:
    linden, maple = stranger
    token = linden.token_of()

    def at(who: Stranger, path: str, value: str) -> requests.Response:
        return who.send("POST", path, data=who.form(token=value, grant_type=REMOVE))

    for who in (linden, maple):
        assert who.send("POST", "/oauth/revoke", data={"token": token}).json()["error"] == "invalid_client"
        assert at(who, "/oauth/revoke", "nothing").status_code == 200
        assert at(who, "/oauth/introspect", "nothing").json() == {"active": False}
    theirs = at(maple, "/oauth/revoke", token)
    assert (theirs.status_code, theirs.json()["error"]) == (400, "unauthorized_client")
    assert at(maple, "/oauth/introspect", token).json() == {"active": False}
    assert linden.query(token).status_code == 200, "it still opens what it opened"
    assert at(linden, "/oauth/introspect", token).json()["active"] is True
    assert at(linden, "/oauth/revoke", token).status_code == 200
    for _ in range(CONNECTIONS):
        assert at(linden, "/oauth/introspect", token).json() == {"active": False}
        answer = linden.query(token)
        assert (answer.status_code, answer.json()["code"]) == (401, "token_revoked")
