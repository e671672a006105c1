"""One call of the API, whole: address, headers, token, time-outs, retries, signed reply, error to exception."""

from __future__ import annotations

import copy
import ipaddress
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

import requests

from tongqu_client import __version__, _problems, _signatures, errors
from tongqu_client._auth import Authorizer, Grant
from tongqu_client._canonical import NotCanonical, canonical
from tongqu_client._http import Call, Deadline, Reply, Timeout, Transport
from tongqu_client._keys import KnownKeys
from tongqu_client._officer import Officer
from tongqu_client.verify.trust import TrustStore


class Wire:
    """``authorizer`` None: only what needs no token. ``check``: verify each reply's signature."""

    def __init__(
        self,
        base_url: str,
        transport: Transport,
        authorizer: Authorizer | None,
        *,
        given: TrustStore | None,
        language: str,
        check: bool,
    ) -> None:
        self.base_url, self.transport = base_url, transport
        self.keys = KnownKeys(given, self._read_trust)
        self._authorizer, self._language, self._check = authorizer, language, check

    @property
    def officer(self) -> Officer | None:
        return self._authorizer.officer if self._authorizer is not None else None

    def for_officer(self, officer: Officer | None) -> Wire:
        """The same connections and keys, for somebody else. Raises ConfigError where there is no system's identity."""
        if self._authorizer is None:
            raise _no_identity()
        other = copy.copy(self)
        other._authorizer = self._authorizer.for_officer(officer)
        return other

    def call(
        self,
        method: str,
        path: str,
        grant: Grant | None = None,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float | None = None,
    ) -> Reply:
        """A successful reply. Raises the exception for every other."""
        data = _encoded(body)
        sent = {**self.headers(), **(headers or {})}
        if data is not None:
            sent |= {"Content-Type": "application/json", "Content-Digest": _signatures.content_digest(data)}
        url = f"{self.base_url}{path}" + (f"?{urlencode(query, quote_via=quote)}" if query else "")
        repeatable = method == "GET" or "Idempotency-Key" in sent or path.endswith("/explain")
        call = Call(method, url, sent, data, repeatable)
        limits = self.transport.timeout if timeout is None else limits_of(timeout)
        deadline = Deadline(limits.total, limits.read)

        def attempt() -> Reply:
            reply = self._send(call, grant, deadline)
            self._check_signature(reply, path)
            return _problems.successful(reply)

        return self.transport.repeat(attempt, repeatable=repeatable, deadline=deadline)

    def ask(
        self,
        method: str,
        path: str,
        scope: str | None,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any:
        """The JSON that a call under ``scope`` brings."""
        return self.call(method, path, Grant(scope) if scope else None, query=query, body=body).json()

    def headers(self) -> dict[str, str]:
        return {
            "Accept": "application/json, application/problem+json",
            "Accept-Language": self._language,
            "User-Agent": f"tongqu-client/{__version__}",
        }

    def _send(self, call: Call, grant: Grant | None, deadline: Deadline) -> Reply:
        if grant is None:
            return self.transport.send(call, deadline)
        if self._authorizer is None:
            raise _no_identity()
        return self._authorizer.send(call, grant, deadline)

    def _check_signature(self, reply: Reply, path: str) -> None:
        """Every reply under /v1 is signed. An unsigned error may be a proxy's and promises nothing; let it pass."""
        if not self._check or not path.startswith("/v1/"):
            return
        if _signatures.is_signed(reply):
            self.keys.verify(reply)
        elif reply.status < 400:
            raise errors.ResponseInvalid(
                "答复没有网关的签名：可能在途中被替换。",
                "The answer lacks the gateway's signature: it may be forged.",
            )

    def _read_trust(self) -> TrustStore:
        return TrustStore.parse(self.call("GET", "/.well-known/tongqu-trust").body)


def _no_identity() -> errors.ConfigError:
    return errors.ConfigError(
        "此操作需要身份：请给出 client_id 与 key（TONGQU_CLIENT_ID、TONGQU_KEY），或 client_cert。",
        "This needs an identity: give client_id and key (TONGQU_CLIENT_ID, TONGQU_KEY), or client_cert.",
    )


def checked(base_url: str, allow_plain_http: bool) -> str:
    """The address without a trailing slash. Raises ConfigError for what would carry personal data in the clear."""
    parts = urlsplit(base_url)
    if parts.scheme not in ("https", "http") or not parts.hostname or parts.query or parts.fragment or parts.username:
        raise errors.ConfigError(
            "网关地址应形如 https://gateway.example。", "Expected an address such as https://gateway.example."
        )
    if parts.scheme == "http" and not allow_plain_http and not _this_machine(parts.hostname):
        raise errors.ConfigError(
            "http:// 会明文传输居民数据；请用 https://，或在受保护的网络内设 allow_plain_http。",
            "http:// carries residents' data in the clear; use https://, or allow_plain_http on a protected network.",
        )
    return base_url.rstrip("/")


def _this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def limits_of(seconds: float) -> Timeout:
    """A caller who waits ``seconds`` in all may also wait so long in silence: a department may take its time."""
    return Timeout(connect=min(Timeout().connect, seconds), read=seconds, total=seconds)


def new_session(client_cert: tuple[str, str] | None, ca: str | None) -> requests.Session:
    session = requests.Session()
    if client_cert is not None:
        session.cert = client_cert
    if ca is not None:
        session.verify = ca
    return session


def _encoded(body: Mapping[str, Any] | None) -> bytes | None:
    try:
        return None if body is None else canonical(dict(body))
    except NotCanonical as error:
        raise errors.InvalidRequest("请求内容无法写成 JSON。", f"The request has no JSON form: {error}.") from None
