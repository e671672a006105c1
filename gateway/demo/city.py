"""Who lives and works in the demo city: parties, their systems, the people who sign for them, and their keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.identity.actions import Identity
from gateway.identity.model import OPERATOR
from gateway.lib.durable import write_file
from gateway.lib.ids import new_id
from gateway.lib.jose import SigningKey

POLICE, CIVIL, POPULATION, HEALTH = "police", "civil-affairs", "population", "health"
LINDEN, MAPLE = "street-linden", "street-maple"
BUREAU, AUDIT = "data-bureau", "audit-office"


@dataclass(frozen=True, slots=True)
class PartyOfCity:
    id: str
    name_zh: str
    name_en: str
    kind: str
    uscc: str


PARTIES = (
    PartyOfCity(POLICE, "示范市公安局", "Police", "department", "11440300MB0000019Q"),
    PartyOfCity(CIVIL, "示范市民政局", "Civil affairs", "department", "11440300MB0000027K"),
    PartyOfCity(
        POPULATION, "示范市流动人口管理办公室", "Floating-population office", "department", "11440300MB0000035E"
    ),
    PartyOfCity(HEALTH, "示范市卫生健康委员会", "Health commission", "department", "12440300MB00000511"),
    PartyOfCity(LINDEN, "椴树街道办事处", "Linden street office", "street_office", "11440399MB0000043N"),
    PartyOfCity(MAPLE, "枫林街道办事处", "Maple street office", "street_office", "51440300MB000006XP"),
    PartyOfCity(BUREAU, "示范市政务服务和数据管理局", "Data bureau", "data_bureau", "91440399MA0000074J"),
    PartyOfCity(AUDIT, "示范市审计局", "Audit office", "audit_office", "N2440399MF00000801"),
)
SCOPES = {
    "department": (
        "registrations:write",
        "catalogue:read",
        "catalogue:write",
        "agreements:read",
        "agreements:write",
        "standards:write",
        "log:read",
    ),
    "street_office": (
        *(
            "registrations:write",
            "exchange:query",
            "catalogue:read",
            "agreements:read",
            "agreements:write",
            "consents:write",
        ),
        "standards:write",
        "log:read",  # what concerns oneself, and the evidence of one's own queries
    ),
    "data_bureau": ("admin", "catalogue:read", "agreements:read", "agreements:write", "log:read", "standards:write"),
    "audit_office": ("agreements:read", "log:read"),
}
# What one signs for a party; a street office also has two people at the counter, for consents.
OFFICERS = {
    "department": (("signatory", "数据管理科科长"),),
    "street_office": (("signatory", "街道办主任"), ("clerk", "窗口经办人"), ("clerk", "窗口复核人")),
    "data_bureau": (("administrator", "数据共享处处长"), ("signatory", "局长")),
    "audit_office": (("compliance", "审计专员"), ("signatory", "审计局局长")),
}


def settle(identity: Identity, folder: Path) -> dict[str, Any]:
    """Register everybody and write their private keys under ``folder/keys-of-the-city``, mode 0600.

    Returns the members ``parties``, ``clients`` and ``officers`` of demo.json.
    """
    keys = folder / "keys-of-the-city"
    keys.mkdir(mode=0o700, exist_ok=True)
    clients, officers = [], []
    for party in PARTIES:
        identity.add_party(
            OPERATOR, party.id, name_zh=party.name_zh, name_en=party.name_en, kind=party.kind, uscc=party.uscc
        )
        file, public = _new_key(keys / f"{party.id}.client.jwk.json")
        client = identity.add_client(OPERATOR, party.id, key=public, scopes=SCOPES[party.kind])
        clients.append({"party": party.id, "client_id": client.id, "key_file": _within(file, folder), "alg": "ES256"})
        for number, (role, title) in enumerate(OFFICERS[party.kind], 1):
            officer_id = new_id("off")
            whose = {"tongqu_party": party.id, "tongqu_officer": officer_id}
            file, public = _new_key(keys / f"{party.id}.{role}-{number}.jwk.json", whose)
            officer = identity.add_officer(
                OPERATOR, party.id, role=role, title=title, key=public, officer_id=officer_id
            )
            officers.append(
                {"party": party.id, "officer_id": officer.id, "key_file": _within(file, folder), "role": role}
            )
    parties = [{"id": each.id, "name_zh": each.name_zh, "name_en": each.name_en, "kind": each.kind} for each in PARTIES]
    return {"parties": parties, "clients": clients, "officers": officers}


def _new_key(file: Path, whose: Mapping[str, str] | None = None) -> tuple[Path, dict[str, str]]:
    key = SigningKey.generate()
    write_file(file, (json.dumps({**key.private_jwk(), **(whose or {})}, indent=1) + "\n").encode(), mode=0o600)
    return file, key.public_jwk()


def _within(file: Path, folder: Path) -> str:
    return str(file.relative_to(folder))
