"""Where a foreign client library asks: a gateway's address, a registered client with its key, and one lawful query."""

from __future__ import annotations

import json
import secrets
import shutil
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gateway.audit.checkpoint import CheckpointKey
from gateway.audit.log import Log
from gateway.db import Database
from gateway.identity.actions import Identity
from gateway.identity.model import OPERATOR
from gateway.lib.clock import SystemClock
from gateway.lib.keys import Keys
from tests import cast
from tests.gateway.identity import house
from tests.gateway.identity.sender import Key, b64
from tests.running import running_city


@dataclass(frozen=True)
class Place:
    """``answer`` are members that the answer to the query must have; empty: only its status is looked at."""

    base_url: str
    client_id: str
    key: Mapping[str, str] = field(repr=False)  # private JWK with kid
    alg: str
    details: Mapping[str, Any]
    body: Mapping[str, Any]
    answer: Mapping[str, Any] = field(default_factory=dict)
    officer: Callable[[], str] = lambda: ""  # a new assertion for an officer of this party
    officer_id: str = ""

    @property
    def url(self) -> str:
        return f"{self.base_url}/v1/queries"


@contextmanager
def small(template: Path, folder: Path, alg: str = "ES256") -> Iterator[Place]:
    """Identity alone, behind a real socket, with a protected address that says who asked."""
    shutil.copyfile(template, folder / "gateway.sqlite")
    database = Database(f"sqlite:///{folder / 'gateway.sqlite'}")
    clock, port = SystemClock(), _free_port()
    base_url = f"http://127.0.0.1:{port}"
    with Log(database, clock=clock, key=CheckpointKey.generate("gw.test/log"), folder=folder / "log") as log:
        app, identity, _, _ = house.build(database, log, clock, Keys.create(folder / "keys"), base_url)
        identity.add_party(OPERATOR, house.STREET, name_zh="街道", name_en="Street", kind="street_office")
        key = Key.make(alg)
        client = identity.add_client(OPERATOR, house.STREET, key=key.public, scopes=["exchange:query"])
        with house.served(app, port):
            yield Place(
                base_url,
                client.id,
                private_jwk(key),
                alg,
                {"type": "gov_record_request", "agreement_id": "agr_1", "purpose": "dibao.initial"},
                {"agreement": "agr_1", "purpose": "dibao.initial"},
                {"party": house.STREET, "purpose": "dibao.initial"},
                *_officer(identity, house.STREET, base_url),
            )
    database.close()


@contextmanager
def whole(template: Path, folder: Path, alg: str = "ES256") -> Iterator[Place]:
    """The whole gateway with everything on, and a department behind it: one resident's record."""
    shutil.copyfile(template, folder / "gateway.sqlite")
    with running_city(folder / "gateway", f"sqlite:///{folder / 'gateway.sqlite'}") as city:
        agreement = city.cast.agreement()
        key = Key.make(alg)
        client = city.gateway.deps.identity.add_client(OPERATOR, cast.LINDEN, key=key.public, scopes=["exchange:query"])
        asked = {"agreement": agreement.id, "standard": cast.STANDARD, "purpose": cast.PURPOSE, "case": cast.CASE}
        yield Place(
            city.gateway.url,
            client.id,
            private_jwk(key),
            alg,
            {"type": "gov_record_request", "agreement_id": agreement.id, "purpose": cast.PURPOSE},
            {**asked, "subject": {"scheme": cast.SCHEME, "id": cast.AN["idNumber"]}},
            {"data": [{name: cast.AN[name] for name in cast.FIELDS}]},
            *_officer(city.gateway.deps.identity, cast.LINDEN, city.gateway.url),
        )


def _officer(identity: Identity, party: str, issuer: str) -> tuple[Callable[[], str], str]:
    """A clerk without a key, and how the agency's own system vouches for that clerk."""
    agency = Key.make("PS256")
    identity.add_assertion_key(OPERATOR, party, key=agency.public)
    clerk = identity.add_officer(OPERATOR, party, role="clerk", title="窗口经办人").id

    def assertion() -> str:
        now = int(time.time())
        head = {"alg": agency.alg, "typ": "tongqu-officer+jwt", "kid": agency.thumbprint}
        said = {"iss": party, "sub": clerk, "aud": issuer, "iat": now, "exp": now + 60, "jti": secrets.token_hex(12)}
        return agency.jws(head, said)

    return assertion, clerk


def of_city(folder: Path) -> Place:
    """The demo city that runs with its data in ``folder``: its street office asks for a record that is there."""
    told = json.loads((folder / "demo.json").read_text())
    agreement = next(each for each in told["agreements"] if each["state"] == "active" and each["consent"] == "none")
    client = next(each for each in told["clients"] if each["party"] == agreement["consumer"])
    subject = next(each for each in told["subjects"] if each["note"] == "found")
    wanted = {"agreement": agreement["id"], "standard": agreement["standard"], "purpose": agreement["purpose"]}
    return Place(
        told["base_url"],
        client["client_id"],
        json.loads((folder / client["key_file"]).read_text()),
        client["alg"],
        {"type": "gov_record_request", "agreement_id": agreement["id"], "purpose": agreement["purpose"]},
        {**wanted, "subject": {"scheme": subject["scheme"], "id": subject["id"]}, "case": "interop-1"},
    )


def private_jwk(key: Key) -> dict[str, str]:
    """With the secret members, a kid of the client's own choice, and its algorithm."""
    if key.alg == "ES256":
        secret = {"d": b64(key.private.private_numbers().private_value.to_bytes(32))}
    elif key.alg == "Ed25519":
        secret = {"d": b64(key.private.private_bytes_raw())}
    else:
        numbers = key.private.private_numbers()
        values = {"d": numbers.d, "p": numbers.p, "q": numbers.q}
        values |= {"dp": numbers.dmp1, "dq": numbers.dmq1, "qi": numbers.iqmp}
        secret = {name: b64(value.to_bytes((value.bit_length() + 7) // 8)) for name, value in values.items()}
    return {**key.public, **secret, "kid": "our-key-1", "alg": key.alg, "use": "sig"}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
