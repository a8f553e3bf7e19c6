"""Aliases for endpoints: who asks, and the parts that the lifespan has opened. Only endpoints import this."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, Header, Query, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer, SecurityScopes

from protostar.access.address import client_address
from protostar.access.model import Key, Principal, Role
from protostar.access.service import Access
from protostar.errors import Forbidden, Unauthorized

_bearer = HTTPBearer(auto_error=False, description="«Authorization: Bearer <key>»")


async def _key(
    request: Request, scopes: SecurityScopes, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> Key:
    """The key of the request, checked against the role that the endpoint names as its scope."""
    if credentials is None:
        raise Unauthorized("Send a key in the header «Authorization: Bearer <key>».")
    access: Access = request.state.access
    key = await access.authenticate(credentials.credentials)
    role: Role = scopes.scopes[0]  # pyright: ignore[reportAssignmentType]
    if not key.may(role):
        raise Forbidden(f"This needs a key of the role «{role}»; yours is «{key.role}».")
    if key.role == "ask" and request.headers.get("origin") not in key.origins:
        raise Forbidden("This publishable key may only be used from the pages whose origins its owner has listed.")
    return key


async def _principal(
    request: Request,
    key: Annotated[Key, Depends(_key)],
    space: Annotated[UUID | None, Header(alias="Protostar-Space", description="the space to work on, for the admin key")] = None,
) -> Principal:
    access: Access = request.state.access
    return await access.principal(key, space)


def _address(request: Request) -> str:
    peer = request.client.host if request.client is not None else ""
    return client_address(peer, request.headers.get("x-forwarded-for"), request.state.settings.trusted_proxies)


Address = Annotated[str, Depends(_address)]


# The installation's own business is done in no space: there may be none yet.
Admin = Annotated[Key, Security(_key, scopes=["admin"])]
Manager = Annotated[Principal, Security(_principal, scopes=["manage"])]
Asker = Annotated[Principal, Security(_principal, scopes=["ask"])]

Limit = Annotated[int, Query(ge=1, le=200, description="items of one page")]
Cursor = Annotated[str | None, Query(max_length=100, description="`next_cursor` of the page before")]

IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=200,
        description="the same key within a day means the same request: nothing is done twice",
    ),
]
