"""Browser sessions of the dashboard: a key signs in once, and a random token in a cookie stands for it from then on.

Sessions are rows that nobody keeps in memory, so that signing out or revoking the key ends them everywhere at once.
"""

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Final
from uuid import UUID

from protostar.access.keys import hash_key
from protostar.access.model import Key
from protostar.access.models import SessionRow
from protostar.access.repository import AccessRepository
from protostar.access.service import Access
from protostar.access.tickets import read_ticket
from protostar.db.patience import promptly
from protostar.db.session import Database
from protostar.errors import Forbidden, Unauthorized

SESSION_TTL: Final = timedelta(days=7)


def csrf_token(token: str) -> str:
    """What a page of the session sends back with every unsafe request: another site has neither the cookie nor the page."""
    return hmac.new(token.encode(), b"csrf", hashlib.sha256).hexdigest()


class Sessions:
    def __init__(self, database: Database, access: Access) -> None:
        self._database = database
        self._access = access

    async def open(self, key: str) -> str:
        """The token of a new session. Raises Unauthorized for a key that is not known, Forbidden for a publishable one."""
        found = await self._access.authenticate(key.strip())
        if not found.may("manage"):
            raise Forbidden("A publishable key can only ask questions. Sign in with an admin or a manage key.")
        return await self._open(found.key_id, None)

    async def redeem(self, ticket: str) -> str:
        """The token of the session that a ticket opens, once. Raises Unauthorized."""
        if self._access.admin_hash is None:
            raise Unauthorized("This server has no admin key, so it knows no sign-in links.")
        return await self._open(None, read_ticket(ticket, self._access.admin_hash))

    async def _open(self, key_id: UUID | None, ticket: UUID | None) -> str:
        token = secrets.token_urlsafe(32)
        row = SessionRow(hash=hash_key(token), key_id=key_id, ticket=ticket, admin=self._admin() if key_id is None else None)
        async with self._database.transaction() as session:
            if not await AccessRepository(session).open_session(row, SESSION_TTL):
                raise Unauthorized("This sign-in link has been used already. Sign in with a key.")
        return token

    async def find(self, token: str) -> Key:
        """The key that the session stands for. Raises Unauthorized."""
        async with promptly(), self._database.transaction() as session:
            row = await AccessRepository(session).session(hash_key(token))
        if row is None or (row.key_id is None and row.admin != self._admin()):
            raise Unauthorized("The session has ended. Sign in again.")
        return Key(row.role, row.space_id, row.key_id) if row.key_id is not None else Key("admin", None, None)

    async def end(self, token: str) -> None:
        async with self._database.transaction() as session:
            await AccessRepository(session).end_session(hash_key(token))

    def _admin(self) -> bytes | None:
        """What ties a session to the admin key of its day: with another one it ends. No way leads back from it to the key."""
        hash_ = self._access.admin_hash
        return hashlib.sha256(b"session" + hash_).digest() if hash_ is not None else None
