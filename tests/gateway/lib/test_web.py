"""A request forgets what nobody asks it for any more."""

from __future__ import annotations

from gateway.lib.web import Request

ACCEPTED = (b"accept-language", b"zh")


def test_what_is_kept_is_as_it_came_and_all_else_is_gone() -> None:
    request = Request("POST", "/q", "", [(b"authorization", b"DPoP secret"), ACCEPTED, (b"dpop", b"proof")], b"body")
    assert request.header(b"authorization") == "DPoP secret"
    request.keep_only({b"accept-language", b"signature"})
    assert (request.method, request.path, request.body) == ("POST", "/q", b"")
    assert request.header(b"accept-language") == "zh"
    assert [request.header(name) for name in (b"authorization", b"dpop", b"signature")] == [None] * 3


def test_what_came_twice_stays_twice() -> None:
    signed = [(b"signature", b"one"), (b"dpop", b"1"), (b"signature", b"two"), (b"dpop", b"2"), ACCEPTED]
    request = Request("POST", "/q", "", signed, b"")
    assert request.values(b"dpop") == ["1", "2"]
    request.keep_only({b"accept-language", b"signature"})
    assert request.values(b"signature") == ["one", "two"]
    assert request.header(b"signature") is None
    assert request.values(b"accept-language") == ["zh"]
    assert request.values(b"dpop") == []
