"""Telling webhooks: what happens enqueues a delivery for each listener in its own transaction, so that none is lost or made up."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from protostar.jobs.repository import Enqueue
from protostar.jobs.service import Jobs
from protostar.webhooks.repository import WebhookRepository
from protostar.webhooks.schemas import Event

DELIVER: Final = "webhook.deliver"
TEST: Final = "webhook.test"
GIVE_UP_AFTER: Final = timedelta(days=3)


async def emit(session: AsyncSession, jobs: Jobs, space_id: UUID, event: Event, data: dict[str, Any]) -> None:
    """Enqueue the event for whoever listens: one look at an index where nobody does. `data`: ids, and little else."""
    for webhook_id in await WebhookRepository(session).listeners(space_id, event):
        await jobs.enqueue(session, delivery(space_id, webhook_id, event, data))


def delivery(space_id: UUID, webhook_id: UUID, event: str, data: dict[str, Any]) -> Enqueue:
    """The job that delivers an event; before a space's documents, as they may be many and a delivery is short."""
    args = {
        "webhook_id": str(webhook_id),
        "type": event,
        "timestamp": datetime.now(UTC).isoformat(),
        "data": {"space_id": str(space_id), **data},
    }
    return Enqueue(DELIVER, space_id, args, priority=1, give_up_after=GIVE_UP_AFTER)
