"""A stranger verifies that the data bureau signed a standard, with two files and without the gateway."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tongqu_client.cli import main
from tongqu_client.errors import StandardUnproven
from tongqu_client.verify.standards import SIGNATURE_TYPE, verify_standard

from gateway.lib.canonical_json import canonical, digest
from gateway.lib.jose import SigningKey
from standards import REGISTRY

PERSON = "person-basic/1.0.0"
SCHEMA = REGISTRY[PERSON].schema
KEY = SigningKey.generate()


def manifest(**changes: Any) -> dict[str, Any]:
    """As the gateway tells it; made with the server's code, so that the two agree."""
    return {
        "standard": PERSON,
        "digest": digest(SCHEMA),
        "jws": KEY.sign_detached(SIGNATURE_TYPE, canonical(SCHEMA)),
        "key": KEY.public_jwk(),
        "party": "data-bureau",
        "officer": "off_1",
    } | changes


def file(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=2).encode()


def test_the_schema_and_its_signature_belong_together() -> None:
    found = verify_standard(file(SCHEMA), file(manifest()), key=KEY.kid)
    assert (found.id, found.digest, found.key) == (PERSON, digest(SCHEMA), KEY.kid)
    assert found.party == "data-bureau"


Change = Callable[[], tuple[Any, Any, str | None]]
FORGERIES: dict[str, Change] = {
    "another word in the schema": lambda: (SCHEMA | {"title": "改过"}, manifest(), None),
    "another schema, its digest put right": lambda: (
        SCHEMA | {"title": "改过"},
        manifest(digest=digest(SCHEMA | {"title": "改过"})),
        None,
    ),
    "another number": lambda: (SCHEMA, manifest(standard="person-basic/1.1.0"), None),
    "no signature": lambda: (SCHEMA, manifest(jws=None, origin_en="unsigned: shipped with release 0.1.0"), None),
    "somebody else's key": lambda: (SCHEMA, manifest(key=SigningKey.generate().public_jwk()), None),
    "a key that is not the bureau's": lambda: (SCHEMA, manifest(), SigningKey.generate().kid),
    "a signature for something else": lambda: (
        SCHEMA,
        manifest(jws=KEY.sign_detached("tongqu-agreement-signature+jws", canonical(SCHEMA))),
        None,
    ),
    "not detached": lambda: (SCHEMA, manifest(jws=KEY.sign_payload(SIGNATURE_TYPE, b"{}")), None),
    "no JWS": lambda: (SCHEMA, manifest(jws="yes"), None),
    "no key": lambda: (SCHEMA, manifest(key=None), None),
    "no object": lambda: ([], manifest(), None),
    "no manifest": lambda: (SCHEMA, 7, None),
}


@pytest.mark.parametrize("defect", FORGERIES)
def test_whatever_does_not_fit_is_refused(defect: str) -> None:
    schema, told, key = FORGERIES[defect]()
    with pytest.raises(StandardUnproven):
        verify_standard(file(schema), file(told), key=key)


def test_the_command_says_whose_key_it_was(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "s.json").write_bytes(file(SCHEMA))
    (tmp_path / "s.sig.json").write_bytes(file(manifest()))
    arguments = ["standards", "verify", str(tmp_path / "s.json"), str(tmp_path / "s.sig.json")]
    assert main([*arguments, "--key", KEY.kid]) == 0
    assert KEY.kid in capsys.readouterr().out
    (tmp_path / "s.json").write_bytes(file(SCHEMA | {"title": "改过"}))
    assert main(arguments) == 9
    assert main(["standards", "verify", str(tmp_path / "none"), str(tmp_path / "s.sig.json")]) == 2
