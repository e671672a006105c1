"""Client of Tongqu (通衢): ask other departments for records under an agreement, and prove what came back.

    from tongqu_client import Gateway

    with Gateway(base_url, client_id="cli_…", key="client.jwk.json") as gateway:
        answer = gateway.query(
            "person-basic/1.0.0", {"cn.resident-id": "…"}, agreement="agr_…", purpose="dibao.initial", case="SQ-0012"
        )
        answer.data, answer.receipt, answer.verify()

Errors are in ``tongqu_client.errors``, offline verification in ``tongqu_client.verify``.
"""

__version__ = "0.1.0"

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tongqu_client._client import Gateway
    from tongqu_client._http import Retries, Timeout
    from tongqu_client._models import Answer, Decision, Health, Reason, Subject
    from tongqu_client._officer import Officer
    from tongqu_client.errors import GatewayError, IntegrityError
    from tongqu_client.verify import TrustStore, VerifiedReceipt

__all__ = [
    "Answer",
    "Decision",
    "Gateway",
    "GatewayError",
    "Health",
    "IntegrityError",
    "Officer",
    "Reason",
    "Retries",
    "Subject",
    "Timeout",
    "TrustStore",
    "VerifiedReceipt",
    "__version__",
]

_HOMES = {
    "_client": ("Gateway",),
    "_http": ("Retries", "Timeout"),
    "_models": ("Answer", "Decision", "Health", "Reason", "Subject"),
    "_officer": ("Officer",),
    "errors": ("GatewayError", "IntegrityError"),
    "verify": ("TrustStore", "VerifiedReceipt"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    """A name is imported when it is first asked for (PEP 562): the verifier alone needs no HTTP, a reader neither."""
    if name in _HOME_OF:
        found = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    elif name in ("errors", "verify"):
        found = importlib.import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
