"""The models that the settings ask for, with everything around them."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import aiohttp

from protostar.config import ChatSettings, EmbeddingSettings
from protostar.errors import ModelUnavailable
from protostar.llm.base import ChatModel, EmbeddingModel
from protostar.llm.openai import OpenAIChatModel, OpenAIEmbeddingModel
from protostar.llm.transport import tracing
from protostar.llm.wrappers import (
    FallbackChatModel,
    GuardedChatModel,
    GuardedEmbeddingModel,
    LimitedChatModel,
    LimitedEmbeddingModel,
    MeasuredChatModel,
    MeasuredEmbeddingModel,
    Observer,
    RetryingChatModel,
    RetryingEmbeddingModel,
)
from protostar.retry import Breaker


@asynccontextmanager
async def open_session() -> AsyncGenerator[aiohttp.ClientSession]:
    """The connections to the model servers. The models' own limits bound them; cookies are not kept."""
    connector = aiohttp.TCPConnector(limit=0)
    cookies = aiohttp.DummyCookieJar()
    async with aiohttp.ClientSession(connector=connector, cookie_jar=cookies, trace_configs=[tracing()]) as session:
        yield session


def open_chat_model(session: aiohttp.ClientSession, settings: ChatSettings, observer: Observer) -> ChatModel | None:
    """The model and its fallbacks, each with a breaker of its own; None when no server is set.

    Raises ConfigurationError for an unusable base URL or key.
    """
    if settings.base_url is None or settings.model is None:
        return None
    models: list[ChatModel] = []
    for name in (settings.model, *settings.fallbacks):
        measured = MeasuredChatModel(OpenAIChatModel(session, settings, name), observer)
        models.append(GuardedChatModel(measured, Breaker(f"the chat model {name}", ModelUnavailable)))
    model = models[0] if len(models) == 1 else FallbackChatModel(models)
    return RetryingChatModel(LimitedChatModel(model, settings.concurrency))


def open_embedding_model(session: aiohttp.ClientSession, settings: EmbeddingSettings, observer: Observer) -> EmbeddingModel | None:
    """The model behind its breaker; None when no server is set. Raises ConfigurationError for an unusable base URL or key."""
    if settings.base_url is None or settings.model is None:
        return None
    measured = MeasuredEmbeddingModel(OpenAIEmbeddingModel(session, settings), observer)
    guarded = GuardedEmbeddingModel(measured, Breaker(f"the embedding model {settings.model}", ModelUnavailable))
    return RetryingEmbeddingModel(LimitedEmbeddingModel(guarded, settings.concurrency))
