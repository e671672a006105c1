"""The one question that these tests ask."""

from __future__ import annotations

from typing import Any

from tongqu_client import Answer, Gateway

STANDARD = "person-basic/1.0.0"
PERSON = "990101199001010010"
TERMS: dict[str, Any] = {"agreement": "agr_1", "purpose": "dibao.initial"}


def ask(gateway: Gateway, **more: Any) -> Answer:
    return gateway.query(STANDARD, {"cn.resident-id": PERSON}, **{**TERMS, "case": "SQ-0012", **more})
