"""Made-up identifiers: division prefix 99, which no place has, with right check digits."""

from __future__ import annotations

from standards.identifiers import resident_check_digit, uscc_check_character


def resident(birth: str = "19580101", serial: int = 19, division: str = "990101") -> str:
    first17 = f"{division}{birth}{serial:03d}"
    return first17 + resident_check_digit(first17)


def organisation(serial: int = 1) -> str:
    first17 = f"11990100MB{serial:07d}"
    return first17 + uscc_check_character(first17)
