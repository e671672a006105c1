from __future__ import annotations

import pytest

from gateway.audit.log import Log
from gateway.db import Database
from tests.clock import FixedClock
from tests.gateway.cases.people import Desk


@pytest.fixture
def desk(database: Database, log: Log, clock: FixedClock) -> Desk:
    return Desk.opened(database, log, clock)
