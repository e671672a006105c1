"""A system that shows a certificate instead of signing (RFC 8705), behind a proxy that passes it on (RFC 9440)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.identity import metadata
from gateway.identity.certificates import Certificates
from gateway.identity.model import OPERATOR
from gateway.lib.proxy_certificates import ProxyCertificates
from tests.clock import FixedClock
from tests.gateway.identity.certificates import Certificate, make
from tests.gateway.identity.house import STREET, House
from tests.gateway.identity.sender import REMOVE, details

SCOPES = ("exchange:query", "agreements:read")


@pytest.fixture
def own(house: House, clock: FixedClock) -> Certificate:
    house.authenticator.certificates = Certificates(None)
    return make("linden", clock.now())


def admitted(house: House, certificate: dict[str, str]) -> str:
    return house.identity.add_client(OPERATOR, STREET, scopes=SCOPES, certificate=certificate).id


def pinned(certificate: Certificate) -> dict[str, str]:
    return {"method": "self_signed_tls_client_auth", "x5t#S256": certificate.thumbprint}


def ask(house: House, client: str, header: str | None, *more_headers: tuple[str, str], **form: Any) -> Any:
    asked = {"grant_type": "client_credentials", "client_id": client, "authorization_details": details(), **form}
    shown = [] if header is None else [("Client-Cert", header)]
    return house.post(
        "/oauth/token",
        {name: value for name, value in asked.items() if value is not REMOVE},
        headers=[*shown, *more_headers],
    )


def call(house: House, token: str, header: str | None, scheme: str = "Bearer", *proofs: str) -> Any:
    shown = [] if header is None else [("Client-Cert", header)]
    return house.call(token, *proofs, scheme=scheme, headers=shown)


def test_a_registered_certificate_gets_a_token_that_only_it_opens(
    house: House, own: Certificate, clock: FixedClock
) -> None:
    client = admitted(house, pinned(own))
    for header in (own.header, own.of_nginx):
        answer = ask(house, client, header)
        assert (answer.status_code, answer.json.get("token_type")) == (200, "Bearer"), answer.json
        token = answer.json["access_token"]
        assert call(house, token, header).json == {"party": STREET, "purpose": "dibao.initial"}
    told = house.post("/oauth/introspect", {"client_id": client, "token": token}, headers=[("Client-Cert", own.header)])
    assert told.json["cnf"] == {"x5t#S256": own.thumbprint}
    other = make("linden", clock.now())
    for header, scheme in ((None, "Bearer"), (other.header, "Bearer"), ("", "Bearer"), (own.header, "DPoP")):
        refused = call(house, token, header, scheme)
        assert (refused.status_code, refused.json["rule"]) == (401, "A6")
        assert house.entries()[-1]["rule"] == "A6", "a genuine token in wrong hands is written down"


def test_a_token_bound_to_a_key_is_not_opened_by_a_certificate(house: House, own: Certificate) -> None:
    token = house.token(house.street)
    refused = call(house, token, own.header)
    assert (refused.status_code, refused.json["rule"]) == (401, "A2")


WRONG: dict[str, Any] = {
    "another certificate": lambda now, own: make("linden", now).header,
    "none": lambda now, own: None,
    "an empty header": lambda now, own: "",
    "no certificate": lambda now, own: ":AAAA:",
    "no base64": lambda now, own: ":not base64:",
    "without colons": lambda now, own: own.header.strip(":"),
    "two in one": lambda now, own: f"{own.header}, {own.header}",
    "cut off": lambda now, own: own.header[:200] + ":",
    "as long as a book": lambda now, own: ":" + "A" * 20_000 + ":",
}


@pytest.mark.parametrize("wrong", WRONG)
def test_whoever_shows_something_else_is_no_client(
    house: House, own: Certificate, clock: FixedClock, wrong: str
) -> None:
    client = admitted(house, pinned(own))
    answer = ask(house, client, WRONG[wrong](clock.now(), own))
    assert answer.status_code == 400
    assert answer.json["error"] in ("invalid_client", "invalid_dpop_proof")
    twice = ask(house, client, own.header, ("Client-Cert", own.header))
    assert twice.status_code == 400
    assert ask(house, client, own.header).status_code == 200


def test_a_certificate_that_is_not_registered_opens_nothing(house: House, own: Certificate) -> None:
    for client in (house.street.client_id, "cli_nobody", ""):
        answer = ask(house, client, own.header)
        assert (answer.status_code, answer.json["error"]) == (400, "invalid_client")
    secret = ask(house, admitted(house, pinned(own)), own.header, client_secret="x")
    assert secret.json["error"] == "invalid_client"
    signed = house.post("/oauth/token", house.street.form(), headers=[("Client-Cert", own.header)])
    assert signed.json["error"] == "invalid_dpop_proof", "somebody else's certificate binds no token"


def test_an_expired_certificate_counts_no_more(house: House, own: Certificate, clock: FixedClock) -> None:
    client = admitted(house, pinned(own))
    clock.advance(seconds=31 * 86_400)
    assert ask(house, client, own.header).json["error"] == "invalid_client"


def test_a_suspension_and_a_new_certificate_end_what_rests_on_the_old(
    house: House, own: Certificate, clock: FixedClock
) -> None:
    client = admitted(house, pinned(own))
    token = ask(house, client, own.header).json["access_token"]
    house.identity.set_certificate(OPERATOR, client, certificate=pinned(make("linden", clock.now())))
    assert call(house, token, own.header).json["rule"] == "A5"
    assert ask(house, client, own.header).json["error"] == "invalid_client"
    house.identity.set_certificate(OPERATOR, client, certificate=pinned(own))
    house.identity.suspend_client(OPERATOR, client)
    assert ask(house, client, own.header).json["error"] == "invalid_client"


def test_an_authority_vouches_for_a_name(house: House, clock: FixedClock, tmp_path: Path) -> None:
    authority = make("city-ca", clock.now(), is_authority=True)
    stranger = make("other-ca", clock.now(), is_authority=True)
    (tmp_path / "ca.pem").write_bytes(authority.pem)
    house.authenticator.certificates = Certificates(tmp_path / "ca.pem")
    for registered in ({"subject_dn": "CN=linden"}, {"san_dns": "linden.test"}):
        client = admitted(house, {"method": "tls_client_auth", **registered})
        issued = make("linden", clock.now(), authority=authority)
        assert ask(house, client, issued.header).status_code == 200
        for wrong in (
            make("maple", clock.now(), authority=authority),
            make("linden", clock.now(), authority=stranger),
            make("linden", clock.now()),
        ):
            assert ask(house, client, wrong.header).json["error"] == "invalid_client"
    house.authenticator.certificates = Certificates(None)
    assert ask(house, client, issued.header).json["error"] == "invalid_client", "no authority is configured"


def test_where_no_proxy_is_configured_the_header_means_nothing(house: House, own: Certificate) -> None:
    client = admitted(house, pinned(own))
    token = ask(house, client, own.header).json["access_token"]
    house.authenticator.certificates = None
    assert ask(house, client, own.header).status_code == 400
    assert call(house, token, own.header).status_code == 401


def test_the_header_is_taken_off_unless_it_comes_from_the_proxy() -> None:
    headers = [(b"host", b"x"), (b"Client-Cert", b":AA==:"), (b"client-cert-chain", b":AA==:")]
    proxies = ProxyCertificates(["10.0.0.5/32", "fd00::/64"])
    for peer, kept in (
        (("10.0.0.5", 1), True),
        (("::ffff:10.0.0.5", 1), True),
        (("fd00::7", 1), True),
        (("10.0.0.6", 1), False),
        (("127.0.0.1", 1), False),
        (("", 0), False),
        (None, False),
    ):
        seen = proxies.only_from_proxies({"headers": headers, "client": peer})["headers"]
        assert (seen == headers) is kept, peer
        assert kept or seen == headers[:1]
    assert (
        ProxyCertificates([]).only_from_proxies({"headers": headers, "client": ("10.0.0.5", 1)})["headers"]
        == headers[:1]
    )


def test_metadata_tells_of_certificates_where_they_count() -> None:
    with_them, without = (metadata.authorization_server("https://a", "https://a", each) for each in (True, False))
    assert with_them["tls_client_certificate_bound_access_tokens"] is True
    methods = with_them["token_endpoint_auth_methods_supported"]
    assert methods == ["private_key_jwt", "tls_client_auth", "self_signed_tls_client_auth"]
    assert without["tls_client_certificate_bound_access_tokens"] is False
    assert without["token_endpoint_auth_methods_supported"] == ["private_key_jwt"]
    assert metadata.protected_resource("https://a", "https://a", True)["dpop_bound_access_tokens_required"] is False
