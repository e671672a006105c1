"""What somebody with full access to the database could do to the log. Each takes a connection and changes something."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, text

from gateway.audit.merkle import CompactRange, leaf_hash
from gateway.audit.store import Head, Rows


def change_a_byte(conn: Connection) -> None:
    entry = Rows(conn).entries(5, 6)[0]
    _put(conn, 5, entry.replace(b'"size":4', b'"size":9'))


def change_a_byte_and_its_hash(conn: Connection) -> None:
    change_a_byte(conn)
    changed = leaf_hash(Rows(conn).entries(5, 6)[0])
    conn.execute(text("UPDATE log_entry SET leaf_hash = :leaf WHERE number = 5"), {"leaf": changed})


def remove_an_entry(conn: Connection) -> None:
    conn.execute(text("DELETE FROM log_entry WHERE number = 5"))


def remove_an_entry_and_close_the_gap(conn: Connection) -> None:
    remove_an_entry(conn)
    size = Rows(conn).head().size
    for number in range(6, size):
        conn.execute(text("UPDATE log_entry SET number = :to WHERE number = :at"), {"at": number, "to": number - 1})
    _regrow(conn, size - 1)


def swap_two_entries(conn: Connection) -> None:
    for at, to in ((5, -1), (6, 5), (-1, 6)):
        conn.execute(text("UPDATE log_entry SET number = :to WHERE number = :at"), {"at": at, "to": to})


def swap_two_entries_and_regrow(conn: Connection) -> None:
    swap_two_entries(conn)
    _regrow(conn, Rows(conn).head().size)


def roll_back(conn: Connection) -> None:
    """Exactly as an old backup would be."""
    conn.execute(text("DELETE FROM log_entry WHERE number >= 6"))
    conn.execute(text("DELETE FROM log_node"))
    conn.execute(text("DELETE FROM log_checkpoint"))
    _regrow(conn, 6)


def change_the_head(conn: Connection) -> None:
    rows = Rows(conn)
    head = rows.head()
    rows.set_head(head._replace(compact=bytes(len(head.compact))))


def lose_the_last_entry(conn: Connection) -> None:
    conn.execute(text("DELETE FROM log_entry WHERE number = :last"), {"last": Rows(conn).head().size - 1})


def change_a_tree_hash(conn: Connection) -> None:
    conn.execute(text("UPDATE log_node SET hash = :hash WHERE level = 1 AND number = 0"), {"hash": bytes(32)})


def _put(conn: Connection, number: int, entry: bytes) -> None:
    conn.execute(text("UPDATE log_entry SET entry = :entry WHERE number = :at"), {"entry": entry, "at": number})


def _regrow(conn: Connection, size: int) -> None:
    """Make head and hashes fit what is left of the entries, as a thorough forger would."""
    rows = Rows(conn)
    tree = CompactRange()
    conn.execute(text("DELETE FROM log_node"))
    for number, entry in enumerate(rows.entries(0, size)):
        leaf = leaf_hash(entry)
        conn.execute(text("UPDATE log_entry SET leaf_hash = :leaf WHERE number = :at"), {"leaf": leaf, "at": number})
        rows.insert_nodes([(level, place, value) for (level, place), value in tree.append(leaf)])
    head = rows.head()
    rows.set_head(Head(tree.size, tree.encode(), head.origin, head.last_t, head.changes))


ALL: list[Callable[[Connection], None]] = [
    change_a_byte, change_a_byte_and_its_hash, remove_an_entry, remove_an_entry_and_close_the_gap, swap_two_entries,
    swap_two_entries_and_regrow, roll_back, change_the_head, lose_the_last_entry, change_a_tree_hash,
]  # fmt: skip
