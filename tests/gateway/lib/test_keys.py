"""An installation makes its keys, keeps them to itself, and changes them without a gap."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest

from gateway.lib import jose
from gateway.lib.keys import PURPOSES, Keys, KeysUnusable
from gateway.lib.subject_key import SubjectKey


def test_keys_are_made_once_and_only_their_owner_may_read_them(tmp_path: Path) -> None:
    keys = Keys.create(tmp_path / "keys")
    files = sorted((tmp_path / "keys").iterdir())
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE((tmp_path / "keys").stat().st_mode) == 0o700
    again = Keys.create(tmp_path / "keys")
    assert sorted((tmp_path / "keys").iterdir()) == files
    assert again.jwks() == keys.jwks()
    assert again.checkpoint_seed == keys.checkpoint_seed
    assert (
        {n: key.encode() for n, key in again.pseudonym_secrets.items() if isinstance(key, SubjectKey)}
        == {n: key.encode() for n, key in keys.pseudonym_secrets.items() if isinstance(key, SubjectKey)}
        != {}
    )
    assert again.pseudonym_epoch == 1


def test_every_purpose_has_its_own_key_and_every_secret_is_another(tmp_path: Path) -> None:
    keys = Keys.create(tmp_path)
    assert len({keys.token.kid, keys.receipt.kid, keys.response.kid, keys.request.kid}) == 4
    secrets = [keys.checkpoint_seed, keys.dpop_nonce_secret, keys.idempotency_secret, keys.sidecar_secret]
    assert len(set(secrets)) == 4
    assert {len(secret) for secret in secrets} == {32}
    assert list(keys.verifiers("receipt")) == [keys.receipt.kid]


def test_a_key_is_published_then_active_then_retiring_then_gone(tmp_path: Path) -> None:
    first = Keys.create(tmp_path)
    old, upcoming = first.token.kid, first.publish("token")
    with pytest.raises(KeysUnusable, match="published already"):
        Keys(tmp_path).publish("token")

    published = Keys(tmp_path)
    assert published.token.kid == old
    assert upcoming in {key["kid"] for key in published.jwks()["keys"]}
    assert upcoming not in published.verifiers("token")

    assert published.activate("token") == upcoming
    active = Keys(tmp_path)
    assert active.token.kid == upcoming
    assert set(active.verifiers("token")) == {old, upcoming}

    assert active.remove_retiring("token") == [old]
    assert set(Keys(tmp_path).verifiers("token")) == {upcoming}
    with pytest.raises(KeysUnusable, match="no key is published"):
        Keys(tmp_path).activate("token")


def test_a_rotation_cut_short_goes_on_with_the_new_key(tmp_path: Path) -> None:
    keys = Keys.create(tmp_path)
    upcoming = keys.publish("token")
    path = tmp_path / f"token-{keys.token.kid}.jwk"
    document = json.loads(path.read_text())
    path.write_text(json.dumps({**document, "tongqu_state": "retiring"}))  # the first write of activate, not the second
    halfway = Keys(tmp_path)
    assert halfway.token.kid == upcoming
    assert halfway.activate("token") == upcoming
    assert set(Keys(tmp_path).verifiers("token")) == {keys.token.kid, upcoming}


def test_keys_that_others_may_read_are_refused(tmp_path: Path) -> None:
    Keys.create(tmp_path)
    for file in tmp_path.iterdir():
        for mode in (0o640, 0o604, 0o620):
            file.chmod(mode)
            with pytest.raises(KeysUnusable, match="chmod 600") as caught:
                Keys(tmp_path)
            assert file.name in str(caught.value)
        file.chmod(0o600)
    Keys(tmp_path)


def test_a_missing_or_damaged_key_is_named_and_never_shown(tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    Keys.create(whole)
    for file in sorted(whole.iterdir()):
        text = file.read_text()
        secret = json.loads(text)["d"] if file.suffix == ".jwk" else text.strip()
        for damage in ("", "{}", text[: len(text) // 2], "!" * 43, text[:-3] + "\u00e9" + text[-3:]):
            file.write_text(damage)
            with pytest.raises(KeysUnusable) as caught:
                Keys(whole)
            assert file.name in str(caught.value)
            assert secret[:20] not in str(caught.value)
        file.unlink()
        with pytest.raises(KeysUnusable):
            Keys(whole)
        file.write_text(text)
        file.chmod(0o600)
    Keys(whole)


def test_a_key_is_not_taken_for_another_purpose(tmp_path: Path) -> None:
    keys = Keys.create(tmp_path)
    source = tmp_path / f"receipt-{keys.receipt.kid}.jwk"
    (tmp_path / f"token-{keys.token.kid}.jwk").unlink()
    target = tmp_path / f"token-{keys.receipt.kid}.jwk"
    target.write_bytes(source.read_bytes())
    target.chmod(0o600)
    with pytest.raises(KeysUnusable, match="purpose token"):
        Keys(tmp_path)


def test_the_jwks_holds_public_keys_with_their_purpose(tmp_path: Path) -> None:
    keys = Keys.create(tmp_path)
    published = keys.jwks()["keys"]
    assert [key["tongqu_purpose"] for key in published] == list(PURPOSES)
    for key in published:
        assert jose.public_key(key).thumbprint == key["kid"]
        assert set(key) == {"kty", "crv", "x", "y", "kid", "use", "alg", "tongqu_purpose"}
