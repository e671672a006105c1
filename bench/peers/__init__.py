"""What stands beside Tongqu in the table: others that pass a request on to the same stub, as their makers mean it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Protocol


class NotInstallable(Exception):
    """This peer cannot be had on this machine; the message is the word why."""


class Peer(Protocol):
    """One of the others. An object with these names; start and stop take turns."""

    @property
    def name(self) -> str:
        """As the table prints it."""
        ...

    @property
    def does(self) -> str:
        """What it checks and does not check, one sentence in Chinese and one in English."""
        ...

    def start(self, workdir: Path, stub_url: str, port: int) -> int:
        """Start it on 127.0.0.1:``port`` in front of ``stub_url`` and return the id of its topmost process.

        ``stub_url``: scheme, host and port; the path of each request is passed on as it is. All its processes answer
        when this returns. It writes into ``workdir``, a folder of its own. Raises NotInstallable.
        """
        ...

    def headers(self) -> Mapping[str, str]:
        """What each request must carry, such as a token that is good for the next hour."""
        ...

    def request(self) -> tuple[str, str, Mapping[str, str], bytes]:
        """Method, path, headers (with the token) and body of a request that is answered with one record of 1 KB."""
        ...

    def pids(self) -> list[int]:
        """All its processes, whose CPU time and memory count as the peer's; empty if it does not run."""
        ...

    def stop(self) -> None:
        """End it and everything that it started; nothing if it does not run."""
        ...
