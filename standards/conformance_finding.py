"""What a check finds, and the two ways in which most of them look."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from standards.conformance_probe import Probe, Response

Finding = tuple[Literal["pass", "fail", "skipped"], str, str]
PASS: Finding = ("pass", "", "")
NO_SUBJECT: Finding = (
    "skipped",
    "没有给出一个查得到的对象（subject_found），无法检查",
    "no subject that can be found was given (subject_found), so this cannot be checked",
)


def fail(zh: str, en: str) -> Finding:
    """What was expected and what came; never a value of a record."""
    return ("fail", zh, en)


def expect_status(response: Response, status: int) -> Finding:
    """Pass if the endpoint answered with this status."""
    if response.status == status:
        return PASS
    return fail(f"应为 {status}，实为 {response.status}", f"expected {status}, got {response.status}")


def each_refused(probe: Probe, cases: Iterable[tuple[bytes, str]], status: int, label: str) -> Finding:
    """Pass if each of these bodies, under its envelope, is answered with this status."""
    for number, (body, envelope) in enumerate(cases, 1):
        outcome, zh, en = expect_status(probe.post(body, envelope, label=label), status)
        if outcome == "fail":
            return fail(f"第 {number} 种情形{zh}", f"case {number}: {en}")
    return PASS
