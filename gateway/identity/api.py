"""``/v1/parties``, ``/v1/clients``, ``/v1/officers`` for the data bureau, ``/v1/registrations`` for all: schema in, one
action, schema out."""

from __future__ import annotations

from typing import Any

import flask
from flask import g
from flask.views import MethodView

from gateway.identity.actions import Identity
from gateway.identity.guard import Guard
from gateway.identity.model import ADMIN_SCOPE, REGISTRATION_SCOPE, Client, Officer, Party
from gateway.identity.registration import Registrations
from gateway.identity.registration_store import Registration
from gateway.identity.schemas import (
    ClientSchema,
    DecisionSchema,
    NewRegistrationSchema,
    OfficerSchema,
    OfParty,
    PartySchema,
    RegistrationSchema,
)
from gateway.identity.server import TokenServer
from gateway.lib.routes import Blueprint


def oauth(server: TokenServer) -> flask.Blueprint:
    """The OAuth endpoints and metadata; they speak RFC 6749, not problem documents."""
    return server.blueprint()


def blueprints(identity: Identity, registrations: Registrations, guard: Guard) -> list[Blueprint]:
    return [
        _parties(identity, guard),
        _clients(identity, guard),
        _officers(identity, guard),
        _registrations(registrations, guard),
    ]


def _parties(identity: Identity, guard: Guard) -> Blueprint:
    blp = Blueprint("parties", __name__, url_prefix="/v1/parties", description="Organisations · 单位")
    admin = guard.needs(ADMIN_SCOPE)

    @blp.route("")
    class Parties(MethodView):
        @admin
        @blp.response(200, PartySchema(many=True))
        def get(self) -> list[Party]:
            """All parties · 单位列表"""
            return identity.parties()

        @admin
        @blp.arguments(PartySchema)
        @blp.response(201, PartySchema)
        def post(self, new: dict[str, Any]) -> Party:
            """Admit an organisation · 登记单位"""
            return identity.add_party(g.caller.actor(), new.pop("id"), **new)

    @blp.route("/<party_id>/suspend")
    class Suspend(MethodView):
        @admin
        @blp.response(200, PartySchema)
        def post(self, party_id: str) -> Party:
            """Stop everything to and from this party · 暂停单位"""
            return identity.suspend_party(g.caller.actor(), party_id)

    @blp.route("/<party_id>/resume")
    class Resume(MethodView):
        @admin
        @blp.response(200, PartySchema)
        def post(self, party_id: str) -> Party:
            """Let it take part again · 恢复单位"""
            return identity.resume_party(g.caller.actor(), party_id)

    return blp


def _clients(identity: Identity, guard: Guard) -> Blueprint:
    blp = Blueprint("clients", __name__, url_prefix="/v1/clients", description="Registered systems · 客户端")
    admin = guard.needs(ADMIN_SCOPE)

    @blp.route("")
    class Clients(MethodView):
        @admin
        @blp.arguments(OfParty, location="query")
        @blp.response(200, ClientSchema(many=True))
        def get(self, only: dict[str, Any]) -> list[Client]:
            """All clients, or those of one party · 客户端列表"""
            return identity.clients(only["party"])

    @blp.route("/<client_id>/suspend")
    class Suspend(MethodView):
        @admin
        @blp.response(200, ClientSchema)
        def post(self, client_id: str) -> Client:
            """No more tokens, and those it has open nothing · 暂停客户端"""
            return identity.suspend_client(g.caller.actor(), client_id)

    @blp.route("/<client_id>/resume")
    class Resume(MethodView):
        @admin
        @blp.response(200, ClientSchema)
        def post(self, client_id: str) -> Client:
            """Let it ask again · 恢复客户端"""
            return identity.resume_client(g.caller.actor(), client_id)

    return blp


def _officers(identity: Identity, guard: Guard) -> Blueprint:
    blp = Blueprint("officers", __name__, url_prefix="/v1/officers", description="People who act for parties · 人员")
    admin = guard.needs(ADMIN_SCOPE)

    @blp.route("")
    class Officers(MethodView):
        @admin
        @blp.arguments(OfParty, location="query")
        @blp.response(200, OfficerSchema(many=True))
        def get(self, only: dict[str, Any]) -> list[Officer]:
            """All officers, or those of one party · 人员列表"""
            return identity.officers(only["party"])

    @blp.route("/<officer_id>/suspend")
    class Suspend(MethodView):
        @admin
        @blp.response(200, OfficerSchema)
        def post(self, officer_id: str) -> Officer:
            """This person's signatures count for nothing new · 停用人员"""
            return identity.suspend_officer(g.caller.actor(), officer_id)

    return blp


def _registrations(registrations: Registrations, guard: Guard) -> Blueprint:
    about = "Systems, keys and officers, registered by two people · 登记"
    blp = Blueprint("registrations", __name__, url_prefix="/v1/registrations", description=about)
    own = guard.needs(REGISTRATION_SCOPE, ADMIN_SCOPE)

    @blp.route("")
    class All(MethodView):
        @own
        @blp.response(200, RegistrationSchema(many=True))
        def get(self) -> list[Registration]:
            """One's own party's, the latest first; the data bureau sees all · 登记列表"""
            return registrations.all(g.caller)

        @own
        @blp.arguments(NewRegistrationSchema)
        @blp.response(201, RegistrationSchema)
        def post(self, new: dict[str, Any]) -> Registration:
            """Propose a system, a key or an officer, signed by one officer; nothing changes yet · 提出登记"""
            return registrations.propose(g.caller, new["document"], new["jws"])

    @blp.route("/<registration_id>")
    class One(MethodView):
        @own
        @blp.response(200, RegistrationSchema)
        def get(self, registration_id: str) -> Registration:
            """One registration · 一份登记"""
            return registrations.one(g.caller, registration_id)

    @blp.route("/<registration_id>/approve")
    class Approve(MethodView):
        @own
        @blp.arguments(DecisionSchema)
        @blp.response(200, RegistrationSchema)
        def post(self, decision: dict[str, Any], registration_id: str) -> Registration:
            """The second person's yes, an officer of the data bureau: it takes effect · 批准"""
            return registrations.approve(g.caller, registration_id, decision["jws"])

    @blp.route("/<registration_id>/reject")
    class Reject(MethodView):
        @own
        @blp.arguments(DecisionSchema)
        @blp.response(200, RegistrationSchema)
        def post(self, decision: dict[str, Any], registration_id: str) -> Registration:
            """No; or taken back by the party itself · 不予批准或撤回"""
            return registrations.reject(g.caller, registration_id, decision["jws"])

    return blp
