"""``gateway registration``: systems, keys and officers that two people let in, each signing with a key of their own.

The same as /v1/registrations, for whoever sits at the gateway's machine with an officer's key file.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from gateway.cli.common import config_option, store_of
from gateway.identity.registration import DECISION_TYPE, PROPOSAL_TYPE, stamped
from gateway.identity.registration_store import Registration
from gateway.lib.canonical_json import MalformedJson, canonical, strict_loads
from gateway.lib.jose import JoseInvalid, SigningKey

F = TypeVar("F", bound=Callable[..., Any])


def signed_by(command: F) -> F:
    """``--signed-by FILE``: the private JWK of the officer who says so."""
    return click.option(
        "--signed-by",
        "signer",
        required=True,
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help="private JWK of the officer who signs",
    )(command)


@click.group()
def registration() -> None:
    """Systems, keys and officers, registered by two people · 登记"""


@registration.command("list")
@config_option
def list_registrations(config_file: Path | None) -> None:
    """The latest first · 登记列表"""
    with store_of(config_file) as store:
        for each in store.registrations.all(None):
            click.echo(_line(each))


@registration.command()
@click.argument("registration_id")
@config_option
def show(registration_id: str, config_file: Path | None) -> None:
    """What is to be signed, to read before signing it · 查看"""
    with store_of(config_file) as store:
        found = store.registrations.one(None, registration_id)
    click.echo(_line(found))
    click.echo(json.dumps(json.loads(found.document), indent=1, ensure_ascii=False))


@registration.command()
@click.argument("document", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@signed_by
@config_option
def propose(document: Path, signer: Path, config_file: Path | None) -> None:
    """Propose what the JSON file DOCUMENT says (kind, party, …) · 提出登记"""
    try:
        value = strict_loads(document.read_bytes())
    except (OSError, MalformedJson) as error:
        raise click.ClickException(f"{document}: {error}") from None
    if not isinstance(value, dict):
        raise click.ClickException(f"{document}: expected a JSON object / 应为 JSON 对象")
    proposed(value, signer, config_file)


@registration.command()
@click.argument("registration_id")
@signed_by
@config_option
def approve(registration_id: str, signer: Path, config_file: Path | None) -> None:
    """The second person's yes: it takes effect · 批准"""
    with store_of(config_file) as store:
        found = store.registrations.one(None, registration_id)
        jws = _key(signer).sign_payload(DECISION_TYPE, found.decision_payload("approved"))
        click.echo(_line(store.registrations.approve(None, registration_id, jws)))


@registration.command()
@click.argument("registration_id")
@signed_by
@config_option
def reject(registration_id: str, signer: Path, config_file: Path | None) -> None:
    """No, or taken back · 不予批准或撤回"""
    with store_of(config_file) as store:
        found = store.registrations.one(None, registration_id)
        jws = _key(signer).sign_payload(DECISION_TYPE, found.decision_payload("rejected"))
        click.echo(_line(store.registrations.reject(None, registration_id, jws)))


def proposed(document: dict[str, Any], signer: Path, config_file: Path | None) -> None:
    """Sign and put forward. A document without jti and iat is given them here, so that it counts once."""
    key = _key(signer)
    with store_of(config_file) as store:
        whole = stamped(document, store.clock.now())
        made = store.registrations.propose(None, whole, key.sign_payload(PROPOSAL_TYPE, canonical(whole)))
    click.echo(_line(made))
    click.echo(f"  → gateway registration approve {made.id} --signed-by … / 由主管部门另一人批准")


def _key(file: Path) -> SigningKey:
    try:
        return SigningKey.from_jwk(strict_loads(file.read_bytes()))
    except (OSError, MalformedJson, JoseInvalid) as error:
        raise click.ClickException(f"{file}: {error}") from None


def _line(each: Registration) -> str:
    kind = json.loads(each.document)["kind"]
    return f"{each.id}  {each.state:9} {kind:18} {each.party:24} {each.made or '–'}"
