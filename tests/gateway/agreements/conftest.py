from __future__ import annotations

import pytest

from gateway.audit.log import Log
from gateway.db import Database
from tests.clock import FixedClock
from tests.gateway.agreements.people import Town


@pytest.fixture
def town(database: Database, log: Log, clock: FixedClock) -> Town:
    return Town.founded(database, log, clock)
