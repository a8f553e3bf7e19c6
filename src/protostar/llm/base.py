"""What a chat model and an embedding model are, whoever makes them.

Both raise only ModelUnavailable (the server is away, or its answer broke off or cannot be read: trying again makes sense) and
ModelRejected (it refuses, and will again: the sentence says which setting to look at).
"""
# ruff: noqa: ASYNC109 - the time belongs to the seam: a wrapper spends some of it and hands down the rest

from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

Role = Literal["system", "user", "assistant"]
InputType = Literal["query", "document"]

Health = Literal["ok", "degraded", "down"]
"""As the last calls tell; nothing is called to find out. `degraded`: only a fallback answers, or the next call is a probe."""


@dataclass(frozen=True, slots=True)
class Message:
    role: Role
    content: str


@dataclass(frozen=True, slots=True)
class Usage:
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True, slots=True)
class ChatDelta:
    """A piece of an answer. `usage` is for the whole answer so far, so the last one counts; servers may leave it out.

    `model`: who writes the answer, where it is not the one that was asked. `thought`: characters that it wrote and that are no part
    of the answer. `anew`: what came before was no part of it either, and it begins with this piece.
    """

    text: str = ""
    usage: Usage | None = None
    finish_reason: str | None = None
    model: str | None = None
    thought: int = 0
    anew: bool = False


class ChatModel(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def health(self) -> Health: ...

    def stream(self, messages: Sequence[Message], *, max_tokens: int, timeout: float | None = None) -> AsyncGenerator[ChatDelta]:
        """The answer as it is written; nothing is sent before the first step. `timeout`: seconds for the whole answer.

        A stream that ends without an error is a complete answer. Consume it under `contextlib.aclosing`: `aclose` ends the
        request at once, and the server stops writing.
        """
        ...


class EmbeddingModel(Protocol):
    @property
    def name(self) -> str: ...

    @property
    def dimensions(self) -> int | None:
        """Length of every vector, or None when it is up to the model."""
        ...

    @property
    def health(self) -> Health: ...

    async def embed(self, texts: Sequence[str], *, input_type: InputType, timeout: float) -> list[list[float]]:
        """One vector of finite numbers per text, in their order, all of one length, within `timeout` seconds in all."""
        ...
