"""Statements about keys, the installation and idempotency."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Uuid, bindparam, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from protostar.access.models import IdempotencyRow, InstallationRow, SessionRow, SpaceKeyRow

_FIND = text("""
    update space_keys k set last_used_at = case when k.last_used_at > now() - interval '1 minute' then k.last_used_at else now() end
    from spaces s where k.hash = :hash and s.id = k.space_id and s.deleted_at is null
    returning k.id, k.space_id, k.role, k.origins""")

_DAY_AGO = "now() - interval '1 day'"

_SPACE = text("""
    select id from spaces where deleted_at is null and (cast(:id as uuid) is null or id = :id) order by created_at, id limit 1
    """).bindparams(bindparam("id", type_=Uuid))


_SESSION = text("""
    select s.key_id, s.admin, k.role, k.space_id from sessions s
    left join space_keys k on k.id = s.key_id left join spaces p on p.id = k.space_id
    where s.hash = :hash and s.expires_at > now() and p.deleted_at is null""")

# The row stays until the link that opened it is out of date: it could open another one.
_END_SESSION = text("update sessions set expires_at = now() where hash = :hash and expires_at > now()")


class AccessRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def secret(self) -> bytes:
        """The installation's secret, made by the first migration."""
        return (await self._session.execute(select(InstallationRow.secret))).scalar_one()

    async def find(self, hash_: bytes) -> Row[Any] | None:
        """(id, space_id, role, origins) of the key with this hash; notes its use, at most once a minute."""
        return (await self._session.execute(_FIND, {"hash": hash_})).one_or_none()

    async def space(self, id_: UUID | None) -> UUID | None:
        """The id of the space where it exists; of the oldest one for None."""
        return (await self._session.execute(_SPACE, {"id": id_})).scalar_one_or_none()

    async def page(self, space_id: UUID, *, before: UUID | None, limit: int) -> Sequence[SpaceKeyRow]:
        query = select(SpaceKeyRow).where(SpaceKeyRow.space_id == space_id).order_by(SpaceKeyRow.id.desc()).limit(limit)
        query = query.where(SpaceKeyRow.id < before) if before is not None else query
        return (await self._session.scalars(query)).all()

    async def add(self, row: SpaceKeyRow) -> SpaceKeyRow:
        self._session.add(row)
        await self._session.flush()
        return row

    async def hashes(self, space_id: UUID) -> Sequence[bytes]:
        """Those of all the space's keys."""
        return (await self._session.scalars(select(SpaceKeyRow.hash).where(SpaceKeyRow.space_id == space_id))).all()

    async def delete(self, space_id: UUID, key_id: UUID) -> bytes | None:
        """The hash of the key that is gone now; None where there was none."""
        statement = delete(SpaceKeyRow).where(SpaceKeyRow.space_id == space_id, SpaceKeyRow.id == key_id)
        return (await self._session.scalars(statement.returning(SpaceKeyRow.hash))).one_or_none()

    async def remember(self, space_id: UUID, key: str, request_hash: bytes, resource_id: UUID) -> IdempotencyRow:
        """The row of this idempotency key: ours, or that of the same day that was there before."""
        values = {"space_id": space_id, "key": key, "request_hash": request_hash, "resource_id": resource_id}
        statement = insert(IdempotencyRow).values(**values)
        statement = statement.on_conflict_do_update(
            index_elements=[IdempotencyRow.space_id, IdempotencyRow.key],
            set_={"request_hash": request_hash, "resource_id": resource_id, "created_at": func.now()},
            where=text(f"idempotency_keys.created_at < {_DAY_AGO}"),
        )
        await self._session.execute(statement)
        return (await self._session.execute(select(IdempotencyRow).where(*_same(space_id, key)))).scalar_one()

    async def redirect(self, space_id: UUID, key: str, resource_id: UUID) -> None:
        await self._session.execute(update(IdempotencyRow).where(*_same(space_id, key)).values(resource_id=resource_id))

    async def open_session(self, row: SessionRow, ttl: timedelta) -> bool:
        """Whether it is open now: not where its ticket was used before."""
        values = {name: getattr(row, name) for name in ("hash", "key_id", "admin", "ticket")}
        statement = insert(SessionRow).values(**values, expires_at=func.now() + ttl)
        statement = statement.on_conflict_do_nothing(index_elements=[SessionRow.ticket]).returning(SessionRow.hash)
        return (await self._session.execute(statement)).scalar_one_or_none() is not None

    async def session(self, hash_: bytes) -> Row[Any] | None:
        """(key_id, admin, role, space_id) of the session with this hash, while it lasts."""
        return (await self._session.execute(_SESSION, {"hash": hash_})).one_or_none()

    async def end_session(self, hash_: bytes) -> None:
        await self._session.execute(_END_SESSION, {"hash": hash_})

    async def forget_old(self) -> None:
        """Delete the idempotency keys and the sessions that ended a day ago."""
        await self._session.execute(text(f"delete from idempotency_keys where created_at < {_DAY_AGO}"))
        await self._session.execute(text(f"delete from sessions where expires_at < {_DAY_AGO}"))


def _same(space_id: UUID, key: str) -> tuple[Any, Any]:
    return IdempotencyRow.space_id == space_id, IdempotencyRow.key == key
