"""Say where an unforeseen error came from without saying what it held."""

from __future__ import annotations

import traceback

FRAMES = 6


def where(error: BaseException) -> list[str]:
    """The innermost places of a traceback, ``file:line function``. Never the message: it might hold personal data."""
    frames = traceback.extract_tb(error.__traceback__)[-FRAMES:]
    return [f"{'/'.join(frame.filename.split('/')[-2:])}:{frame.lineno} {frame.name}" for frame in frames]
