"""Say which peers this machine lacks, install Debian's nginx and its njs module if we may, and the packages of those on
Node.js: before the time of a run begins.

python -m bench.peers.machine
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys

from . import NotInstallable, everyone, nginx, node_js

_PACKAGES = ("nginx", "libnginx-mod-http-js")


def lacking() -> list[str]:
    """What is missing, one sentence each; nothing is installed by asking, and npm is not run."""
    said = []
    for look in (nginx._program, nginx._module, node_js._node_version):
        try:
            look()
        except NotInstallable as error:
            said.append(str(error))
    return said


def main() -> int:
    if any("Debian package" in word for word in lacking()) and os.geteuid() == 0 and shutil.which("apt-get"):
        quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=False)
        # Debian starts nginx as a service when it is installed; the benchmark wants the program only.
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *_PACKAGES], check=False, env=quiet
        )
    for word in lacking():
        sys.stderr.write(f"LEFT OUT: {word}\n")
    for peer in everyone.peers():
        if isinstance(peer, node_js.NodePeer):
            with contextlib.suppress(NotInstallable):  # the run says why
                node_js.installed(peer.package)
    return 0


if __name__ == "__main__":
    sys.exit(main())
