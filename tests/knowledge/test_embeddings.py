"""What a text's vector costs, whatever comes between the model and the database."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

import pytest
from tests.support.waiting import wait_until

from protostar.config import EmbeddingSettings
from protostar.db.session import Database
from protostar.knowledge.embeddings import Embedder
from protostar.llm.base import Health, InputType
from protostar.llm.fake import FakeEmbeddingModel
from protostar.llm.fluency import EXAMINATION
from protostar.telemetry import Metrics

_WAITS = "select count(*) from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"


class Prompt:
    """An embedding model that answers at once and keeps what it was sent."""

    name = "prompt"
    dimensions = 2
    health: Health = "ok"

    def __init__(self) -> None:
        self.paid: list[str] = []

    async def embed(self, texts: Sequence[str], *, input_type: InputType, timeout: float) -> list[list[float]]:
        self.paid += texts
        return [[1.0, float(len(self.paid))] for _text in texts]


@pytest.fixture(autouse=True)
async def _examined(database: Database) -> None:
    """So that documents' texts alone are paid for here."""
    async with database.driver() as connection:
        await connection.execute(
            "insert into embedding_models (name, dimensions, korean, english) values ('prompt', 2, 0, 0) on conflict do nothing"
        )


async def test_no_more_is_paid_for_than_a_kill_may_cost(database: Database, space_id: UUID) -> None:
    model = Prompt()
    embedder = Embedder(database, model, EmbeddingSettings(dimensions=2, batch_size=2, concurrency=2), Metrics())
    texts = {UUID(int=n): f"text {n}" for n in range(12)}
    batches = [dict(list(texts.items())[start : start + 2]) for start in range(0, 12, 2)]
    async with database.driver() as held, database.driver() as looking, asyncio.TaskGroup() as jobs:
        async with held.transaction():
            await held.execute("lock table embeddings in share mode")
            for batch in batches:
                jobs.create_task(embedder.add(space_id, batch))

            async def both_wait() -> bool:
                return await looking.fetchval(_WAITS) >= 2

            await wait_until(both_wait)
            assert len(model.paid) == 4
    assert sorted(model.paid) == sorted(texts.values())


class Slow(Prompt):
    """The same, but it answers when it may."""

    def __init__(self) -> None:
        super().__init__()
        self.may_answer = asyncio.Event()

    async def embed(self, texts: Sequence[str], *, input_type: InputType, timeout: float) -> list[list[float]]:
        vectors = await super().embed(texts, input_type=input_type, timeout=timeout)
        await self.may_answer.wait()
        return vectors


async def test_who_waited_pays_for_nothing_that_another_has_paid_for(database: Database, space_id: UUID) -> None:
    settings = EmbeddingSettings(dimensions=2, batch_size=1, concurrency=1)
    slow, prompt = Slow(), Prompt()
    first, second = {UUID(int=1): "first"}, {UUID(int=2): "second"}
    async with asyncio.TaskGroup() as jobs:
        jobs.create_task(Embedder(database, slow, settings, Metrics()).add(space_id, first | second))
        await wait_until(lambda: slow.paid == ["first"])
        await Embedder(database, prompt, settings, Metrics()).add(space_id, second)
        slow.may_answer.set()
    assert (slow.paid, prompt.paid) == (["first"], ["second"])


async def test_a_model_is_examined_once_before_its_first_vectors(database: Database, space_id: UUID) -> None:
    model = FakeEmbeddingModel(name="examined")
    texts = {UUID(int=n): f"text {n}" for n in range(4)}
    settings = EmbeddingSettings(batch_size=1, concurrency=4)
    first, second = (Embedder(database, model, settings, Metrics()) for _ in range(2))
    await asyncio.gather(*(first.add(space_id, {hash_: text}) for hash_, text in texts.items()))
    await second.add(space_id, {UUID(int=9): "another text"})
    examined = [text for pairs in EXAMINATION.values() for pair in pairs.items() for text in pair]
    assert [model.embedded[text] for text in examined] == [1] * 64
    async with database.driver() as connection:
        row = await connection.fetchrow("select korean, english from embedding_models where name = 'examined'")
    assert tuple(row) == (1, 1)
