"""From what a party sends to an agreement that may be kept, checked against what its document names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection

from gateway.agreements import completion
from gateway.agreements.document import SCHEMA_NAME, Published, World, problems
from gateway.agreements.model import IN_FORCE, Agreement
from gateway.agreements.shape import Problem
from gateway.errors import Forbidden, InvalidRequest
from gateway.identity.signing import Directory
from gateway.lib.canonical_json import canonical, digest_bytes
from gateway.lib.clock import Clock
from gateway.registry import store
from standards import Standard, codelists, predicates

CONSENT_BASIS = "13.1.1"  # PIPL 13(1)(1), the one lawful basis that is the individual's consent


class Reader:
    """Reads documents against the standards, parties and legal bases that there are at this moment."""

    def __init__(self, clock: Clock, directory: Directory, standards: Mapping[str, Standard]) -> None:
        self._clock = clock
        self._directory = directory
        self._standards = standards

    def read(
        self,
        conn: Connection,
        drafter: str,
        content: Any,
        agreement_id: str,
        line: Sequence[Agreement],
        version: int | None = None,
    ) -> Agreement:
        """A draft by ``drafter`` under this id, after the versions in ``line``. Raises InvalidRequest, Forbidden."""
        replaces = next((each for each in reversed(line) if each.state in IN_FORCE), None)
        number = version or (line[-1].version + 1 if line else 1)
        fixed = {
            "schema": SCHEMA_NAME,
            "id": agreement_id,
            "version": number,
            "supersedes": replaces.digest if replaces else None,
        }
        whole, found = completion.completed(content, fixed, self._published)
        found = found or problems(whole, self._world(conn, whole))
        if not found and line:
            found = completion.same_parties(whole, line[-1].document)
        if found:
            raise not_sound(found)
        text = canonical(whole)
        agreement = Agreement(agreement_id, number, digest_bytes(text), text, "draft", drafter)
        if drafter not in agreement.party_ids:
            raise Forbidden(
                "只能起草本单位作为一方的协议。",
                "Your party must be one of the two parties of what it drafts.",
                rule="T26",
            )
        return agreement

    def insist(self, conn: Connection, document: Mapping[str, Any]) -> None:
        """Raise InvalidRequest if what the document names is no longer there: a party suspended, its time passed."""
        if found := problems(dict(document), self._world(conn, document)):
            raise not_sound(found)

    def _world(self, conn: Connection, content: Any) -> World:
        named = completion.named_in(content)
        found = (self._directory.get_party(conn, party) for party in named.parties)
        standards = {name: self._published(name) for name in named.standards}
        now = self._clock.now()
        standings = {name: store.standing(conn, name) for name in named.standards}
        return World(
            now=now,
            standards={name: published for name, published in standards.items() if published is not None},
            parties=frozenset(party.id for party in found if party is not None and party.state == "active"),
            withdrawn={name: each.successor for name, each in standings.items() if each.ended(now)},
            lawful_bases={code: code == CONSENT_BASIS for code in codelists.get("lawful-basis").codes},
        )

    def _published(self, name: str) -> Published | None:
        standard = self._standards.get(name)
        if standard is None:
            return None
        fields = frozenset(element.path for element in standard.elements)
        questions = {each.name: each.digest for each in predicates.of(name).values()}
        return Published(standard.digest, fields, standard.jurisdiction_field is not None, questions)


def not_sound(found: Sequence[Problem]) -> InvalidRequest:
    """The refusal of a document or body, with every fault in member ``errors``."""
    first = found[0]
    return InvalidRequest(
        f"共 {len(found)} 处不符合要求，首先是 {first.pointer or '/'}：{first.zh}。",
        f"{len(found)} faults, the first at {first.pointer or '/'}: {first.en}.",
        fix_zh="请按 errors 所列位置更正后重新提交。",
        fix_en="Mend the places listed in errors and send it again.",
        errors=[problem.as_member() for problem in found],
    )
