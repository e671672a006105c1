"""The log of the next year, learnt from the one that is trusted: its last entry names the next one's key."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tongqu_client import errors
from tongqu_client._canonical import MalformedJson, strict_loads
from tongqu_client._http import Reply
from tongqu_client._wire import Wire
from tongqu_client.verify import merkle
from tongqu_client.verify.receipts import verify_inclusion
from tongqu_client.verify.trust import TrustStore
from tongqu_client.verify.years import MAX_YEARS, announced

_SHARDS = "/v1/log/shards"


class Years:
    """The logs of all years, as a gateway serves them; nothing that it says of them is believed unproved."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire

    def follow(self, trust: TrustStore, origin: str) -> TrustStore:
        """``trust``, with the keys from the newest log that it names up to that of ``origin``, each announced by the
        one before. The same trust when it is not reached."""
        name = trust.log_key.name
        try:
            sizes = {str(each["origin"]): each["size"] for each in self._told()}
            for _ in range(MAX_YEARS):
                if trust.log_key_of(origin) is not None:
                    break
                following = self._announced(trust, name, sizes[name])
                if following is None:
                    break
                trust, name = trust.knowing(following[1]), following[0]
        except (errors.GatewayError, MalformedJson, KeyError, TypeError, UnicodeDecodeError):
            pass  # what cannot be proved is not learnt
        return trust

    def folder(self, origin: str) -> str | None:
        """Below which address the tiles of this log are served, whatever log is open now."""
        try:
            return next((f"{int(each['year'])}/" for each in self._told() if each["origin"] == origin), None)
        except (errors.GatewayError, MalformedJson, KeyError, TypeError, ValueError):
            return None

    def _announced(self, trust: TrustStore, origin: str, size: Any) -> tuple[str, Any] | None:
        if type(size) is not int or size < 1:
            return None  # it is open
        at = {"origin": origin}
        entry = self._get(f"/v1/log/entries/{size - 1}", at).body
        proof = self._get(f"/v1/log/entries/{size - 1}/proof", at).body.decode("utf-8")
        checkpoint = verify_inclusion(merkle.leaf_hash(entry), proof, trust)
        value = strict_loads(entry)
        if (checkpoint.origin, checkpoint.size) != (origin, size) or not isinstance(value, dict):
            return None
        return announced(value)

    def _told(self) -> list[Mapping[str, Any]]:
        return list(strict_loads(self._get(_SHARDS).body)["shards"])

    def _get(self, path: str, query: Mapping[str, str] | None = None) -> Reply:
        return self._wire.call("GET", path, query=query)
