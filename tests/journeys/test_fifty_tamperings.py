"""An operator with full access to disk, database and signing key changes the log, in more than fifty ways.

Each is found by ``tongqu verify``: some by the export alone, some by what others hold (an earlier checkpoint, such as a
witness keeps, or a receipt). Each message has its code, and its sentence names the thing that is wrong.
"""

from __future__ import annotations

import contextlib
import copy
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tongqu_client import TrustStore, errors
from tongqu_client.verify import verify_export

from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.export import export as export_log
from gateway.audit.merkle import leaf_hash, root_of
from gateway.evidence import archive
from gateway.lib.canonical_json import canonical, digest_bytes
from gateway.registry.model import SIGNATURE_TYPE, Acting
from tests.cast import AN, BUREAU, LINDEN, POLICE, STANDARD, Cast, Paper, key_of
from tests.journeys.forging import OWN_KEY, Entry, Forger, insert, place, remove
from tests.running import City

pytestmark = pytest.mark.any_database  # files of a log are alike wherever its rows lay

CHECKPOINT, RECEIPT = "an earlier checkpoint", "a receipt"


@dataclass(frozen=True, slots=True)
class Original:
    """The true export, and what others hold of it."""

    folder: Path
    key: CheckpointKey
    trust: TrustStore
    earlier: str  # a checkpoint from the middle of the story
    receipt: str  # of one of the last releases
    foreign: str  # a receipt of the same gateway's key for an entry that never was


def exported(city: City, folder: Path) -> Path:
    deps = city.gateway.deps
    with deps.database.read() as conn:
        export_log(deps.log, folder, trust=deps.trust(), papers=archive.papers(conn, deps.library))
    return folder


def story(city: City, folder: Path) -> Original:
    """What happened: an answer; a consent given, used, withdrawn, refused; a quota used up; a suspension."""
    city.begin()
    cast, deps = city.cast, city.gateway.deps
    plain, consented, counted = (
        cast.agreement(),
        cast.agreement(consent="required"),
        cast.agreement(quota={"unit": "day", "max": 1}),
    )
    sign_standard(city)
    never_used(city)
    city.ask(plain.id)
    consent = cast.consent(consented, AN)
    city.ask(consented.id)
    earlier = deps.log.publish()[1]
    deps.consents.withdraw(cast.caller(LINDEN), consent.id)
    with contextlib.suppress(errors.Denied):
        city.ask(consented.id)
    city.ask(counted.id)
    with contextlib.suppress(errors.QuotaExceeded):
        city.ask(counted.id)
    deps.agreements.suspend(cast.caller(LINDEN), plain.id)
    receipt = city.ask(cast.agreement().id).receipt
    deps.identity.suspend_client({"party": None, "client": None, "officer": None}, cast.clients["street-maple"])
    deps.identity.resume_client({"party": None, "client": None, "officer": None}, cast.clients["street-maple"])
    key = CheckpointKey.from_seed(city.gateway.settings.origin, deps.keys.checkpoint_seed)
    foreign = deps.keys.receipt.sign_jwt("tongqu-receipt+jwt", {"iss": "https://elsewhere.example"})
    trust = TrustStore.from_document(deps.trust())
    return Original(exported(city, folder), key, trust, earlier, receipt, foreign)


def never_used(city: City) -> None:
    """An agreement on another standard, under which nobody asks."""
    cast, agreements = city.cast, city.gateway.deps.agreements
    paper = copy.deepcopy(Paper(fields=("name",)).document(city.gateway.clock.now()))
    paper["items"][0]["standard"] = "organisation/1.0.0"
    drafted = agreements.draft(cast.caller(LINDEN), paper)
    agreements.submit(cast.caller(LINDEN), drafted.id)
    for party in (LINDEN, POLICE):
        drafted = agreements.sign(cast.caller(party), drafted.id, Cast.signature(drafted, party))


def sign_standard(city: City) -> None:
    """The data bureau signs what came with the software."""
    deps, bureau = city.gateway.deps, Acting.of(city.cast.caller(BUREAU))
    text = deps.shelf.get(bureau, STANDARD).text
    deps.registry.sign(bureau, STANDARD, key_of(f"{BUREAU}/signatory").sign_detached(SIGNATURE_TYPE, text))


@pytest.fixture(scope="module")
def original(shared_city: City, tmp_path_factory: pytest.TempPathFactory) -> Original:
    return story(shared_city, tmp_path_factory.mktemp("original") / "log")


@pytest.fixture
def forger(original: Original, tmp_path: Path) -> Forger:
    return Forger(shutil.copytree(original.folder, tmp_path / "log"), original.key)


# ── what entries say ──────────────────────────────────────────────────────────────────────────────────────────────────
def released(entries: list[Entry]) -> int:
    return place(entries, "exchange.released")


def permit(entries: list[Entry]) -> int:
    return place(entries, "exchange.authorized")


def refused(entries: list[Entry], rule: str) -> int:
    return next(
        at for at, each in enumerate(entries)
        if each["type"] == "exchange.refused" and each["decision"]["rules"] == [rule]
    )  # fmt: skip


def agreement_of(forger: Forger, at: int | None = None) -> dict[str, str]:
    entries = forger.entries()
    named: dict[str, str] = entries[permit(entries) if at is None else at]["agreement"]
    return named


def consent_of(forger: Forger) -> dict[str, str]:
    entries = forger.entries()
    named: dict[str, str] = entries[place(entries, "consent.given")]["consent"]
    return named


def also_permit(entries: list[Entry], at: int) -> None:
    """Turn the refusal at ``at`` into a permit, and slip its release in behind it."""
    true = entries[permit(entries)]
    entry = entries[at]
    entry |= {"type": "exchange.authorized", "service": true["service"]}
    entry["decision"] = {**entry["decision"], "effect": "permit", "rules": true["decision"]["rules"]}
    insert(entries, at + 1, {**release_like(entries), "query": entry["query"], "of": at})


def release_like(entries: list[Entry]) -> Entry:
    header = ("v", "t", "gw", "id")
    return {name: value for name, value in entries[released(entries)].items() if name not in header}


# ── the table ─────────────────────────────────────────────────────────────────────────────────────────────────────────
Forge = Callable[[Forger], Any]
TABLE: dict[str, tuple[Forge, str, str, tuple[str, ...]]] = {}


def way(name: str, kind: str, names: str, *held: str) -> Callable[[Forge], Forge]:
    """One way to tamper: what is found (``kind``), what the sentence must name, and what others must hold for it."""

    def note(forge: Forge) -> Forge:
        TABLE[name] = (forge, kind, names, held)
        return forge

    return note


def entries_only(change: Callable[[list[Entry]], Any]) -> Forge:
    return lambda forger: forger.rewrite(change, hashes=False, sign=False)


def signed(change: Callable[[list[Entry]], Any]) -> Forge:
    return lambda forger: forger.rewrite(change)


def lines(*rows: tuple[str, str, str, Forge, tuple[str, ...]]) -> None:
    for name, kind, names, forge, held in rows:
        way(name, kind, names, *held)(forge)


def swap(entries: list[Entry], one: int, other: int) -> None:
    entries[one], entries[other] = entries[other], entries[one]


def rotate(entries: list[Entry]) -> None:
    entries[3:6] = [entries[4], entries[5], entries[3]]


def set_members(at: Callable[[list[Entry]], int], **members: Any) -> Callable[[list[Entry]], Any]:
    return lambda entries: entries[at(entries)].update(members)


def file_of(level: str) -> Callable[[Forger], Path]:
    return lambda forger: forger.file(level)


def cut(level: str, keep: Callable[[bytes], bytes]) -> Forge:
    def forge(forger: Forger) -> None:
        path = forger.file(level)
        path.write_bytes(keep(path.read_bytes()))

    return forge


def flip(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


# By whoever has the files: a change without the key shows in the export alone.
lines(
    ("a value of an entry", "entry_changed", "Entry", entries_only(set_members(released, records=0)), ()),
    ("fields of a release", "entry_changed", "Entry",
     entries_only(lambda e: e[released(e)]["fields"].append("ethnicGroup")), ()),
    ("the time of an entry", "entry_changed", "Entry",
     entries_only(set_members(released, t="2026-01-01T00:00:00.000Z")), ()),
    ("two entries change places", "entries_swapped", "changed places", entries_only(lambda e: swap(e, 4, 7)), ()),
    ("three entries change places", "entry_moved", "in the place of", entries_only(rotate), ()),
    ("the bundle ends in the middle", "file_broken", "tile/entries", cut("entries", lambda d: d[:-5]), ()),
    ("half of the bundle", "file_broken", "tile/entries", cut("entries", lambda d: d[: len(d) // 2]), ()),
    ("an empty bundle", "file_broken", "tile/entries", cut("entries", lambda d: b""), ()),
    ("the bundle is gone", "file_missing", "tile/entries", lambda f: f.file("entries").unlink(), ()),
    ("the tile is gone", "file_missing", "tile/0", lambda f: f.file("0").unlink(), ()),
    ("a hash in the tile", "tile_changed", "entry 2", cut("0", lambda d: flip(d, 70)), ()),
    ("the tile ends early", "file_broken", "tile/0", cut("0", lambda d: d[:-32]), ()),
    ("entry and tile alike", "root_differs", "signed root",
     lambda f: f.rewrite(set_members(released, records=0), sign=False), ()),
    ("a size that nobody signed", "CheckpointInvalid", "signature",
     lambda f: edit_checkpoint(f, lambda rows: rows.__setitem__(1, str(int(rows[1]) - 1))), ()),
    ("a root that nobody signed", "CheckpointInvalid", "signature",
     lambda f: edit_checkpoint(f, lambda rows: rows.__setitem__(2, "A" * 43 + "=")), ()),
    ("a checkpoint by another key", "CheckpointInvalid", "signature", lambda f: sign_by_another_key(f), ()),
    ("no checkpoint", "CheckpointInvalid", "missing", lambda f: (f.folder / "checkpoint").unlink(), ()),
    ("an older checkpoint over newer files", "beyond_checkpoint", "goes beyond", lambda f: older_checkpoint(f), ()),
    ("another trust file", "trust_differs", "trust.json",
     lambda f: f.edit(f.folder / "trust.json", lambda t: t.update(issuer="https://palace.example")), ()),
    ("a tile that the log does not have", "beyond_checkpoint", "tile/0/001.p/9",
     lambda f: put_file(f, "tile/0/001.p/9", bytes(9 * 32)), ()),
)  # fmt: skip


def edit_checkpoint(forger: Forger, change: Callable[[list[str]], Any]) -> None:
    path = forger.folder / "checkpoint"
    rows = path.read_text().split("\n")
    change(rows)
    path.write_text("\n".join(rows))


def sign_by_another_key(forger: Forger) -> None:
    entries = [canonical(entry) for entry in forger.entries()]
    forger.sign(len(entries), root_of(map(leaf_hash, entries)), CheckpointKey.generate(forger.key.origin))


def older_checkpoint(forger: Forger) -> None:
    entries = [canonical(entry) for entry in forger.entries()][:-4]
    (bundle_file := forger.file("entries")).rename(keep := forger.folder / "kept-bundle")
    (tile_file := forger.file("0")).rename(kept_tile := forger.folder / "kept-tile")
    forger.write(entries, hashes=True, sign=True)
    for kept, path in ((keep, bundle_file), (kept_tile, tile_file)):
        path.parent.mkdir(parents=True, exist_ok=True)
        kept.rename(path)


def put_file(forger: Forger, name: str, data: bytes) -> None:
    path = forger.folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)


# The papers that entries name by digest.
def more_fields(document: Entry) -> None:
    document["items"][0]["fields"].append("ethnicGroup")


def higher_quota(document: Entry) -> None:
    document["access"]["quota"]["max"] = 1000


def exchanged_agreement(forger: Forger) -> None:
    """The text is replaced, and filed under its own digest."""
    path = forger.paper("agreements", agreement_of(forger)["digest"])
    document = forger.edit(path, more_fields)
    forger.put("agreements", document)
    path.unlink()


def foreign_signature(forger: Forger) -> None:
    named = agreement_of(forger)
    forger.register_own_key()
    forger.sign_agreement(named["digest"], named["id"], [LINDEN, POLICE])


def counted(forger: Forger) -> Path:
    entries = forger.entries()
    return forger.paper("agreements", agreement_of(forger, refused(entries, "R9"))["digest"])


def forged_witness(forger: Forger) -> None:
    forger.register_own_key()
    forger.sign_consent(consent_of(forger))


def longer(record: Entry) -> None:
    record["validity"]["until"] = "2099-01-01T00:00:00.000Z"


def clerk_twice(given: list[dict[str, str]]) -> None:
    given[1]["jws"] = given[0]["jws"]


def drop(folder: str, digest: Callable[[Forger], str]) -> Forge:
    return lambda forger: forger.paper(folder, digest(forger)).unlink()


def by_agreement(forger: Forger) -> str:
    return agreement_of(forger)["digest"]


def by_consent(forger: Forger) -> str:
    return consent_of(forger)["digest"]


def no_papers(forger: Forger) -> None:
    for name in ("agreements", "consents", "standards", "signatures"):
        shutil.rmtree(forger.folder / name)
    (forger.folder / "keys.json").unlink()


def standard_of(forger: Forger, name: str) -> Path:
    id = f'/{name}/1.0.0"'.encode()
    return next(path for path in (forger.folder / "standards").iterdir() if id in path.read_bytes())


def the_standard(forger: Forger) -> Path:
    return standard_of(forger, "person-basic")


def standard_signature(forger: Forger, change: Callable[[Path], Any]) -> None:
    change(forger.folder / "signatures" / the_standard(forger).name)


def sign_standard_oneself(given: list[dict[str, Any]]) -> None:
    given[0] |= {"jws": OWN_KEY.sign_detached(SIGNATURE_TYPE, b"{}"), "key": OWN_KEY.public_jwk()}


def note_own_signature(forger: Forger, given: list[dict[str, Any]]) -> None:
    noted = digest_bytes(given[0]["jws"].encode())
    forger.rewrite(lambda e: e[place(e, "standard.signed")]["signature"].update(jws_digest=noted))


def other_officer(entries: list[Entry]) -> str:
    return str(entries[place(entries, "officer.added", party=LINDEN)]["officer"])


lines(
    ("an agreement's text", "agreement_changed", "agreements/",
     lambda f: f.edit(f.paper("agreements", by_agreement(f)), more_fields), ()),
    ("a raised quota in an agreement", "agreement_changed", "agreements/",
     lambda f: f.edit(counted(f), higher_quota), ()),
    ("an agreement exchanged for another", "paper_missing", "text of the agreement", exchanged_agreement, ()),
    ("an agreement taken out", "paper_missing", "text of the agreement", drop("agreements", by_agreement), ()),
    ("both signatures taken out", "agreement_unsigned", "valid signature of", drop("signatures", by_agreement), ()),
    ("one signature taken out", "agreement_unsigned", "police",
     lambda f: f.edit(f.paper("signatures", by_agreement(f)), lambda given: given.pop()), ()),
    ("signatures by the operator's own key", "agreement_unsigned", "valid signature of", foreign_signature, ()),
    ("the officers' keys taken out", "agreement_unsigned", "not among the papers",
     lambda f: f.edit(f.folder / "keys.json", lambda keys: keys["keys"].clear()), ()),
    ("a consent's text", "consent_changed", "consents/",
     lambda f: f.edit(f.paper("consents", by_consent(f)), longer), ()),
    ("a consent taken out", "paper_missing", "text of the consent", drop("consents", by_consent), ()),
    ("the witnesses of a consent taken out", "consent_unproven", "con_", drop("signatures", by_consent), ()),
    ("one officer signs as both", "consent_unproven", "two",
     lambda f: f.edit(f.paper("signatures", by_consent(f)), clerk_twice), ()),
    ("witnesses by the operator's own key", "consent_unproven", "con_", forged_witness, ()),
    ("a standard's text", "standard_changed", "standards/",
     lambda f: f.edit(the_standard(f), lambda schema: schema.update(title="其他")), ()),
    ("a standard taken out", "paper_missing", "text of the standard", lambda f: the_standard(f).unlink(), ()),
    ("a standard of an agreement that nobody used taken out", "paper_missing", "organisation/1.0.0",
     lambda f: standard_of(f, "organisation").unlink(), ()),
    ("the bureau's signature taken out", "standard_unproven", "is not here",
     lambda f: standard_signature(f, lambda path: path.unlink()), ()),
    ("the bureau's signature by another key", "standard_unproven", "is not here",
     lambda f: standard_signature(f, lambda path: f.edit(path, sign_standard_oneself)), ()),
    ("the bureau's signature by another key, noted in the log", "standard_unproven", "another key",
     lambda f: standard_signature(f, lambda path: note_own_signature(f, f.edit(path, sign_standard_oneself))), ()),
    ("a standard signed by nobody of the bureau", "standard_unproven", "no such signatory",
     signed(lambda e: e[place(e, "standard.signed")]["signature"].update(officer=other_officer(e))), ()),
    ("a standard published without a signature", "standard_unproven", "no such signatory",
     signed(lambda e: e[place(e, "standard.signed")].update(signature=None)), ()),
    ("all papers taken out", "paper_missing", "text of the", no_papers, ()),
)  # fmt: skip


# By whoever has the signing key too: everything fits and is signed, and the story that the log tells is impossible.
def forged_agreement(forger: Forger) -> None:
    """A whole agreement made up, with more fields, signed by the operator's own key, put in force."""
    entries = forger.entries()
    true = entries[place(entries, "agreement.activated")]
    document = copy.deepcopy(forger.edit(forger.paper("agreements", true["agreement"]["digest"]), lambda _: None))
    more_fields(document)
    document["id"] = "agr_forged"
    name = forger.put("agreements", document)
    forger.register_own_key()
    given = forger.sign_agreement(name, "agr_forged", [LINDEN, POLICE])
    named = {"id": "agr_forged", "digest": name, "version": 1}

    def change(entries: list[Entry]) -> None:
        content = {name: true[name] for name in ("reason", "signature", "actor")}
        for each in given:
            noted = {"officer": each["officer"], "jws_digest": f"sha-256:{_sha256(each['jws'])}"}
            actor = {**true["actor"], "party": each["party"]}
            insert(entries, len(entries), {**content, "type": "agreement.signed", "agreement": named, "actor": actor,
                                           "signature": noted})  # fmt: skip
        insert(entries, len(entries), {**content, "type": "agreement.activated", "agreement": named})

    forger.rewrite(change)


def _sha256(text: str) -> str:
    import hashlib

    return hashlib.sha256(text.encode()).hexdigest()


def late_key(entries: list[Entry]) -> None:
    """The police's signatory is registered only after having signed."""
    signed_at = place(entries, "agreement.signed")
    officer = entries[next(i for i, e in enumerate(entries) if e["type"] == "agreement.signed"
                           and e["actor"]["party"] == POLICE)]["signature"]["officer"]  # fmt: skip
    entry = remove(entries, place(entries, "officer.added", officer=officer))
    move_to = signed_at + 6
    content = {name: value for name, value in entry.items() if name not in ("v", "t", "gw", "id")}
    insert(entries, move_to, content)


def own_officer(forger: Forger) -> None:
    """The operator registers his own key for the police, and signs with that: too late for what was signed before."""
    forger.register_own_key()
    named = agreement_of(forger)
    given = forger.sign_agreement(named["digest"], named["id"], [LINDEN, POLICE])

    def change(entries: list[Entry]) -> None:
        at = next(i for i, e in enumerate(entries)
                  if e["type"] == "agreement.signed" and e["agreement"]["digest"] == named["digest"])  # fmt: skip
        insert(entries, at, {"type": "officer.added", "actor": {"party": None, "client": None, "officer": None},
                             "party": "street-maple", "client": None, "officer": "off_forged",
                             "key": OWN_KEY.kid})  # fmt: skip
        for entry in entries:
            if entry["type"] == "agreement.signed" and entry["agreement"]["digest"] == named["digest"]:
                jws = next(each["jws"] for each in given if each["party"] == entry["actor"]["party"])
                entry["signature"] = {"officer": "off_forged", "jws_digest": f"sha-256:{_sha256(jws)}"}

    forger.rewrite(change)


def consent_again(entries: list[Entry]) -> None:
    given = entries[place(entries, "consent.given")]
    content = {name: value for name, value in given.items() if name not in ("v", "t", "gw", "id")}
    insert(entries, place(entries, "consent.withdrawn") + 1, content)


def release_after_suspension(entries: list[Entry]) -> None:
    suspended = remove(entries, place(entries, "agreement.suspended"))
    content = {name: value for name, value in suspended.items() if name not in ("v", "t", "gw", "id")}
    at = permit(entries)
    insert(entries, at + 1, content)


def suspended_client(entries: list[Entry]) -> None:
    at = permit(entries)
    actor = entries[at]["actor"]
    insert(entries, at, {"type": "client.suspended", "actor": {"party": None, "client": None, "officer": None},
                         "party": actor["party"], "client": actor["client"], "officer": None, "key": None})  # fmt: skip


def second_release(entries: list[Entry]) -> None:
    at = released(entries)
    insert(entries, at + 1, release_like(entries))


def permit_gone(entries: list[Entry]) -> None:
    at = released(entries)
    remove(entries, entries[at]["of"])
    entries[place(entries, "exchange.released")]["of"] = 1


def consented(entries: list[Entry]) -> Entry:
    """The permit that rests on the consent."""
    return entries[place(entries, "exchange.authorized", consent=entries[place(entries, "consent.given")]["consent"])]


def facts(**members: Any) -> Callable[[list[Entry]], Any]:
    return lambda entries: entries[permit(entries)]["decision"]["facts"].update(members)


lines(
    ("an agreement made up", "agreement_unsigned", "agr_forged", forged_agreement, ()),
    ("an agreement in force that nobody signed", "agreement_unsigned", "it never signed",
     signed(lambda e: remove(e, place(e, "agreement.signed"))), ()),
    ("an officer registered after signing", "agreement_unsigned", "police", signed(late_key), ()),
    ("a key registered for another office signs", "agreement_unsigned", "police", own_officer, ()),
    ("a permit beyond the quota", "quota_overrun", "allows 1", signed(lambda e: also_permit(e, refused(e, "R9"))), ()),
    ("a permit after the withdrawal", "decision_differs", "R8", signed(lambda e: also_permit(e, refused(e, "R8"))), ()),
    ("a permit for another purpose", "decision_differs", "R3",
     signed(set_members(permit, purpose="other.purpose")), ()),
    ("a permit for more fields", "decision_differs", "R5",
     signed(lambda e: e[permit(e)]["fields"].append("ethnicGroup")), ()),
    ("a permit without a case", "decision_differs", "R7", signed(set_members(permit, case=None)), ()),
    ("a permit for another standard", "decision_differs", "R4",
     signed(set_members(permit, standard="household/1.0.0")), ()),
    ("a denial turned into another", "decision_differs", "R11",
     signed(lambda e: e[refused(e, "R9")]["decision"].update(rules=["R11"])), ()),
    ("a denial without a reason", "decision_differs", "should",
     signed(lambda e: e[refused(e, "R8")]["decision"].update(effect="permit")), ()),
    ("the withdrawal of a consent taken out", "facts_differ", "consent_state",
     signed(lambda e: remove(e, place(e, "consent.withdrawn"))), ()),
    ("a withdrawn consent given again", "consent_revived", "con_", signed(consent_again), ()),
    ("a release after the suspension", "released_after_stop", "agreement", signed(release_after_suspension), ()),
    ("a permit for a suspended client", "facts_differ", "client_state", signed(suspended_client), ()),
    ("invented facts: a stronger consent", "facts_differ", "consent_level",
     signed(lambda e: consented(e)["decision"]["facts"]["consent"].update(level=3)), ()),
    ("invented facts: a longer consent", "facts_differ", "consent_until",
     signed(lambda e: consented(e)["decision"]["facts"]["consent"].update(until="2099-01-01T00:00:00.000Z")), ()),
    ("invented facts: the standard in force", "facts_differ", "standard_state",
     signed(facts(standard_state="deprecated")), ()),
    ("invented facts: the token", "decision_differs", "R17",
     signed(facts(token={"purpose": "dibao.initial"})), ()),
    ("invented facts: the hour", "decision_differs", "R1", signed(facts(at="2019-01-01T03:00:00.000Z")), ()),
    ("facts left out", "decision_malformed", "facts", signed(lambda e: e[permit(e)]["decision"].update(facts={})), ()),
    ("rules of no known policy", "policy_unknown", "own-rules",
     signed(lambda e: e[permit(e)]["decision"].update(policy="own-rules:1")), ()),
    ("more fields released than permitted", "released_more", "ethnicGroup",
     signed(lambda e: e[released(e)]["fields"].append("ethnicGroup")), ()),
    ("a release that nobody permitted", "outcome_without_permit", "never permitted", signed(permit_gone), ()),
    ("one permit used twice", "second_outcome", "second outcome", signed(second_release), ()),
    ("an entry dated back", "time_runs_back", "earlier than",
     signed(lambda e: e[-3].update(t="2026-01-01T00:00:00.000Z")), ()),
    ("one event written twice", "id_repeated", "has the id", signed(lambda e: e[-2].update(id=e[5]["id"])), ()),
    ("the log begins elsewhere", "log_opened", "log.opened", signed(lambda e: e.pop(0)), ()),
    ("an entry of a type that nobody knows", "type_unknown", "own.event",
     signed(lambda e: e[-1].update(type="own.event")), ()),
    ("back to older rules", "policy_lowered", "older rules",
     signed(lambda e: e[refused(e, "R9")]["decision"].update(policy="tongqu-rules:1")), ()),
    ("an entry that is none", "entry_malformed", "canonical form",
     lambda f: f.write([*(canonical(e) for e in f.entries()), b'{"v": 1}'], hashes=True, sign=True), ()),
)  # fmt: skip


# What only others can know: history that is possible, whole and well signed, and not the one that was.
def remove_query(entries: list[Entry]) -> None:
    """The last release vanishes with its permit."""
    at = max(i for i, each in enumerate(entries) if each["type"] == "exchange.released")
    of = entries[at]["of"]
    remove(entries, at)
    remove(entries, of)


def remove_day(entries: list[Entry]) -> None:
    """A run of entries: from the first permit to the end of what the audit office saw."""
    at = permit(entries)
    for _ in range(2):
        remove(entries, at)


def other_subject(entries: list[Entry]) -> None:
    entries[permit(entries)]["subject"] = "s:1:AAAAAAAAAAAAAAAAAAAAAA"


def roll_back(forger: Forger) -> None:
    forger.write([canonical(e) for e in forger.entries()[:20]], hashes=True, sign=True)


def regrow(entries: list[Entry]) -> None:
    """Back to the beginning, then on with other events to the same size."""
    for at in range(25, len(entries)):
        entries[at]["gw"] = {"node": "elsewhere", "build": "1"}


lines(
    ("a registration taken out", "forked", "first",
     signed(lambda e: remove(e, place(e, "party.added"))), (CHECKPOINT,)),
    ("a denial taken out", "receipt_entry_differs", "receipt",
     signed(lambda e: remove(e, refused(e, "R9"))), (RECEIPT,)),
    ("a query taken out", "receipt_entry_differs", "receipt", signed(remove_query), (RECEIPT,)),
    ("a query taken out with all that came later", "receipt_entry_absent", "promises",
     lambda f: f.write([canonical(e) for e in f.entries()[:-10]], hashes=True, sign=True), (RECEIPT,)),
    ("rolled back to an old backup", "rolled_back", "rolled back", roll_back, (CHECKPOINT,)),
    ("a fork that others are shown", "forked", "first", signed(other_subject), (CHECKPOINT,)),
    ("a day taken out", "forked", "first", signed(remove_day), (CHECKPOINT,)),
    ("rolled back and grown again", "forked", "first", signed(regrow), (CHECKPOINT,)),
    ("the whole log made anew", "receipt_entry_differs", "receipt", signed(regrow), (RECEIPT,)),
    ("a receipt that was swapped", "receipt_invalid", "receipt", lambda f: None, ("a foreign receipt",)),
)  # fmt: skip


def revive(entries: list[Entry], step: str) -> None:
    """End the agreement of the first permit before it, and bring it back at once."""
    at = permit(entries)
    told = {"actor": entries[at]["actor"], "agreement": {**entries[at]["agreement"], "version": 1}}
    for number, event in enumerate(("terminated", step)):
        content = {"type": f"agreement.{event}", **told, "reason": None, "signature": None}
        insert(entries, at + number, content)


def another(forger: Forger, kind: str) -> str:
    """The client of an office that did not ask."""
    entries = forger.entries()
    mine = entries[permit(entries)]["actor"]["party"]
    return next(str(e[kind]) for e in entries if e["type"] == f"{kind}.added" and e["party"] != mine)


def by_actor(**members: str) -> Forge:
    return signed(lambda e: e[permit(e)]["actor"].update(members))


# Who asked, when, whose data it was: nothing here is in the rules' facts, all of it is in the log.
lines(
    ("an officer whom nobody registered", "facts_differ", "officer", by_actor(officer="off_01M8C28KMYG3TPAMZS8MM6XXXX"),
     ()),
    ("another office's system", "facts_differ", "client",
     lambda f: f.rewrite(lambda e: e[permit(e)]["actor"].update(client=another(f, "client"))), ()),
    ("decided at another hour than written", "facts_differ", "at = 2020",
     signed(lambda e: e[permit(e)]["decision"]["facts"].update(at="2020-01-01T02:00:00.000Z")), ()),
    ("the id of another agreement", "facts_differ", "agreement",
     signed(lambda e: e[permit(e)]["agreement"].update(id="agr_01M8C2AEHPMQVBND1WM11RPMBD")), ()),
    ("data of another department", "source_differs", "came from",
     signed(lambda e: e[released(e)]["source"].update(party=LINDEN)), ()),
    ("ended, then in force again", "agreement_revived", "terminated", signed(lambda e: revive(e, "activated")), ()),
    ("ended, then resumed", "agreement_revived", "terminated", signed(lambda e: revive(e, "resumed")), ()),
    ("a yes of another resident", "consent_other", "resident",
     signed(lambda e: e[place(e, "consent.given")].update(subject="s:1:AAAAAAAAAAAAAAAAAAAAAA")), ()),
)  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_it_is_found_and_named(name: str, forger: Forger, original: Original) -> None:
    forge, kind, names, held = TABLE[name]
    forge(forger)
    with pytest.raises((errors.ExportInvalid, errors.CheckpointInvalid)) as found:
        verify_export(
            forger.folder,
            original.trust,
            previous=[original.earlier] if CHECKPOINT in held else [],
            receipts=list(receipts(held, original)),
        )
    if kind == "CheckpointInvalid":
        assert isinstance(found.value, errors.CheckpointInvalid) and names in found.value.detail_en
        return
    assert isinstance(found.value, errors.ExportInvalid)
    mine = [finding for finding in found.value.findings if finding.kind == kind]
    assert mine, [(finding.kind, finding.en) for finding in found.value.findings]
    assert any(names in finding.en for finding in mine), [finding.en for finding in mine]
    assert all(finding.zh and finding.where for finding in found.value.findings)


def receipts(held: tuple[str, ...], original: Original) -> Iterator[str]:
    if RECEIPT in held:
        yield original.receipt
    if "a foreign receipt" in held:
        yield original.foreign


def test_there_are_more_than_fifty_ways() -> None:
    assert len(TABLE) > 50


def test_the_untouched_log_holds(forger: Forger, original: Original) -> None:
    report = verify_export(forger.folder, original.trust, previous=[original.earlier], receipts=[original.receipt])
    assert report.replayed >= 6 and report.claimed == 0 and len(forger.entries()) < 256


@pytest.mark.parametrize("name", [name for name, row in TABLE.items() if row[3]])
def test_what_only_others_can_know_does_not_show_without_them(name: str, forger: Forger, original: Original) -> None:
    """The table is honest: what it says takes a checkpoint or a receipt cannot be seen in the export alone."""
    TABLE[name][0](forger)
    kinds = set()
    try:
        verify_export(forger.folder, original.trust)
    except errors.ExportInvalid as error:  # some tell an impossible story besides
        kinds = {finding.kind for finding in error.findings}
    assert TABLE[name][1] not in kinds
