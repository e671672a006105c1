"""What departments' systems have been seen to do, byte by byte. Each writes one answer to one request.

A misbehaviour gets the writer and the good answer (a JSON object) that the department would have given.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Writer = asyncio.StreamWriter
Misbehave = Callable[[Writer, dict[str, Any]], Awaitable[None]]

DRIP_S = 0.02  # between two drops: each alone would renew a time-out that counts from the last byte
INTERNAL = "http://169.254.169.254/latest/meta-data/"  # where a cloud keeps its secrets
STRANGER = "990101199912310012"  # somebody nobody asked about


def head(status: int, headers: Mapping[str, str]) -> bytes:
    lines = [f"HTTP/1.1 {status} Whatever", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(lines).encode("latin-1")


async def respond(writer: Writer, status: int, body: bytes, **headers: str) -> None:
    """A whole and proper response; ``content_type`` and the like become Content-Type."""
    fields = {"Content-Type": "application/json", "Cache-Control": "no-store", "Content-Length": str(len(body))}
    fields |= {name.replace("_", "-").title(): value for name, value in headers.items()}
    writer.write(head(status, fields) + body)
    await writer.drain()


def _dump(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


def _changed(change: Callable[[dict[str, Any]], Any]) -> Misbehave:
    """A well-formed answer that says something else."""

    async def misbehave(writer: Writer, good: dict[str, Any]) -> None:
        await respond(writer, 200, _dump(change(good)))

    return misbehave


def _bytes(make: Callable[[bytes], bytes]) -> Misbehave:
    """A 200 whose body is no proper JSON."""

    async def misbehave(writer: Writer, good: dict[str, Any]) -> None:
        await respond(writer, 200, make(_dump(good)))

    return misbehave


def _status(status: int, body: bytes = b"{}", **headers: str) -> Misbehave:
    async def misbehave(writer: Writer, _: dict[str, Any]) -> None:
        await respond(writer, status, body, **headers)

    return misbehave


def _problem(status: int, code: str, **headers: str) -> Misbehave:
    document = {"type": "about:blank", "title": "不行", "status": status, "code": code, "detail": f"号码 {STRANGER}"}
    return _status(status, _dump(document), content_type="application/problem+json", **headers)


def _each_record(change: Callable[[dict[str, Any]], dict[str, Any]]) -> Misbehave:
    return _changed(lambda good: good | {"records": [change(record) for record in good["records"]]})


async def _endless(writer: Writer, _: dict[str, Any]) -> None:
    """Ten megabytes in chunks, without saying beforehand how much it will be."""
    writer.write(head(200, {"Content-Type": "application/json", "Transfer-Encoding": "chunked"}))
    for _number in range(160):
        writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
        await writer.drain()


async def _slow_trickle(writer: Writer, good: dict[str, Any]) -> None:
    body = _dump(good)
    writer.write(head(200, {"Content-Type": "application/json", "Content-Length": str(100_000)}))
    for position in range(100_000):
        writer.write(body[position : position + 1] or b" ")
        await writer.drain()
        await asyncio.sleep(DRIP_S)


async def _drip_headers(writer: Writer, _: dict[str, Any]) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n")
    for number in range(100_000):
        writer.write(f"X-{number}: 1\r\n".encode())
        await writer.drain()
        await asyncio.sleep(DRIP_S)


async def _huge_header(writer: Writer, _: dict[str, Any]) -> None:
    await respond(writer, 200, b"{}", x_padding="x" * 200_000)


async def _hang(writer: Writer, _: dict[str, Any]) -> None:
    await asyncio.sleep(3600)


async def _reset(writer: Writer, _: dict[str, Any]) -> None:
    """RST instead of an answer: what a crashing process or a firewall does."""
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.transport.abort()


async def _hang_up(writer: Writer, _: dict[str, Any]) -> None:
    writer.close()


async def _cut_short(writer: Writer, good: dict[str, Any]) -> None:
    body = _dump(good)
    writer.write(head(200, {"Content-Type": "application/json", "Content-Length": str(len(body) + 10)}) + body)
    writer.close()


async def _sets_a_cookie(writer: Writer, good: dict[str, Any]) -> None:
    await respond(writer, 200, _dump(good), set_cookie="session=of-this-resident; Path=/")


async def _not_http(writer: Writer, _: dict[str, Any]) -> None:
    writer.write(b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n")
    writer.close()


MISBEHAVIOURS: Mapping[str, Misbehave] = {
    # too much, in good form
    "extra_fields": _each_record(lambda record: record | {"phone": "13900000000", "secretNote": "绝密"}),
    "extra_persons": _changed(
        lambda good: (
            good | {"records": good["records"] + [record | {"idNumber": STRANGER} for record in good["records"]]}
        )
    ),
    "same_person_twice": _changed(lambda good: good | {"records": good["records"] * 2}),
    "too_many_records": _changed(lambda good: good | {"records": good["records"] * 201}),
    "extra_members": _changed(lambda good: good | {"debug": {"sql": "SELECT *"}}),
    "sets_a_cookie": _sets_a_cookie,
    # the wrong shape
    "wrong_types": _each_record(lambda record: dict.fromkeys(record, 7)),
    "records_of_texts": _changed(lambda good: good | {"records": [STRANGER]}),
    "records_as_object": _changed(lambda good: good | {"records": {"0": good["records"]}}),
    "no_records": _changed(lambda good: {"as_of": good["as_of"]}),
    "bare_list": _changed(lambda good: good["records"]),
    "as_of_without_zone": _changed(lambda good: good | {"as_of": "2026-11-23T08:00:00"}),
    "as_of_in_words": _changed(lambda good: good | {"as_of": "昨天"}),
    "as_of_a_number": _changed(lambda good: good | {"as_of": 1763860000}),
    "as_of_null": _changed(lambda good: good | {"as_of": None}),
    "report_in_words": _changed(lambda good: good | {"report": "一切正常"}),
    "report_of_values": _changed(lambda good: good | {"report": {"lost": [f"号码 {STRANGER}"]}}),
    # no proper JSON
    "ten_megabytes": _bytes(lambda good: good[:-1] + b" " * (10 << 20) + b"}"),
    "invalid_utf8": _bytes(lambda good: good.replace(b'"records"', b'"\xff\xfe": 1, "records"')),
    "gb18030": _bytes(lambda good: b'{"records":[{"name":"' + "示例人".encode("gb18030") + b'"}]}'),
    "duplicate_keys": _bytes(lambda good: good[:-1] + b',"records":[]}'),
    "duplicate_keys_in_a_record": _bytes(lambda good: b'{"records":[{"idNumber":"1","id\\u004eumber":"2"}]}'),
    "nan": _bytes(lambda good: b'{"records":[{"idNumber":"1","amount":NaN}],"as_of":null}'),
    "lone_surrogate": _bytes(lambda good: b'{"records":[{"name":"\\ud800"}]}'),
    "deep": _bytes(lambda good: b'{"records":[' + b'{"a":' * 500 + b"1" + b"}" * 500 + b"]}"),
    "huge_number": _bytes(lambda good: b'{"records":[{"amount":1e999}]}'),
    "not_json": _bytes(lambda good: b"OK"),
    "empty": _bytes(lambda good: b""),
    "two_documents": _bytes(lambda good: good + good),
    # no proper HTTP
    "html": _status(200, "<h1>登录</h1>".encode(), content_type="text/html; charset=utf-8"),
    "compressed": _status(200, gzip.compress(b'{"records":[]}' + b" " * (8 << 20)), content_encoding="gzip"),
    "cut_short": _cut_short,
    "not_http": _not_http,
    "huge_header": _huge_header,
    # no answer in time
    "endless": _endless,
    "slow_trickle": _slow_trickle,
    "drip_headers": _drip_headers,
    "hang": _hang,
    "reset": _reset,
    "hang_up": _hang_up,
    # another status
    "redirect_to_internal": _status(302, location=INTERNAL),
    "redirect_home": _status(307, location="/elsewhere/records"),
    "malformed_request": _problem(400, "malformed_request"),
    "request_signature_invalid": _problem(401, "request_signature_invalid"),
    "agreement_not_served": _problem(403, "agreement_not_served"),
    "unknown_standard": _problem(404, "unknown_standard"),
    "record_unusable": _problem(422, "record_unusable"),
    "too_many_requests": _problem(429, "unavailable", retry_after="3"),
    "server_error": _problem(500, "internal"),
    "bad_gateway": _status(502, b"<h1>502</h1>", content_type="text/html"),
    "unavailable": _problem(503, "unavailable", retry_after="7"),
    "unavailable_until_a_date": _problem(503, "unavailable", retry_after="Mon, 23 Nov 2026 02:00:00 GMT"),
    "unavailable_for_ages": _problem(503, "unavailable", retry_after="99999999999999999999"),
    "strange_status": _status(299),
}
