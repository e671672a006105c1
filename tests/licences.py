"""Every locked run-time dependency has a licence we accept. Run as ``python -m tests.licences``."""

from __future__ import annotations

import re
import sys
from importlib import metadata
from pathlib import Path

ACCEPTED = re.compile(
    r"MIT|BSD|Apache|ISC|PSF|Python Software Foundation|MPL-2\.0|Mozilla Public|Unlicense|0BSD|CC0", re.I
)
# Weak copyleft, linked and not changed: drivers that an installation chooses.
EXCEPTIONS = {"psycopg": "LGPL-3.0", "psycopg-binary": "LGPL-3.0", "psycopg-pool": "LGPL-3.0"}


def licence(name: str) -> str:
    about = metadata.metadata(name)
    classifiers = [line.split("::")[-1].strip() for line in about.get_all("Classifier", []) if "License" in line]
    return about.get("License-Expression") or "; ".join(classifiers) or (about.get("License") or "unknown")[:80]


def main() -> int:
    lock = Path(__file__).parent.parent / "requirements" / "run.lock"
    names = re.findall(r"^([A-Za-z0-9._-]+)==", lock.read_text(), flags=re.M)
    installed = {dist.metadata["Name"].lower().replace("_", "-") for dist in metadata.distributions()}
    bad = [
        f"{name}: {licence(name)}"
        for name in names
        if name.lower().replace("_", "-") in installed and name not in EXCEPTIONS and not ACCEPTED.search(licence(name))
    ]
    print("\n".join(bad) if bad else f"{len(names)} run-time packages, all under accepted licences")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
