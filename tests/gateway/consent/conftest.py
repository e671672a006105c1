from __future__ import annotations

import pytest

from gateway.audit.log import Log
from gateway.db import Database
from tests.clock import FixedClock
from tests.gateway.consent.people import Counter


@pytest.fixture
def counter(database: Database, log: Log, clock: FixedClock) -> Counter:
    return Counter.opened(database, log, clock)
