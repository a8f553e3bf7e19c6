"""Pages of lists: newest first, with a cursor that is the last item's id."""

from collections.abc import Sequence
from typing import Generic, Protocol, TypeVar
from uuid import UUID

from pydantic import BaseModel


class _Item(Protocol):
    @property
    def id(self) -> UUID: ...


T = TypeVar("T")
I = TypeVar("I", bound=_Item)  # noqa: E741 - a type variable, not a number


class Page(BaseModel, Generic[T]):
    """`next_cursor`: null on the last page."""

    items: Sequence[T]
    next_cursor: str | None


def page_of(rows: Sequence[I], limit: int) -> "Page[I]":
    """A page from up to `limit` + 1 rows: the one too many only says that there is a next page."""
    items = rows[:limit]
    return Page(items=items, next_cursor=str(items[-1].id) if len(rows) > limit else None)
