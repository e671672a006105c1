"""Pin a gateway: fetch its trust document once, show the fingerprints, and keep it as trust.json."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests

from tongqu_client.provider.config import Config, write_private
from tongqu_client.provider.envelope import Trust
from tongqu_client.provider.errors import ConfigInvalid, SourceUnavailable

WELL_KNOWN = "/.well-known/tongqu-trust"
SECONDS = 5.0
MAX_BYTES = 256 * 1024


def fetch(gateway: str) -> dict[str, Any]:
    """GET the trust document of a gateway, over https or on this machine. Raises ConfigInvalid, SourceUnavailable."""
    url = gateway.rstrip("/") + WELL_KNOWN
    parts = urlsplit(url)
    if parts.scheme != "https" and not _local(parts.hostname or ""):
        raise ConfigInvalid(
            "网关地址须为 https://（本机除外）：公钥若可被改换，签名便无意义",
            "the gateway's address must be https:// (except on this machine): keys that can be swapped prove nothing",
        )
    with requests.Session() as session:
        session.trust_env = False  # a proxy from the environment must not stand between us and the keys
        try:
            response = session.get(url, timeout=SECONDS, allow_redirects=False, stream=True)
            data = response.raw.read(MAX_BYTES + 1, decode_content=True)
        except (requests.RequestException, OSError) as error:
            why = type(error).__name__
            raise SourceUnavailable(f"连不上网关（{why}）", f"the gateway cannot be reached ({why})") from None
    if response.status_code != 200 or len(data) > MAX_BYTES:
        raise SourceUnavailable(
            f"网关没有给出信任文件（{response.status_code}）",
            f"the gateway gave no trust document ({response.status_code})",
        )
    try:
        document = json.loads(data)
    except ValueError:
        document = None
    return document if isinstance(document, dict) else {}


def pin(config: Config, document: Mapping[str, Any]) -> list[str]:
    """Keep the document as trust.json and return the fingerprints of its request keys, to be compared by a person.

    A gateway with another issuer than the one pinned before is refused: that is a change for people to make.
    """
    new = Trust(document)
    if config.trust_path.exists():
        old = Trust.load(config.trust_path)
        if old.issuer != new.issuer:
            raise ConfigInvalid(
                f"已固定的网关是 {old.issuer}，现在是 {new.issuer}；确要更换请先删除 {config.trust_path.name}",
                f"pinned is {old.issuer}, this is {new.issuer}; to change it, delete {config.trust_path.name} first",
            )
    kept = {name: document[name] for name in ("issuer", "resource", "log", "jwks") if name in document}
    write_private(config.trust_path, json.dumps(kept, ensure_ascii=False, indent=1).encode() + b"\n")
    return new.fingerprints


def read(source: str) -> dict[str, Any]:
    """A trust document from a file or from a gateway's address."""
    if source.startswith(("http://", "https://")):
        return fetch(source.removesuffix(WELL_KNOWN))
    try:
        document = json.loads(Path(source).read_text("utf-8"))
    except (OSError, ValueError):
        raise ConfigInvalid(f"读不到信任文件 {source}", f"cannot read the trust document {source}") from None
    return document if isinstance(document, dict) else {}


def load(config: Config) -> Trust:
    """The pinned keys; refreshed from the gateway, if its address is known, when a new key appears."""
    if not config.gateway:
        return Trust.load(config.trust_path)
    return Trust.load(config.trust_path, lambda: fetch(config.gateway))


def _local(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
