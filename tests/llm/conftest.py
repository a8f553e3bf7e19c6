"""The stand-in model server in this process, clients of it, and a check that nothing is left open."""

import asyncio
from contextlib import aclosing

import aiohttp
import pytest
from aiohttp import web
from tests.support.model_server import StandIn
from tests.support.waiting import wait_until

from protostar.config import ChatSettings, EmbeddingSettings
from protostar.llm.base import Message
from protostar.llm.factory import open_session
from protostar.llm.openai import OpenAIChatModel, OpenAIEmbeddingModel

PROMPT = [
    Message("system", "Answer from the passages."),
    Message("user", "[1] guide › Install\nIt takes one line. More follows.\n\n[2] guide › Needs\nPython 3.11 is needed.\n\nHow?"),
]


class Server:
    """The stand-in and where it listens."""

    def __init__(self, stand_in, base_url):
        self.stand_in = stand_in
        self.base_url = base_url
        self.behave = stand_in.behave

    @property
    def counts(self):
        return self.stand_in.counts

    @property
    def open_requests(self):
        return self.stand_in.open_requests


@pytest.fixture(scope="session")
async def running_server():
    stand_in = StandIn(dimensions=64)
    runner = web.AppRunner(stand_in.app, access_log=None, handler_cancellation=True, shutdown_timeout=0.2)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    yield Server(stand_in, f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/v1")
    await runner.cleanup()


@pytest.fixture
async def server(running_server):
    """The stand-in, well-behaved and with its counts at zero; every request must have ended after the test."""
    running_server.behave()
    running_server.stand_in.counts = type(running_server.counts)()
    yield running_server
    await wait_until(lambda: running_server.open_requests == 0)


def _own_tasks():
    """Tasks that run the client's code; other tests' stacks live in the same loop, and their tasks come and go."""
    places = ("/protostar/llm/", "/aiohttp/client", "/aiohttp/connector")
    return [task for task in asyncio.all_tasks() if any(place in _file_of(task) for place in places)]


def _file_of(task):
    code = getattr(task.get_coro(), "cr_code", None) or getattr(task.get_coro(), "ag_code", None)
    return code.co_filename if code is not None else ""


@pytest.fixture
async def session():
    """A client session; after the test no connection may be in use and no task be left."""
    async with open_session() as session:
        yield session
        await wait_until(lambda: not session.connector._acquired)
        # the server of this process keeps one task for each idle connection until it is closed
    await wait_until(lambda: not _own_tasks())


@pytest.fixture
def chat_settings(server):
    """Makes settings that point to the stand-in."""

    def make(**fields):
        defaults = {"base_url": server.base_url, "model": "chat", "api_key": "sk-secret-key-1234"}
        return ChatSettings(**defaults | fields)

    return make


@pytest.fixture
def embedding_settings(server):
    def make(**fields):
        return EmbeddingSettings(**{"base_url": server.base_url, "model": "embed", "api_key": "sk-secret-key-1234"} | fields)

    return make


@pytest.fixture
def raw_server():
    """Starts servers that send fixed bytes to every request and close the connection."""
    servers = []

    async def start(reply):
        async def answer(reader, writer):
            await reader.readuntil(b"\r\n\r\n")
            writer.write(reply)
            await writer.drain()
            writer.close()
            await writer.wait_closed()

        servers.append(await asyncio.start_server(answer, "127.0.0.1", 0))
        return f"http://127.0.0.1:{servers[-1].sockets[0].getsockname()[1]}/v1"

    yield start
    for one in servers:
        one.close()


@pytest.fixture
def nameless_session():
    """A session whose resolver knows no name."""

    class Resolver(aiohttp.abc.AbstractResolver):
        async def resolve(self, host, port=0, family=0):
            raise OSError("no such name")

        async def close(self):
            pass

    return lambda: aiohttp.ClientSession(connector=aiohttp.TCPConnector(resolver=Resolver()))


@pytest.fixture
def chat(session, chat_settings):
    """Makes chat models of the stand-in."""

    def make(**fields):
        settings = chat_settings(**fields)
        return OpenAIChatModel(session, settings, settings.model)

    return make


@pytest.fixture
def embedding(session, embedding_settings):
    """Makes embedding models of the stand-in."""
    return lambda **fields: OpenAIEmbeddingModel(session, embedding_settings(**fields))


@pytest.fixture
def prompt():
    """Two passages and a question; the stand-in and the fake answer as `answer` says."""
    return PROMPT


@pytest.fixture
def answer():
    return "The documents say this.\nIt takes one line. [1]\nPython 3.11 is needed. [2]"


@pytest.fixture
def read():
    """Reads a whole answer: text, usage, finish reason."""

    async def read(model, messages=PROMPT, *, max_tokens=100, **options):
        text, usage, finish = "", None, None
        async with aclosing(model.stream(messages, max_tokens=max_tokens, **options)) as deltas:
            async for delta in deltas:
                text = delta.text if delta.anew else text + delta.text
                usage, finish = delta.usage or usage, delta.finish_reason or finish
        return text, usage, finish

    return read


@pytest.fixture
def embed():
    """Embeds some texts as documents."""

    async def embed(model, texts=("one", "two"), **options):
        return await model.embed(texts, **{"input_type": "document", "timeout": 5.0} | options)

    return embed


@pytest.fixture
def collect():
    """Appends the texts of a stream to a list, so that those before an error are known."""

    async def collect(deltas, received):
        async for delta in deltas:
            received.append(delta.text)

    return collect
