"""Say what this machine lacks for the whole suite, and install it if we may. With CI=true nothing may be lacking."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

# What a test needs beyond the locked Python packages: command, Debian package, which tests need it.
NEEDED = [
    ("node", "nodejs", "tests/interop: OAuth client written in JavaScript"),
    ("npm", "npm", "tests/interop, tests/pages/test_in_a_browser.py"),
    ("chromium", "chromium", "tests/pages/test_in_a_browser.py: the standards site as a browser finds it"),
    ("nginx", "nginx", "tests/journeys/test_certificates.py: certificates as a real proxy passes them on"),
    ("redis-server", "redis-server", "tests/gateway/identity/test_replay.py: used proofs in Valkey or Redis"),
]


# Where servers lie; a user's own path may leave it out.
PATH = os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin", "/usr/local/sbin"])


def _missing() -> list[tuple[str, str, str]]:
    return [row for row in NEEDED if shutil.which(row[0], path=PATH) is None]


def main() -> int:
    missing = _missing()
    if missing and os.geteuid() == 0 and shutil.which("apt-get"):
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        subprocess.run(["apt-get", "install", "-y", "-qq", *[package for _, package, _ in missing]], check=False)
        missing = _missing()
    for command, package, tests in missing:
        print(f"LEFT OUT: {tests} (no {command}; install the package {package})", file=sys.stderr)
    return 1 if missing and os.environ.get("CI") == "true" else 0


if __name__ == "__main__":
    sys.exit(main())
