"""A system shows its certificate to a real nginx, which passes it on; a forged header from anywhere else is nothing."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from http.client import HTTPResponse
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest
import requests
from tongqu_client import Gateway, errors

from gateway.identity.model import OPERATOR
from tests.cast import AN, BO, CASE, LINDEN, PURPOSE, SCHEME, STANDARD, Cast
from tests.gateway.identity.certificates import Certificate, make
from tests.running import City, RunningGateway
from tests.simulators.department import Department

pytestmark = pytest.mark.any_database  # a certificate is seen by the proxy

NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin:/usr/local/sbin")
CONFIGURATION = """
daemon off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {certificate}; ssl_certificate_key {key}; ssl_protocols TLSv1.2 TLSv1.3;
    ssl_verify_client optional_no_ca;
    location / {{
      proxy_pass {gateway};
      proxy_bind 127.0.0.2;
      proxy_set_header Client-Cert $ssl_client_escaped_cert;
      proxy_set_header Client-Cert-Chain "";
    }}
  }}
}}
"""


@contextmanager
def nginx(folder: Path, gateway: str, server: Certificate, port: int) -> Iterator[str]:
    """TLS in front of the gateway; it calls from 127.0.0.2, so that it can be told from everybody else here."""
    certificate, key = server.write(folder, "server")
    said = {"folder": folder, "port": port, "certificate": certificate, "key": key, "gateway": gateway}
    (folder / "nginx.conf").write_text(CONFIGURATION.format(**said))
    process = subprocess.Popen([str(NGINX), "-p", str(folder), "-c", str(folder / "nginx.conf")])
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.02)
        yield f"https://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def test_a_system_with_a_certificate_asks_through_a_real_proxy(tmp_path: Path, database_url: str) -> None:
    if NGINX is None:
        if os.environ.get("CI") == "true":
            pytest.fail("nginx is not installed, and with CI=true nothing may be left out")
        pytest.skip("nginx is not installed: certificates are tested without a real proxy in front")
    own, other, server = (make(name, datetime.now(UTC)) for name in ("linden", "other", "server"))
    with Department({person["idNumber"]: [person] for person in (AN, BO)}) as department:
        gateway = RunningGateway(tmp_path / "gateway", database_url)
        gateway.deps.close()
        port = _free_port()
        gateway.settings = replace(
            gateway.settings, client_cert_proxies=("127.0.0.2/32",), mtls_url=f"https://127.0.0.1:{port}"
        )
        gateway.make()
        city = City(gateway, Cast(gateway.deps, department), department)
        agreement = city.cast.agreement()
        registered = {"method": "self_signed_tls_client_auth", "x5t#S256": own.thumbprint}
        client = gateway.deps.identity.add_client(
            OPERATOR, LINDEN, scopes=["exchange:query"], certificate=registered
        ).id
        gateway.start()
        try:
            with nginx(tmp_path, gateway.url, server, port) as proxy:
                _ask(tmp_path, proxy, gateway.url, client, agreement.id, own, other)
                _ask_with_the_sdk(tmp_path, gateway.url, client, agreement.id)
        finally:
            city.close()
            gateway.stop()


def _ask(
    folder: Path, proxy: str, direct: str, client: str, agreement: str, own: Certificate, other: Certificate
) -> None:
    detail = {"type": "gov_record_request", "agreement_id": agreement, "purpose": PURPOSE}
    form = {"grant_type": "client_credentials", "client_id": client, "authorization_details": json.dumps([detail])}
    ours, theirs = own.write(folder, "own"), other.write(folder, "other")
    trusted: dict[str, Any] = {"verify": str(folder / "server.pem"), "timeout": 10}
    told = requests.post(f"{proxy}/oauth/token", data=form, cert=ours, **trusted)
    assert told.status_code == 200, told.text
    assert told.json()["token_type"] == "Bearer"
    for refused in (
        requests.post(f"{proxy}/oauth/token", data=form, cert=theirs, **trusted),
        requests.post(f"{proxy}/oauth/token", data=form, **trusted),
        requests.post(f"{proxy}/oauth/token", data=form, headers={"Client-Cert": own.header}, **trusted),
        requests.post(f"{direct}/oauth/token", data=form, headers={"Client-Cert": own.header}, timeout=10),
    ):
        assert (refused.status_code, "access_token" in refused.text) == (400, False)
    encoded = {"Content-Type": "application/x-www-form-urlencoded"}
    assert _behind_the_body(direct, "/oauth/token", urlencode(form), own, encoded) == 400

    body = {"agreement": agreement, "standard": STANDARD, "purpose": PURPOSE, "case": CASE}
    body |= {"subject": {"scheme": SCHEME, "id": AN["idNumber"]}}
    token = {"Authorization": f"Bearer {told.json()['access_token']}"}
    answer = requests.post(f"{proxy}/v1/queries", json=body, headers=token, cert=ours, **trusted)
    assert answer.status_code == 200, answer.text
    assert answer.json()["data"][0]["name"] == AN["name"]
    with_header = {**token, "Client-Cert": own.header}
    for refused in (
        requests.post(f"{proxy}/v1/queries", json=body, headers=token, cert=theirs, **trusted),
        requests.post(f"{proxy}/v1/queries", json=body, headers=with_header, **trusted),
        requests.post(f"{direct}/v1/queries", json=body, headers=with_header, timeout=10),
    ):
        assert (refused.status_code, refused.json()["rule"]) == (401, "A6")
    assert _behind_the_body(direct, "/v1/queries", json.dumps(body), own, token) == 401


def _behind_the_body(url: str, path: str, body: str, own: Certificate, headers: dict[str, str]) -> int:
    """The status of a request that names the certificate in a field after its chunks (RFC 9110 section 6.5)."""
    fields = {"Host": "gateway", "Transfer-Encoding": "chunked", **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    sent = f"POST {path} HTTP/1.1\r\n{head}\r\n{len(body):x}\r\n{body}\r\n".encode()
    with socket.create_connection(("127.0.0.1", urlsplit(url).port), timeout=10) as connection:
        connection.sendall(sent)
        time.sleep(0.1)  # the headers were looked through
        connection.sendall(f"0\r\nClient-Cert: {own.header}\r\n\r\n".encode())
        answer = HTTPResponse(connection)
        answer.begin()
        return answer.status


def _ask_with_the_sdk(folder: Path, public: str, client: str, agreement: str) -> None:
    """It is told the public address only, finds where certificates are shown, and checks every answer's signature."""
    files = {name: (str(folder / f"{name}.pem"), str(folder / f"{name}.key")) for name in ("own", "other")}
    asked: dict[str, Any] = {"agreement": agreement, "purpose": PURPOSE, "case": CASE}
    subject, ca = {SCHEME: AN["idNumber"]}, str(folder / "server.pem")
    with Gateway(public, client_id=client, client_cert=files["own"], ca=ca) as ours:
        answer = ours.query(STANDARD, subject, **asked)
        assert answer.data[0]["name"] == AN["name"]
        assert answer.verify()
    with (
        Gateway(public, client_id=client, client_cert=files["other"], ca=ca) as theirs,
        pytest.raises(errors.Unauthorized),
    ):
        theirs.query(STANDARD, subject, **asked)
    with pytest.raises(errors.ConfigError, match="key"):
        Gateway(public, client_id=client, client_cert=files["own"], ca=ca, sign_requests=True)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
