"""The formats of the dialect as automata, exactly as the validator of records understands them.

``date`` and ``date-time``: RFC 3339 (a leap second only at 23:59:60 UTC, which is left to the validator);
``cn-resident-id``: GB 11643-1999; ``cn-uscc``: GB 32100-2015.
"""

from __future__ import annotations

from functools import cache

from standards.proof.automata import Automaton, CheckSum, pattern

_LEAP_PAIR = "(?:[02468][048]|[13579][26])"  # two digits that four divides
_LEAP_YEAR = f"(?:[0-9]{{2}}(?:0[48]|[2468][048]|[13579][26])|{_LEAP_PAIR}00)"
_YEAR_ONE_ON = "(?:[0-9]{3}[1-9]|[0-9]{2}[1-9]0|[0-9][1-9]00|[1-9]000)"
_TIME = "(?:[01][0-9]|2[0-3]):[0-5][0-9]"
# An example of each, of nobody: 99 is no region, and no date is a birthday of somebody alive
SAMPLES = {
    "date": "2000-01-01",
    "date-time": "2000-01-01T08:00:00+08:00",
    "cn-resident-id": "990000180001010017",
    "cn-uscc": "91990000MA00000008",
}


def _date(separator: str) -> str:
    days = "(?:0[1-9]|1[0-9]|2[0-8])"
    return (
        f"(?:[0-9]{{4}}{separator}(?:(?:0[1-9]|1[0-2]){separator}{days}"
        f"|(?:0[13-9]|1[0-2]){separator}(?:29|30)|(?:0[13578]|1[02]){separator}31)"
        f"|{_LEAP_YEAR}{separator}02{separator}29)"
    )


@cache
def automata(name: str, *, generous: bool) -> tuple[Automaton, ...] | None:
    """Automata that together accept the strings of a format; None for a format that is not known here.

    Where the format is not a regular language of reasonable size, ``generous`` gives one that holds all of it, else one
    that it holds. Only ``date-time`` differs.
    """
    if name == "date":
        return (pattern(f"^{_date('-')}$"),)
    if name == "date-time":
        seconds = "(?:[0-5][0-9]|60)" if generous else "[0-5][0-9]"
        return (pattern(f"^{_date('-')}[Tt]{_TIME}:{seconds}(?:\\.[0-9]+)?(?:[Zz]|[+-]{_TIME})$"),)
    if name == "cn-resident-id":
        digits = {str(digit): digit for digit in range(10)} | {"X": 10}
        weights = tuple(pow(2, 17 - position, 11) for position in range(18))
        shape = (f"^[1-9][0-9]{{5}}{_date('')}[0-9]{{3}}[0-9X]$", f"^.{{6}}{_YEAR_ONE_ON}.{{8}}$")
        return (*map(pattern, shape), CheckSum(digits, weights, 11, 1))
    if name == "cn-uscc":
        alphabet = {character: value for value, character in enumerate("0123456789ABCDEFGHJKLMNPQRTUWXY")}
        weights = (*(pow(3, position, 31) for position in range(17)), 1)
        return pattern("^.{2}[0-9]{6}.{10}$"), CheckSum(alphabet, weights, 31, 0)
    return None
