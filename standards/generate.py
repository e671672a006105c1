"""Made-up records of any standard: for sandboxes, conformance tests and property tests.

>>> record("person-basic/1.0.0", seed=7)["idNumber"][:6]
'990101'

The same standard and seed give the same record, on every machine. Identifiers come from ranges that are never issued
(generate_people.py), so that no record can be about anybody. ``city`` gives a whole population, consistent across
standards; ``counter_examples`` gives records that break exactly one rule.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from random import Random
from typing import Any

import rfc8785

from standards.generate_broken import CounterExample, broken
from standards.generate_city import city
from standards.generate_pattern import CannotGenerate
from standards.generate_record import VARIANTS, Variant, written
from standards.generate_roles import Scene
from standards.registry import get
from standards.standard import Standard

__all__ = ["VARIANTS", "CannotGenerate", "CounterExample", "Variant", "city", "counter_examples", "record", "records"]

Source = Standard | Mapping[str, Any] | str


def record(standard: Source, seed: int, variant: Variant = "usual") -> dict[str, Any]:
    """One record. ``standard``: a Standard, its id, or a bare schema of the dialect (a draft).

    Variants: ``usual`` with some of the optional elements; ``required`` with none and ``everything`` with all of them;
    ``shortest`` and ``longest`` are ``required`` and ``everything`` with each text, number and list at its limit.
    Raises CannotGenerate if the schema's own limits contradict each other, UnknownStandard.
    """
    schema, key = _schema(standard)
    return written(schema, variant, Scene.alone(_random(key, seed, variant)))


def records(standard: Source, seed: int, count: int) -> Iterator[dict[str, Any]]:
    """``count`` usual records, of one family each, drawn one after another from the seed."""
    schema, key = _schema(standard)
    random = _random(key, seed, "records")
    for _ in range(count):
        yield written(schema, "usual", Scene.alone(random))


def counter_examples(standard: Source, seed: int) -> list[CounterExample]:
    """Records that each break exactly one rule, named by JSON Pointer and rule, for each rule that can be broken alone.

    A rule that another one implies (a length where the pattern says it too) has no such record and is left out.
    """
    schema, key = _schema(standard)
    return list(broken(dict(schema), record(schema, seed, "everything"), _random(key, seed, "broken")))


def _schema(standard: Source) -> tuple[Mapping[str, Any], str]:
    if isinstance(standard, str):
        standard = get(standard)
    if isinstance(standard, Standard):
        return standard.schema, standard.digest
    return standard, hashlib.sha256(rfc8785.dumps(dict(standard))).hexdigest()


def _random(key: str, seed: int, what: str) -> Random:
    return Random(f"{key}|{seed}|{what}")  # noqa: S311  # repeatable on purpose; nothing here is a secret
