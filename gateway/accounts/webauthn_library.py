"""What the library of passkeys does for us: what a browser is asked, and whether its answer is right.

It brings its own ASN.1, CBOR and OpenSSL, 5 MB in all, so passkeys.py imports this file when somebody uses a passkey.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from webauthn import (
    generate_authentication_options,
    generate_registration_options,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json_dict
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from gateway.accounts.model import Account, Passkey

_REQUIRED = UserVerificationRequirement.REQUIRED
_WRONG = (WebAuthnException, ValueError, KeyError, TypeError)


class NotRight(Exception):
    """The browser's answer is not what was asked for."""


def to_make(rp_id: str, account: Account, known: Iterable[Passkey]) -> tuple[str, dict[str, Any]]:
    """The challenge (base64url), and what the browser is to make a passkey with."""
    options = generate_registration_options(
        rp_id=rp_id,
        rp_name=f"通衢 {rp_id}",
        user_id=account.id.encode(),
        user_name=account.username,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=_REQUIRED
        ),
        exclude_credentials=_descriptors(known),
    )
    return bytes_to_base64url(options.challenge), options_to_json_dict(options)


def made(response: Mapping[str, Any], challenge: str | None, rp_id: str, origin: str) -> tuple[str, bytes, int]:
    """The new passkey's id, public key and counter. ``challenge``: None is right for nothing. Raises NotRight."""
    try:
        found = verify_registration_response(
            credential=dict(response),
            expected_challenge=_bytes(challenge),
            expected_rp_id=rp_id,
            expected_origin=origin,
            require_user_verification=True,
        )
    except _WRONG:
        raise NotRight from None
    return bytes_to_base64url(found.credential_id), found.credential_public_key, found.sign_count


def to_show(rp_id: str, known: Iterable[Passkey] | None) -> tuple[str, dict[str, Any]]:
    """The challenge (base64url), and what the browser is to sign; by one of ``known``, if given."""
    options = generate_authentication_options(
        rp_id=rp_id,
        allow_credentials=None if known is None else _descriptors(known),
        user_verification=_REQUIRED,
    )
    return bytes_to_base64url(options.challenge), options_to_json_dict(options)


def shown(response: Mapping[str, Any], challenge: str | None, rp_id: str, origin: str, passkey: Passkey) -> int:
    """The passkey's new counter. ``challenge``: None is right for nothing. Raises NotRight."""
    try:
        found = verify_authentication_response(
            credential=dict(response),
            expected_challenge=_bytes(challenge),
            expected_rp_id=rp_id,
            expected_origin=origin,
            credential_public_key=passkey.public_key,
            credential_current_sign_count=passkey.sign_count,
            require_user_verification=True,
        )
    except _WRONG:
        raise NotRight from None
    return found.new_sign_count


def _bytes(challenge: str | None) -> bytes:
    if challenge is None:
        raise ValueError("no challenge was given to this browser, or it was used already")
    return base64url_to_bytes(challenge)


def _descriptors(passkeys: Iterable[Passkey]) -> list[PublicKeyCredentialDescriptor]:
    return [PublicKeyCredentialDescriptor(id=base64url_to_bytes(each.id)) for each in passkeys]
