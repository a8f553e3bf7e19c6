"""`webhook.deliver`: one event to one receiver, until it has it, for three days.

At least once: a worker that dies between the receiver's answer and the commit has its job run again, with the same `webhook-id`.
"""

import json
import time
from typing import Any, Final
from uuid import UUID

import structlog

from protostar.db.session import Database
from protostar.errors import WebhookUnavailable
from protostar.jobs.context import JobContext
from protostar.jobs.registry import Task
from protostar.outbound.client import GuardedClient, Reply
from protostar.retry import Breaker
from protostar.webhooks.events import DELIVER
from protostar.webhooks.models import WebhookRow
from protostar.webhooks.repository import WebhookRepository
from protostar.webhooks.signing import signed_headers

log = structlog.get_logger()

# Receivers may be slow, and must not take every slot of a worker from the documents that are waiting.
_LIMIT: Final = 4
# Seconds for which a receiver that does not answer is left alone, so that its deliveries do not hold up everybody else's.
PAUSE: Final = 30.0

_GONE: Final = 410
_BUSY: Final = frozenset({408, 425, 429})


def tasks(database: Database, client: GuardedClient) -> list[Task]:
    deliveries = Deliveries(database, client)
    return [Task(DELIVER, deliveries.deliver, limit=_LIMIT)]


class Deliveries:
    def __init__(self, database: Database, client: GuardedClient) -> None:
        self._database = database
        self._client = client
        self._failing: dict[UUID, Breaker] = {}

    async def deliver(self, context: JobContext) -> None:
        """Does nothing where the webhook is deleted; a receiver that answers 410 deletes it.

        Raises WebhookUnavailable and AddressRefused.
        """
        args = context.job.args
        webhook_id = UUID(args["webhook_id"])
        async with self._database.transaction() as session:
            found = await WebhookRepository(session).target(webhook_id)
        if found is None:
            self._failing.pop(webhook_id, None)
            return
        webhook, is_open = found
        if not is_open:
            raise WebhookUnavailable("The space of this webhook is deleted; it may be restored until it is erased.")
        reply = await self._sent(webhook, context.job.id, _body(args))
        if reply.status == _GONE:
            async with context.finishing() as session:
                await WebhookRepository(session).delete(webhook.space_id, webhook.id)
            log.info("webhook_gone", webhook=str(webhook.id))
        elif not 200 <= reply.status < 300:
            # Here and not in `_ask`: it answers, and may take other events.
            raise WebhookUnavailable(f"The receiver answered {reply.status}{_why(reply.status)}.", retry_after=reply.retry_after)

    async def _sent(self, webhook: WebhookRow, job_id: UUID, body: bytes) -> Reply:
        """`_ask`, unless the receiver has not answered for some time and is left alone."""
        breaker = self._failing.get(webhook.id) or Breaker(f"webhook {webhook.id}", WebhookUnavailable, interval=PAUSE)
        self._failing[webhook.id] = breaker
        asked = False
        try:
            async with breaker:
                asked = True
                reply = await self._ask(webhook, job_id, body)
        except WebhookUnavailable as error:
            if asked:
                raise
            # Each delivery has its own growing wait: the end of the pause would bring all of them back at once.
            raise WebhookUnavailable(str(error)) from error
        self._failing.pop(webhook.id, None)
        return reply

    async def _ask(self, webhook: WebhookRow, job_id: UUID, body: bytes) -> Reply:
        """The receiver's answer, also a refusal: while a service is being replaced, a proxy says 404 and the like for it.

        Raises WebhookUnavailable where it is away or has too much to do.
        """
        headers = signed_headers(webhook.secret, str(job_id), int(time.time()), body)
        headers["Content-Type"] = "application/json"
        reply = await self._client.post(webhook.url, body, headers, WebhookUnavailable)
        if reply.status in _BUSY or reply.status >= 500:
            raise WebhookUnavailable(f"The receiver answered {reply.status}.", retry_after=reply.retry_after)
        return reply


def _body(args: dict[str, Any]) -> bytes:
    event = {name: args[name] for name in ("type", "timestamp", "data")}
    return json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode()


def _why(status: int) -> str:
    return ", and redirects are not followed" if 300 <= status < 400 else ""
