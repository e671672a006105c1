"""What a client must know before its first request: RFC 8414 about the server, RFC 9728 about the resource."""

from __future__ import annotations

from typing import Any, Final

from gateway.identity.grant_types import CERTIFICATE_METHODS, CLIENT_CREDENTIALS, METHODS, TOKEN_EXCHANGE
from gateway.identity.model import SCOPES
from gateway.identity.tokens import DETAIL_TYPE
from gateway.lib.jose import ALGORITHMS

RESOURCE_PATH: Final = "/.well-known/oauth-protected-resource"


_ENDPOINTS: Final = {
    "token_endpoint": "/oauth/token",
    "revocation_endpoint": "/oauth/revoke",
    "introspection_endpoint": "/oauth/introspect",
}


def authorization_server(
    issuer: str, resource: str, with_certificates: bool = False, mtls_url: str = ""
) -> dict[str, Any]:
    """RFC 8414 section 2. No authorization endpoint, hence no response types. ``with_certificates``: RFC 8705 too, at
    ``mtls_url`` if that is another address (its section 5)."""
    aliases = {name: mtls_url + path for name, path in _ENDPOINTS.items()} if with_certificates and mtls_url else None
    methods = [*METHODS, *CERTIFICATE_METHODS] if with_certificates else list(METHODS)
    algorithms = list(ALGORITHMS)
    authentication: dict[str, Any] = {}
    for endpoint in ("token", "revocation", "introspection"):
        authentication[f"{endpoint}_endpoint_auth_methods_supported"] = methods
        authentication[f"{endpoint}_endpoint_auth_signing_alg_values_supported"] = algorithms
    return {
        "issuer": issuer,
        **{name: issuer + path for name, path in _ENDPOINTS.items()},
        **({"mtls_endpoint_aliases": aliases} if aliases else {}),
        "jwks_uri": f"{issuer}/oauth/jwks",
        "scopes_supported": list(SCOPES),
        "response_types_supported": [],
        "grant_types_supported": [CLIENT_CREDENTIALS, TOKEN_EXCHANGE],
        **authentication,
        "dpop_signing_alg_values_supported": algorithms,
        "authorization_details_types_supported": [DETAIL_TYPE],
        "tls_client_certificate_bound_access_tokens": with_certificates,
        "protected_resources": [resource],
    }


def protected_resource(issuer: str, resource: str, with_certificates: bool = False) -> dict[str, Any]:
    """RFC 9728 section 2. ``jwks_uri`` holds the keys that responses are signed with."""
    return {
        "resource": resource,
        "authorization_servers": [issuer],
        "jwks_uri": f"{issuer}/oauth/jwks",
        "scopes_supported": list(SCOPES),
        "bearer_methods_supported": ["header"],
        "resource_name": "Tongqu (通衢)",
        "dpop_signing_alg_values_supported": list(ALGORITHMS),
        "dpop_bound_access_tokens_required": not with_certificates,  # else a certificate does as well
        "tls_client_certificate_bound_access_tokens": with_certificates,
        "authorization_details_types_supported": [DETAIL_TYPE],
    }
