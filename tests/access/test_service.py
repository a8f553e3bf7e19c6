"""What a process remembers of keys and spaces, and for how long."""

from types import SimpleNamespace
from uuid import UUID

import pytest
from sqlalchemy import delete, select

from protostar import local_cache
from protostar.access.keys import hash_key, make_key
from protostar.access.model import Key
from protostar.access.models import SpaceKeyRow
from protostar.access.service import Access
from protostar.db.session import Database
from protostar.errors import DatabaseUnavailable, NotFound, Unauthorized
from protostar.spaces.models import SpaceRow

ADMIN = Key("admin", None, None)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """`clock.now` is what the cache takes for the time."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(local_cache, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture
async def key(database: Database, space_id: UUID) -> str:
    key = make_key("manage")
    async with database.transaction() as session:
        session.add(SpaceKeyRow(space_id=space_id, role="manage", name="test", hash=hash_key(key), hint="", origins=[]))
    return key


class Away:
    """A database that is away while `away` says so."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.away = False

    def transaction(self) -> object:
        if self.away:
            raise DatabaseUnavailable
        return self._database.transaction()


@pytest.fixture
def leaving(database: Database) -> Away:
    return Away(database)


async def test_a_known_key_is_known_for_ten_minutes_without_postgres(leaving: Away, key: str, clock: SimpleNamespace) -> None:
    access = Access(leaving, "the-admin-key-of-all")
    known = await access.authenticate(key)
    leaving.away = True
    for seconds in (1, 61, 599):
        clock.now = 1000 + seconds
        assert await access.authenticate(key) == known
    clock.now = 1000 + 601
    with pytest.raises(DatabaseUnavailable):
        await access.authenticate(key)
    with pytest.raises(DatabaseUnavailable):  # it may well be a good one
        await access.authenticate(make_key("manage"))
    assert await access.authenticate("the-admin-key-of-all") == ADMIN


async def test_a_key_that_another_process_revoked_is_refused_within_a_minute(
    database: Database, key: str, clock: SimpleNamespace
) -> None:
    access = Access(database, None)
    await access.authenticate(key)
    async with database.transaction() as session:
        await session.execute(delete(SpaceKeyRow))
    clock.now += 61
    with pytest.raises(Unauthorized):
        await access.authenticate(key)


async def test_a_key_that_is_revoked_while_it_is_looked_up_is_not_remembered(
    database: Database, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    access = Access(database, None)
    find = access._find

    async def find_and_lose(hash_: bytes) -> Key:
        found = await find(hash_)
        async with database.transaction() as session:
            await session.execute(delete(SpaceKeyRow))
        access.forget(hash_)
        return found

    monkeypatch.setattr(access, "_find", find_and_lose)
    await access.authenticate(key)
    monkeypatch.setattr(access, "_find", find)
    with pytest.raises(Unauthorized):
        await access.authenticate(key)


async def test_without_an_admin_key_there_is_none(database: Database) -> None:
    for token in ("", "None", "\u00e9"):
        with pytest.raises(Unauthorized):
            await Access(database, None).authenticate(token)


async def test_the_oldest_space_is_asked_for_again_once_a_minute(leaving: Away, space_id: UUID, clock: SimpleNamespace) -> None:
    access = Access(leaving, "the-admin-key-of-all")
    async with leaving.transaction() as session:
        newer = SpaceRow(name="newer")
        session.add(newer)
    assert (await access.principal(ADMIN, None)).space_id == space_id
    leaving.away = True
    clock.now += 300
    assert (await access.principal(ADMIN, None)).space_id == space_id
    leaving.away = False
    async with leaving.transaction() as session:
        await session.delete((await session.execute(select(SpaceRow).where(SpaceRow.id == space_id))).scalar_one())
    assert (await access.principal(ADMIN, None)).space_id == newer.id


async def test_a_key_works_in_its_own_space_alone(database: Database, key: str, space_id: UUID) -> None:
    access = Access(database, None)
    known = await access.authenticate(key)
    assert (await access.principal(known, None)).space_id == (await access.principal(known, space_id)).space_id == space_id
    with pytest.raises(NotFound):
        await access.principal(known, UUID(int=7))
