"""``gateway standards draft|consult|publish|sign|…``: for the data bureau, on the gateway's own machine.

The log names the operator as nobody (party, client and officer are null); a publication is signed all the same, with
the key of an officer of the data bureau, which the gateway does not hold.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from gateway.cli.common import config_option, store_of
from gateway.lib.canonical_json import MalformedJson, strict_loads
from gateway.lib.jose import JoseInvalid, SigningKey
from gateway.registry.model import BUREAU, EARLY, OUTCOMES, REASONS, SIGNATURE_TYPE, Acting, Version, instant
from gateway.registry.numbering import BUMPS, Decision
from gateway.registry.terms import WITHDRAWAL_TYPE, withdrawal

if TYPE_CHECKING:
    from gateway.wiring import Store

Command = Callable[..., Any]
_file = click.Path(exists=True, dir_okay=False, path_type=Path)
_key_option = click.option(
    "--key", "key_file", required=True, type=_file, help="private JWK of a signatory of the data bureau"
)
_until_option = click.option("--until", required=True, help="a date (the end of that day, UTC+8) or an RFC 3339 time")
_words_zh = click.option("--zh", multiple=True, required=True, help="what is new, in Chinese; may be repeated")
_words_en = click.option("--en", multiple=True, required=True, help="the same in English")


def _party_option(command: Command) -> Command:
    """``--party``, which only an installation with several data bureaus needs; and ``--config``."""
    named = click.option("--party", help="the data bureau (default: the only one that is registered)")(command)
    return config_option(named)


@contextmanager
def _bureau(config_file: Path | None, party: str | None) -> Iterator[tuple[Store, Acting]]:
    with store_of(config_file) as store:
        found = [each.id for each in store.identity.parties() if each.kind == BUREAU and each.state == "active"]
        if party is not None and party not in found:
            raise click.ClickException(f"{party}: no active data bureau / 不是在册的主管部门；有：{', '.join(found)}")
        if party is None and len(found) != 1:
            raise click.ClickException(
                f"expected one active data bureau, found {len(found)}; gateway party add … --kind data_bureau, "
                "or name it by --party / 须有一个在册的政务数据共享主管部门，或用 --party 指明"
            )
        yield store, Acting.operator(party or found[0], BUREAU)


def _document(file: Path) -> Any:
    try:
        return strict_loads(file.read_bytes())
    except MalformedJson as error:
        raise click.ClickException(f"{file}: {error}") from None


def _id_in(document: Any, file: Path) -> str:
    try:
        return "/".join(document["$id"].rsplit("/", 2)[1:])
    except (TypeError, KeyError, AttributeError):
        raise click.ClickException(f"{file}: expected a standard with its $id / 应为带 $id 的标准文件") from None


def _signed(key_file: Path, payload: bytes, typ: str = SIGNATURE_TYPE) -> str:
    try:
        key = SigningKey.from_jwk(strict_loads(key_file.read_bytes()))
    except (MalformedJson, JoseInvalid) as error:
        raise click.ClickException(f"{key_file}: {error}") from None
    return key.sign_detached(typ, payload)


def _instant(text: str) -> datetime:
    try:
        return instant(text)
    except (ValueError, OverflowError):
        raise click.BadParameter(f"{text}: expected a date or an RFC 3339 time / 应为日期或时刻") from None


def _say(version: Version) -> None:
    zh, en = version.origin
    click.echo(f"{version.id}  {version.state}\n{version.digest}  {zh} / {en}")
    if version.judgement:
        found = version.judgement
        least = f", at the least {found['least']}" if found["least"] else ""
        click.echo(f"against {found['against']}: {found['verdict']}, {found['bump']}{least}")


@click.command()
@click.argument("file", type=_file)
@_words_zh
@_words_en
@_party_option
def draft(file: Path, zh: tuple[str, ...], en: tuple[str, ...], party: str | None, config_file: Path | None) -> None:
    """Put down FILE as a draft, or in place of the draft of that number · 起草"""
    from gateway.registry.actions import Proposal

    document = _document(file)
    proposal = Proposal(document, {"zh": list(zh), "en": list(en)})
    with _bureau(config_file, party) as (store, who):
        known = {each.id for each in store.shelf.all(who, states=("draft",))}
        standard_id = _id_in(document, file)
        edit = standard_id in known
        _say(store.registry.edit(who, standard_id, proposal) if edit else store.registry.draft(who, proposal))


@click.command()
@click.argument("standard")
@_until_option
@_party_option
def consult(standard: str, until: str, party: str | None, config_file: Path | None) -> None:
    """Lay the draft STANDARD (name/number) open to comments · 征求意见"""
    with _bureau(config_file, party) as (store, who):
        _say(store.registry.consult(who, standard, _instant(until)))


@click.command()
@click.argument("standard")
@_party_option
def reopen(standard: str, party: str | None, config_file: Path | None) -> None:
    """Take STANDARD back from consultation, to be changed · 退回修改"""
    with _bureau(config_file, party) as (store, who):
        _say(store.registry.reopen(who, standard))


@click.command()
@click.argument("standard")
@_party_option
def comments(standard: str, party: str | None, config_file: Path | None) -> None:
    """What was said of STANDARD, and answered · 意见与答复"""
    with _bureau(config_file, party) as (store, who):
        for each in store.discussion.comments(who, standard):
            click.echo(f"{each.id}  {each.party}  {each.pointer or ''}\n    {each.text}")
            click.echo(f"    → {each.outcome}: {each.answer}" if each.outcome else "    → no answer yet / 尚未答复")


@click.command()
@click.argument("standard")
@click.argument("comment")
@click.option("--outcome", required=True, type=click.Choice(list(OUTCOMES)))
@click.option("--text", required=True, help="the answer")
@_party_option
def answer(standard: str, comment: str, outcome: str, text: str, party: str | None, config_file: Path | None) -> None:
    """Answer a COMMENT on STANDARD, once · 答复意见"""
    with _bureau(config_file, party) as (store, who):
        answered = store.discussion.answer(who, standard, comment, outcome, text)
    click.echo(f"{answered.id}  {answered.outcome}")


@click.command()
@click.argument("file", type=_file)
@_key_option
@click.option("--bump", type=click.Choice(BUMPS), help="a person's word where the checker has no proof")
@click.option("--reason", help="why; goes with --bump")
@_party_option
def publish(
    file: Path, key_file: Path, bump: str | None, reason: str | None, party: str | None, config_file: Path | None
) -> None:
    """Sign and publish FILE, whose consultation is over, for good · 发布"""
    if (bump is None) != (reason is None):
        raise click.UsageError("--bump and --reason go together / 须同时给出")
    document = _document(file)
    standard_id = _id_in(document, file)
    with _bureau(config_file, party) as (store, who):
        version = store.shelf.get(who, standard_id)
        if store.registry.digest_of(document) != version.digest:
            raise click.ClickException(
                f"{file} differs from the {version.state} of {standard_id}: what was laid open is what is published "
                "/ 文件与征求意见的草案不一致"
            )
        decision = Decision(bump, reason) if bump and reason else None
        _say(store.registry.publish(who, standard_id, _signed(key_file, version.text), decision))


@click.command()
@click.argument("standards", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="every version in use that has no signature yet")
@_key_option
@_party_option
def sign(
    standards: tuple[str, ...], everything: bool, key_file: Path, party: str | None, config_file: Path | None
) -> None:
    """Sign what came with the software as the data bureau's own · 签署随软件附带的标准"""
    with _bureau(config_file, party) as (store, who):
        named = [store.shelf.get(who, each) for each in standards]
        usable = store.shelf.all(who, states=("published", "deprecated")) if everything else []
        for version in [*named, *(each for each in usable if each.signature is None)]:
            _say(store.registry.sign(who, version.id, _signed(key_file, version.text)))


@click.command()
@click.argument("standard")
@_until_option
@click.option("--successor", help="what to use instead (default: the next version in use)")
@_party_option
def deprecate(standard: str, until: str, successor: str | None, party: str | None, config_file: Path | None) -> None:
    """Announce the end of STANDARD: it serves until then · 停止推荐使用"""
    with _bureau(config_file, party) as (store, who):
        _say(store.registry.deprecate(who, standard, _instant(until), successor))


@click.command()
@click.argument("standard")
@click.option("--reason", type=click.Choice(list(REASONS)), help="needed before the period of grace is over")
@click.option("--key", "key_file", type=_file, help="private JWK of a signatory; needed before the grace is over")
@_party_option
def withdraw(
    standard: str, reason: str | None, key_file: Path | None, party: str | None, config_file: Path | None
) -> None:
    """Nothing may rest on STANDARD from now on · 废止"""
    with _bureau(config_file, party) as (store, who):
        jws = None
        if key_file is not None and reason in EARLY:
            jws = _signed(key_file, withdrawal(store.shelf.get(who, standard), reason or ""), WITHDRAWAL_TYPE)
        _say(store.registry.withdraw(who, standard, reason, jws))


LIFE = (draft, consult, reopen, comments, answer, publish, sign, deprecate, withdraw)
