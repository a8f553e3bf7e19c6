"""Chat and embedding models behind the OpenAI HTTP API, as spoken by OpenAI, vLLM, llama.cpp, Ollama and many others."""
# ruff: noqa: ASYNC109 - the time belongs to the seam: a wrapper spends some of it and hands down the rest

import math
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, Final

import aiohttp
from pydantic import BaseModel, Field, JsonValue

from protostar.config import ChatSettings, EmbeddingSettings
from protostar.errors import ModelUnavailable, ProtostarError
from protostar.llm.base import ChatDelta, Health, InputType, Message, Usage
from protostar.llm.sse import EventStreamParser
from protostar.llm.thoughts import AnswerAlone
from protostar.llm.transport import ModelServer, Patience, read_bounded

DONE: Final = b"[DONE]"
TAIL_TIMEOUT: Final = 1.0
"""Seconds for what follows a complete answer: usage, the end mark, the end of the body, so that the connection is reused."""
MAX_STREAM_BYTES: Final = 64 * 1024 * 1024
MAX_VECTOR_LENGTH: Final = 16_384
MAX_NUMBER_BYTES: Final = 32


class _Delta(BaseModel):
    content: str | None = None
    reasoning_content: Any = None
    reasoning: Any = None


class _Choice(BaseModel):
    delta: _Delta | None = None
    finish_reason: str | None = None


class _Usage(BaseModel):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None


class _Chunk(BaseModel):
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: JsonValue = None


class _Embedding(BaseModel):
    embedding: list[float]
    index: int | None = None


class _Embeddings(BaseModel):
    data: list[_Embedding] = Field(default_factory=list[_Embedding])
    error: JsonValue = None


class OpenAIChatModel:
    """`POST {base_url}/chat/completions` with `stream`."""

    def __init__(self, session: aiohttp.ClientSession, settings: ChatSettings, model: str) -> None:
        """`model` is one of the settings' models. Raises ConfigurationError for an unusable base URL or key."""
        self.name = model
        self._server = ModelServer(session, "CHAT", settings)
        self._first_token_timeout = settings.first_token_timeout.total_seconds()
        self._idle_timeout = settings.idle_timeout.total_seconds()
        self._thinks = False  # whether its answers begin within a thought, as the last one told

    @property
    def health(self) -> Health:
        return "ok"

    async def stream(
        self, messages: Sequence[Message], *, max_tokens: int, timeout: float | None = None
    ) -> AsyncGenerator[ChatDelta]:
        """Tokens of reasoning count as signs of life and are left out."""
        patience = Patience(self._first_token_timeout, total=timeout)
        answer = AnswerAlone(thinks=self._thinks)
        complete = False
        try:
            async with (
                self._server.post("/chat/completions", self._payload(messages, max_tokens), patience) as response,
                aclosing(self._events(response, patience)) as events,
            ):
                async for data in events:
                    chunk = self._chunk(data)
                    delta = _delta(chunk)
                    ends = data == DONE or delta.finish_reason is not None
                    delta = answer.take(delta, ends=ends)
                    self._thinks = answer.thinks
                    if delta != NOTHING:
                        yield delta
                    if complete:
                        continue
                    complete = ends
                    if complete or _is_token(chunk):
                        patience.renew(TAIL_TIMEOUT if complete else self._idle_timeout)
        except ModelUnavailable:
            if not complete:
                raise
        if not complete:
            raise self._server.unusable("its answer broke off")

    def _payload(self, messages: Sequence[Message], max_tokens: int) -> dict[str, object]:
        return {
            "model": self.name,
            "messages": [{"role": message.role, "content": message.content} for message in messages],
            "max_tokens": max_tokens,
            "stream": True,
            "stream_options": {"include_usage": True},
        }

    async def _events(self, response: aiohttp.ClientResponse, patience: Patience) -> AsyncGenerator[bytes]:
        """The data of each event of the body."""
        if response.content_type in ("application/json", "text/html"):
            raise await self._not_a_stream(response, patience)
        parser = EventStreamParser()
        size = 0
        while chunk := await patience.wait(response.content.readany()):
            size += len(chunk)
            if size > MAX_STREAM_BYTES:
                raise aiohttp.ClientPayloadError(f"the stream is longer than {MAX_STREAM_BYTES} bytes")
            for data in parser.feed(chunk):
                yield data
        for data in parser.flush():
            yield data

    async def _not_a_stream(self, response: aiohttp.ClientResponse, patience: Patience) -> ProtostarError:
        reply = _Chunk.model_validate_json(await patience.wait(read_bounded(response, MAX_STREAM_BYTES)))
        return self._server.reported(reply.error or "a whole answer instead of a stream of events")

    def _chunk(self, data: bytes) -> _Chunk:
        chunk = _Chunk() if data == DONE else _Chunk.model_validate_json(data)
        if chunk.error:
            raise self._server.reported(chunk.error)
        return chunk


class OpenAIEmbeddingModel:
    """`POST {base_url}/embeddings`.

    The API knows no input type, so queries and documents are sent alike. Vectors are asked for as JSON numbers: base64 saved
    2 ms of CPU per 64 vectors of 1,536 dimensions (3.1 instead of 5.4), and some servers refuse it.
    """

    def __init__(self, session: aiohttp.ClientSession, settings: EmbeddingSettings) -> None:
        """Raises ConfigurationError for an unusable base URL or key."""
        self.name = settings.model or ""
        self.dimensions = settings.dimensions
        self._server = ModelServer(session, "EMBEDDING", settings)

    @property
    def health(self) -> Health:
        return "ok"

    async def embed(self, texts: Sequence[str], *, input_type: InputType, timeout: float) -> list[list[float]]:
        del input_type
        if not texts:
            return []
        payload: dict[str, object] = {"model": self.name, "input": list(texts)}
        if self.dimensions is not None:
            payload["dimensions"] = self.dimensions
        patience = Patience(timeout, total=timeout)
        limit = 64 * 1024 + len(texts) * (self.dimensions or MAX_VECTOR_LENGTH) * MAX_NUMBER_BYTES
        async with self._server.post("/embeddings", payload, patience) as response:
            reply = _Embeddings.model_validate_json(await patience.wait(read_bounded(response, limit)))
        if reply.error:
            raise self._server.reported(reply.error)
        return self._checked(reply.data, len(texts))

    def _checked(self, items: list[_Embedding], count: int) -> list[list[float]]:
        """The vectors in the order of the texts. One that lands on the wrong text would never be noticed again."""
        places = {position if item.index is None else item.index: item.embedding for position, item in enumerate(items)}
        if len(items) != count or places.keys() != set(range(count)):
            raise self._server.rejected(f"returned {len(items)} vectors for {count} texts, or mixed them up", "MODEL", "BATCH_SIZE")
        vectors = [places[position] for position in range(count)]
        length = self.dimensions or len(vectors[0])
        wrong = next((len(vector) for vector in vectors if len(vector) != length or not vector), None)
        if wrong is not None:
            raise self._server.rejected(f"returned a vector of length {wrong}, not {length}", "MODEL", "DIMENSIONS")
        if not all(math.isfinite(sum(vector)) for vector in vectors):
            raise self._server.rejected("returned a vector that holds something else than numbers", "MODEL")
        return vectors


NOTHING: Final = ChatDelta()


def _delta(chunk: _Chunk) -> ChatDelta:
    choice = chunk.choices[0] if chunk.choices else _Choice()
    text = (choice.delta.content if choice.delta else None) or ""
    usage = chunk.usage and Usage(chunk.usage.prompt_tokens or 0, chunk.usage.completion_tokens or 0)
    thought = (choice.delta.reasoning_content or choice.delta.reasoning) if choice.delta else None
    # no database column takes a NUL
    return ChatDelta(text.replace("\0", ""), usage, choice.finish_reason or None, thought=len(str(thought or "")))


def _is_token(chunk: _Chunk) -> bool:
    delta = chunk.choices[0].delta if chunk.choices else None
    return delta is not None and bool(delta.content or delta.reasoning_content or delta.reasoning)
