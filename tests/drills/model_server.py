"""The stand-in model server as a process, at a pace: it also counts what was asked for twice.

`python tests/drills/model_server.py PORT`. `POST /control` takes, besides what the stand-in takes, `embedding_delay` (seconds per
request); `GET /control` shows `passages`, how often each passage of a drill's documents was embedded, and `questions`, how often
an answer to each of a drill's questions was asked for.
"""

import asyncio
import re
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import uvloop
from aiohttp import web

sys.path.insert(0, str(Path(__file__).parents[2]))

from tests.drills.documents import PASSAGE, QUESTION
from tests.support.model_server import Behaviour, StandIn


class PacedStandIn(StandIn):
    def __init__(self) -> None:
        super().__init__(dimensions=64)
        self.embedding_delay = 0.0
        self.passages: Counter[str] = Counter()
        self.questions: Counter[str] = Counter()

    async def control(self, request: web.Request) -> web.Response:
        fields = await request.json()
        self.embedding_delay = fields.pop("embedding_delay", 0.0)
        if fields.pop("reset", False):
            self.passages.clear()
            self.questions.clear()
        self.behave(**fields)
        return await self.show(request)

    async def show(self, request: web.Request) -> web.Response:
        return web.json_response({"passages": self.passages, "questions": self.questions, "open_requests": self.open_requests})

    async def _chat(self, request: web.Request, asked: dict, behaviour: Behaviour) -> web.StreamResponse:
        asks = re.findall(QUESTION, asked["messages"][-1]["content"])[-1:]
        self.questions.update(asks)
        if not asks:  # a summary, which nobody waits for
            behaviour = replace(behaviour, delay=0.0, first_token_delay=0.0)
        return await super()._chat(request, asked, behaviour)

    async def _embed(self, request: web.Request, asked: dict, behaviour: Behaviour) -> web.Response:
        texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
        for text in texts:
            self.passages.update(re.findall(PASSAGE, text)[:1])
        if any(re.search(PASSAGE, text) for text in texts):
            await asyncio.sleep(self.embedding_delay)
        return await super()._embed(request, asked, behaviour)


if __name__ == "__main__":
    web.run_app(
        PacedStandIn().app,
        host="127.0.0.1",
        port=int(sys.argv[1]),
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=0.2,
        loop=uvloop.new_event_loop(),
    )
