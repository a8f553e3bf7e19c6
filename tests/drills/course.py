"""The course of a drill: everything in flight, something breaks, it is mended, everything settles, everything is counted."""

import os
import tempfile
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from tests.drills import documents
from tests.drills.clients import LOST_CONNECTION, Clients, clients
from tests.drills.counts import Counts, Inspector
from tests.drills.processes import Installation, Models, installed
from tests.drills.servers import Postgres, Valkey
from tests.support.databases import TEMPLATE, execute, named
from tests.support.waiting import wait_until

DOCUMENTS = int(os.environ.get("DRILL_DOCUMENTS", "50"))
QUESTIONS = int(os.environ.get("DRILL_QUESTIONS", "50"))
TEMPORARY = Path("/tmp").resolve()  # sockets and working folders are named by their real, short paths
START_SECONDS = 90
HEAL_SECONDS = 150


@dataclass(frozen=True)
class Drill:
    """`database`: the name of its database. `redis`: None where it runs without. `first`: the number of its first document and
    its first question. `is_shared`: whether other drills go on with the installation."""

    installation: Installation
    clients: Clients
    postgres: Postgres
    redis: Valkey | None
    models: Models
    database: str
    inspector: Inspector
    record: Callable[[dict[str, Any]], None]
    first: int = 0
    is_shared: bool = False

    async def ready(self) -> None:
        """Start every process, and upload what the questions are about."""
        await self.installation.up()
        await self.prepare()

    async def prepare(self) -> None:
        """Upload what the questions are about."""
        http = self.clients.http

        async def accepted() -> Any:
            url = f"{self.clients.url()}/v1/documents?filename=guarantee.md"
            with suppress(*LOST_CONNECTION):
                async with http.post(url, data=documents.GUIDE.encode()) as response:
                    return response.status in (200, 202) and await response.json()

        document = await wait_until(accepted, START_SECONDS, what="the guide is accepted")

        async def ready() -> bool:
            with suppress(*LOST_CONNECTION):
                async with http.get(f"{self.clients.url()}/v1/documents/{document['id']}") as response:
                    return response.status == 200 and (await response.json())["status"] == "ready"
            return False

        await wait_until(ready, START_SECONDS, what="the guide is ready")

    async def in_flight(self, uploads: int = DOCUMENTS, questions: int = QUESTIONS) -> None:
        """Return in the middle: some documents accepted and being embedded, most answers being written."""
        self.clients.upload(range(self.first, self.first + uploads))

        async def embedding() -> bool:
            return len((await self.models.counts())["passages"]) * 8 >= uploads * documents.SECTIONS

        await wait_until(embedding, START_SECONDS, what="passages are being embedded")
        await self.answers_in_flight(range(self.first, self.first + questions))

    async def answers_in_flight(self, numbers: range = range(QUESTIONS)) -> None:
        """Ask these questions, and return when half of the answers have begun."""
        self.clients.ask(numbers)
        asked = self.clients.questions[-len(numbers) :]
        await wait_until(lambda: sum(bool(question.text) for question in asked) * 2 >= len(asked), START_SECONDS)

    async def heal(
        self, *allowed: str, kills: int = 0, within: float = HEAL_SECONDS, check: bool = True, leftovers: bool = False
    ) -> Counts:
        """Wait until everything accepted is finished, count, and raise AssertionError where something is wrong.

        `kills`: how often batches in flight were lost. `allowed`: counts that may be other than zero here. `leftovers`: whether a
        process was killed, which may leave files until one starts a day later.
        """
        seconds = await self.inspector.settle(within)
        counts = await self.inspector.count(kills=kills, models=await self.models.counts())
        counts.seconds = round(seconds, 1)
        if not self.is_shared:
            await self.installation.stop()
            if leftovers:
                await self.installation.a_day_later()
            await self.inspector.leaks(counts)
        self.record(counts.row())
        if check:
            counts.check(*allowed)
        return counts


class Drills:
    """Makes installations on the servers of this session."""

    def __init__(self, postgres: Postgres, redis: Valkey, models: Models, record: Callable[[dict[str, Any]], None]) -> None:
        self.postgres = postgres
        self.redis = redis
        self.models = models
        self.record = record

    @asynccontextmanager
    async def drill(
        self,
        settings: Mapping[str, str] | None = None,
        *,
        apis: int = 1,
        workers: int = 1,
        redis: bool = True,
        template: str = TEMPLATE,
    ) -> AsyncGenerator[Drill]:
        """An installation with a database of its own, made from `template`, of which nothing runs yet."""
        await self.postgres.start()
        await self.redis.start()
        await self.redis.empty()
        await self.models.behave(reset=True)
        database = f"drill_{uuid4().hex[:12]}"
        await execute(self.postgres.url, f'create database "{database}" template "{template}"')
        urls = {"DATABASE_URL": named(self.postgres.url, database)} | ({"REDIS_URL": self.redis.url} if redis else {})
        urls |= {"CHAT_BASE_URL": self.models.url, "EMBEDDING_BASE_URL": self.models.url}
        with tempfile.TemporaryDirectory(prefix="protostar-drill-", dir=TEMPORARY) as name:
            folder = Path(name)
            async with (
                installed(folder, {**urls, **(settings or {})}, apis=apis, workers=workers) as installation,
                clients(installation.urls) as everybody,
            ):
                valkey = self.redis if redis else None
                inspector = Inspector(urls["DATABASE_URL"], installation, everybody, valkey, folder)
                try:
                    yield Drill(installation, everybody, self.postgres, valkey, self.models, database, inspector, self.record)
                except BaseException:
                    print(installation.told(), *(question.shown for question in everybody.questions), sep="\n")
                    raise
        await self.postgres.start()
        await execute(self.postgres.url, f'drop database "{database}" with (force)')
