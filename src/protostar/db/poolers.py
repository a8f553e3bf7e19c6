"""Poolers such as PgBouncer between this process and PostgreSQL."""

from typing import Any

import asyncpg


async def is_pooled(connection: Any) -> bool:
    """Whether a pooler answers for PostgreSQL: it gives out process numbers of its own."""
    return await connection.fetchval("select pg_backend_pid()") != connection.get_server_pid()


async def mixes_sessions(first: Any, second: Any) -> bool:
    """Whether a pooler gives two connections of asyncpg, of which neither is in a transaction, now this session and now that:
    its mode is `transaction` or `statement`. Raises what asyncpg raises.
    """
    before = await first.fetchval("select pg_backend_pid()")
    try:
        await second.execute("begin")
    except asyncpg.PostgresConnectionError:  # in the mode `statement` there are no transactions, and it hangs up
        return True
    # The session that was used last is the next to be given out: the transaction has it now.
    await second.execute("select 1")
    try:
        return await first.fetchval("select pg_backend_pid()") != before
    except asyncpg.InvalidSQLStatementNameError:  # the statement has stayed in the other session
        return True
    finally:
        await second.execute("rollback")
