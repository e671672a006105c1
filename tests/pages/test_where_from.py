"""By what a person's failures are counted: the address, and of IPv6 the network, in which one machine has them all."""

from __future__ import annotations

import pytest
from flask import Flask

from gateway.pages.account.parts import client_address


@pytest.mark.parametrize(
    ("comes_from", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:aaaa:bbbb:cccc:dddd", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "::ffff:192.0.2.7"),
        ("", ""),
        ("a socket", "a socket"),
    ],
)
def test_one_machine_is_one_address(comes_from: str, counted: str) -> None:
    with Flask(__name__).test_request_context(environ_base={"REMOTE_ADDR": comes_from}):
        assert client_address() == counted
