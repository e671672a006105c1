"""All addresses about accounts, as one blueprint."""

from __future__ import annotations

from flask import Blueprint

from gateway.pages.account.mine import MyPages
from gateway.pages.account.parts import Parts
from gateway.pages.account.providers import ProviderPages
from gateway.pages.account.sign_in import SignInPages


def blueprint(parts: Parts) -> Blueprint:
    blp = Blueprint("account", __name__)
    SignInPages(parts).routes(blp)
    ProviderPages(parts).routes(blp)
    MyPages(parts).routes(blp)
    return blp
