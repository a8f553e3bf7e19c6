"""Pages of lists: newest first, with a cursor that names the last item and whose list it is."""

import base64
from collections.abc import Sequence
from typing import Final, Generic, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel

from protostar.errors import InvalidInput, NotFound

_INSTALLATION: Final = UUID(int=0)  # whose list it is where it is no space's


class _Item(Protocol):
    @property
    def id(self) -> UUID: ...


T = TypeVar("T")
I = TypeVar("I", bound=_Item)  # noqa: E741 - a type variable, not a number


class Page(BaseModel, Generic[T]):
    """`next_cursor`: null on the last page."""

    items: Sequence[T]
    next_cursor: str | None


def page_of(rows: Sequence[I], limit: int, space_id: UUID | None) -> "Page[I]":
    """A page of a space's list, or with None of the installation's, from up to `limit` + 1 rows.

    The one too many only says that there is a next page.
    """
    items = rows[:limit]
    return Page(items=items, next_cursor=_cursor(space_id, items[-1].id) if len(rows) > limit else None)


def before(cursor: str | None, space_id: UUID | None) -> UUID | None:
    """The id below which the next page of this list lies: ids rise with time.

    Raises NotFound for a cursor of another space's list, InvalidInput for what is none at all.
    """
    if not cursor:
        return None
    try:
        content = base64.b64decode(cursor + "=", altchars=b"-_", validate=True)
        owner, id_ = UUID(bytes=content[:16]), UUID(bytes=content[16:])
    except ValueError:
        raise InvalidInput("The cursor is not one that this service gave out.") from None
    if owner != (space_id or _INSTALLATION):
        raise NotFound("The cursor belongs to a list that is not here.")
    return id_


def _cursor(space_id: UUID | None, id_: UUID) -> str:
    content = (space_id or _INSTALLATION).bytes + id_.bytes
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
