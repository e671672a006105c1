"""What the tests of the provider kit share: the three sample services, and a gateway that asks them."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flask.testing import FlaskClient
from tongqu_client.provider.app import Parts, create_provider_app
from tongqu_client.provider.config import Config, Source
from tongqu_client.provider.conform import SERVICE, ThrowAwayGateway
from tongqu_client.provider.envelope import Trust
from tongqu_client.provider.server import build

SAMPLES = Path(__file__).parents[2] / "samples"
CROSSWALKS = Path(__file__).parents[3] / "standards" / "examples" / "crosswalks"
OFFICE = "11440399MB0000001C"  # a made-up department of the unassigned county 440399, right check character
SCHEME = "cn.resident-id"


@dataclass(frozen=True)
class Sample:
    """One of the three extracts, with the standard it speaks and what no column of it gives."""

    name: str
    standard: str
    source: Source
    given: Mapping[str, str]

    def files(self) -> list[str]:
        return [name for name in (self.source.path, self.source.url.removeprefix("sqlite:///")) if name]

    def config(self, folder: Path) -> Config:
        """The service in ``folder``: the extract beside its tested crosswalk."""
        folder.mkdir(parents=True, exist_ok=True)
        for name in self.files():
            shutil.copy(SAMPLES / name, folder / name)
        shutil.copy(CROSSWALKS / f"{self.name}.json", folder / "crosswalk.json")
        config = Config(folder, self.standard, self.source, service=SERVICE, title_zh="样例", title_en="sample")
        config.save()
        return config


POLICE = Sample("gongan_changzhu", "person-basic/1.0.0", Source("csv", path="gongan_changzhu.gb18030.csv"), {})
ASSISTANCE = Sample(
    "minzheng_dibao",
    "social-assistance/1.0.0",
    Source("excel", path="minzheng_dibao.xlsx"),
    {"divisionCode": "440399", "decisionOffice": OFFICE},
)
FLOATING = Sample(
    "jisheng_liudong",
    "residence-record/1.0.0",
    Source("sql", url="sqlite:///jisheng_liudong.sqlite", table="t_ldrk"),
    {
        "residenceAddress.divisionCode": "440399",
        "collectedBy": OFFICE,
        "collectedAt": "2026-11-01T08:30:00+08:00",
    },
)
ALL = (POLICE, ASSISTANCE, FLOATING)
PEOPLE: list[dict[str, Any]] = json.loads((SAMPLES / "expected_people.json").read_text("utf-8"))["people"]


class Asking:
    """A gateway with a key of its own, asking one service over HTTP in process."""

    def __init__(self, config: Config, **settings: Any) -> None:
        self.gateway = ThrowAwayGateway()
        self.parts: Parts = build(replace(config, **settings), trust=Trust(self.gateway.trust_document))
        self.web: FlaskClient = create_provider_app(self.parts).test_client()

    def close(self) -> None:
        self.parts.service.close()
        self.parts.ledger.close()

    def claims(self, body: bytes, **changes: Any) -> dict[str, Any]:
        """What a gateway says of this body, with ``changes`` made to it."""
        try:
            document = dict(json.loads(body))
        except (ValueError, TypeError, RecursionError):
            document = {}
        standard = document.get("standard")
        issued = int(self.parts.now())
        return {
            "iss": self.gateway.issuer,
            "aud": self.parts.service.config.service,
            "iat": issued,
            "exp": issued + 60,
            "jti": secrets.token_urlsafe(18),
            "agreement": {"id": "agr_01KAR3", "digest": "sha-256:" + "a" * 64},
            "purpose": "dibao.initial",
            "consumer": "street-linden",
            "standard": standard if isinstance(standard, str) else "person-basic/1.0.0",
            "fields": document.get("fields", ["name"]),
            "query": "qry_01KAR3",
            "body_digest": "sha-256:" + hashlib.sha256(body).hexdigest(),
        } | changes

    def ask(self, identifier: str, fields: Sequence[str], **changes: Any) -> Any:
        """One signed request; ``changes`` to the claims."""
        document = {
            "standard": self.parts.service.standard.id,
            "subject": {"scheme": SCHEME, "id": identifier},
            "fields": list(fields),
        }
        return self.send(json.dumps(document).encode(), **changes)

    def send(self, body: bytes, envelope: str | None = None, **changes: Any) -> Any:
        signed = self.gateway.sign(self.claims(body, **changes)) if envelope is None else envelope
        return self.web.post("/records", data=body, headers={"Tongqu-Request": signed} if signed else {})
