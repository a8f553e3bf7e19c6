"""Streamed answers by one caller and by sixteen: the first token, and whole answers."""

import time
from collections.abc import Sequence
from typing import Any

import aiohttp

from bench.corpus import Document, questions
from bench.load import BenchError, at_once, latencies, percentile
from bench.measure import costs
from bench.stack import ANSWER_TOKENS, Stack

CALLERS = (1, 16)

_TEXT = b'"content":'


async def measure(stack: Stack, corpus: Sequence[Document], space: dict[str, str], count: int, seed: str) -> dict[str, Any]:
    """`count` answers by one caller and four times as many by sixteen, no two to the same question.

    `overhead`: time to the first token less what the stand-in alone takes for the same prompt from as many callers.
    """
    await stack.ask("POST", f"{stack.models}/control", json={"tokens": ANSWER_TOKENS})
    await _answers(stack, space, questions(corpus, 16, f"{seed}-warm"), 16)
    prompt = (await stack.ask("GET", f"{stack.models}/control"))["last_chat"]
    figures: dict[str, Any] = {}
    for callers in CALLERS:
        asked = questions(corpus, count if callers == 1 else 4 * count, f"{seed}-{callers}")
        alone = percentile(await model_alone(stack, prompt, len(asked), callers), 0.5) * 1000
        with costs(stack.processes) as cost:
            first = await _answers(stack, space, asked, callers)
        prefix = f"c{callers}_"
        figures |= latencies(first, f"{prefix}first_token_")
        figures[f"{prefix}model_first_token_ms"] = alone
        figures[f"{prefix}overhead_ms"] = figures[f"{prefix}first_token_p50_ms"] - alone
        figures[f"{prefix}per_s"] = len(asked) / cost.wall
        for role in ("api", "postgres", "redis", "worker", "models", "client"):
            figures[f"{prefix}{role}_cpu_ms"] = cost.cpu.get(role, 0.0) / len(asked) * 1000
        figures[f"{prefix}cpu_of_others"] = cost.others / cost.wall
    await stack.ask("POST", f"{stack.models}/control", json={})
    return figures


async def _answers(stack: Stack, space: dict[str, str], asked: Sequence[tuple[str, Document]], callers: int) -> list[float]:
    """Seconds to the first token of each."""

    async def ask(question: tuple[str, Document]) -> float:
        body = {"question": question[0], "stream": True}
        request = stack.http.post("/v1/answers", json=body, headers=space)
        return await first_token(request, b"event: delta", b"event: done")

    return await at_once(callers, asked, ask)


async def model_alone(stack: Stack, prompt: dict[str, Any], count: int, callers: int) -> list[float]:
    async def ask(_number: int) -> float:
        request = stack.http.post(f"{stack.models}/v1/chat/completions", json=prompt)
        return await first_token(request, _TEXT, b"data: [DONE]")

    return await at_once(callers, range(count), ask)


async def first_token(request: Any, token: bytes, end: bytes) -> float:
    """Seconds from the request to the first `token` of its stream. Raises BenchError when `end` does not come."""
    started = time.perf_counter()
    first: float | None = None
    received = bytearray()
    async with request as response:
        response: aiohttp.ClientResponse
        while chunk := await response.content.readany():
            received += chunk
            if first is None and token in received:
                first = time.perf_counter() - started
    if first is None or end not in received:
        raise BenchError(f"The stream did not end well: {response.status} {received[-300:].decode(errors='replace')}")
    return first
