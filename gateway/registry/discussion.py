"""What parties say of a draft in consultation, and what the data bureau answers; each with its entry in the log.

The log holds digests only: a comment is a sentence, and sentences do not belong into a log that lasts for ever.
"""

from __future__ import annotations

from dataclasses import replace

from gateway.audit.log import Log, Transaction
from gateway.db import Database
from gateway.errors import AlreadyExists, Forbidden, NotFound
from gateway.lib.canonical_json import digest
from gateway.lib.clock import Clock
from gateway.lib.ids import new_id
from gateway.registry import store
from gateway.registry.actions import insist_bureau
from gateway.registry.model import BUREAU, OUTCOMES, Acting, Comment, Version, invalid, wrong_state
from gateway.registry.plain import insist_plain, insist_pointer
from gateway.registry.shelf import Shelf


class Discussion:
    """Comments on the standards of one gateway."""

    def __init__(self, database: Database, log: Log, clock: Clock, shelf: Shelf) -> None:
        self._database = database
        self._log = log
        self._clock = clock
        self._shelf = shelf

    def comments(self, who: Acting, standard_id: str) -> tuple[Comment, ...]:
        """Everything said of a version that the caller may see, oldest first: nobody is heard in secret."""
        self._shelf.get(who, standard_id)
        with self._database.read() as conn:
            return store.comments(conn, standard_id)

    def comment(self, who: Acting, standard_id: str, text: str, pointer: str | None = None) -> Comment:
        """Say something of a draft in consultation. Raises WrongState outside of it, Forbidden for the bureau."""
        if who.party_kind == BUREAU:
            raise Forbidden(
                "意见由其他单位提出，主管部门予以答复。", "Other parties comment; the data bureau answers them."
            )
        with self._log.transaction() as tx:
            version, now = self._shelf.found(tx.conn, who, standard_id), self._clock.now()
            ends = version.consultation_until
            if version.state != "consultation" or ends is None or ends <= now:
                raise wrong_state("comment", version.state)
            insist_plain("/text", text)
            insist_pointer("/pointer", pointer or "")
            comment = Comment(new_id("cmt"), standard_id, who.party, pointer, text, now)
            store.add_comment(tx.conn, comment)
            _record(tx, "commented", who, version, comment)
        return comment

    def answer(self, who: Acting, standard_id: str, comment_id: str, outcome: str, text: str) -> Comment:
        """Answer a comment, once and for good. Raises NotFound, AlreadyExists, Forbidden."""
        with self._log.transaction() as tx:
            version = self._shelf.found(tx.conn, who, standard_id)
            insist_bureau(who)
            insist_plain("/answer", text)
            if outcome not in OUTCOMES:
                zh = "、".join(f"{code}（{words}）" for code, words in OUTCOMES.items())
                raise invalid("/outcome", f"应为 {zh}", f"expected one of: {', '.join(OUTCOMES)}")
            found = next((each for each in store.comments(tx.conn, standard_id) if each.id == comment_id), None)
            if found is None:
                raise NotFound("没有这条意见。", "There is no such comment.")
            if found.outcome is not None:
                raise AlreadyExists("该意见已经答复。", "This comment has its answer already.")
            answered = replace(found, outcome=outcome, answer=text, answered_at=self._clock.now())
            store.save_answer(tx.conn, answered)
            _record(tx, "answered", who, version, answered)
        return answered


def _record(tx: Transaction, event: str, who: Acting, version: Version, comment: Comment) -> None:
    said = {"text": comment.text, "pointer": comment.pointer, "answer": comment.answer}
    tx.append(
        {
            "type": f"standard.{event}",
            "actor": dict(who.actor),
            "standard": version.id,
            "digest": version.digest,
            "comment": {"id": comment.id, "digest": digest(said)},
            "outcome": comment.outcome,
        }
    )
