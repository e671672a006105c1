"""Thin calls beside the query: catalogue, standards, agreements, consents. What comes back is the gateway's JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol
from urllib.parse import quote

from tongqu_client import errors
from tongqu_client._models import Subject


class Ask(Protocol):
    """One call of the API: method, path, scope (None: no token), and what to send."""

    def __call__(
        self,
        method: str,
        path: str,
        scope: str | None,
        *,
        query: Mapping[str, str] | None = None,
        body: Mapping[str, Any] | None = None,
    ) -> Any: ...


def _segment(text: str) -> str:
    """One path segment; what would leave it is refused rather than sent to another place."""
    if not text or text in (".", "..") or "/" in text:
        raise errors.InvalidRequest(f"编号 {text!r} 无效。", f"{text!r} is no identifier.")
    return quote(text, safe="")


class Catalogue:
    """Which department offers which standard as a service."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def search(self, text: str) -> list[dict[str, Any]]:
        """Services whose standard, title or elements answer to ``text``, Chinese or English."""
        return _rows(self._ask("GET", "/v1/catalogue", "catalogue:read", query={"q": text}))

    def holders(self, element: str) -> list[dict[str, Any]]:
        """Who holds this fact, such as ``residenceAddress.divisionCode``."""
        return _rows(self._ask("GET", "/v1/catalogue/holders", "catalogue:read", query={"element": element}))


class Standards:
    """Published standards; no token is needed."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def list(self) -> list[dict[str, Any]]:
        return _rows(self._ask("GET", "/v1/standards", None))

    def get(self, id: str) -> dict[str, Any]:
        """The JSON Schema of ``person-basic/1.0.0``. Raises UnknownStandard."""
        name, slash, version = id.partition("/")
        if not slash:
            raise errors.UnknownStandard(
                "标准须写明版本，如 person-basic/1.0.0。", "Name the version too, as in person-basic/1.0.0."
            )
        return _object(self._ask("GET", f"/v1/standards/{_segment(name)}/{_segment(version)}", None))


class Agreements:
    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def list(self, state: str | None = None) -> list[dict[str, Any]]:
        """The agreements that this client's party may see, all pages of them."""
        found: list[dict[str, Any]] = []
        query = {"state": state} if state else {}
        after: Any = ""
        while after is not None:
            asked = {**query, "after": str(after)} if after else query
            page = _object(self._ask("GET", "/v1/agreements", "agreements:read", query=asked))
            found += _rows(page.get("agreements"))
            after = page.get("next")
        return found

    def get(self, id: str) -> dict[str, Any]:
        """State, digest, document and signatures of one agreement."""
        return _object(self._ask("GET", f"/v1/agreements/{_segment(id)}", "agreements:read"))


class Consents:
    """Residents' consents, for the office at whose counter they are given."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    def request(
        self,
        subject: Subject | Mapping[str, str],
        agreement: str,
        *,
        purposes: Sequence[str],
        until: str,
        notice: Mapping[str, str],
        **more: Any,
    ) -> dict[str, Any]:
        """Put down what a resident is asked.

        ``until``: RFC 3339. ``notice``: {"version", "digest", "channel"} of what the resident was told. ``more``:
        ``data`` and ``language``, as openapi.yaml has them.
        """
        person = Subject.of(subject)
        body = {
            "agreement_id": agreement,
            "subject": {"scheme": person.scheme, "id": person.id},
            "purposes": list(purposes),
            "validity": {"until": until},
            "notice": dict(notice),
        }
        return _object(self._ask("POST", "/v1/consents", "consents:write", body={**body, **more}))

    def get(self, id: str) -> dict[str, Any]:
        return _object(self._ask("GET", f"/v1/consents/{_segment(id)}", "consents:write"))

    def give(self, id: str, proof: Mapping[str, str]) -> dict[str, Any]:
        """Record the resident's yes; ``proof``: {"kind", "clerk", "witness"}, the last two signed by officers.

        The answer holds the ``withdrawal_code`` to print for the resident; it is shown this once.
        """
        return self._move(id, "give", {"proof": dict(proof)})

    def refuse(self, id: str) -> dict[str, Any]:
        """Record the resident's no."""
        return self._move(id, "refuse", {})

    def withdraw(self, id: str, code: str | None = None) -> dict[str, Any]:
        """End a consent, at once and without a reason; from now on nothing is released under it."""
        return self._move(id, "withdraw", {"code": code} if code else {})

    def _move(self, id: str, verb: str, body: Mapping[str, Any]) -> dict[str, Any]:
        return _object(self._ask("POST", f"/v1/consents/{_segment(id)}/{verb}", "consents:write", body=body))


def _rows(value: Any) -> list[dict[str, Any]]:
    if not isinstance(value, list):
        raise errors.UnexpectedReply("收到的不是列表。", "Expected a list.")
    return value


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise errors.UnexpectedReply("收到的不是 JSON 对象。", "Expected a JSON object.")
    return value
