"""Recognising keys, with a memory: a process that has seen a key recently knows it while PostgreSQL is away."""

import hmac
from typing import Any
from uuid import UUID

from sqlalchemy import Row

from protostar.access.keys import hash_key
from protostar.access.model import Key, Principal
from protostar.access.repository import AccessRepository
from protostar.db.patience import again, promptly
from protostar.db.session import Database
from protostar.errors import DatabaseUnavailable, NotFound, Unauthorized
from protostar.local_cache import LocalCache


class Access:
    """Verifies bearer tokens. `admin_key`: always valid, for everything."""

    def __init__(self, database: Database, admin_key: str | None) -> None:
        self._database = database
        self.admin_hash = hash_key(admin_key) if admin_key else None
        self._keys = LocalCache[bytes, Key]()
        self._spaces = LocalCache[UUID | None, UUID]()  # None: the oldest one
        self._secret: bytes | None = None

    async def authenticate(self, token: str) -> Key:
        """The key behind a token. Raises Unauthorized; DatabaseUnavailable for a key not seen in the last ten minutes."""
        hash_ = hash_key(token)
        if self.admin_hash is not None and hmac.compare_digest(hash_, self.admin_hash):
            return Key("admin", None, None)
        if (key := self._keys.fresh(hash_)) is not None:
            return key
        mark = self._keys.mark()
        try:
            key = await self._find(hash_)
        except DatabaseUnavailable:
            if (key := self._keys.known(hash_)) is not None:
                return key
            raise
        self._keys.keep(hash_, key, mark)
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
        space_id = (self._spaces.fresh(None) if named is None else None) or await self._space(named)
        if space_id is None:
            raise NotFound("There is no space with that id." if named else "There is no space yet: POST /v1/spaces makes one.")
        return Principal(key, space_id)

    def forget(self, *hashes: bytes) -> None:
        """Drop revoked keys from this process's memory."""
        for hash_ in hashes:
            self._keys.forget(hash_)

    def forget_space(self, id_: UUID) -> None:
        """Drop a deleted space from this process's memory."""
        self._spaces.forget(id_)
        self._spaces.forget(None)

    def doubt(self) -> None:
        """Some revocations may not have been heard: ask for everything again."""
        self._keys.doubt()
        self._spaces.doubt()

    async def _space(self, id_: UUID | None) -> UUID | None:
        """A space that is there; of the last ten minutes while PostgreSQL is away."""
        mark = self._spaces.mark()
        try:
            async with promptly():
                space_id = await again(lambda: self._read_space(id_))
        except DatabaseUnavailable:
            if (space_id := self._spaces.known(id_)) is not None:
                return space_id
            raise
        if space_id is not None:
            self._spaces.keep(id_, space_id, mark)
        return space_id

    async def _read_space(self, id_: UUID | None) -> UUID | None:
        async with self._database.transaction() as session:
            return await AccessRepository(session).space(id_)

    async def _find(self, hash_: bytes) -> Key:
        async with promptly():
            row = await again(lambda: self._read_key(hash_))
        if row is None:
            self._keys.drop(hash_)
            raise Unauthorized("This key is not known here. Use the header «Authorization: Bearer <key>» with a valid key.")
        return Key(row.role, row.space_id, row.id, frozenset(row.origins))

    async def _read_key(self, hash_: bytes) -> Row[Any] | None:
        async with self._database.transaction() as session:
            return await AccessRepository(session).find(hash_)
