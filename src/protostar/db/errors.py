"""Translates what SQLAlchemy, asyncpg and the socket raise into the error tree."""

from collections.abc import Generator
from contextlib import contextmanager

import asyncpg
from sqlalchemy import exc

from protostar.errors import DatabaseUnavailable, ProtostarError

# SQLSTATE classes and codes after which the same statement may well succeed later (PostgreSQL docs, appendix A):
# 08 connection, 53 resources (disk full, memory, too many connections), 57 operator intervention (shutdown, cancelled,
# statement timeout), 58 system error, 40 rollback (deadlock, serialization), 55P03 lock_timeout, 25006 read-only (fail-over),
# 42P01 and 42703 a table or column that the migration under way has yet to make, 42P10 and 42704 a unique index or a type that a
# restore under way has, 42501 a right that its owner has yet to give,
# 26000 a statement that a pooler has left behind in another session.
_PASSING = ("08", "53", "57", "58", "40", "55P03", "25006", "42P01", "42703", "42P10", "42704", "42501", "26000")

# Of these, what ends a connection: connection exceptions, shutdown, a crash, and a server that starts.
_BROKEN = ("08", "57P01", "57P02", "57P03")

_FULL = "53100"  # disk_full
_CROWDED = "53300"  # too_many_connections
_LACKING = "42501"  # insufficient_privilege
_ENTRY = ("28", "3D", "42704")  # a password, a database or a parameter of the URL is wrong

# By the beginning of the SQLSTATE, what whoever asked may hear.
_TOLD = {
    _FULL: "The disk of the database is full.",
    "53200": "The database has no memory left.",
    _CROWDED: "The database has no connection left for this server.",
    "25006": "The database takes no changes at present.",
    _LACKING: "The database does not give this server the rights that it needs.",
    "26000": "A pooler before the database gives each transaction another session.",
    "55P03": "The database is busy.",
    "40": "The database is busy.",
    **dict.fromkeys(_ENTRY, "The database does not let this server in."),
}

# What uvloop says where a connection is written to that has ended meanwhile, as in the middle of COPY.
_CLOSED = "the handler is closed"


def is_passing(error: BaseException) -> bool:
    """Whether the database is away or busy, rather than the statement wrong."""
    if isinstance(error, exc.DBAPIError):
        return error.connection_invalidated or (error.orig is not None and is_passing(error.orig))
    if isinstance(error, exc.TimeoutError | TimeoutError | OSError):
        return True
    if isinstance(error, RuntimeError):
        return _CLOSED in str(error)
    code = getattr(error, "sqlstate", None)
    if isinstance(code, str):
        return code.startswith(_PASSING)
    return isinstance(error, asyncpg.InterfaceError | asyncpg.InternalClientError)


@contextmanager
def connecting() -> Generator[None]:
    """While a connection is being made: every failure of the socket or the server means that the database is away."""
    try:
        yield
    except (OSError, exc.SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError) as error:
        if isinstance(error, OSError | exc.InterfaceError) or is_passing(error) or _refuses_entry(error):
            raise _unavailable(error) from error
        raise


@contextmanager
def working() -> Generator[None]:
    """While statements run. An OSError here belongs to the caller's own files, so it passes through; a statement that takes too
    long raises TimeoutError, which is one too.
    """
    try:
        yield
    except ProtostarError:
        raise
    except (
        exc.SQLAlchemyError,
        asyncpg.PostgresError,
        asyncpg.InterfaceError,
        asyncpg.InternalClientError,
        RuntimeError,
        TimeoutError,
    ) as error:
        if is_passing(error):
            raise _unavailable(error) from error
        raise


def broke_off(error: DatabaseUnavailable) -> bool:
    """Whether PostgreSQL ended a connection in the middle of its work; whether that was done, nobody knows."""
    cause = error.__cause__
    if isinstance(cause, exc.DBAPIError):
        if cause.connection_invalidated:
            return True
        cause = cause.orig
    return _code(cause).startswith(_BROKEN) or isinstance(
        cause, asyncpg.InterfaceError | asyncpg.InternalClientError | RuntimeError
    )


def is_away(error: DatabaseUnavailable) -> bool:
    """Whether PostgreSQL does not answer, and may soon: it is not that it is busy, has no room or refuses entry."""
    return broke_off(error) or isinstance(error.__cause__, OSError)


def is_crowded(error: DatabaseUnavailable) -> bool:
    """Whether PostgreSQL has no connection left for this user (too_many_connections)."""
    return _code(error.__cause__) == _CROWDED


def is_full(error: DatabaseUnavailable) -> bool:
    """Whether PostgreSQL's disk has no room (disk_full)."""
    return _code(error.__cause__) == _FULL


def is_locked_out(error: DatabaseUnavailable) -> bool:
    """Whether PostgreSQL refuses the user or the password (class 28)."""
    return _code(error.__cause__).startswith("28")


def lacks_right(error: DatabaseUnavailable) -> bool:
    """Whether PostgreSQL does not let the user do it."""
    return _code(error.__cause__) == _LACKING


def is_there_already(error: exc.IntegrityError) -> bool:
    """Whether a row has the same key (unique_violation)."""
    return _code(error) == "23505"


def _refuses_entry(error: BaseException) -> bool:
    """Wrong password, database or parameter of the URL: nothing that a request can mend; the log and `doctor` tell the operator."""
    return _code(error).startswith(_ENTRY)


def _code(error: BaseException | None) -> str:
    origin = error.orig if isinstance(error, exc.DBAPIError) else error
    return str(getattr(origin, "sqlstate", None) or "")


def _unavailable(error: BaseException) -> DatabaseUnavailable:
    if isinstance(error, exc.TimeoutError):
        told, reason = "All connections of this process to the database (PROTOSTAR_DATABASE_POOL) are busy.", None
    else:
        origin = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
        if isinstance(origin, TimeoutError):
            told, reason = "The database does not answer in time.", None
        else:
            code = _code(origin)
            told = next((told for begin, told in _TOLD.items() if code.startswith(begin)), "The database does not answer.")
            reason = ((str(origin).splitlines() or [""])[0].strip() or type(origin).__name__)[:200]
    return DatabaseUnavailable(told, retry_after=1, reason=reason)
