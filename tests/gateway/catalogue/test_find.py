"""A street office finds who holds a fact."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from gateway.catalogue.actions import Catalogue
from tests.gateway.catalogue.conftest import BUREAU, LINDEN


@pytest.mark.parametrize("text", ["常住", "permanent", "PERMANENT", "birthDate", "出生日期", "person-basic", ""])
def test_a_service_in_use_is_found_in_both_languages(
    catalogue: Catalogue, conformant: Callable[..., str], text: str
) -> None:
    service = conformant()
    catalogue.approve(BUREAU, service)
    assert [each.id for each in catalogue.search(LINDEN, text)] == [service]


def test_what_no_service_has_is_not_found(catalogue: Catalogue, conformant: Callable[..., str]) -> None:
    catalogue.approve(BUREAU, conformant())
    assert catalogue.search(LINDEN, "血型") == []


@pytest.mark.parametrize("element", ["birthDate", "person-basic.birthDate", "出生日期"])
def test_the_holder_of_an_element_is_named_with_its_authority(
    catalogue: Catalogue, conformant: Callable[..., str], element: str
) -> None:
    service = conformant()
    assert catalogue.holders(LINDEN, element) == []
    catalogue.approve(BUREAU, service)
    [(found, what)] = catalogue.holders(LINDEN, element)
    assert (found.id, what.path, what.authority_zh) == (service, "birthDate", "公安（户政）")
