"""One entry: what happened, decided by which rules, and the proof that it is in the log."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, Response, abort

from gateway.audit import merkle, tiles
from gateway.audit.entry import OUTCOMES, read
from gateway.audit.filter import Filter
from gateway.audit.merkle import leaf_hash
from gateway.audit.store import Rows
from gateway.evidence.bundle import Bundler, subject_of, to_bytes
from gateway.pages.compliance.desk import DESK, HOME, SEARCH, Desk
from gateway.pages.compliance.trace import Look, plain_members
from gateway.pages.public.words import Text

EVIDENCE = "application/vnd.tongqu.evidence+json"
MAX_INDEX = 2**53 - 1


class Entries:
    """``bundler`` makes evidence bundles."""

    def __init__(self, desk: Desk, bundler: Callable[[], Bundler]) -> None:
        self.desk, self.bundler = desk, bundler

    def routes(self, blp: Blueprint) -> None:
        sessions = self.desk.frame.sessions
        signed_in = sessions.signed_in(*DESK)
        one = f"/desk/entries/<int(max={MAX_INDEX}):index>"
        blp.add_url_rule(one, view_func=signed_in(self.entry), endpoint="entry")
        blp.add_url_rule(
            f"{one}/evidence", view_func=signed_in(sessions.stepped_up(self.evidence)), endpoint="evidence"
        )

    def entry(self, index: int) -> Response:
        desk = self.desk
        data = tiles.entry_at(desk.log, index)
        if data is None:
            abort(404)
        members = read(data)
        desk.looked({"entry": index}, 1)
        look = self.look(members["of"] if members["type"] in OUTCOMES else index)
        checkpoint, _ = desk.log.publish(covering=index + 1)
        with desk.log.database.read() as conn:
            hashes = merkle.inclusion_proof(index, checkpoint.size, Rows(conn).nodes)
            root = desk.log.root(conn, checkpoint.size)
        holds = merkle.root_from_proof(index, checkpoint.size, leaf_hash(data), hashes) == root
        return desk.page(
            "entry.html",
            Text(f"条目 {index}", f"Entry {index}"),
            crumbs=(HOME, SEARCH),
            index=index,
            entry=members,
            look=look,
            members=plain_members(members),
            text=data.decode(),
            leaf=leaf_hash(data).hex(),
            hashes=[each.hex() for each in hashes],
            checkpoint=checkpoint,
            root=root.hex(),
            holds=holds,
            cases=sorted({each for found in desk.cases.of_entries(desk.person, [index, look.index] if look else [index]).values() for each in found}),
            has_evidence=look is not None and look.is_query,
        )

    def look(self, index: int) -> Look | None:
        """The query, with its outcome."""
        found = self.desk.search.find(Filter(), before=index + 1, limit=1, each="query").found
        return Look.of(found[0]) if found and found[0].index == index else None

    def evidence(self, index: int) -> Response:
        """The bundle that ``tongqu verify`` checks offline; durable in the log before it leaves."""
        subject = subject_of(self.desk.log, index)
        if subject is None:
            abort(404)
        made = self.bundler().bundle(subject)
        self.desk.looked({"evidence": index}, len(made["entries"]))
        headers = {"Content-Disposition": f'attachment; filename="evidence-{index}.tqe"'}
        return Response(to_bytes(made), content_type=EVIDENCE, headers=headers)
