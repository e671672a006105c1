"""Sign requests, as some agreements demand: RFC 9421 by the FAPI 2.0 HTTP Signatures profile."""

from __future__ import annotations

import base64
import time
from collections.abc import Mapping

from tongqu_client._http import Call
from tongqu_client._jose import SigningKey

TAG = "fapi-2-request"
ALGORITHM = "ecdsa-p256-sha256"


def signed_request(call: Call, headers: Mapping[str, str], key: SigningKey) -> dict[str, str]:
    """The two fields that sign a request with a body (RFC 9421), by the client's registered key.

    Covered is what the FAPI profile asks for: method, address, token, proof and the digest of the body.
    """
    values = {
        "@method": call.method,
        "@target-uri": call.url,
        "authorization": headers["Authorization"],
        "dpop": headers["DPoP"],
        "content-digest": headers["Content-Digest"],
    }
    covered = " ".join(f'"{name}"' for name in values)
    parameters = f'({covered});created={int(time.time())};keyid="{key.thumbprint}";alg="{ALGORITHM}";tag="{TAG}"'
    lines = [f'"{name}": {value}' for name, value in values.items()]
    base = "\n".join([*lines, f'"@signature-params": {parameters}'])
    signature = base64.b64encode(key.sign_raw(base.encode("utf-8"))).decode("ascii")
    return {"Signature-Input": f"sig={parameters}", "Signature": f"sig=:{signature}:"}
