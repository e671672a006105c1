"""How the OAuth endpoints say no: RFC 6749 section 5.2, with our sentences beside its codes."""

from __future__ import annotations

from typing import Any

from authlib.oauth2.rfc6749 import OAuth2Error

from gateway.errors import TongquError


class Refused(OAuth2Error):  # type: ignore[misc]  # Authlib has no types
    """An error of RFC 6749 section 5.2. ``members`` are added to the JSON: detail_zh, rule, reason …"""

    def __init__(self, error: str, description: str, *, status: int = 400, **members: Any) -> None:
        super().__init__(_ascii(description), error=error, status_code=status)
        self.members = members

    def get_body(self) -> list[tuple[str, Any]]:
        body: list[tuple[str, Any]] = super().get_body()
        return [*body, *((name, value) for name, value in self.members.items() if value is not None)]


def refusal(code: str, error: TongquError, status: int = 400) -> Refused:
    """One of our errors in OAuth's clothes."""
    return Refused(
        code,
        error.detail_en,
        status=status,
        code=error.members.get("reason"),
        detail_zh=error.detail_zh,
        detail_en=error.detail_en,
        rule=error.rule,
        retry_after=error.members.get("retry_after"),
        log_index=error.members.get("log_index"),
    )


def _ascii(text: str) -> str:
    """RFC 6749 section 5.2: what error_description may hold."""
    return "".join(c for c in text if " " <= c <= "~" and c not in '"\\')
