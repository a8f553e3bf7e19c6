"""`/v1/spaces`: tenants and their keys."""

from typing import Annotated
from uuid import UUID

from fastapi import Depends, status

from protostar.dependencies import Admin, Cursor, Limit, Manager, opened
from protostar.errors import NotFound
from protostar.paging import Page, before, page_of
from protostar.routing import Router
from protostar.spaces.schemas import IdentitySecret, KeyCreate, KeyCreated, KeyInfo, Space, SpaceCreate, SpaceUpdate
from protostar.spaces.service import Spaces

router = Router(prefix="/v1/spaces", tags=["spaces"])

Service = Annotated[Spaces, opened("spaces")]


async def _own(space_id: UUID, principal: Manager) -> UUID:
    """The space of the path, where this key may see it: another space's id does not exist for it."""
    if principal.key.space_id not in (None, space_id):
        raise NotFound("There is no space with that id.")
    return space_id


OwnSpace = Annotated[UUID, Depends(_own)]


@router.post("", status_code=status.HTTP_201_CREATED)
async def create_space(body: SpaceCreate, spaces: Service, _key: Admin) -> Space:
    return Space.model_validate(await spaces.create(body))


@router.get("")
async def list_spaces(spaces: Service, _key: Admin, deleted: bool = False, cursor: Cursor = None, limit: Limit = 50) -> Page[Space]:
    """Newest first. `deleted`: instead those that are deleted and can still be restored."""
    listed = spaces.deleted if deleted else spaces.page
    rows = await listed(before=before(cursor, None), limit=limit + 1)
    return page_of([Space.model_validate(row) for row in rows], limit, None)


@router.get("/{space_id}")
async def get_space(space_id: OwnSpace, spaces: Service) -> Space:
    return Space.model_validate(await spaces.get(space_id))


@router.patch("/{space_id}")
async def update_space(space_id: OwnSpace, body: SpaceUpdate, spaces: Service) -> Space:
    return Space.model_validate(await spaces.update(space_id, body))


@router.delete("/{space_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_space(space_id: OwnSpace, spaces: Service) -> None:
    """Closes the space and its keys at once; a job erases all of it, after the time within which that can be taken back."""
    await spaces.delete(space_id)


@router.post("/{space_id}/restore")
async def restore_space(space_id: UUID, spaces: Service, _key: Admin) -> Space:
    """Takes a deletion back, for as long as PROTOSTAR_DELETE_GRACE says: it is what it was, with its keys. After that: 404."""
    return Space.model_validate(await spaces.restore(space_id))


@router.post("/{space_id}/identity-secret", status_code=status.HTTP_201_CREATED)
async def make_identity_secret(space_id: OwnSpace, spaces: Service) -> IdentitySecret:
    """Lets visitors sign in: your backend signs who they are with it (JWT, HS256). Made again, the one before is void."""
    return IdentitySecret(secret=await spaces.make_identity_secret(space_id))


@router.delete("/{space_id}/identity-secret", status_code=status.HTTP_204_NO_CONTENT)
async def drop_identity_secret(space_id: OwnSpace, spaces: Service) -> None:
    await spaces.drop_identity_secret(space_id)


@router.post("/{space_id}/keys", status_code=status.HTTP_201_CREATED)
async def create_key(space_id: OwnSpace, body: KeyCreate, spaces: Service) -> KeyCreated:
    return await spaces.create_key(space_id, body)


@router.get("/{space_id}/keys")
async def list_keys(space_id: OwnSpace, spaces: Service, cursor: Cursor = None, limit: Limit = 50) -> Page[KeyInfo]:
    rows = await spaces.keys(space_id, before=before(cursor, space_id), limit=limit + 1)
    return page_of([KeyInfo.model_validate(row) for row in rows], limit, space_id)


@router.delete("/{space_id}/keys/{key_id}", status_code=status.HTTP_204_NO_CONTENT)
async def revoke_key(space_id: OwnSpace, key_id: UUID, spaces: Service) -> None:
    await spaces.revoke(space_id, key_id)
