"""What stands around every page: who has signed in, and which space they work on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final
from uuid import UUID

from fastapi import Depends, Request
from fastapi.responses import HTMLResponse

from protostar.dependencies import Manager, opened
from protostar.errors import NotFound
from protostar.spaces.models import SpaceRow
from protostar.spaces.service import Spaces
from protostar.web.pages import Pages, wanted_path

_CHOOSABLE: Final = 200  # spaces that the chooser lists; the page of all spaces has the rest


@dataclass(frozen=True, slots=True)
class Frame:
    """`spaces`: those that may be switched to; none with a key of one space."""

    space: SpaceRow
    is_admin: bool
    spaces: Sequence[SpaceRow]


async def _frame(request: Request, principal: Manager) -> Frame:
    spaces: Spaces = request.state.spaces
    is_admin = principal.key.role == "admin"
    space = await spaces.get(principal.space_id)
    return Frame(space, is_admin, await spaces.page(before=None, limit=_CHOOSABLE) if is_admin else ())


async def elsewhere(request: Request, frame: Frame, pages: Pages, space_id: UUID | None) -> HTMLResponse | None:
    """What was asked for lies in this space: a page that offers to go there. None where who asks may not see that space."""
    if space_id is None or not frame.is_admin:
        return None
    spaces: Spaces = request.state.spaces
    try:
        other = await spaces.get(space_id)
    except NotFound:  # deleted
        return None
    return pages.render(request, "elsewhere.html", 404, frame=frame, other=other, wanted=wanted_path(request))


PageFrame = Annotated[Frame, Depends(_frame)]
Templates = Annotated[Pages, opened("pages")]
