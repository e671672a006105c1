"""Who may sign in to the pages of the demo city. The passwords are made up anew with every city."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from gateway.accounts.actions import Accounts
from gateway.demo import city, people
from gateway.identity.model import OPERATOR
from gateway.pages.frame.navigation import home_of

STAFF = (
    ("police", "department", city.POLICE, "signatory"),
    ("linden", "street_office", city.LINDEN, "clerk"),
    ("audit", "compliance", city.AUDIT, "compliance"),
    ("audit-2", "compliance", city.AUDIT, None),
    ("bureau", "bureau", city.BUREAU, "administrator"),
)
RESIDENT = "resident-1"  # the first of the people of the city, whom the story asks about


def settle(accounts: Accounts, about: Mapping[str, Any], url: str) -> list[dict[str, str]]:
    """Make the accounts; returns the member ``logins`` of demo.json."""
    made = []
    for username, role, party, post in STAFF:
        officer = next(
            (each["officer_id"] for each in about["officers"] if (each["party"], each["role"]) == (party, post)), None
        )
        _, password = accounts.add(OPERATOR, username, role=role, party=party, officer=officer)
        made.append(_login(role, username, password, url))
    _, password = accounts.add(
        OPERATOR, RESIDENT, role="resident", resident=("cn.resident-id", people.residents()[0].id)
    )
    return [*made, _login("resident", RESIDENT, password, url)]


def _login(role: str, username: str, password: str, url: str) -> dict[str, str]:
    return {"role": role, "username": username, "password": password, "url": f"{url}/sign-in?next={home_of(role)}"}


def tell(logins: Sequence[Mapping[str, str]]) -> None:
    """Print them, one a line."""
    click.echo("\n  登录 · Sign in")
    for each in logins:
        click.echo(f"    {each['role']:14} {each['username']:12} {each['password']}   {each['url']}")
