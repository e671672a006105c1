"""Settings: one TOML file, every key overridable by an environment variable ``TONGQU_<KEY>``, unknown keys refused.

Read once at the start; nothing else in the gateway reads the environment. Each key, its default and the mistake it
prevents: docs/settings.md.
"""

from __future__ import annotations

import ipaddress
import math
import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

PREFIX = "TONGQU_"
DEFAULT_PORT = 8080
_LEAST = {
    "max_queries_under_way": 2,
    "queries_per_second_per_client": 0,
    "burst_per_client": 1,
    "shutdown_seconds": 0,
    "standards_consultation_days": 0,
    "standards_grace_days": 0,
    "witness_seconds": 0.1,
    "witness_start_seconds": 0,
    "witness_warning_minutes": 1,
    "review_sample_percent": 0,
    "session_idle_minutes": 1,
    "session_hours": 1,
    "emergency_max_hours": 1,
    "anomaly_days": 1,
    "anomaly_night_queries": 1,
    "anomaly_volume_queries": 1,
    "anomaly_volume_factor": 1,
    "anomaly_walk_subjects": 2,
    "anomaly_case_subjects": 1,
    "anomaly_no_case_queries": 1,
    "anomaly_repeat_days": 1,
    "anomaly_quick_consents": 1,
    "anomaly_refusals": 1,
    "anomaly_clerk_consents": 1,
}
_MOST = {  # beyond it somebody slipped
    "standards_consultation_days": 366,
    "standards_grace_days": 3660,
    "review_sample_percent": 100,
    "session_idle_minutes": 480,
    "session_hours": 24,
    "emergency_max_hours": 4,
    "anomaly_days": 90,
}
_KINDS: dict[str, tuple[tuple[type, ...], str]] = {  # by annotation of Settings
    "str": ((str,), "a text / 文本"),
    "int": ((int,), "a whole number / 整数"),
    "float": ((int, float), "a number / 数"),
    "bool": ((bool,), "true or false"),
    "Path": ((str, type(Path())), "a text / 文本"),
    "OidcProvider": ((dict,), "a table / 表"),
}
DATABASES = ("sqlite:///", "postgresql+psycopg://")
ENVIRONMENTS = ("test", "pilot", "live")
REPLAY_KINDS = ("auto", "process", "database")


class ConfigError(Exception):
    """A setting is missing, unknown or impossible. The message says which, what was expected, and what came."""


@dataclass(frozen=True, slots=True)
class OidcProvider:
    """One ``[[oidc]]`` table: an identity provider (OpenID Connect) by which people may sign in to the pages."""

    id: str  # part of the redirect address registered there: <public_url>/sign-in/with/<id>/back
    issuer: str
    client_id: str
    name_zh: str
    name_en: str
    client_secret_file: str = ""  # empty: a public client; PKCE is used in any case

    def secret(self) -> str | None:
        """The client's secret, read anew each time so that it can be changed without a restart."""
        if not self.client_secret_file:
            return None
        return Path(self.client_secret_file).read_text(encoding="utf-8").strip()


@dataclass(frozen=True, slots=True)
class Settings:
    """What an installation may choose. Paths are absolute after ``load``."""

    data_dir: Path  # keys, tiles, and the SQLite file by default
    public_url: str = ""  # what callers type; tokens and proofs are bound to it. Empty: http://127.0.0.1:<port>
    database_url: str = ""  # empty: SQLite in data_dir
    log_origin: str = ""  # empty: host of public_url and "/log"; names this log for ever
    environment: str = "live"  # what the pages say this installation is: test, pilot, live
    node: str = "gw1"  # which machine wrote an entry
    host: str = "127.0.0.1"
    port: int = DEFAULT_PORT
    trusted_proxies: int = 0  # how many reverse proxies of ours stand before the gateway
    client_cert_proxies: tuple[str, ...] = ()  # addresses (CIDR) of proxies whose Client-Cert header counts (RFC 9440)
    mtls_url: str = ""  # where clients show their certificates, if not at public_url (RFC 8705 section 5)
    client_ca_file: str = ""  # PEM: authorities whose certificates count for tls_client_auth; empty: none
    provider_networks: tuple[str, ...] = ()  # private networks (CIDR) in which departments' systems may stand
    provider_plain_http: bool = False  # http:// to departments, only within provider_networks
    provider_ports: tuple[int, ...] = (443, 8443)
    max_queries_under_way: int = 10_000
    queries_per_second_per_client: float = 500  # 0: no limit
    burst_per_client: int = 1000
    shutdown_seconds: float = 10  # how long departments may still answer once the gateway is told to end
    standards_consultation_days: int = 7  # shortest consultation of a standard
    standards_grace_days: int = 30  # shortest period of grace of a standard that is to end
    replay_memory: str = "auto"  # where used proofs are remembered: process, database, valkey://…
    oidc: tuple[OidcProvider, ...] = ()  # identity providers for the pages; in the file only, as [[oidc]] tables
    witness_policy: str = ""  # file (C2SP tlog-policy) that names the witnesses; empty: none
    witness_seconds: float = 5  # how often a grown log is shown to them
    witness_start_seconds: float = 2  # how long a start waits to hear what they have seen
    witness_warning_minutes: float = 60  # how long without their quorum until /readyz warns
    review_sample_percent: int = 2  # of each day's releases, drawn for people to review
    session_idle_minutes: int = 30  # a signed-in page that nobody uses so long is signed out
    session_hours: int = 10  # and in any case after so long
    emergency_max_hours: int = 4  # the longest that two officers may set consent, quota and hours aside
    # from when on the overview of what is unusual tells of something; see audit/limits.py
    anomaly_days: int = 30
    anomaly_night_queries: int = 10
    anomaly_volume_queries: int = 60
    anomaly_volume_factor: float = 4.0
    anomaly_walk_subjects: int = 30
    anomaly_case_subjects: int = 15
    anomaly_no_case_queries: int = 20
    anomaly_repeat_days: int = 5
    anomaly_quick_consents: int = 5
    anomaly_refusals: int = 20
    anomaly_clerk_consents: int = 30
    log_level: str = "INFO"

    @property
    def issuer(self) -> str:
        return self.public_url

    @property
    def database(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'tongqu.sqlite'}"

    @property
    def origin(self) -> str:
        return self.log_origin or f"{urlsplit(self.public_url).netloc}/log"

    def public(self) -> dict[str, Any]:
        """Effective values for people to read; a password in the database's address is hidden."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        values["data_dir"] = str(self.data_dir)
        values["database_url"] = _without_password(self.database)
        values["log_origin"] = self.origin
        values["replay_memory"] = _without_password(self.replay_memory)
        return values


def load(file: Path | None = None, *, environment: bool = True, **overrides: Any) -> Settings:
    """Read settings: defaults, then the file, then the environment, then ``overrides``. Raises ConfigError."""
    known = {item.name: item for item in fields(Settings)}
    values = _from_file(file) if file else {}
    if unknown := sorted(set(values) - set(known)):
        raise ConfigError(
            f"{file}: unknown setting {', '.join(unknown)} / 未知配置项。Known: {', '.join(sorted(known))}"
        )
    if environment:
        values |= _from_environment(known)
    values |= {name: value for name, value in overrides.items() if value is not None}
    for name, value in values.items():
        _insist_kind(name, value, str(known[name].type))
    base = file.parent if file else Path.cwd()
    values["data_dir"] = (base / Path(str(values.get("data_dir", "tongqu-data")))).resolve()
    if values.get("witness_policy"):
        values["witness_policy"] = str((base / Path(str(values["witness_policy"]))).resolve())
    if values.get("client_ca_file"):
        values["client_ca_file"] = str((base / Path(str(values["client_ca_file"]))).resolve())
    for name in ("provider_networks", "provider_ports", "client_cert_proxies"):
        if name in values:
            values[name] = tuple(values[name])
    values["oidc"] = tuple(_provider(each, base) for each in values.get("oidc", ()))
    if not values.get("public_url"):
        values["public_url"] = f"http://127.0.0.1:{values.get('port', DEFAULT_PORT)}"
    settings = Settings(**values)
    _check(settings)
    return settings


def _insist_kind(name: str, value: Any, annotation: str) -> None:
    """Raise ConfigError for a value of another kind than the setting's: "80" is no port, 443 no list of ports."""
    one = annotation.removeprefix("tuple[").removesuffix(", ...]")
    kinds, words = _KINDS.get(one, ((), ""))
    if not kinds:
        return
    many = annotation != one
    given = value if many and isinstance(value, (list, tuple)) else (value,)
    if many is not isinstance(value, (list, tuple)) or any(type(each) not in kinds for each in given):
        words = f"a list, each item {words}" if many else words
        raise ConfigError(f"{name}: expected {words}, got {type(value).__name__} / 类型不符")


def _provider(table: Any, base: Path) -> OidcProvider:
    known = {item.name for item in fields(OidcProvider)}
    needed = known - {"client_secret_file"}
    if (
        not isinstance(table, dict)
        or not needed <= table.keys() <= known
        or not all(isinstance(value, str) and value for value in table.values())
    ):
        raise ConfigError(
            f"oidc: each [[oidc]] has {', '.join(sorted(needed))}, and maybe client_secret_file / 缺项或多项"
        )
    url = urlsplit(table["issuer"])
    if not url.hostname or (url.scheme != "https" and not (url.scheme == "http" and is_loopback(url.hostname))):
        raise ConfigError(f"oidc: the issuer must be https://…, got {table['issuer']!r} / 应为 https 网址")
    if re.fullmatch(r"[a-z0-9-]{1,40}", table["id"]) is None:
        raise ConfigError("oidc: id: expected 1 to 40 of a-z, 0-9 and hyphens / 应为小写字母、数字和横线")
    if table.get("client_secret_file"):
        table = {**table, "client_secret_file": str((base / table["client_secret_file"]).resolve())}
    return OidcProvider(**table)


def _from_file(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{file}: cannot be read ({error.strerror}) / 无法读取配置文件") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file}: not TOML: {error} / 不是有效的 TOML") from None


def _from_environment(known: Mapping[str, Any]) -> dict[str, Any]:
    """Each as the kind that its annotation names; a list is separated by commas."""
    values: dict[str, Any] = {}
    for name in known.keys() - {"oidc"}:
        text = os.environ.get(f"{PREFIX}{name.upper()}")
        if text is None:
            continue
        one = str(known[name].type)
        many, one = one.startswith("tuple["), one.removeprefix("tuple[").removesuffix(", ...]")
        read = _READERS.get(one, str)
        try:
            values[name] = [read(each) for each in text.split(",") if text] if many else read(text)
        except ValueError:
            raise ConfigError(f"{PREFIX}{name.upper()}: expected {_KINDS[one][1]}, got {text!r}") from None
    return values


def _number(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError
    return number


def _truth(text: str) -> bool:
    word = text.lower()
    if word not in _YES | _NO:
        raise ValueError
    return word in _YES


_YES, _NO = {"true", "t", "yes", "y", "on", "1"}, {"false", "f", "no", "n", "off", "0"}
_READERS: dict[str, Callable[[str], Any]] = {"int": int, "float": _number, "bool": _truth}


def _check(settings: Settings) -> None:
    url = urlsplit(settings.public_url)
    if url.scheme not in ("http", "https") or not url.hostname or url.path not in ("", "/") or url.query:
        raise ConfigError(
            f"public_url: expected https://host[:port] without a path, got {settings.public_url!r} / 应为不带路径的网址"
        )
    if settings.public_url.endswith("/"):
        raise ConfigError("public_url: leave out the slash at its end / 末尾不要斜杠")
    if (plain := _as_browsers_write(settings.public_url)) != settings.public_url:
        raise ConfigError(f"public_url: write it as browsers do, {plain} / 应写成浏览器的写法")
    if url.scheme == "http" and not is_loopback(url.hostname):
        raise ConfigError(
            f"public_url: http is for this machine only; use https for {url.hostname} / 非本机地址必须使用 https"
        )
    if settings.database_url and not settings.database_url.startswith(DATABASES):
        raise ConfigError(f"database_url: expected {' or '.join(f'{each}…' for each in DATABASES)} / 应为其中之一")
    if settings.environment not in ENVIRONMENTS:
        raise ConfigError(
            f"environment: expected {', '.join(ENVIRONMENTS)}, got {settings.environment!r} / 应为其中之一"
        )
    for name in ("provider_networks", "client_cert_proxies"):
        for network in getattr(settings, name):
            try:
                ipaddress.ip_network(network)
            except ValueError as error:
                raise ConfigError(f"{name}: {error} / 网段写法有误") from None
    if settings.mtls_url:
        mtls = urlsplit(settings.mtls_url)
        if mtls.scheme != "https" or not mtls.hostname or mtls.path or mtls.query or not settings.client_cert_proxies:
            raise ConfigError(
                "mtls_url: expected https://host[:port] without a path, and client_cert_proxies beside it, "
                f"got {settings.mtls_url!r} / 应为不带路径的 https 网址，并配置 client_cert_proxies"
            )
    if settings.client_ca_file and not Path(settings.client_ca_file).is_file():
        raise ConfigError(f"client_ca_file: {settings.client_ca_file} is no file / 找不到该文件")
    if settings.replay_memory not in REPLAY_KINDS and not settings.replay_memory.startswith(
        ("valkey://", "valkeys://")
    ):
        raise ConfigError(
            f"replay_memory: expected {', '.join(REPLAY_KINDS)} or valkey://host:port/number, "
            f"got {_without_password(settings.replay_memory)!r} / 应为其中之一"
        )
    for name, least in _LEAST.items():
        value = getattr(settings, name)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not value >= least:
            raise ConfigError(f"{name}: expected a number, {least} or more, got {value!r} / 应为不小于 {least} 的数")
    for name, most in _MOST.items():
        if (given := getattr(settings, name)) > most:
            raise ConfigError(f"{name}: expected at most {most}, got {given} / 应不超过 {most}")
    if not 0 <= settings.port < 65536:
        raise ConfigError(f"port: expected 0 to 65535, got {settings.port}")


def _as_browsers_write(url: str) -> str:
    """Scheme and host in small letters, no port that goes without saying (RFC 6454 section 6.2): forms and passkeys
    are compared with it."""
    scheme, _, place = url.lower().partition("://")
    return f"{scheme}://{place.removesuffix({'https': ':443', 'http': ':80'}.get(scheme, '/'))}"


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _without_password(url: str) -> str:
    parts = urlsplit(url)
    return url.replace(f":{parts.password}@", ":***@") if parts.password else url
