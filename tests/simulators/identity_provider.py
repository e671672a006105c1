"""An identity provider on a port of its own: answers as OpenID Connect wants it, and misbehaves on demand.

with IdentityProvider("tongqu", back="http://…/back") as provider:
    provider.person = "sub-of-an"               # who is signed in there
    provider.behave("no id_token")              # until told otherwise; see MISBEHAVIOURS
    location = provider.browser(away)           # what a browser that was sent to ``away`` is sent back to
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import requests

from gateway.lib.jose import SigningKey, encode64

MISBEHAVIOURS = (
    "another issuer in the answer", "no issuer in the answer", "another issuer in the metadata",
    "another issuer in the token", "no id_token", "unsigned id_token", "signed with the secret", "another key",
    "another audience", "two audiences", "another authorized party", "another nonce", "no nonce", "expired",
    "issued long ago", "no subject", "an error", "a redirect at the token endpoint", "not JSON",
    "a token endpoint elsewhere",
)  # fmt: skip


class IdentityProvider:
    def __init__(self, client_id: str, back: str, secret: str | None = None) -> None:
        self.client_id, self.back, self.secret = client_id, back, secret
        self.person, self.behaviour = "person-1", "good"
        self.key, self._strangers = SigningKey.generate(), SigningKey.generate()
        self._codes: dict[str, dict[str, str]] = {}
        self.hits: list[str] = []

    def behave(self, behaviour: str) -> None:
        assert behaviour == "good" or behaviour in MISBEHAVIOURS
        self.behaviour = behaviour

    def __enter__(self) -> IdentityProvider:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider.get(self)

            def do_POST(self) -> None:
                provider.token(self)

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.issuer = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    def browser(self, away: str) -> str:
        """Signed in there already, a browser is sent straight back."""
        return requests.get(away, allow_redirects=False, timeout=5).headers["Location"]

    # ── what it serves ────────────────────────────────────────────────────────────────────────────────────────────────
    def get(self, handler: BaseHTTPRequestHandler) -> None:
        path = urlsplit(handler.path)
        self.hits.append(path.path)
        if path.path == "/.well-known/openid-configuration":
            _send(handler, 200, self._metadata())
        elif path.path == "/jwks":
            _send(handler, 200, {"keys": [self.key.public_jwk(), {"kty": "oct", "k": "AAAA"}, "nonsense"]})
        elif path.path == "/authorize":
            asked = {name: values[0] for name, values in parse_qs(path.query).items()}
            _send(handler, 302, {}, self._answer(asked))
        else:
            _send(handler, 404, {})

    def _metadata(self) -> dict[str, Any]:
        elsewhere = "http://192.0.2.1/token"
        return {
            "issuer": "https://evil.example" if self.behaviour == "another issuer in the metadata" else self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": elsewhere if self.behaviour == "a token endpoint elsewhere" else f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            "authorization_response_iss_parameter_supported": True,
            "id_token_signing_alg_values_supported": ["none", "HS256", "ES256"],
        }

    def _answer(self, asked: dict[str, str]) -> str:
        assert asked["redirect_uri"] == self.back and asked["client_id"] == self.client_id
        assert asked["code_challenge_method"] == "S256" and asked["response_type"] == "code"
        code = secrets.token_urlsafe(16)
        self._codes[code] = asked
        answer = {"code": code, "state": asked["state"], "iss": self.issuer}
        if self.behaviour == "another issuer in the answer":
            answer["iss"] = "https://other.example"
        if self.behaviour == "no issuer in the answer":
            del answer["iss"]
        if self.behaviour == "an error":
            answer = {"error": "access_denied", "state": asked["state"], "iss": self.issuer}
        return f"{self.back}?{urlencode(answer)}"

    def token(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers["Content-Length"])
        form = {name: values[0] for name, values in parse_qs(handler.rfile.read(length).decode()).items()}
        asked = self._codes.pop(form["code"], None)
        challenge = encode64(hashlib.sha256(form["code_verifier"].encode()).digest())
        if asked is None or challenge != asked["code_challenge"] or not self._is_client(handler, form):
            _send(handler, 400, {"error": "invalid_grant"})
        elif self.behaviour == "a redirect at the token endpoint":
            _send(handler, 302, {}, f"{self.issuer}/elsewhere")
        elif self.behaviour == "not JSON":
            _send(handler, 200, "hello")
        else:
            token = {} if self.behaviour == "no id_token" else {"id_token": self._id_token(asked)}
            _send(handler, 200, {"access_token": "x", "token_type": "Bearer", **token})

    def _is_client(self, handler: BaseHTTPRequestHandler, form: dict[str, str]) -> bool:
        if self.secret is None:
            return form.get("client_id") == self.client_id
        basic = base64.b64encode(f"{self.client_id}:{self.secret}".encode()).decode()
        return handler.headers.get("Authorization") == f"Basic {basic}"

    def _id_token(self, asked: dict[str, str]) -> str:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer, "aud": self.client_id, "sub": self.person, "nonce": asked["nonce"], "iat": now,
            "exp": now + 300, "email": "an@example",
        }  # fmt: skip
        claims |= {
            "another issuer in the token": {"iss": "https://other.example"},
            "another audience": {"aud": "somebody-else"},
            "two audiences": {"aud": [self.client_id, "somebody-else"]},
            "another authorized party": {"azp": "somebody-else"},
            "another nonce": {"nonce": "x"},
            "no nonce": {"nonce": None},
            "expired": {"exp": now - 60},
            "issued long ago": {"iat": now - 3600},
            "no subject": {"sub": None},
        }.get(self.behaviour, {})
        if self.behaviour == "unsigned id_token":
            head = encode64(json.dumps({"alg": "none", "kid": self.key.kid}).encode())
            return f"{head}.{encode64(json.dumps(claims).encode())}."
        if self.behaviour == "signed with the secret":
            from joserfc import jws
            from joserfc.jwk import OctKey

            key = OctKey.import_key(self.client_id.ljust(32, "x"))
            head = {"alg": "HS256", "kid": self.key.kid}
            return jws.serialize_compact(head, json.dumps(claims), key, algorithms=["HS256"])
        signer = self._strangers if self.behaviour == "another key" else self.key
        return signer.sign_jwt("JWT", claims)


def _send(handler: BaseHTTPRequestHandler, status: int, value: object, location: str | None = None) -> None:
    body = value.encode() if isinstance(value, str) else json.dumps(value).encode()
    handler.send_response(status)
    if location:
        handler.send_header("Location", location)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)
