"""``gateway registration``: two officers at the gateway's machine, each with a key file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from gateway.cli import cli
from gateway.config import load
from gateway.errors import AlreadyExists, InvalidRequest, SignatureInvalid
from gateway.identity.model import OPERATOR
from gateway.lib.jose import SigningKey
from gateway.wiring import Store
from tests.installed import install

pytestmark = pytest.mark.any_database


class Desk:
    """An installation with two officers of the data bureau and one of a street office."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "tongqu.toml"
        self.config.write_text('data_dir = "data"\npublic_url = "https://gw.example"\n', encoding="utf-8")
        settings = load(self.config, environment=False)
        install(settings)
        store = Store(settings)
        for party, kind in (("bureau", "data_bureau"), ("street", "street_office")):
            store.identity.add_party(OPERATOR, party, name_zh=party, name_en=party, kind=kind)
        for party, role in (("bureau", "administrator"), ("bureau", "signatory"), ("street", "signatory")):
            key = SigningKey.generate()
            self.file(f"{party}-{role}.jwk.json").write_text(json.dumps(key.private_jwk()))
            store.identity.add_officer(OPERATOR, party, role=role, title=role, key=key.public_jwk())
        store.close()

    def file(self, name: str) -> Path:
        return self.folder / name

    def run(self, *arguments: str, by: str | None = None) -> Result:
        signed = ("--signed-by", str(self.file(f"{by}.jwk.json"))) if by else ()
        return CliRunner().invoke(cli, ["registration", *arguments, *signed, "--config", str(self.config)])


def test_a_document_is_stamped_counts_once_and_can_be_signed_anew(tmp_path: Path) -> None:
    desk = Desk(tmp_path)
    paper = desk.file("clerk.json")
    paper.write_text(json.dumps({"kind": "officer", "party": "street", "role": "clerk", "title": "经办人"}))
    made = desk.run("propose", str(paper), by="street-signatory")
    assert made.exit_code == 0, made.output
    first = made.output.split()[0]
    signed = json.loads(desk.run("show", first).output.partition("\n")[2])
    assert signed["jti"] and isinstance(signed["iat"], int)
    assert isinstance(desk.run("approve", first, by="street-signatory").exception, SignatureInvalid)
    assert "rejected" in desk.run("reject", first, by="bureau-signatory").output
    paper.write_text(json.dumps(signed))  # the same paper, signature and all
    assert isinstance(desk.run("propose", str(paper), by="street-signatory").exception, AlreadyExists)
    paper.write_text(json.dumps({name: signed[name] for name in ("kind", "party", "role", "title")}))
    anew = desk.run("propose", str(paper), by="street-signatory").output.split()[0]
    assert "approved" in desk.run("approve", anew, by="bureau-administrator").output
    paper.write_text(json.dumps({**signed, "iat": signed["iat"] - 90_000, "jti": "x" * 20}))
    assert isinstance(desk.run("propose", str(paper), by="street-signatory").exception, InvalidRequest)
