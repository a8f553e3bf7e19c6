"""The stand-in as a process of its own, as drills and benchmarks use it."""

import asyncio
import re
import sys
from pathlib import Path

import aiohttp
import pytest

SCRIPT = Path(__file__).parents[1] / "support" / "model_server.py"
ASK = {"model": "chat", "messages": [{"role": "user", "content": "[1] guide\nOne line. Two.\n\nHow?"}]}


@pytest.fixture(scope="module")
async def url():
    process = await asyncio.create_subprocess_exec(sys.executable, SCRIPT, "--port", "0", stdout=asyncio.subprocess.PIPE)
    line = await process.stdout.readline()
    yield re.search(rb"http://[\d.]+:\d+", line)[0].decode()
    process.terminate()
    await process.communicate()


@pytest.fixture
async def ask(url):
    """Sends JSON and returns the status and the JSON that comes back; the stand-in behaves well at first."""
    async with aiohttp.ClientSession(url) as session:

        async def ask(path, json=None):
            async with session.request("POST" if json is not None else "GET", path, json=json) as response:
                return response.status, await response.json()

        await ask("/control", {"reset": True})
        yield ask


async def test_answers_without_a_stream(ask):
    status, reply = await ask("/v1/chat/completions", ASK)
    assert status == 200
    assert reply["choices"][0]["message"]["content"] == "The documents say this.\nOne line. [1]"
    assert reply["usage"]["completion_tokens"] == 7


async def test_lists_models(ask):
    _, reply = await ask("/v1/models")
    assert [model["id"] for model in reply["data"]] == ["chat", "embed"]


async def test_shows_what_was_embedded_and_what_twice(ask):
    for texts in ("one", ["one", "two"], ["three"]):
        _, reply = await ask("/v1/embeddings", {"model": "embed", "input": texts})
        assert len(reply["data"][0]["embedding"]) == 1536
    _, shown = await ask("/control")
    assert (shown["embedding_calls"], shown["texts_embedded"], shown["distinct_texts"]) == (3, 4, 3)
    assert (shown["repeated_texts"], shown["duplicates"]) == (1, 1)
    assert sorted(shown["texts"].values()) == [1, 1, 2]


async def test_misbehaves_as_often_as_it_is_told(ask):
    await ask("/control", {"status": 429, "retry_after": 3, "times": 2, "only": "chat"})
    assert (await ask("/v1/embeddings", {"input": "x"}))[0] == 200
    assert [(await ask("/v1/chat/completions", ASK))[0] for _ in range(3)] == [429, 429, 200]
    _, shown = await ask("/control")
    assert shown["chat_calls"] == 3
    assert shown["behaviour"]["status"] is None


async def test_the_number_of_tokens_is_told(ask):
    await ask("/control", {"tokens": 40})
    _, reply = await ask("/v1/chat/completions", ASK)
    assert reply["usage"]["completion_tokens"] == 40


async def test_an_unknown_fault_is_refused(url):
    async with aiohttp.ClientSession() as session, session.post(f"{url}/control", json={"stauts": 503}) as response:
        assert response.status == 422
        assert "stauts" in await response.text()
