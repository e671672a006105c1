"""A morning at the counters, so that the audit office has something to look at; and one thing that looks odd.

The reviewer of the Linden street office looks up thirty-two residents in a row under one case number. It may have a
reason: finding out is what the audit office's desk is for.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from tongqu_client import errors

from gateway.demo import city, papers

if TYPE_CHECKING:
    from gateway.demo.build import City, Say

SCHEME = "cn.resident-id"
ORDINARY = 8  # look-ups of each clerk, each in a case of its own
IN_ONE_CASE = 32
ONE_CASE = "SQ-2026-0031"


def send(made: City, say: Say) -> None:
    """All of it by the ordinary way: the office's system, in its officers' names."""
    for number in (0, 1):
        for person in range(ORDINARY):
            _ask(made, number, person * 2 + number, f"SQ-2026-{100 + person * 2 + number:04d}")
    with contextlib.suppress(errors.GatewayError):  # refused: the agreement does not grant it
        _ask(made, 0, 3, "SQ-2026-0140", fields=("name", "ethnicGroup"))
    for person in range(IN_ONE_CASE):
        _ask(made, 1, 20 + person, ONE_CASE)
    say(
        "椴树街道的两名经办人办理了一上午的业务；其中一人在同一案件内查询了 32 名居民，等审计局来看。",
        "Two officers of the Linden street office worked through a morning; one of them looked up 32 residents in one "
        "case, which awaits the audit office.",
    )


def _ask(made: City, officer: int, person: int, case: str, **more: Any) -> None:
    paper: dict[str, Any] = papers.IDENTITY_CHECK
    agreement = made.agreement(paper)
    with made.client(city.LINDEN) as gateway:
        gateway.as_officer(made.officer(city.LINDEN, "clerk", officer)).query(
            paper["standard"],
            {SCHEME: made.people[person % len(made.people)].id},
            agreement=agreement["id"],
            purpose=paper["purpose"][0],
            case=case,
            **more,
        )
