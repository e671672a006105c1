"""A setting of the wrong kind is a sentence at the start, never a surprise later."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from gateway.config import ConfigError, load


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('port = "8080"', "port: expected a whole number"),
        ("port = 8080.5", "port: expected a whole number"),
        ("public_url = 5", "public_url: expected a text"),
        ("data_dir = 7", "data_dir: expected a text"),
        ("provider_ports = 443", "provider_ports: expected a list"),
        ('provider_ports = ["443"]', "provider_ports: expected a list, each item a whole number"),
        ('provider_networks = "10.0.0.0/8"', "provider_networks: expected a list"),
        ("provider_plain_http = 1", "provider_plain_http: expected true or false"),
        ("trusted_proxies = true", "trusted_proxies: expected a whole number"),
        ('oidc = "x"', "oidc: expected a list"),
        ('database_url = "mysql://u:secret@x"', "database_url: expected sqlite:///… or postgresql+psycopg://…"),
        ('database_url = "gateway.sqlite"', "database_url: expected sqlite:///… or postgresql+psycopg://…"),
        ('mtls_url = "https://mtls.example"', "client_cert_proxies beside it"),
        ('mtls_url = "http://m.example"\nclient_cert_proxies = ["10.0.0.1/32"]', "mtls_url: expected https://"),
        ('mtls_url = "https://m.example/x"\nclient_cert_proxies = ["10.0.0.1/32"]', "without a path"),
        ('public_url = "https://GW.example"', "as browsers do, https://gw.example"),
        ('public_url = "https://gw.example:443"', "as browsers do, https://gw.example "),
    ],
)
def test_what_is_wrong_is_named_with_what_was_expected(tmp_path: Path, line: str, expected: str) -> None:
    file = tmp_path / "tongqu.toml"
    file.write_text(line + "\n", encoding="utf-8")
    with pytest.raises(ConfigError) as refused:
        load(file, environment=False)
    assert expected in str(refused.value) and "secret" not in str(refused.value)


@pytest.mark.parametrize("url", ["https://gw.example", "https://gw.example:8443", "http://127.0.0.1:8044"])
def test_an_address_as_browsers_write_it_is_taken(tmp_path: Path, url: str) -> None:
    given: dict[str, Any] = {"data_dir": tmp_path, "public_url": url}
    assert load(environment=False, **given).public_url == url


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("port", "8081", 8081),
        ("shutdown_seconds", "2.5", 2.5),
        ("provider_plain_http", "Yes", True),
        ("provider_plain_http", "off", False),
        ("provider_networks", "10.0.0.0/8,fd00::/8", ("10.0.0.0/8", "fd00::/8")),
        ("provider_networks", "", ()),
        ("provider_ports", "443,8443", (443, 8443)),
        ("node", "gw7", "gw7"),
    ],
)
def test_the_environment_is_read_by_each_settings_kind(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, text: str, expected: object
) -> None:
    monkeypatch.setenv(f"TONGQU_{name.upper()}", text)
    monkeypatch.setenv("TONGQU_DATA_DIR", str(tmp_path))
    assert getattr(load(), name) == expected


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("port", "many", "TONGQU_PORT: expected a whole number / 整数, got 'many'"),
        ("port", "", "TONGQU_PORT: expected a whole number"),
        ("shutdown_seconds", "nan", "TONGQU_SHUTDOWN_SECONDS: expected a number"),
        ("provider_plain_http", "perhaps", "TONGQU_PROVIDER_PLAIN_HTTP: expected true or false"),
        ("provider_ports", "443,https", "TONGQU_PROVIDER_PORTS: expected a whole number"),
    ],
)
def test_what_is_wrong_in_the_environment_is_named(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str, expected: str
) -> None:
    monkeypatch.setenv(f"TONGQU_{name.upper()}", text)
    with pytest.raises(ConfigError) as refused:
        load()
    assert expected in str(refused.value)
