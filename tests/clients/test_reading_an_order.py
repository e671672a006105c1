"""An officer's program reads the archive before it signs: an order that is not true of it is not signed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from tongqu_client import TrustStore
from tongqu_client.errors import ConfigError, ExportInvalid
from tongqu_client.verify.ordering import examine, in_words, read_order

from gateway.lib.canonical_json import canonical
from gateway.lib.clock import rfc3339
from tests.clients.made_log import START
from tests.clients.ordered_log import ASKED, LATER, NEIGHBOUR, ORIGIN, PAPER, RESIDENT, OrderedLog, story

NOW = LATER + timedelta(days=1)


def nothing(log: OrderedLog) -> None:
    pass


def try_it(log: OrderedLog, order: dict[str, str], folder: Path) -> None:
    examine(read_order(canonical(order)), log.export(folder), TrustStore.from_document(log.made.keys.trust()), now=NOW)


def test_what_is_true_may_be_signed_and_is_told_in_both_languages(tmp_path: Path) -> None:
    log = story(nothing)
    try_it(log, log.order(512), tmp_path)
    zh, en = in_words(log.order(512))
    assert "512" in zh and "512" in en and ORIGIN in zh and ORIGIN in en


def test_after_one_pruning_the_next_is_read_in_what_is_left(tmp_path: Path) -> None:
    log = story(lambda log: log.prune(256))
    try_it(log, log.order(512), tmp_path)


CHANGED: dict[str, tuple[dict[str, str], str]] = {
    "another log": ({"log": "elsewhere/log"}, "elsewhere"),
    "another archive": ({"size": "100"}, "another archive"),
    "another root": ({"root": "A" * 43 + "="}, "another archive"),
    "a range that is no bundle": ({"below": "500"}, "no bundle"),
    "more than there is": ({"below": "1024"}, "no bundle"),
    "other things stay": ({"kept": PAPER}, "what is to stay"),
    "fewer decisions": ({"decisions": "1"}, "250 decisions"),
    "another policy": ({"days": "1"}, "retention of 1 days"),
    "another paper": ({"paper": "sha-256:" + "8" * 64}, "retention"),
    "too young": ({"before": rfc3339(LATER)}, "younger"),
    "entries that were written later": ({"before": rfc3339(START - timedelta(hours=1))}, "written after that"),
}


@pytest.mark.parametrize("name", CHANGED)
def test_what_is_not_true_is_not_signed(name: str, tmp_path: Path) -> None:
    changes, names = CHANGED[name]
    log = story(nothing)
    with pytest.raises(ExportInvalid) as found:
        try_it(log, {**log.order(512), **changes}, tmp_path)
    told = [finding.en for finding in found.value.findings if finding.kind == "order_differs"]
    assert any(names in each for each in told), told


HELD: dict[str, tuple[Callable[[OrderedLog], Any], dict[str, str], bool]] = {
    "everything is held": (lambda log: log.hold(), {}, False),
    "a resident among them is held": (lambda log: log.hold(ASKED), {}, False),
    "a resident whom nobody asked about is held": (lambda log: log.hold(NEIGHBOUR), {}, True),
    "forgetting a held resident": (lambda log: log.hold(RESIDENT), {"act": "shred", "subject": RESIDENT}, False),
    "forgetting the neighbour": (lambda log: log.hold(RESIDENT), {"act": "shred", "subject": NEIGHBOUR}, True),
    "lifting a hold": (lambda log: log.hold(), {"act": "lift", "hold": "hld_1"}, True),
    "lifting a hold that there is not": (lambda log: log.hold(), {"act": "lift", "hold": "hld_9"}, False),
}


@pytest.mark.parametrize("name", HELD)
def test_holds_are_read_in_the_archive(name: str, tmp_path: Path) -> None:
    change, other, may = HELD[name]
    log = story(change)
    order = {"log": ORIGIN, "reason": "right_to_erasure", **other} if other else log.order(512)
    if may:
        try_it(log, order, tmp_path)
        return
    with pytest.raises(ExportInvalid) as found:
        try_it(log, order, tmp_path)
    assert {finding.where for finding in found.value.findings} == {"order, hold"}


def test_an_archive_that_was_changed_is_no_ground_to_sign(tmp_path: Path) -> None:
    log = story(nothing)
    order = log.order(512)
    log.export(tmp_path)
    (tmp_path / "tile" / "entries" / "000").unlink()
    with pytest.raises(ExportInvalid) as found:
        examine(order, tmp_path, TrustStore.from_document(log.made.keys.trust()), now=NOW)
    assert "file_missing" in {finding.kind for finding in found.value.findings}


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b'{"act":"prune"}', b'{"act":"lift","log":"l","hold":"h","reason":"r","more":"x"}',
     b'{"act":"lift","log":"l","hold":1,"reason":"r"}', b'{"act":"pay","log":"l"}'],
)  # fmt: skip
def test_nothing_else_is_taken_for_an_order(data: bytes) -> None:
    with pytest.raises(ConfigError):
        read_order(data)
