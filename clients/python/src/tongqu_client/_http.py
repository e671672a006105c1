"""Requests to the gateway: time-outs, limits, retries. What comes back is a Reply or an exception of errors.py.

Only what may pass by itself is tried again, after a random pause (full jitter) and never sooner than the gateway asked;
a budget stops a crowd of clients from drowning a gateway that is already in trouble.
"""

from __future__ import annotations

import email.utils
import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import requests
import urllib3  # comes with requests
from requests import exceptions as raised

from tongqu_client import errors
from tongqu_client._canonical import MalformedJson, strict_loads

MAX_REPLY = 32 * 1024 * 1024  # bytes; a full bundle of log entries has at most 17 MB
_CHUNK = 64 * 1024
_TRICKLE = 512  # bytes at a time where urllib3 is older than 2.1 and has no read1


@dataclass(frozen=True, slots=True)
class Timeout:
    """Seconds. ``connect`` and ``read`` (silence on the line) are for one attempt, ``total`` for all together."""

    connect: float = 3.0
    read: float = 15.0
    total: float = 30.0


@dataclass(frozen=True, slots=True)
class Retries:
    """``base`` and ``cap`` in seconds: the pause before attempt n is random in [0, min(cap, base · 2ⁿ)].

    ``budget``: retries allowed per request in the long run; ten may always be made in a row.
    """

    max_attempts: int = 4
    base: float = 0.2
    cap: float = 8.0
    budget: float = 0.1


class Budget:
    """The tokens that retries cost. Shared by all threads of one Gateway."""

    _FULL = 10.0

    def __init__(self, share: float) -> None:
        self._share, self._tokens, self._lock = share, self._FULL, threading.Lock()

    def earn(self) -> None:
        with self._lock:
            self._tokens = min(self._FULL, self._tokens + self._share)

    def spend(self) -> bool:
        with self._lock:
            if self._tokens < 1:
                return False
            self._tokens -= 1
            return True


@dataclass(frozen=True, slots=True)
class Call:
    """One request. ``repeatable``: it may be sent again although it may have arrived the first time."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: bytes | None = field(default=None, repr=False)
    repeatable: bool = True


@dataclass(frozen=True, slots=True)
class Reply:
    """``headers``: lower-case names; ``sent`` the headers of the request it answers."""

    call: Call
    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)

    def json(self) -> Any:
        """Raises UnexpectedReply when the body is no JSON."""
        try:
            return strict_loads(self.body)
        except MalformedJson as error:
            raise errors.UnexpectedReply(
                "收到的答复不是有效的 JSON。", f"The answer is {error}.", status=self.status
            ) from None

    def document(self) -> dict[str, Any] | None:
        """The body as a JSON object, or None."""
        try:
            value = strict_loads(self.body)
        except MalformedJson:
            return None
        return value if isinstance(value, dict) else None

    @property
    def retry_after(self) -> float | None:
        """Seconds, from either form of the Retry-After header (RFC 9110 §10.2.3)."""
        text = self.headers.get("retry-after", "").strip()
        if text.isascii() and text.isdigit():
            return float(text)
        date = email.utils.parsedate_to_datetime(text) if text.endswith("GMT") else None
        return max(0.0, date.timestamp() - time.time()) if date else None


class Deadline:
    """The end of the time for one piece of work, by the monotonic clock; ``silence``: how long it may be quiet."""

    def __init__(self, seconds: float, silence: float) -> None:
        self._end, self.silence = time.monotonic() + seconds, silence

    def left(self) -> float:
        return self._end - time.monotonic()


class Transport:
    """A pool of connections with time-outs and retries. Follows no redirect; takes proxies from the environment."""

    def __init__(self, session: requests.Session, timeout: Timeout, retries: Retries) -> None:
        session.auth = _leave_alone  # else requests would put a password from ~/.netrc in place of our token
        self._session, self.timeout, self._retries = session, timeout, retries
        self._budget = Budget(retries.budget)

    def close(self) -> None:
        self._session.close()

    def repeat(self, attempt: Callable[[], Reply], *, repeatable: bool, deadline: Deadline) -> Reply:
        """Run ``attempt`` until it succeeds, cannot be tried again, or time, attempts or budget are used up."""
        self._budget.earn()
        for number in range(1, self._retries.max_attempts + 1):
            try:
                return attempt()
            except errors.GatewayError as error:
                pause = self._pause(number, error)
                last = number == self._retries.max_attempts
                if last or not _may_pass(error, repeatable) or pause >= deadline.left() or not self._budget.spend():
                    raise
            time.sleep(pause)
        raise AssertionError("max_attempts is at least 1")

    def _pause(self, number: int, error: errors.GatewayError) -> float:
        jitter = random.uniform(0, min(self._retries.cap, self._retries.base * 2**number))  # noqa: S311  # no secret
        return max(jitter, min(error.retry_after or 0.0, self._retries.cap))

    def send(self, call: Call, deadline: Deadline, address: str | None = None) -> Reply:
        """One attempt. Raises TransportError kin; an error status is a Reply like any other.

        ``address``: where it goes, when that is another name of what ``call`` names.
        """
        left = deadline.left()
        if left <= 0:
            raise errors.TimedOut("总时限已到，未再发送。", "The total time was over before sending.", sent=False)
        try:
            response = self._session.request(
                call.method,
                address or call.url,
                data=call.body,
                headers={**call.headers, "Accept-Encoding": "identity"},  # digests are over the bytes as sent
                timeout=(min(self.timeout.connect, left), min(deadline.silence, left)),
                allow_redirects=False,
                stream=True,
                # Named here too, because REQUESTS_CA_BUNDLE would go before what a session has.
                verify=self._session.verify if isinstance(self._session.verify, str) else None,
            )
            with response:
                _refuse_redirect(response)
                body = _read(response, deadline)
        except raised.RequestException as error:
            raise _transport_error(error) from None
        except OSError:  # requests says so when the file named by ca= or client_cert= is not there
            raise errors.ConfigError(
                "打不开 ca 或 client_cert 文件。", "The file ca or client_cert is missing."
            ) from None
        except urllib3.exceptions.TimeoutError:
            raise errors.TimedOut("答复在中途停住。", "The answer stopped half-way.", sent=True) from None
        except urllib3.exceptions.HTTPError:
            raise errors.ConnectionLost("答复在中途断开。", "The answer broke off.") from None
        reply = Reply(call, response.status_code, {k.lower(): v for k, v in response.headers.items()}, body)
        return reply


def _leave_alone(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


def _refuse_redirect(response: requests.Response) -> None:
    if 300 <= response.status_code < 400:
        raise errors.UnexpectedReply(
            "收到重定向，未跟随；请核对网关地址。",
            "A redirect came back and was not followed; check the gateway's address.",
            status=response.status_code,
        )


def _read(response: requests.Response, deadline: Deadline) -> bytes:
    """The body, within the deadline even when it trickles, and within MAX_REPLY.

    ``read1`` gives what has come so far; ``iter_content`` would wait for a whole chunk, however long that takes.
    """
    read_some = getattr(response.raw, "read1", None) or (lambda _: response.raw.read(_TRICKLE))
    chunks, size = [], 0
    while chunk := read_some(_CHUNK):
        size += len(chunk)
        if size > MAX_REPLY:
            raise errors.UnexpectedReply("答复过大，已中止。", f"The answer is larger than {MAX_REPLY} bytes.")
        if deadline.left() <= 0:
            raise errors.TimedOut("答复未在总时限内收完。", "The answer was not complete in time.", sent=True)
        chunks.append(chunk)
    if size < int(response.headers.get("Content-Length") or 0):
        raise errors.ConnectionLost("答复在中途断开。", "The answer broke off.")
    return b"".join(chunks)


def _may_pass(error: errors.GatewayError, repeatable: bool) -> bool:
    """Could the same request succeed now? Nothing that may have arrived is repeated unless repeating it is harmless."""
    if isinstance(error, errors.ConnectFailed):
        return True
    if isinstance(error, (errors.TimedOut, errors.ConnectionLost)):
        return repeatable or not error.sent
    if isinstance(error, errors.IntegrityError):
        return False
    return error.retryable and (repeatable or error.status in (429, 503))


def _transport_error(error: raised.RequestException) -> errors.GatewayError:
    """What went wrong below HTTP, and whether the request had left. The message of ``error`` may hold an address."""
    if isinstance(error, raised.SSLError):
        return errors.TlsFailed(
            "网关的证书未通过检查；如用自建 CA，请指定 ca。",
            "The gateway's certificate was not accepted; name your own CA with ca=.",
        )
    if isinstance(error, raised.ConnectTimeout):
        return errors.ConnectFailed(
            "连接网关超时；请检查地址与网络。", "No connection in time; check address and network.", retryable=True
        )
    if isinstance(error, raised.Timeout):
        return errors.TimedOut(
            "请求已发出，网关未在时限内答复。", "The request left, no answer came in time.", sent=True
        )
    if isinstance(error, (raised.InvalidURL, raised.MissingSchema, raised.InvalidSchema, raised.InvalidHeader)):
        return errors.ConfigError("网关地址无效。", "The gateway's address is not valid.")
    if isinstance(error, raised.ProxyError) or "NewConnectionError" in repr(error):
        return errors.ConnectFailed(
            "连接不上网关；请检查地址、网络与代理。", "No connection; check address, network, proxy.", retryable=True
        )
    return errors.ConnectionLost("与网关的连接中断。", "The connection to the gateway broke.")
