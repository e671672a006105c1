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
