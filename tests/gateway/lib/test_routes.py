"""Addresses are written as Flask writes them, though what writes them is made at the first use."""

from __future__ import annotations

import pytest
from flask import Flask, url_for

from gateway.lib.routes import Rule


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ({"party": "police", "number": 7}, "/parties/police/7"),
        ({"party": "甲 乙", "number": 7}, "/parties/%E7%94%B2%20%E4%B9%99/7"),
        ({"party": "police", "number": 7, "lang": "en"}, "/parties/police/7?lang=en"),
    ],
)
def test_an_address_is_written_as_without_us(given: dict[str, object], address: str) -> None:
    for kind in (Rule, Flask.url_rule_class):
        app = Flask(__name__, static_folder=None)
        app.url_rule_class = kind
        app.add_url_rule("/parties/<party>/<int:number>", "party", lambda party, number: "")
        with app.test_request_context():
            assert [url_for("party", **given) for _ in range(2)] == [address, address]
