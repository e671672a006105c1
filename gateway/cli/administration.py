"""``gateway party|client|officer``: administration without the web page, on the gateway's own machine.

The log names the operator as nobody: party, client and officer are null.
"""

from __future__ import annotations

import json
from pathlib import Path

import click

from gateway.cli.common import config_option, store_of
from gateway.cli.registrations import proposed, signed_by
from gateway.identity.model import OPERATOR, PARTY_KINDS, ROLES, SCOPES
from gateway.lib.canonical_json import MalformedJson, strict_loads
from gateway.lib.durable import write_file
from gateway.lib.jose import JoseInvalid, SigningKey, public_key

_key_file = click.option(
    "--key",
    "key_file",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="public JWK; or a private one to be made here if the file does not exist (--new-key)",
)
_new_key = click.option("--new-key", is_flag=True, help="make a new ES256 key and write it to --key, mode 0600")


def _public_key(file: Path, new: bool) -> object:
    """The public JWK in ``file``; with ``new`` a key made here, whose private half stays in the file."""
    if new:
        if file.exists():
            raise click.ClickException(f"{file} exists; it will not be overwritten / 文件已存在，不会覆盖")
        key = SigningKey.generate()
        write_file(file, _json(key.private_jwk()), mode=0o600)
        return key.public_jwk()
    try:
        jwk = strict_loads(file.read_bytes())
    except (OSError, MalformedJson) as error:
        raise click.ClickException(f"{file}: {error}") from None
    if not isinstance(jwk, dict):
        raise click.ClickException(f"{file}: expected a JWK (a JSON object) / 应为 JWK")
    shown = {name: value for name, value in jwk.items() if name not in ("d", "p", "q", "dp", "dq", "qi", "oth", "k")}
    try:
        return public_key(shown).jwk()  # nothing but the key: what else the file says stays with its owner
    except JoseInvalid as error:
        raise click.ClickException(f"{file}: {error}") from None


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1) + "\n").encode()


@click.group()
def party() -> None:
    """Organisations · 单位"""


@party.command("add")
@click.argument("party_id")
@click.option("--name-zh", required=True)
@click.option("--name-en", required=True)
@click.option("--kind", required=True, type=click.Choice(PARTY_KINDS))
@click.option("--uscc", help="unified social credit code (GB 32100)")
@config_option
def add_party(party_id: str, name_zh: str, name_en: str, kind: str, uscc: str | None, config_file: Path | None) -> None:
    """Admit an organisation · 登记单位"""
    with store_of(config_file) as store:
        added = store.identity.add_party(OPERATOR, party_id, name_zh=name_zh, name_en=name_en, kind=kind, uscc=uscc)
    click.echo(f"{added.id}  {added.name_zh} / {added.name_en}")


@party.command("list")
@config_option
def list_parties(config_file: Path | None) -> None:
    """All organisations · 单位列表"""
    with store_of(config_file) as store:
        for each in store.identity.parties():
            click.echo(f"{each.id:24} {each.kind:14} {each.state:10} {each.name_zh} / {each.name_en}")


@party.command("suspend")
@click.argument("party_id")
@config_option
def suspend_party(party_id: str, config_file: Path | None) -> None:
    """Nothing goes to it or comes from it any more · 停用单位"""
    with store_of(config_file) as store:
        store.identity.suspend_party(OPERATOR, party_id)
    click.echo(f"{party_id}: suspended / 已停用")


@party.command("resume")
@click.argument("party_id")
@config_option
def resume_party(party_id: str, config_file: Path | None) -> None:
    """Let it take part again · 恢复单位"""
    with store_of(config_file) as store:
        store.identity.resume_party(OPERATOR, party_id)
    click.echo(f"{party_id}: active / 已恢复")


@party.group("assertion-key")
def assertion_key() -> None:
    """Keys by which a party vouches for its officers · 断言密钥"""


@assertion_key.command("add")
@click.argument("party_id")
@_key_file
@_new_key
@config_option
def add_assertion_key(party_id: str, key_file: Path, new_key: bool, config_file: Path | None) -> None:
    """From now on this key vouches for the officers of PARTY_ID · 登记断言密钥"""
    with store_of(config_file) as store:
        store.identity.party(party_id)
        added = store.identity.add_assertion_key(OPERATOR, party_id, key=_public_key(key_file, new_key))
    click.echo(f"{party_id}: {added}")


@assertion_key.command("list")
@click.argument("party_id")
@config_option
def list_assertion_keys(party_id: str, config_file: Path | None) -> None:
    """The keys that vouch now · 断言密钥列表"""
    with store_of(config_file) as store:
        for each in store.identity.assertion_keys(party_id):
            click.echo(str(each["kid"]))


@assertion_key.command("remove")
@click.argument("party_id")
@click.argument("thumbprint")
@config_option
def remove_assertion_key(party_id: str, thumbprint: str, config_file: Path | None) -> None:
    """It vouches for nobody any more; tokens that rest on it open nothing · 停用断言密钥"""
    with store_of(config_file) as store:
        store.identity.remove_assertion_key(OPERATOR, party_id, thumbprint)
    click.echo(f"{party_id}: {thumbprint} removed / 已停用")


@click.group()
def client() -> None:
    """Organisations' registered systems · 客户端"""


@client.command("add")
@click.argument("party_id")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(sorted(SCOPES)))
@_key_file
@_new_key
@config_option
def add_client(party_id: str, scopes: tuple[str, ...], key_file: Path, new_key: bool, config_file: Path | None) -> None:
    """Register a system of PARTY_ID by its public key · 登记客户端"""
    with store_of(config_file) as store:
        store.identity.party(party_id)
        added = store.identity.add_client(OPERATOR, party_id, key=_public_key(key_file, new_key), scopes=scopes)
    click.echo(f"client_id: {added.id}")


@client.command("propose")
@click.argument("party_id")
@click.option("--scope", "scopes", multiple=True, required=True, type=click.Choice(sorted(SCOPES)))
@_key_file
@_new_key
@signed_by
@config_option
def propose_client(
    party_id: str,
    scopes: tuple[str, ...],
    key_file: Path,
    new_key: bool,
    signer: Path,
    config_file: Path | None,
) -> None:
    """Propose a system of PARTY_ID, which another person approves · 提出登记客户端"""
    key = _public_key(key_file, new_key)
    proposed({"kind": "client", "party": party_id, "key": key, "scopes": list(scopes)}, signer, config_file)


@client.command("rotate")
@click.argument("client_id")
@click.option("--keep", is_flag=True, help="keep the old keys valid, for a change without a gap")
@_key_file
@_new_key
@config_option
def rotate_client(client_id: str, keep: bool, key_file: Path, new_key: bool, config_file: Path | None) -> None:
    """Give a system a new key · 更换密钥"""
    with store_of(config_file) as store:
        store.identity.client(client_id)
        store.identity.rotate_key(OPERATOR, client_id, key=_public_key(key_file, new_key), keep=keep)
    click.echo(f"{client_id}: new key in force / 已更换")


@client.command("suspend")
@click.argument("client_id")
@config_option
def suspend_client(client_id: str, config_file: Path | None) -> None:
    """It gets no tokens and no answers any more · 停用客户端"""
    with store_of(config_file) as store:
        store.identity.suspend_client(OPERATOR, client_id)
    click.echo(f"{client_id}: suspended / 已停用")


@client.command("list")
@config_option
def list_clients(config_file: Path | None) -> None:
    """All registered systems · 客户端列表"""
    with store_of(config_file) as store:
        for each in store.identity.clients():
            click.echo(f"{each.id:32} {each.party:24} {each.state:10} {' '.join(sorted(each.scopes))}")


@click.group()
def officer() -> None:
    """People who act for organisations · 人员"""


@officer.command("add")
@click.argument("party_id")
@click.option("--role", required=True, type=click.Choice(ROLES))
@click.option("--title", required=True, help="the post (科长), never the person's name")
@click.option(
    "--key", "key_file", type=click.Path(dir_okay=False, path_type=Path), help="public JWK; a clerk needs none"
)
@_new_key
@config_option
def add_officer(
    party_id: str, role: str, title: str, key_file: Path | None, new_key: bool, config_file: Path | None
) -> None:
    """Register a person of PARTY_ID by post and public key · 登记人员"""
    with store_of(config_file) as store:
        store.identity.party(party_id)
        key = None if key_file is None else _public_key(key_file, new_key)
        added = store.identity.add_officer(OPERATOR, party_id, role=role, title=title, key=key)
    click.echo(f"officer_id: {added.id}")


@officer.command("list")
@config_option
def list_officers(config_file: Path | None) -> None:
    """All registered people · 人员列表"""
    with store_of(config_file) as store:
        for each in store.identity.officers():
            click.echo(f"{each.id:32} {each.party:24} {each.role:14} {each.state:10} {each.title}")


@officer.command("suspend")
@click.argument("officer_id")
@config_option
def suspend_officer(officer_id: str, config_file: Path | None) -> None:
    """This person's signatures count for nothing new · 停用人员"""
    with store_of(config_file) as store:
        store.identity.suspend_officer(OPERATOR, officer_id)
    click.echo(f"{officer_id}: suspended / 已停用")
