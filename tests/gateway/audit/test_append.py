"""Appending to the log: order, group commit, compare-and-append, guards, outcomes."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from collections.abc import Sequence
from typing import Any, Self

import pytest

from gateway.audit import entry
from gateway.audit.log import Changed, Log, NotOpen, Rejected
from gateway.audit.merkle import leaf_hash
from gateway.audit.store import Rows
from gateway.audit.transaction import Transaction
from tests.gateway.audit.examples import authorized, event, released


def test_entries_are_numbered_in_the_order_of_their_appending(log: Log) -> None:
    async def story() -> list[int]:
        return [(await log.append(event(size))).index for size in range(3)]

    assert asyncio.run(story()) == [1, 2, 3]
