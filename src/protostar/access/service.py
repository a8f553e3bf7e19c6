"""Recognising keys, with a memory: a process that has seen a key recently knows it while PostgreSQL is away."""

import hmac
import time
from collections import OrderedDict
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

from protostar.access.keys import hash_key
from protostar.access.model import Key, Principal
from protostar.access.repository import AccessRepository
from protostar.db.session import Database
from protostar.errors import DatabaseUnavailable, NotFound, Unauthorized

FRESH: Final = timedelta(seconds=60)
STALE: Final = timedelta(minutes=10)
_SIZE: Final = 10_000


@dataclass(frozen=True, slots=True)
class _Seen:
    key: Key
    at: float


class Access:
    """Verifies bearer tokens. `admin_key`: always valid, for everything."""

    def __init__(self, database: Database, admin_key: str | None) -> None:
        self._database = database
        self._admin = hash_key(admin_key) if admin_key else None
        self._seen: OrderedDict[bytes, _Seen] = OrderedDict()
        self._forgotten = 0
        self._first_space: UUID | None = None
        self._first_space_at = 0.0
        self._secret: bytes | None = None

    async def authenticate(self, token: str) -> Key:
        """The key behind a token. Raises Unauthorized; DatabaseUnavailable for a key not seen in the last ten minutes."""
        hash_ = hash_key(token)
        if self._admin is not None and hmac.compare_digest(hash_, self._admin):
            return Key("admin", None, None)
        seen, now = self._seen.get(hash_), time.monotonic()
        if seen is not None and now - seen.at < FRESH.total_seconds():
            return seen.key
        forgotten = self._forgotten
        try:
            key = await self._find(hash_)
        except DatabaseUnavailable:
            if seen is not None and now - seen.at < STALE.total_seconds():
                return seen.key
            raise
        if self._forgotten == forgotten:  # else it may have been revoked while PostgreSQL was asked
            self._remember(hash_, _Seen(key, now))
        return key

    async def secret(self) -> bytes:
        """The installation's secret. Raises DatabaseUnavailable until it has been read once."""
        if self._secret is None:
            async with self._database.transaction() as session:
                self._secret = await AccessRepository(session).secret()
        return self._secret

    async def principal(self, key: Key, named: UUID | None) -> Principal:
        """The key at work in the space that the request named, else in its own; the admin key's own is the oldest.

        Raises NotFound for a space that is not there, or not this key's.
        """
        if key.space_id is not None:
            if named not in (None, key.space_id):
                raise NotFound("There is no space with that id.")
            return Principal(key, key.space_id)
        space_id = await self._space(named) if named is not None else await self._oldest_space()
        if space_id is None:
            raise NotFound("There is no space with that id." if named else "There is no space yet: POST /v1/spaces makes one.")
        return Principal(key, space_id)

    def forget(self, *hashes: bytes) -> None:
        """Drop revoked keys from this process's memory."""
        self._forgotten += 1
        for hash_ in hashes:
            self._seen.pop(hash_, None)

    def forget_space(self, id_: UUID) -> None:
        """Drop a deleted space from this process's memory."""
        if id_ == self._first_space:
            self._first_space = None

    async def _oldest_space(self) -> UUID | None:
        """Asked again once a minute, as another process may delete it; the one from before while PostgreSQL is away."""
        now = time.monotonic()
        if self._first_space is None or now - self._first_space_at >= FRESH.total_seconds():
            try:
                self._first_space, self._first_space_at = await self._space(None), now
            except DatabaseUnavailable:
                if self._first_space is None:
                    raise
        return self._first_space

    async def _space(self, id_: UUID | None) -> UUID | None:
        async with self._database.transaction() as session:
            return await AccessRepository(session).space(id_)

    async def _find(self, hash_: bytes) -> Key:
        async with self._database.transaction() as session:
            row = await AccessRepository(session).find(hash_)
        if row is None:
            self._seen.pop(hash_, None)
            raise Unauthorized("This key is not known here. Use the header «Authorization: Bearer <key>» with a valid key.")
        return Key(row.role, row.space_id, row.id, frozenset(row.origins))

    def _remember(self, hash_: bytes, seen: _Seen) -> None:
        self._seen[hash_] = seen
        self._seen.move_to_end(hash_)
        while len(self._seen) > _SIZE:
            self._seen.popitem(last=False)
