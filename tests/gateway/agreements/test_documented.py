"""The documentation says what the code knows: states, reasons, masks, kinds of proof."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gateway.agreements import model as agreement
from gateway.agreements.document import SCHEMA
from gateway.consent import model as consent
from gateway.identity import signing

DOCS = Path(__file__).parents[3] / "docs"
MASKS = SCHEMA["properties"]["items"]["items"]["properties"]["masks"]["additionalProperties"]["enum"]


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_code_is_explained(language: str) -> None:
    page = (DOCS / language / "agreements-and-consent.md").read_text(encoding="utf-8")
    reasons = [code for codes in agreement.REASONS.values() for code in codes]
    known = {*agreement.STATES, *consent.STATES, *reasons, *consent.INVALIDATION_REASONS, *consent.PROOF_KINDS, *MASKS}
    assert not [code for code in known if not re.search(rf"\b{re.escape(code)}\b", page)]
    assert agreement.SIGNATURE_TYPE in page
    assert consent.PROOF_TYPE in page


@pytest.mark.parametrize("language", ["zh", "en"])
def test_every_reason_for_refusing_a_signature_is_explained(language: str) -> None:
    page = (DOCS / language / "agreements-and-consent.md").read_text(encoding="utf-8")
    reasons = set(re.findall(r'_refused\(\s*"(\w+)"', Path(signing.__file__).read_text(encoding="utf-8")))
    assert len(reasons) == 8
    assert not [reason for reason in reasons if f"`{reason}`" not in page]
