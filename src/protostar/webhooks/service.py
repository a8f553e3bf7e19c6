"""The webhooks of a space."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from protostar.db.session import Database
from protostar.errors import Conflict, NotFound
from protostar.jobs.service import Jobs
from protostar.outbound.client import GuardedClient
from protostar.webhooks.events import TEST, delivery
from protostar.webhooks.models import WebhookRow
from protostar.webhooks.repository import WebhookRepository
from protostar.webhooks.schemas import WebhookCreate
from protostar.webhooks.signing import make_secret

MOST: Final = 20
"""Webhooks of a space: each makes a job of every event."""


class Webhooks:
    def __init__(self, database: Database, client: GuardedClient, jobs: Jobs) -> None:
        self._database = database
        self._client = client
        self._jobs = jobs

    async def create(self, space_id: UUID, body: WebhookCreate) -> WebhookRow:
        """Raises AddressRefused for a URL that could never be asked; what its name leads to is checked at each delivery."""
        self._client.check(body.url)
        row = WebhookRow(space_id=space_id, url=body.url, events=sorted(body.events), secret=make_secret())
        async with self._database.transaction() as session:
            repository = WebhookRepository(session)
            await repository.serialize(space_id)
            if await repository.count(space_id) >= MOST:
                raise Conflict(f"A space may have {MOST} webhooks; delete one first.")
            return await repository.add(row)

    async def page(self, space_id: UUID, *, before: UUID | None, limit: int) -> Sequence[WebhookRow]:
        async with self._database.transaction() as session:
            return await WebhookRepository(session).page(space_id, before=before, limit=limit)

    async def delete(self, space_id: UUID, id_: UUID) -> None:
        """What is still to be delivered to it is dropped."""
        async with self._database.transaction() as session:
            if not await WebhookRepository(session).delete(space_id, id_):
                raise NotFound("There is no webhook with that id.")

    async def test(self, space_id: UUID, id_: UUID) -> UUID:
        """Enqueue an event that means nothing, delivered like any other; the job's id."""
        async with self._database.transaction() as session:
            if await WebhookRepository(session).get(space_id, id_) is None:
                raise NotFound("There is no webhook with that id.")
            job_id = await self._jobs.enqueue(session, delivery(space_id, id_, TEST, {}))
        if job_id is None:
            raise AssertionError("a job without a dedupe key is always new")
        return job_id
