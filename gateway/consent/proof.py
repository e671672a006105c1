"""Is there proof that the resident said yes? Level 1: two officers at the counter, each with a key of their own.

Neither the gateway's operator nor one officer alone can make a consent (threat T26). The resident's printed withdrawal
code is made here too: whoever holds it can take the consent back at any counter, as easily as it was given (PIPL 15).
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Mapping

from sqlalchemy import Connection

from gateway.agreements.drafting import not_sound
from gateway.agreements.shape import Problem
from gateway.consent.model import COUNTER_TWO_PERSON, PROOF_KINDS, PROOF_TYPE, Consent, Proof
from gateway.errors import SignatureInvalid
from gateway.identity.model import Officer
from gateway.identity.signing import Directory, officer_who_signed

CLERK, WITNESS = "clerk", "witness"

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford base 32: nothing that is misread on paper
_READ_AS = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None, " ": None})
CODE_CHARACTERS = 16  # 80 random bits
CODE_GROUP = 4


def checked(conn: Connection, directory: Directory, consent: Consent, given: Mapping[str, str], least: int) -> Proof:
    """The proof in ``given`` ({kind, clerk, witness}), if it holds and reaches level ``least``.

    Raises InvalidRequest for a kind that is not known or too weak, SignatureInvalid for signatures that do not hold.
    """
    kind = given["kind"]
    level = PROOF_KINDS.get(kind)
    if level is None:
        kinds = ", ".join(PROOF_KINDS)
        raise not_sound((Problem("/proof/kind", f"应为以下之一：{kinds}", f"expected one of: {kinds}"),))
    if level < least:
        zh = f"协议要求的证明级别为 {least}，该方式只达到 {level}"
        raise not_sound((Problem("/proof/kind", zh, f"the agreement wants level {least}, this kind reaches {level}"),))
    signatures = {role: given[role] for role in (CLERK, WITNESS)}
    clerk = _signed(conn, directory, consent, signatures[CLERK], (CLERK,))
    witness = _signed(conn, directory, consent, signatures[WITNESS], None)
    if clerk.id == witness.id:
        raise SignatureInvalid(
            "经办人与见证人须为两名不同的人员，未予接受。",
            "Not accepted: clerk and witness must be two different officers.",
            reason="same_officer",
        )
    return Proof(level, COUNTER_TWO_PERSON, {CLERK: clerk.id, WITNESS: witness.id}, signatures)


def _signed(
    conn: Connection, directory: Directory, consent: Consent, token: str, roles: tuple[str, ...] | None
) -> Officer:
    payload = consent.proof_payload()
    return officer_who_signed(
        conn, directory, token, typ=PROOF_TYPE, payload=payload, party=consent.consumer, roles=roles
    )


# ── the withdrawal code ───────────────────────────────────────────────────────────────────────────────────────────────
def new_code() -> str:
    """A code to print for the resident: ``7F3K-…``, four groups of four. Shown once, never stored."""
    characters = "".join(secrets.choice(_ALPHABET) for _ in range(CODE_CHARACTERS))
    return "-".join(characters[start : start + CODE_GROUP] for start in range(0, CODE_CHARACTERS, CODE_GROUP))


def code_hash(secret: bytes, consent_id: str, code: str) -> str:
    """The keyed hash of a code as people may type it: small letters, blanks, O for 0, I and L for 1."""
    plain = code.upper().translate(_READ_AS)
    return hmac.new(secret, f"{consent_id}\0{plain}".encode(), hashlib.sha256).hexdigest()


def code_fits(secret: bytes, consent: Consent, code: str) -> bool:
    """Is this the code that was printed when this consent was given?"""
    kept = consent.given.code_hash if consent.given else None
    return kept is not None and hmac.compare_digest(kept, code_hash(secret, consent.id, code))
