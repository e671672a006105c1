"""Where a client without a key shows its certificate: only where the gateway says so, and never in the clear."""

from __future__ import annotations

from typing import Any

import pytest
from tongqu_client import errors
from tongqu_client._auth import _mtls_base

BOUND: dict[str, Any] = {"tls_client_certificate_bound_access_tokens": True}


def test_at_the_usual_address_unless_another_is_published() -> None:
    alias = {"mtls_endpoint_aliases": {"token_endpoint": "https://mtls.example:8443/oauth/token"}}
    assert _mtls_base(BOUND) is None
    assert _mtls_base(BOUND | alias) == "https://mtls.example:8443"


@pytest.mark.parametrize("alias", ["http://mtls.example/oauth/token", "mtls.example", "https:///x", 7])
def test_never_in_the_clear(alias: Any) -> None:
    with pytest.raises(errors.ConfigError, match="not https"):
        _mtls_base(BOUND | {"mtls_endpoint_aliases": {"token_endpoint": alias}})


def test_a_gateway_that_takes_no_certificates_is_not_shown_one() -> None:
    with pytest.raises(errors.ConfigError, match="takes no certificates"):
        _mtls_base({"tls_client_certificate_bound_access_tokens": False})
