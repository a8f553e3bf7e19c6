"""`/v1/visitors` and `/v1/widget`: what a page with a publishable key begins with."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import Response, status

from protostar.dependencies import Address, Asker, Manager, VisitorToken, opened
from protostar.routing import Router
from protostar.visitors.schemas import VisitorCreate, VisitorCreated, VisitorFound, VisitorNamed, Widget
from protostar.visitors.service import Visitors

router = Router(prefix="/v1", tags=["visitors"])

Service = Annotated[Visitors, opened("visitors")]


@router.post("/visitors", status_code=status.HTTP_201_CREATED)
async def create_visitor(
    body: VisitorCreate, principal: Asker, visitors: Service, address: Address, token: VisitorToken = None
) -> VisitorCreated:
    """A token for a visitor; sent again, it is renewed. With `identity` the visitor signs in and keeps the conversations so far."""
    visitor = await visitors.enter(principal.space_id, address, token, body.identity)
    return VisitorCreated(
        visitor_token=await visitors.tokens.sign(visitor),
        expires_at=datetime.fromtimestamp(visitor.expires, UTC),
        signed_in=visitor.signed_in,
    )


@router.post("/visitors/find")
async def find_visitor(body: VisitorNamed, principal: Manager, visitors: Service) -> VisitorFound:
    """The id under which the conversations of a visitor are kept, also of one who has none."""
    return VisitorFound(visitor_id=await visitors.named(principal.space_id, body))


@router.get("/widget")
async def get_widget(principal: Asker, visitors: Service, response: Response) -> Widget:
    response.headers.update({"Cache-Control": "private, max-age=60", "Vary": "Authorization"})  # a page may change its key
    return await visitors.widget(principal.space_id)
