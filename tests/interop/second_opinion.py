"""The ``jsonschema`` package as a second implementation: it fetches nothing, and asserts the formats written here.

The formats are written once more, from GB 11643, GB 32100 and RFC 3339, so that they agree with ours only if both are
right. ``pattern`` is read as ECMA-262 reads it: there ``$`` is the end of the text, in Python also before a last line
break.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from typing import Any

import jsonschema
import referencing

FORMATS = jsonschema.FormatChecker(formats=[])
_DATE = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")
_TIME = re.compile(r"(.{10})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.[0-9]+)?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))")
_CREDIT = "0123456789ABCDEFGHJKLMNPQRTUWXY"


def validator(schema: Mapping[str, Any]) -> Any:
    """A validator for one schema, with an empty registry: a reference to elsewhere is an error, never a request."""
    return _Validator(schema, registry=referencing.Registry(), format_checker=FORMATS)


def _pattern(_: Any, pattern: str, instance: object, __: Any) -> Iterator[jsonschema.ValidationError]:
    read = pattern[:-1] + r"\Z" if pattern.endswith("$") and not pattern.endswith(r"\$") else pattern
    if isinstance(instance, str) and not re.search(read, instance):
        yield jsonschema.ValidationError("does not fit the pattern")


_Validator: Any = jsonschema.validators.extend(jsonschema.Draft202012Validator, {"pattern": _pattern})


@FORMATS.checks("date")
def is_date(value: object) -> bool:
    if not isinstance(value, str):
        return True
    found = _DATE.fullmatch(value)
    return found is not None and _exists(*map(int, found.groups()))


@FORMATS.checks("date-time")
def is_date_time(value: object) -> bool:
    if not isinstance(value, str):
        return True
    found = _TIME.fullmatch(value)
    if found is None or not is_date(found[1]):
        return False
    hour, minute, second, offset_hour, offset_minute = (int(found[group] or 0) for group in (2, 3, 4, 6, 7))
    if hour > 23 or minute > 59 or offset_hour > 23 or offset_minute > 59:
        return False
    offset = timedelta(hours=offset_hour, minutes=offset_minute) * (-1 if found[5] == "-" else 1)
    utc = datetime(2000, 1, 2, hour, minute) - offset
    return second < 60 or (second == 60 and (utc.hour, utc.minute) == (23, 59))  # a leap second (RFC 3339, 5.7)


@FORMATS.checks("cn-resident-id")
def is_resident_number(value: object) -> bool:
    if not isinstance(value, str):
        return True
    if not re.fullmatch("[1-9][0-9]{16}[0-9X]", value):
        return False
    if not _exists(int(value[6:10]), int(value[10:12]), int(value[12:14])):
        return False
    total = sum(("0123456789X".index(digit)) * pow(2, 17 - place, 11) for place, digit in enumerate(value))
    return total % 11 == 1  # ISO 7064 MOD 11-2: the sum over all 18 characters leaves 1


@FORMATS.checks("cn-uscc")
def is_credit_code(value: object) -> bool:
    if not isinstance(value, str):
        return True
    if not re.fullmatch(f"[{_CREDIT}]{{2}}[0-9]{{6}}[{_CREDIT}]{{10}}", value):
        return False
    total = sum(_CREDIT.index(character) * pow(3, place, 31) for place, character in enumerate(value[:17]))
    return (total + _CREDIT.index(value[17])) % 31 == 0


def _exists(year: int, month: int, day: int) -> bool:
    try:
        date(year, month, day)
    except ValueError:
        return False
    return True
