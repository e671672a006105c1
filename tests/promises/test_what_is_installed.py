"""Threat T31: what is installed is exactly what was locked, byte for byte, and an unsafe package is not among it."""

from __future__ import annotations

import re

import pytest

from tests.promises.tables import ROOT

LOCKS = sorted((ROOT / "requirements").glob("*.lock"))
_DIGEST = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_each_package_is_pinned_with_the_digests_of_its_files(lock: object) -> None:
    text = lock.read_text(encoding="utf-8")  # type: ignore[attr-defined]
    blocks = re.split(r"^(?=[A-Za-z0-9])", text, flags=re.M)[1:]
    assert len(blocks) > 20
    for block in blocks:
        assert re.match(r"[A-Za-z0-9._-]+(\[[a-z,]+\])?==[0-9][^ ]*( ;.*)? \\\n", block), block.splitlines()[0]
        assert _DIGEST.search(block), block.splitlines()[0]
    assert not re.search(r"https?://|--(extra-)?index-url|--find-links|^-e ", text, flags=re.M)


def test_nobody_installs_without_the_digests() -> None:
    for name in ("Makefile", "CONTRIBUTING.md"):
        for line in (ROOT / name).read_text(encoding="utf-8").splitlines():
            if ".lock" in line and re.search(r"pip3? (install|sync)", line):
                assert "--require-hashes" in line, line


def test_libraries_that_were_ruled_out_are_not_needed_to_run() -> None:
    """pymerkle is under the GPL, jwcrypto under the LGPL; python-jose and PyJWT would be a second reader of tokens."""
    run = (ROOT / "requirements" / "run.lock").read_text(encoding="utf-8")
    for name in ("pymerkle", "jwcrypto", "python-jose", "pyjwt", "lxml", "simpleeval"):
        assert not re.search(rf"^{name}==", run, flags=re.M | re.I), name
