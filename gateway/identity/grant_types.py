"""The names of RFC 6749, 8693 and 7523 by which clients ask."""

from __future__ import annotations

from typing import Final

CLIENT_CREDENTIALS: Final = "client_credentials"
TOKEN_EXCHANGE: Final = "urn:ietf:params:oauth:grant-type:token-exchange"  # noqa: S105  # a name
JWT: Final = "urn:ietf:params:oauth:token-type:jwt"
ACCESS_TOKEN: Final = "urn:ietf:params:oauth:token-type:access_token"  # noqa: S105  # a name
METHODS: Final = ("private_key_jwt",)
CERTIFICATE_METHODS: Final = ("tls_client_auth", "self_signed_tls_client_auth")  # RFC 8705, where a proxy is configured
