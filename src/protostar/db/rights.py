"""Whether the tables that are there can be written to: what PostgreSQL lets its user do, and its disk."""

from dataclasses import dataclass
from typing import Any, Final, Self

from sqlalchemy import text

from protostar.db.errors import is_full
from protostar.db.session import Database
from protostar.errors import DatabaseUnavailable

# Whose these are, the others are: a schema may have tables that are none of ours.
TABLES: Final = ("answers", "chunks", "conversations", "document_versions", "documents", "jobs", "space_keys", "spaces", "workers")
SEQUENCE: Final = "job_fence"

FACTS: Final = f"""
    select current_user::text as user_name, pg_is_in_recovery() as is_standby,
        current_setting('transaction_read_only')::bool as is_read_only,
        (select array_agg(distinct pg_get_userbyid(relowner)::text) from pg_class
         where oid = any(array(select to_regclass(name) from unnest(array{[*TABLES, SEQUENCE]!r}) name)) and case relkind
            when 'S' then not has_sequence_privilege(oid, 'usage')
            else not (has_table_privilege(oid, 'select') and has_table_privilege(oid, 'insert')
                      and has_table_privilege(oid, 'update') and has_table_privilege(oid, 'delete')) end) as strangers"""
"""A statement of one row, for `Rights.of`."""


@dataclass(frozen=True, slots=True)
class Rights:
    """`strangers`: the owners of tables that the user may not use."""

    user: str
    is_standby: bool
    is_read_only: bool
    strangers: tuple[str, ...]

    @classmethod
    def of(cls, row: Any) -> Self:
        return cls(row["user_name"], row["is_standby"], row["is_read_only"], tuple(row["strangers"] or ()))


async def check_rights(database: Database) -> None:
    """Raises DatabaseUnavailable where the user may write nothing."""
    async with database.reading() as connection:
        rights = Rights.of((await connection.execute(text(FACTS))).mappings().one())
    if rights.is_standby or rights.is_read_only:
        raise DatabaseUnavailable("The database takes no changes: it is a standby, or read-only.")
    if rights.strangers:
        raise DatabaseUnavailable("The tables are another user's, who does not let this server use all of them.")


async def check_room(database: Database) -> None:
    """Raises DatabaseUnavailable where the disk of the tables is full.

    What is written may fit into pages that are there already, and shows nothing: a temporary file needs room of its own.
    """
    try:
        async with database.transaction() as session:
            await session.execute(text("select set_config('work_mem', '64kB', true), set_config('temp_tablespaces', '', true)"))
            await session.execute(text("select count(*) from generate_series(1, 5000)"))
    except DatabaseUnavailable as error:
        if is_full(error):  # it may be that the user may write no temporary files (temp_file_limit)
            raise
