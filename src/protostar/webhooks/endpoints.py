"""`/v1/webhooks`: who hears of what happens in a space."""

from typing import Annotated
from uuid import UUID

from fastapi import status

from protostar.dependencies import Cursor, Limit, Manager, opened
from protostar.paging import Page, before, page_of
from protostar.routing import Router
from protostar.webhooks.schemas import Test, Webhook, WebhookCreate, WebhookCreated
from protostar.webhooks.service import Webhooks

router = Router(prefix="/v1/webhooks", tags=["webhooks"])

Service = Annotated[Webhooks, opened("webhooks")]


@router.post("", status_code=status.HTTP_201_CREATED)
async def create_webhook(body: WebhookCreate, principal: Manager, webhooks: Service) -> WebhookCreated:
    return WebhookCreated.model_validate(await webhooks.create(principal.space_id, body))


@router.get("")
async def list_webhooks(principal: Manager, webhooks: Service, cursor: Cursor = None, limit: Limit = 50) -> Page[Webhook]:
    space_id = principal.space_id
    rows = await webhooks.page(space_id, before=before(cursor, space_id), limit=limit + 1)
    return page_of([Webhook.model_validate(row) for row in rows], limit, space_id)


@router.delete("/{webhook_id}", status_code=status.HTTP_204_NO_CONTENT)
async def delete_webhook(webhook_id: UUID, principal: Manager, webhooks: Service) -> None:
    await webhooks.delete(principal.space_id, webhook_id)


@router.post("/{webhook_id}/test", status_code=status.HTTP_202_ACCEPTED)
async def test_webhook(webhook_id: UUID, principal: Manager, webhooks: Service) -> Test:
    """Sends the event `webhook.test` with the same signature and the same patience as any other."""
    return Test(job_id=await webhooks.test(principal.space_id, webhook_id))
