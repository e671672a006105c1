"""Signing in with an identity provider, and linking one's account to it."""

from __future__ import annotations

from flask import Blueprint, Response, abort, g, request

from gateway.accounts.oidc import RelyingParty
from gateway.accounts.web import safe_next, to_page
from gateway.errors import SignInRefused
from gateway.pages.account.parts import Parts, client_address
from gateway.pages.frame.navigation import home_of
from gateway.pages.public.words import Text

LINKING = Text("关联统一身份认证", "Link an identity provider")
LINK = "link:"  # before the id of the account that is to be linked


class ProviderPages:
    """``/sign-in/with/<id>``, and ``/back`` below it; ``/account/link/<id>``."""

    def __init__(self, parts: Parts) -> None:
        self._parts, self._sessions = parts, parts.frame.sessions

    def routes(self, blp: Blueprint) -> None:
        opened, signed_in, stepped_up = (
            self._sessions.open_to_all,
            self._sessions.signed_in(),
            self._sessions.stepped_up,
        )
        blp.add_url_rule("/sign-in/with/<provider>", view_func=opened(self.away), methods=["GET"])
        blp.add_url_rule("/sign-in/with/<provider>/back", view_func=opened(self.back), methods=["GET"])
        blp.add_url_rule("/account/link/<provider>", view_func=signed_in(stepped_up(self.link)), methods=["POST"])

    def away(self, provider: str) -> Response:
        self._parts.pace.check(client_address())
        after = safe_next(request.args.get("next")) or ""
        return _to(self._party(provider).send_away(self._sessions.visit(), after))

    def link(self, provider: str) -> Response:
        """Only from a form of this session, bound to the browser and the account; what comes back links nothing else.

        The answer is a page with a link, no redirect: browsers hold a form's redirects to ``form-action`` too (CSP 3).
        """
        there = self._party(provider).send_away(self._sessions.visit(), LINK + g.account.id)
        return self._parts.page("link.html", title=LINKING, there=there)

    def back(self, provider: str) -> Response:
        answer = {name: values[0] for name, values in request.args.to_dict(flat=False).items() if len(values) == 1}
        party = self._party(provider)
        sent = party.recall(self._sessions.visit(), answer)
        try:
            issuer, subject = party.receive(sent, answer)
        except SignInRefused:
            self._parts.accounts.failed_at_provider(None)
            raise
        if sent.purpose.startswith(LINK):
            account = self._sessions.current()
            if account is None or account.id != sent.purpose.removeprefix(LINK):
                return to_page("/sign-in")
            self._parts.accounts.link(account.actor(), account, issuer, subject)
            return to_page("/account")
        account = self._parts.accounts.linked(issuer, subject)
        self._sessions.begin(account, "oidc")
        return to_page(safe_next(sent.purpose) or home_of(account.role))

    def _party(self, provider: str) -> RelyingParty:
        if provider not in self._parts.providers:
            abort(404)
        return self._parts.providers[provider]


def _to(address: str) -> Response:
    return Response(status=303, headers={"Location": address})
