"""Puts every hostile document before the code, in a process of its own that counts what it opens.

Arguments: an address and a file that nobody may touch. Writes one JSON object to standard output: for each case how it
ended, how many milliseconds of processor time it took, and what it opened.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import standards
from gateway.lib.canonical_json import MalformedJson, strict_loads
from standards import codelists, documents
from standards.compare import compare
from standards.validate import Validator
from tests.standards import hostile

WATCHED = (
    "open",
    "socket.",
    "subprocess.",
    "os.system",
    "os.exec",
    "os.posix_spawn",
    "urllib.",
    "ftplib.",
    "http.client",
)
opened: list[str] = []
watching = False


def watch(event: str, arguments: tuple[Any, ...]) -> None:
    if watching and event.startswith(WATCHED):
        opened.append(f"{event} {arguments[0]!r}"[:200])


def outcome(what: Callable[[], object]) -> str:
    try:
        return str(what())
    except ValueError as refused:
        return f"refused by {type(refused).__name__}"


def timed(what: Callable[[], object]) -> dict[str, Any]:
    global watching
    opened.clear()
    watching, began = True, time.process_time()
    try:
        ended = outcome(what)
    finally:
        watching, took = False, time.process_time() - began
    return {"ended": ended, "ms": round(took * 1000, 1), "opened": list(opened)}


def checked(document: object) -> str:
    kind, problems = documents.check(document)
    assert all(one.zh and one.en for one in problems)
    return f"{kind}: {len(problems)} problems"


def compiled(schema: Any) -> str:
    """Compile without asking first, and use it: for the compiler must not trust its callers."""
    validator = Validator.of(schema)
    for record in ({}, hostile.GOOD, {**hostile.GOOD, "name": "a" * 60 + "!"}):
        validator.errors(record)
    return "compiled and used"


def compared(schema: Any) -> str:
    """Both ways against what is published, although it is no standard; whoever compares has asked the check before."""
    try:
        return f"{compare(hostile.PERSON, schema).verdict}, {compare(schema, hostile.PERSON).verdict}"
    except (KeyError, TypeError, AttributeError) as refused:
        return f"refused by {type(refused).__name__}"


def validated(record: Any) -> str:
    validator = standards.get("person-basic/1.0.0").validator()
    return f"{validator.ok(record)}: {sorted({violation.rule for violation in validator.errors(record)})}"


def read(text: bytes) -> str:
    try:
        return checked(strict_loads(text))
    except MalformedJson:
        return "refused by MalformedJson"


def main(url: str, file: str) -> None:
    for name in codelists.names():
        codelists.get(name)
    for pattern in ("examples/forms/*.json", "examples/crosswalks/*.json", "indicators/*/*.json"):
        for path in Path(standards.__file__).parent.glob(pattern):
            assert documents.check(json.loads(path.read_text(encoding="utf-8")))[1] == []
    assert standards.check(hostile.PERSON) == [] and standards.get("person-basic/1.0.0").validator().ok(hostile.GOOD)

    sys.addaudithook(watch)
    told: dict[str, Any] = {}
    for name, schema in hostile.SCHEMAS.items():
        document = schema(url, file)
        told[f"check: {name}"] = timed(lambda document=document: checked(document))
        told[f"compile: {name}"] = timed(lambda document=document: compiled(document))
        told[f"compare: {name}"] = timed(lambda document=document: compared(document))
    for name, build in hostile.RECORDS.items():
        record = build()
        told[f"record: {name}"] = timed(lambda record=record: validated(record))
    for name, build in hostile.DOCUMENTS.items():
        document = build()
        told[f"document: {name}"] = timed(lambda document=document: checked(document))
    for name, text in hostile.TEXTS.items():
        body = text()
        told[f"text: {name}"] = timed(lambda body=body: read(body))
    json.dump(told, sys.stdout)


if __name__ == "__main__":
    main(*sys.argv[1:])
