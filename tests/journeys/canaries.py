"""Every form in which a person's number or name might lie somewhere, and every place where it might lie."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import MetaData, create_engine, select


def forms(secret: str) -> dict[str, bytes]:
    """The bytes to look for, by the name of the form."""
    raw = secret.encode()
    found = {
        "plain": raw,
        "upper case": secret.upper().encode(),
        "lower case": secret.lower().encode(),
        "JSON escapes": json.dumps(secret)[1:-1].encode(),
        "percent-encoded": quote(secret).encode(),
        "hexadecimal": raw.hex().encode(),
        "UTF-16": secret.encode("utf-16-le"),
        "GB 18030": secret.encode("gb18030"),
        "reversed": secret[::-1].encode(),
        "bare SHA-256": hashlib.sha256(raw).digest(),
        "bare SHA-256, hexadecimal": hashlib.sha256(raw).hexdigest().encode(),
        "bare SHA-1, hexadecimal": hashlib.sha1(raw).hexdigest().encode(),
        "bare MD5, hexadecimal": hashlib.md5(raw).hexdigest().encode(),
    }
    for shift in range(3):  # base64 looks different at each of three alignments; the ends depend on the neighbours
        text = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        skipped, kept = (0, 2, 3)[shift], len(text) - (1 if (len(raw) + shift) % 3 else 0)
        if kept - skipped >= 6:
            found[f"base64 at {shift}"] = text[skipped:kept].encode()
            found[f"base64url at {shift}"] = text[skipped:kept].replace("+", "-").replace("/", "_").encode()
    return found


def files(*folders: Path) -> Iterator[tuple[str, bytes]]:
    for folder in folders:
        for file in [folder] if folder.is_file() else sorted(folder.rglob("*")):
            if file.is_file():
                yield str(file), file.read_bytes()


def rows(url: str) -> Iterator[tuple[str, bytes]]:
    """Everything in every table, as it would stand in a dump."""
    engine = create_engine(url)
    try:
        metadata = MetaData()
        metadata.reflect(engine)
        with engine.connect() as connection:
            for name, table in metadata.tables.items():
                for row in connection.execute(select(table)):
                    yield f"table {name}", b"\0".join(_bytes(value) for value in row)
    finally:
        engine.dispose()


def _bytes(value: Any) -> bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()


def found_in(places: Iterable[tuple[str, bytes]], secrets: Iterable[str], *, digests: bool = True) -> list[str]:
    """Where which form of which secret was found; none if all is well.

    ``digests``: a bare digest counts too, for whoever knows all numbers finds theirs by it. Of random bits it tells
    nothing.
    """
    wanted: dict[bytes, str] = {}  # many forms of a text in plain letters are the same
    for secret in secrets:
        for form, data in forms(secret).items():
            if digests or not form.startswith("bare "):
                wanted.setdefault(data, f"{secret} ({form})")
    return [f"{what} in {place}" for place, content in places for data, what in wanted.items() if data in content]
