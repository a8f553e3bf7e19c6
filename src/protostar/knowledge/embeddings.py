"""Vectors: each text of a space is paid for once per model, whatever happens to the job that needed it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

import structlog

from protostar.config import EmbeddingSettings
from protostar.db.patience import patiently
from protostar.db.session import Database
from protostar.errors import ModelRejected
from protostar.knowledge.chunking import indexed_text
from protostar.knowledge.vectors import Missing, Vectors
from protostar.llm.base import EmbeddingModel
from protostar.llm.fluency import Fluency, examine, understands
from protostar.llm.wrappers import slot
from protostar.telemetry import Metrics

log = structlog.get_logger()

Show = Callable[[int, int], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _StoredModel:
    """What vectors are stored under: they are only compared with others of their length."""

    id: int
    dimensions: int


class Embedder:
    """The configured embedding model together with where its vectors are kept."""

    def __init__(self, database: Database, model: EmbeddingModel, settings: EmbeddingSettings, metrics: Metrics) -> None:
        self._vectors = Vectors(database)
        self._model = model
        self._settings = settings
        self._unsaved = asyncio.Semaphore(settings.concurrency)
        self._metrics = metrics
        self._ids: dict[int, int] = {}
        self._fluency: Fluency | None = None
        self._examining = asyncio.Lock()
        self._dimensions = settings.dimensions

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def dimensions(self) -> int | None:
        """Length of the vectors; None where the settings do not say and the model has not been asked yet."""
        return self._dimensions

    async def understands(self, text: str) -> bool:
        """Whether the model knows the language of a question; it is believed to until it was examined.

        The best cosines of one that does not would stand out all the same, for any passage and against refusing.
        """
        if self._fluency is None:
            self._fluency = await self._vectors.fluency(self.name, self._dimensions)
        return self._fluency is None or understands(self._fluency, text)

    async def question(self, text: str) -> tuple[int, list[float]]:
        """The model's id and the vector of a question. Raises ModelUnavailable and ModelRejected."""
        timeout = self._settings.query_timeout.total_seconds()
        (vector,) = await self._model.embed([text], input_type="query", timeout=timeout)
        return (await self._stored(len(vector))).id, vector

    async def fill(self, space_id: UUID, document_id: UUID, version: int, show: Show) -> None:
        """Embed every text of the version that has no vector yet.

        Each batch is saved as soon as it is there, so a successor goes on from it. Raises ModelUnavailable and ModelRejected.
        """
        model = await self._stored_model()
        await self._vectors.adopt(space_id, model.id)
        limit = self._settings.batch_size * self._settings.concurrency
        done, total = 0, None
        while texts := await self._vectors.next_missing(document_id, version, model.id, limit):
            if total is None:
                whole = len(texts) < limit
                total = len(texts) if whole else await self._vectors.count_missing(document_id, version, model.id)
            await self._embed(space_id, model, _by_hash(texts))
            done += len(texts)
            await show(done, total)
            if len(texts) < limit:
                return

    async def fill_space(self, space_id: UUID, show: Show) -> int:
        """Embed every text of the space that has no vector of this model yet, as `fill` does; returns the model's id."""
        model = await self._stored_model()
        await self._vectors.adopt(space_id, model.id)
        limit = self._settings.batch_size * self._settings.concurrency
        done = 0
        # What became searchable meanwhile with its hash before the place reached is left to the next round.
        while missing := await self._vectors.count_missing_in_space(space_id, model.id):
            total = done + missing
            after = UUID(int=0)
            while texts := await self._vectors.next_missing_in_space(space_id, model.id, after, limit):
                await self._embed(space_id, model, _by_hash(texts))
                after = texts[-1].text_hash
                done += len(texts)
                await show(done, max(done, total))
        return model.id

    async def add(self, space_id: UUID, texts: Mapping[UUID, str]) -> int:
        """Embed those of the texts, by their hashes, that have no vector yet; the model's id.

        Raises ModelUnavailable and ModelRejected.
        """
        model = await self._stored_model()
        await self._vectors.adopt(space_id, model.id)
        await self._embed(space_id, model, await self._unknown(space_id, model, texts))
        return model.id

    async def _embed(self, space_id: UUID, model: _StoredModel, texts: Mapping[UUID, str]) -> None:
        """Each batch is saved as soon as it is there."""
        batches = [self._embed_batch(space_id, model, batch) for batch in _batched(texts, self._settings.batch_size)]
        # All of them are awaited before an error is raised: what another batch has paid for is saved.
        outcomes = await asyncio.gather(*batches, return_exceptions=True)
        for outcome in outcomes:
            if outcome is not None:
                raise outcome

    async def _embed_batch(self, space_id: UUID, model: _StoredModel, batch: Mapping[UUID, str]) -> None:
        has_to_wait = self._unsaved.locked()
        # The place is kept until the vectors are: what a killed process has paid for in vain is `concurrency` batches at most. The
        # wait for it has an end, so that a process that was frozen asks for nothing more when it wakes: its successor has.
        async with slot(self._unsaved, self._settings.batch_timeout.total_seconds(), self.name):
            if has_to_wait:
                batch = await self._unknown(space_id, model, batch)
            if batch:
                vectors = await self._paid(list(batch.values()), model)
                await patiently(lambda: self._vectors.add(space_id, model.id, zip(batch, vectors, strict=True)))

    async def _unknown(self, space_id: UUID, model: _StoredModel, texts: Mapping[UUID, str]) -> dict[UUID, str]:
        unknown = await self._vectors.unknown(space_id, model.id, texts)
        return {hash_: text for hash_, text in texts.items() if hash_ in unknown}

    async def _paid(self, texts: Sequence[str], model: _StoredModel) -> list[list[float]]:
        started = time.monotonic()
        vectors = await self._model.embed(texts, input_type="document", timeout=self._settings.batch_timeout.total_seconds())
        self._metrics.stage_seconds.labels("embed").inc(time.monotonic() - started)
        if any(len(vector) != model.dimensions for vector in vectors):
            self._dimensions = self._settings.dimensions  # unset: the next job asks anew
            raise ModelRejected(f"The embedding model {self.name} does not return {model.dimensions} numbers a vector any more.")
        return vectors

    async def _stored_model(self) -> _StoredModel:
        if self._dimensions is None:
            timeout = self._settings.batch_timeout.total_seconds()
            (probe,) = await self._model.embed(["How long is a vector?"], input_type="query", timeout=timeout)
            self._dimensions = len(probe)
        model = await self._stored(self._dimensions)
        async with self._examining:
            if self._fluency is None:
                self._fluency = await self._vectors.fluency(self.name, model.dimensions) or await self._examine(model)
        return model

    async def _examine(self, model: _StoredModel) -> Fluency:
        timeout = self._settings.batch_timeout.total_seconds()
        fluency = await examine(self._model, batch_size=self._settings.batch_size, timeout=timeout)
        await self._vectors.examined(model.id, fluency)
        log.info("embedding_model_examined", model=self.name, korean=fluency["ko"], english=fluency["en"])
        return fluency

    async def _stored(self, dimensions: int) -> _StoredModel:
        if dimensions not in self._ids:
            self._ids[dimensions] = await self._vectors.model_id(self._model.name, dimensions)
        return _StoredModel(self._ids[dimensions], dimensions)


def _by_hash(texts: Sequence[Missing]) -> dict[UUID, str]:
    return {text.text_hash: indexed_text(text.heading_path, text.text) for text in texts}


def _batched(texts: Mapping[UUID, str], size: int) -> list[dict[UUID, str]]:
    items = list(texts.items())
    return [dict(items[start : start + size]) for start in range(0, len(items), size)]
