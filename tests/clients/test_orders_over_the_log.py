"""What destroys evidence is believed only by two officers' signed orders: to prune, to forget, to lift a hold.

An operator with the database, the disk and the log's key invents such entries, or does more than was ordered.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from tongqu_client import TrustStore
from tongqu_client.errors import ExportInvalid
from tongqu_client.verify import verify_export

from gateway.lib.canonical_json import canonical
from gateway.lib.clock import rfc3339
from tests.clients.made_log import START, write
from tests.clients.ordered_log import LATER, NEIGHBOUR, NOBODY, PAPER, RESIDENT, OrderedLog, key_of, lawful, story


def test_what_two_officers_ordered_is_proved_and_counted(tmp_path: Path) -> None:
    log = story()
    report = verify_export(log.export(tmp_path))
    assert (report.pruned, report.orders) == (512, 4)
    assert [each.officer for each in report.ordered_by] == ["off_audit", "off_bureau"]
    assert report.gone == 512 - sum(log.stays(at, 512) for at in range(512)) == 500
    assert report.why_not["pruned"] == 250, "how many decisions went is what the orders say"
    assert report.not_replayed == sum(report.why_not.values())


def test_a_permit_whose_outcome_is_younger_stays_so_that_the_outcome_is_judged(tmp_path: Path) -> None:
    log = story()
    assert (log.type(511), log.type(512)) == ("exchange.authorized", "exchange.released")
    files = log.files()
    assert b'"index":511' in files["kept/001"] and b'"index":255' not in files["kept/000"]
    report = verify_export(log.export(tmp_path / "whole"))
    assert report.types["exchange.released"] == report.types["exchange.authorized"]
    log.lost.add(511)
    with pytest.raises(ExportInvalid) as found:
        verify_export(log.export(tmp_path / "without"))
    assert {finding.kind for finding in found.value.findings} == {"prune_unproven", "outcome_without_permit"}


# ── what an operator may try ──────────────────────────────────────────────────────────────────────────────────────────
def invented(log: OrderedLog) -> None:
    log.prune(512)
    log.orders.clear()


def by(*signers: str) -> Callable[[OrderedLog], Any]:
    return lambda log: log.prune(512, signers=signers)


def saying(**changes: str) -> Callable[[OrderedLog], Any]:
    return lambda log: log.prune(512, log.order(512, **changes))


def for_less(log: OrderedLog) -> None:
    log.prune(512, log.order(256))


def replayed(log: OrderedLog) -> None:
    order = log.order(256)
    log.prune(256, order)
    log.prune(512, order)


def twice(log: OrderedLog) -> None:
    order = log.order(512)
    log.prune(512, order)
    log.prune(512, order)


def one_missing(log: OrderedLog) -> None:
    log.prune(512)
    log.orders.pop(next(iter(log.orders)))


def two_orders(log: OrderedLog) -> None:
    """Each signed something, not the same."""
    one, other = log.signed(log.order(512), ["off_audit"]), log.signed(log.order(256), ["off_bureau"])
    log.prune(512)
    entry = log.made.entries[-1]
    log.made.entries[-1] = canonical({**_read(entry), "approved": [*one, *other]})


def unregistered(log: OrderedLog) -> None:
    log.keys["off_forged"] = key_of("off_forged").public_jwk()
    log.prune(512, signers=["off_audit", "off_forged"])


def in_anothers_name(log: OrderedLog) -> None:
    """The operator's own key, noted as the bureau's officer."""
    log.keys["off_forged"] = key_of("off_forged").public_jwk()
    log.prune(512, signers=["off_audit", "off_forged"])
    log.made.entries[-1] = log.made.entries[-1].replace(b"off_forged", b"off_bureau")


def one_key_for_two(log: OrderedLog) -> None:
    """The same key, registered for a second person."""
    key = key_of("off_audit").public_jwk()["kid"]
    names = {"party": "data-bureau", "client": None, "officer": "off_double", "key": key, "role": "signatory"}
    log.add(type="officer.added", actor=NOBODY, **names)
    log.prune(512, signers=["off_audit"])
    (mine,) = _read(log.made.entries[-1])["approved"]
    again = {"officer": "off_double", "jws_digest": mine["jws_digest"]}
    log.made.entries[-1] = canonical({**_read(log.made.entries[-1]), "approved": [mine, again]})


def registered_again(log: OrderedLog) -> None:
    """The bureau's officer gets a key that the operator made."""
    log.keys["off_forged"] = key_of("off_forged").public_jwk()
    key = key_of("off_forged").public_jwk()["kid"]
    names = {"party": "data-bureau", "client": None, "officer": "off_bureau", "key": key, "role": "signatory"}
    log.add(type="officer.added", actor=NOBODY, **names)
    log.prune(512, signers=["off_audit", "off_forged"])
    log.made.entries[-1] = log.made.entries[-1].replace(b"off_forged", b"off_bureau")


def suspended(log: OrderedLog) -> None:
    names = {"party": "data-bureau", "client": None, "officer": "off_bureau", "key": None}
    log.add(type="officer.suspended", actor=NOBODY, **names)
    log.prune(512)


def held(log: OrderedLog) -> None:
    log.hold()
    log.prune(512)


def held_until_somebody_lifted_it_alone(log: OrderedLog) -> None:
    log.hold()
    log.lift(["off_audit", "off_audit_clerk"])
    log.prune(512)


def of_another_archive(log: OrderedLog) -> None:
    order = log.order(512)
    log.live(len(log.made.entries) + 2)
    log.prune(512, order)


def more_than_ordered(log: OrderedLog) -> None:
    log.prune(512)
    log.lost.add(8)  # an officer's registration


def too_young(log: OrderedLog) -> None:
    log.prune(512, log.order(512, before=rfc3339(LATER)))


def not_so_old(log: OrderedLog) -> None:
    """What stays tells that what went was younger than the order says."""
    log.prune(512, log.order(512, before=rfc3339(START - timedelta(hours=1))))


def forged(log: OrderedLog) -> None:
    """The words of another order under the officer's signature."""
    log.prune(512)
    wanted = log.orders.copy()
    log.orders.clear()
    for jws in wanted.values():
        head, _, signature = jws.split(".")
        noted = log.signed(log.order(512), ["off_police"])[0]["jws_digest"]
        body = log.orders.pop(noted).split(".")[1]
        log.orders[noted] = f"{head}.{body}.{signature}"
    _rename(log)


def narrowed(log: OrderedLog) -> None:
    """The hold over everything, placed once more, over one resident."""
    log.hold()
    log.hold(NEIGHBOUR)
    log.prune(512)


def lifted_by_the_order_of_then(log: OrderedLog) -> None:
    log.hold()
    log.lift()
    log.hold()
    log.lift()


def suspended_and_registered_as_another(log: OrderedLog) -> None:
    names = {"party": "data-bureau", "client": None, "officer": "off_bureau", "key": None}
    log.add(type="officer.suspended", actor=NOBODY, **names)
    key = key_of("off_bureau").public_jwk()["kid"]
    names = {"party": "data-bureau", "client": None, "officer": "off_anew", "key": key, "role": "signatory"}
    log.add(type="officer.added", actor=NOBODY, **names)
    log.prune(512, signers=["off_audit", "off_bureau"])
    log.made.entries[-1] = log.made.entries[-1].replace(b'"off_bureau"', b'"off_anew"')


def signed_too_often(log: OrderedLog) -> None:
    """Each signature costs the verifier time."""
    log.prune(512)
    entry = _read(log.made.entries[-1])
    log.made.entries[-1] = canonical({**entry, "approved": entry["approved"] * 9})


def kept_for_ever(log: OrderedLog) -> None:
    log.add(type="audit.retention_set", actor=NOBODY, days=10**12, paper=PAPER)
    log.prune(512, log.order(512, days=str(10**12)))


def _rename(log: OrderedLog) -> None:
    found = [(f"sha-256:{sha256(jws.encode()).hexdigest()}", jws) for jws in log.orders.values()]
    log.orders = dict(found)
    approved = [
        {"officer": name, "jws_digest": digest}
        for name, (digest, _) in zip(("off_audit", "off_bureau"), found, strict=False)
    ]
    log.made.entries[-1] = canonical({**_read(log.made.entries[-1]), "approved": approved})


def _read(entry: bytes) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(entry)
    return found


# name → what is done, the finding, what its sentence must name
TABLE: dict[str, tuple[Callable[[OrderedLog], Any], str, str]] = {
    "an invented entry": (invented, "prune_unproven", "is not here"),
    "one person alone": (by("off_audit"), "prune_unproven", "two different"),
    "one person twice": (by("off_audit", "off_audit"), "prune_unproven", "two different"),
    "the wrong role": (by("off_audit_clerk", "off_bureau"), "prune_unproven", "clerk"),
    "another office": (by("off_audit", "off_police"), "prune_unproven", "police"),
    "nobody of the audit office": (by("off_bureau", "off_bureau_2"), "prune_unproven", "audit office"),
    "an order for a smaller range": (for_less, "prune_unproven", "below = 256"),
    "an order replayed for another range": (replayed, "prune_unproven", "below = 256"),
    "an order used twice": (twice, "prune_unproven", "size = 601, the entry 602"),
    "an order missing": (one_missing, "prune_unproven", "is not here"),
    "two different orders": (two_orders, "prune_unproven", "same order"),
    "a key that nobody registered": (unregistered, "prune_unproven", "no such key"),
    "a key in another's name": (in_anothers_name, "prune_unproven", "no such key"),
    "one key for two people": (one_key_for_two, "prune_unproven", "two different"),
    "an officer registered again": (registered_again, "officer_replaced", "off_bureau"),
    "by the key of an officer registered again": (registered_again, "prune_unproven", "no such key"),
    "an officer who was suspended": (suspended, "prune_unproven", "suspended"),
    "an order for another log": (saying(log="elsewhere/log"), "prune_unproven", "log = elsewhere"),
    "an order to do something else": (saying(act="shred"), "prune_unproven", "act = shred"),
    "another policy": (saying(days="1"), "prune_unproven", "retention of 1 days"),
    "before its time": (too_young, "prune_unproven", "kept for 30 days"),
    "younger than the order says": (not_so_old, "prune_unproven", "written after"),
    "under a legal hold": (held, "prune_unproven", "hld_1"),
    "a hold lifted by one office": (held_until_somebody_lifted_it_alone, "prune_unproven", "hld_1"),
    "a lifting that was not ordered": (held_until_somebody_lifted_it_alone, "lift_unproven", "hld_1"),
    "the order of another archive": (of_another_archive, "prune_unproven", "size = "),
    "more taken out than ordered": (more_than_ordered, "prune_unproven", "more was taken out"),
    "a signature under other words": (forged, "prune_unproven", "not valid"),
    "a lifting of another hold": (lambda log: (log.hold(), log.lift(hold="hld_2")), "lift_unproven", "hld_2"),
    "a lifting without orders": (lambda log: (log.hold(), log.lift(), log.orders.clear()), "lift_unproven", "not here"),
    "a hold narrowed by placing it again": (narrowed, "hold_repeated", "hld_1"),
    "a hold narrowed, and pruned": (narrowed, "prune_unproven", "hld_1"),
    "a hold lifted by the order of another time": (lifted_by_the_order_of_then, "hold_repeated", "placed once"),
    "a lifting of what is not in force": (lambda log: log.lift(), "lift_unproven", "no such hold"),
    "a suspended officer's key under another name": (suspended_and_registered_as_another, "key_repeated", "off_bureau"),
    "fewer decisions than none": (saying(decisions="-5"), "prune_unproven", "-5 decisions"),
    "more decisions than entries": (saying(decisions="513"), "prune_unproven", "513 decisions"),
    "too many signatures": (signed_too_often, "prune_unproven", "more than 16"),
    "a retention of no calendar": (kept_for_ever, "prune_unproven", "its form"),
    "forgotten without orders": (lambda log: (log.shred(), log.orders.clear()), "shred_unproven", "is not here"),
    "forgotten by one": (lambda log: log.shred(signers=["off_audit"]), "shred_unproven", "two different"),
    "another resident forgotten": (lambda log: log.shred(who=NEIGHBOUR, subject=RESIDENT), "shred_unproven", RESIDENT),
    "forgotten under a hold": (lambda log: (log.hold(RESIDENT), log.shred()), "shred_unproven", "hld_1"),
}


@pytest.mark.parametrize("name", TABLE)
def test_it_is_found_and_named(name: str, tmp_path: Path) -> None:
    change, kind, names = TABLE[name]
    with pytest.raises(ExportInvalid) as found:
        verify_export(story(change).export(tmp_path))
    mine = [finding for finding in found.value.findings if finding.kind == kind]
    assert mine, [(finding.kind, finding.en) for finding in found.value.findings]
    assert any(names in finding.en for finding in mine), [finding.en for finding in mine]
    assert all(finding.zh and finding.where.startswith("entry ") for finding in mine)


def test_a_neighbour_of_the_held_resident_may_be_forgotten(tmp_path: Path) -> None:
    report = verify_export(story(lambda log: (log.hold(NEIGHBOUR), log.shred())).export(tmp_path))
    assert report.orders == 1


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lambda files: files.update({"kept/000": files["kept/000"].replace(b"off_police", b"off_palace")}),
         "entry_changed"),
        (lambda files: files.update({"kept/000": files["kept/000"][:-9]}), "file_broken"),
        (lambda files: files.update({"kept/000": b"".join(reversed(files["kept/000"].splitlines(True)))}),
         "file_broken"),
        (lambda files: files.pop("kept/000"), "prune_unproven"),
        (lambda files: files.pop("tile/0/000"), "file_missing"),
        (lambda files: files.pop("keys.json"), "prune_unproven"),
        (lambda files: spoil(files, "orders/"), "paper_changed"),
    ],
    ids=["a kept entry changed", "cut off", "out of order", "no kept entries", "no hashes", "no keys", "an order"],
)  # fmt: skip
def test_the_files_that_stay_are_checked_too(
    change: Callable[[dict[str, bytes]], Any], kind: str, tmp_path: Path
) -> None:
    files = story().files()
    change(files)
    write(tmp_path, files)
    with pytest.raises(ExportInvalid) as found:
        verify_export(tmp_path)
    assert kind in {finding.kind for finding in found.value.findings}


def spoil(files: dict[str, bytes], prefix: str) -> None:
    name = next(name for name in files if name.startswith(prefix))
    files[name] = files[name][:-4] + b"AAAA"


def test_whoever_knows_the_officers_keys_believes_no_others(tmp_path: Path) -> None:
    log = story(lawful)
    log.export(tmp_path)
    known = [key_of(name).public_jwk()["kid"] for name in ("off_audit", "off_bureau")]
    told = {**log.made.keys.trust(), "order_keys": known}
    assert verify_export(tmp_path, TrustStore.from_document(told)).orders == 4
    with pytest.raises(ExportInvalid) as found:
        verify_export(tmp_path, TrustStore.from_document({**told, "order_keys": known[:1]}))
    assert "order keys" in found.value.findings[0].en and found.value.findings[0].kind == "lift_unproven"
