"""Whether a database can be written to, before anybody's question finds out."""

import pytest
from sqlalchemy import text
from tests.support.databases import execute

from protostar.db.rights import FACTS, SEQUENCE, TABLES, Rights, check_rights
from protostar.db.session import Database
from protostar.errors import DatabaseUnavailable


async def test_the_owner_of_the_tables_has_all_rights(database: Database) -> None:
    await check_rights(database)
    async with database.reading() as connection:
        rights = Rights.of((await connection.execute(text(FACTS))).mappings().one())
        names = [*TABLES, SEQUENCE]
        known = text("select count(*) from unnest(cast(:names as text[])) name where to_regclass(name) is not null")
        assert (await connection.execute(known, {"names": names})).scalar_one() == len(names)
    assert rights == Rights(rights.user, is_standby=False, is_read_only=False, strangers=())


@pytest.mark.parametrize("lacking", ["delete on jobs", "usage on sequence job_fence"])
async def test_a_right_that_is_missing_is_found(database_url: str, lacking: str) -> None:
    await execute(database_url, "create role poor login; grant all on all tables in schema public to poor")
    await execute(database_url, f"grant all on all sequences in schema public to poor; revoke {lacking} from poor")
    await execute(database_url, "revoke update on sequence job_fence from poor")
    database = Database(database_url.replace("postgres@", "poor@"))
    try:
        with pytest.raises(DatabaseUnavailable, match="another user's"):
            await check_rights(database)
    finally:
        await database.close()
        await execute(database_url, "drop owned by poor; drop role poor")
