"""One entry: what happened, decided by which rules, and the proof that it is in the log."""

from __future__ import annotations

from flask import Blueprint, Response, abort

from gateway.audit import merkle, tiles
from gateway.audit.checkpoint import Checkpoint
from gateway.audit.entry import MAX_INDEX, read
from gateway.audit.merkle import leaf_hash
from gateway.audit.shard import holding
from gateway.audit.store import Rows
from gateway.pages.compliance.desk import DESK, HOME, SEARCH, Desk
from gateway.pages.compliance.trace import Look, plain_members
from gateway.pages.public.words import Text


class Entries:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def routes(self, blp: Blueprint) -> None:
        signed_in = self.desk.frame.sessions.signed_in(*DESK)
        blp.add_url_rule(
            f"/desk/entries/<int(max={MAX_INDEX}):index>", view_func=signed_in(self.entry), endpoint="entry"
        )

    def entry(self, index: int) -> Response:
        desk = self.desk
        data = tiles.entry_at(desk.log, index)
        if data is None:
            abort(404)
        members = read(data)
        desk.looked({"entry": index}, 1)
        look = desk.looks([index]).get(index)
        checkpoint, _ = desk.log.publish(covering=index + 1)
        with desk.log.database.read() as conn:
            first = holding(Rows(conn).shards(), index).first
            hashes = merkle.inclusion_proof(index - first, checkpoint.size, Rows(conn, first).nodes)
        holds = _holds(index - first, checkpoint, leaf_hash(data), hashes)
        return desk.page(
            "entry.html",
            Text(f"条目 {index}", f"Entry {index}"),
            crumbs=(HOME, SEARCH),
            index=index,
            index_in_log=index - first,
            entry=members,
            look=look,
            members=plain_members(members),
            text=data.decode(),
            leaf=leaf_hash(data).hex(),
            hashes=[each.hex() for each in hashes],
            checkpoint=checkpoint,
            root=checkpoint.root.hex(),
            holds=holds,
            cases=self._cases(index, look),
            has_evidence=look is not None and look.is_query,
        )

    def _cases(self, index: int, look: Look | None) -> list[str]:
        numbers = [index, look.index] if look else [index]
        found = self.desk.cases.of_entries(self.desk.person, numbers)
        return sorted({case for cases in found.values() for case in cases})


def _holds(index: int, checkpoint: Checkpoint, leaf: bytes, hashes: list[bytes]) -> bool:
    try:
        merkle.verify_inclusion(index, checkpoint.size, leaf, hashes, checkpoint.root)
    except merkle.ProofInvalid:
        return False
    return True
