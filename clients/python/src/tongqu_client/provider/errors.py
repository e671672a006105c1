"""What can go wrong on a department's side, said to the person at the keyboard in both languages."""

from __future__ import annotations


class KitError(Exception):
    """Something the user can mend: both sentences say what was expected, what came and what to do next.

    ``exit_code`` as in the table of the command line: 2 for input and configuration.
    """

    exit_code = 2

    def __init__(self, zh: str, en: str) -> None:
        self.zh, self.en = zh, en
        super().__init__(f"{zh}\n{en}")


class Unreadable(KitError):
    """The source cannot be read as what it was declared to be."""


class ConfigInvalid(KitError):
    """provider.toml or crosswalk.json is missing something or holds what nobody asked for."""


class SourceUnavailable(KitError):
    """The source cannot be read just now: locked, gone, timed out. Trying again later may help."""

    exit_code = 7
