"""Tenants and their keys."""

import secrets
from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from protostar.access.keys import hash_key, hint, make_key
from protostar.access.models import SpaceKeyRow
from protostar.access.repository import AccessRepository
from protostar.access.service import Access
from protostar.db.session import Database, after_commit
from protostar.errors import InvalidInput, NotFound
from protostar.jobs.repository import JobRepository
from protostar.jobs.service import Jobs
from protostar.redis.announcements import Announcements
from protostar.spaces.kinds import purge
from protostar.spaces.models import SpaceRow
from protostar.spaces.repository import SpaceRepository
from protostar.spaces.schemas import KeyCreate, KeyCreated, KeyInfo, SpaceCreate, SpaceUpdate


class Spaces:
    def __init__(self, database: Database, access: Access, jobs: Jobs, announcements: Announcements, *, grace: timedelta) -> None:
        """`grace`: how long a deletion can be taken back."""
        self._announcements = announcements
        self._database = database
        self._access = access
        self._jobs = jobs
        self._grace = grace

    async def create(self, body: SpaceCreate) -> SpaceRow:
        async with self._database.transaction() as session:
            return await SpaceRepository(session).add(SpaceRow(name=body.name, settings=body.settings.model_dump()))

    async def get(self, id_: UUID) -> SpaceRow:
        async with self._database.transaction() as session:
            return await existing(session, id_)

    async def page(self, *, before: UUID | None, limit: int) -> Sequence[SpaceRow]:
        async with self._database.transaction() as session:
            return await SpaceRepository(session).page(before=before, limit=limit)

    async def deleted(self, *, before: UUID | None, limit: int) -> Sequence[SpaceRow]:
        """Spaces whose deletion can still be taken back."""
        async with self._database.transaction() as session:
            return await SpaceRepository(session).deleted(before=before, limit=limit)

    async def update(self, id_: UUID, body: SpaceUpdate) -> SpaceRow:
        async with self._database.transaction() as session:
            row = await existing(session, id_)
            row.name = body.name if body.name is not None else row.name
            row.settings = body.settings.model_dump() if body.settings is not None else row.settings
            after_commit(session, lambda: self._announcements.tell("knowledge", str(id_)))
            return await SpaceRepository(session).touch(row)

    async def delete(self, id_: UUID) -> None:
        """Close the space and its keys at once; a job erases them, and what it holds, once that cannot be taken back any more."""
        async with self._database.transaction() as session:
            await existing(session, id_)
            await SpaceRepository(session).hide(id_, self._grace)
            hashes = await AccessRepository(session).hashes(id_)
            await self._jobs.enqueue(session, purge(id_, self._grace))
        self._access.forget_space(id_)
        await self._announcements.tell("space", str(id_))
        await self._forget(hashes)

    async def restore(self, id_: UUID) -> SpaceRow:
        """The space as it was; one that is not deleted stays as it is. Raises NotFound once it is being erased."""
        async with self._database.transaction() as session:
            await SpaceRepository(session).lock(id_)
            await SpaceRepository(session).unhide(id_)
            row = await SpaceRepository(session).get(id_)
            if row is None:
                raise NotFound("There is no space with that id; if there was one, it is erased by now.")
            await JobRepository(session).withdraw(purge(id_).dedupe_key)
        self._access.forget_space(id_)  # another one may be the oldest in the memory of this process, and of others
        await self._announcements.tell("space", str(id_))
        return row

    async def make_identity_secret(self, id_: UUID) -> str:
        """A new secret for the identities of visitors; what the one before has signed is void."""
        secret = "is_" + secrets.token_urlsafe(32)
        async with self._database.transaction() as session:
            (await existing(session, id_)).identity_secret = secret
        return secret

    async def drop_identity_secret(self, id_: UUID) -> None:
        async with self._database.transaction() as session:
            (await existing(session, id_)).identity_secret = None

    async def create_key(self, space_id: UUID, body: KeyCreate) -> KeyCreated:
        if body.role == "ask" and not body.origins:
            raise InvalidInput("A publishable key needs the origins of the pages that may use it, such as https://example.com.")
        key = make_key(body.role)
        row = SpaceKeyRow(
            space_id=space_id, role=body.role, name=body.name, hash=hash_key(key), hint=hint(key), origins=list(body.origins)
        )
        async with self._database.transaction() as session:
            await existing(session, space_id)
            await AccessRepository(session).add(row)
        return KeyCreated(**KeyInfo.model_validate(row).model_dump(), key=key)

    async def keys(self, space_id: UUID, *, before: UUID | None, limit: int) -> Sequence[SpaceKeyRow]:
        async with self._database.transaction() as session:
            await existing(session, space_id)
            return await AccessRepository(session).page(space_id, before=before, limit=limit)

    async def revoke(self, space_id: UUID, key_id: UUID) -> None:
        """Of a deleted space too: restored, its other keys work again, and this one does not."""
        async with self._database.transaction() as session:
            hash_ = await AccessRepository(session).delete(space_id, key_id)
            if hash_ is None:
                await existing(session, space_id)
                raise NotFound("This space has no key with that id.")
        await self._forget([hash_])

    async def _forget(self, hashes: Sequence[bytes]) -> None:
        """These keys are known to no process any more."""
        self._access.forget(*hashes)
        await self._announcements.tell("key", *(hash_.hex() for hash_ in hashes))


async def existing(session: AsyncSession, id_: UUID) -> SpaceRow:
    """Raises NotFound, also for one that is deleted."""
    row = await SpaceRepository(session).get(id_)
    if row is None:
        raise NotFound("There is no space with that id.")
    return row
