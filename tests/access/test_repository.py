from uuid import UUID

from sqlalchemy import text

from protostar.access.repository import AccessRepository
from protostar.db.session import Database
from protostar.ids import new_id


async def test_an_idempotency_key_is_taken_for_a_day(database: Database, space_id: UUID) -> None:
    first, second = new_id(), new_id()
    async with database.transaction() as session:
        repository = AccessRepository(session)
        assert (await repository.remember(space_id, "key", b"first", first)).resource_id == first
        taken = await repository.remember(space_id, "key", b"second", second)
        assert (taken.resource_id, taken.request_hash) == (first, b"first")
        await session.execute(text("update idempotency_keys set created_at = now() - interval '25 hours'"))
        session.expire_all()
        taken = await repository.remember(space_id, "key", b"second", second)
        assert (taken.resource_id, taken.request_hash) == (second, b"second")
