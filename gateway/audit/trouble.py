"""What a failure of the database means for the log: is it the caller's, does it pass, or may nothing be trusted?"""

from __future__ import annotations

import enum
import sqlite3

import sqlalchemy.exc

from gateway.errors import LogUnavailable, LogUnfit


class Kind(enum.Enum):
    CALLER = "caller"  # this one transaction is at fault; it was undone, the log is whole
    PASSING = "passing"  # nothing is known to be written, nothing may be released, a later try may succeed
    BROKEN = "broken"  # what is on disk is unknown: only a new process may go on


# Primary result codes of SQLite (sqlite.org/rescode.html) that are not about the statement but about the machine.
_SQLITE_BUSY = {5, 6}  # BUSY, LOCKED: another process holds the file; nothing was begun
_SQLITE_MACHINE = {
    7: "NOMEM", 8: "READONLY", 9: "INTERRUPT", 10: "IOERR", 11: "CORRUPT", 13: "FULL", 14: "CANTOPEN", 15: "PROTOCOL",
    26: "NOTADB",
}  # fmt: skip

# SQLSTATE classes of PostgreSQL. A statement that fails is undone by the server, so most of them pass.
# connection, rollback, resources, locks, intervention, read-only (a replica)
_PG_PASSING = ("08", "40", "53", "55", "57", "25006")
_PG_BROKEN = ("58", "XX", "F0")  # system error, corruption, configuration file


def judge(error: BaseException, dialect: str, *, committing: bool) -> Kind:
    """``committing``: the failure came from COMMIT itself, or after it."""
    if isinstance(error, LogUnfit):
        return Kind.BROKEN
    if isinstance(error, LogUnavailable):
        return Kind.PASSING  # reported already by whoever raised it
    cause = driver_error(error)
    if cause is None:
        return Kind.BROKEN if committing else Kind.CALLER
    if dialect == "sqlite":
        code = getattr(cause, "sqlite_errorcode", 1) & 0xFF
        if committing or code in _SQLITE_MACHINE:
            return Kind.BROKEN
        return Kind.PASSING if code in _SQLITE_BUSY else Kind.CALLER
    if is_unkeepable(error):
        return Kind.CALLER
    state = getattr(cause, "sqlstate", None)
    if state is not None and state.startswith(_PG_BROKEN):
        return Kind.BROKEN
    # Without a state the connection itself was lost. Whether the commit happened, the head will say.
    if state is None or committing or state.startswith(_PG_PASSING):
        return Kind.PASSING
    return Kind.CALLER


def is_unkeepable(error: BaseException) -> bool:
    """Whether the database refuses a value itself: PostgreSQL keeps no U+0000 in a text. Said by the driver, before
    anything is sent, so without a state."""
    cause = driver_error(error)
    return isinstance(cause, Exception) and type(cause).__name__ == "DataError"


def driver_error(error: BaseException) -> BaseException | None:
    """The driver's exception in ``error``, if that is what it is."""
    if isinstance(error, sqlalchemy.exc.DBAPIError):
        return error.orig
    if isinstance(error, sqlite3.Error):
        return error
    return error if type(error).__module__.partition(".")[0] == "psycopg" else None


def unavailable() -> LogUnavailable:
    """What a caller hears when the log could not be written."""
    return LogUnavailable(
        "审计日志此刻无法写入，因此没有执行任何操作，也没有放行任何数据。请稍后重试；若持续出现，请联系网关管理员。",
        "The log cannot be written now, so nothing was done and nothing was released. Try again later; "
        "if it goes on, tell the gateway's operator.",
    )
