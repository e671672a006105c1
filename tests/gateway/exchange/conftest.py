"""The running city of the journeys, for what can only be seen over the wire."""

from tests.journeys.conftest import city, shared_city

__all__ = ["city", "shared_city"]
