"""Clients that do not give up: they upload, ask, resume where a connection was lost, and come back when they are refused."""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import aiohttp
from tests.drills import documents
from tests.support.sse import SentEvent, read_events
from tests.support.stack import ADMIN_KEY

PATIENCE = 120.0  # seconds; what is not done by then is lost
SILENCE = 8.0  # seconds without a byte, after which a client tries another API
LONGEST_WAIT = 3.0
PIECES = 4
PIECE_SECONDS = 0.05

LOST_CONNECTION = (aiohttp.ClientError, OSError, TimeoutError)


@dataclass
class Upload:
    """A document from its client's side. `id` is set once it was accepted."""

    number: int
    id: str | None = None
    refused: int = 0
    wrong: list[str] = field(default_factory=list)


@dataclass
class Question:
    """A question from its client's side. `answer_id` is set once `start` came: from then on it is accepted."""

    number: int
    answer_id: str | None = None
    text: str = ""
    last_id: str | None = None
    done: list[dict[str, Any]] = field(default_factory=list)
    error: dict[str, Any] | None = None
    resets: int = 0
    breaks: list[str] = field(default_factory=list)
    refused: int = 0
    wrong: list[str] = field(default_factory=list)

    @property
    def is_over(self) -> bool:
        return bool(self.done) or self.error is not None

    @property
    def shown(self) -> str:
        """On one line, for whoever looks into a drill that failed."""
        state = f"{len(self.text)} characters, {len(self.done)} done, {self.resets} resets, {self.refused} refused"
        return f"question {self.number}, {self.answer_id}: {state}, {self.last_id}, {self.breaks}, {self.error}, {self.wrong}"

    def take(self, event: SentEvent) -> None:
        match event.name:
            case "start":
                self.answer_id = event.data["answer_id"]
            case "delta":
                self.text += event.data["text"]
            case "reset":
                self.text = ""
                self.resets += 1
            case "done":
                self.done.append(event.data["answer"])
            case "error":
                self.error = event.data["problem"]
        self.last_id = event.id or self.last_id


class Clients:
    """Everybody who uses an installation during a drill."""

    def __init__(self, urls: list[str], http: aiohttp.ClientSession) -> None:
        self.uploads: list[Upload] = []
        self.questions: list[Question] = []
        self.http = http
        self._urls = urls
        self._turn = count()
        self._tasks: list[asyncio.Task[None]] = []

    def upload(self, numbers: Iterable[int], *, at_once: int = 4) -> None:
        """Begin to upload these documents, `at_once` at a time."""
        places = asyncio.Semaphore(at_once)
        for upload in map(Upload, numbers):
            self.uploads.append(upload)
            self._tasks.append(asyncio.create_task(self._upload(upload, places)))

    def ask(self, numbers: Iterable[int]) -> None:
        """Begin to ask these questions, all at once."""
        for question in map(Question, numbers):
            self.questions.append(question)
            self._tasks.append(asyncio.create_task(self._ask(question)))

    def resume(self, questions: Iterable[Question]) -> None:
        """Begin to read these on, from where their clients left."""
        self._tasks += [asyncio.create_task(self._ask(question)) for question in questions]

    @property
    def refused(self) -> int:
        """How often anybody was told to come back."""
        return sum(client.refused for client in (*self.uploads, *self.questions))

    async def finished(self) -> None:
        """Until every client has what it wanted, or has lost its patience."""
        await asyncio.gather(*self._tasks)

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def url(self) -> str:
        """Of the APIs in turn: whoever was let down by one tries the next."""
        return self._urls[next(self._turn) % len(self._urls)]

    # -- uploading

    async def _upload(self, upload: Upload, places: asyncio.Semaphore) -> None:
        async with places:
            try:
                async with asyncio.timeout(PATIENCE):
                    while upload.id is None:
                        await self._try_to_upload(upload)
            except TimeoutError:
                upload.wrong.append("never accepted")

    async def _try_to_upload(self, upload: Upload) -> None:
        headers = {"Idempotency-Key": f"upload {upload.number}"}
        params = {"filename": documents.name(upload.number)}
        body = _slowly(documents.content(upload.number))
        try:
            async with self.http.post(f"{self.url()}/v1/documents", params=params, data=body, headers=headers) as response:
                if response.status in (200, 202):
                    upload.id = (await response.json())["id"]
                    return
                await self._refused(upload, response)
        except LOST_CONNECTION:
            await asyncio.sleep(0.2)

    async def _refused(self, client: Upload | Question, response: aiohttp.ClientResponse) -> None:
        if response.status in (429, 503) and "Retry-After" in response.headers:
            client.refused += 1
            await asyncio.sleep(min(LONGEST_WAIT, float(response.headers["Retry-After"])))
        else:
            client.wrong.append(f"{response.status} {(await response.text())[:300]}")
            await asyncio.sleep(1)

    # -- asking

    async def _ask(self, question: Question) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                while not question.is_over:
                    await self._try_to_hear(question)
        except TimeoutError:
            question.wrong.append("never finished")

    async def _try_to_hear(self, question: Question) -> None:
        """Ask, or read on where the answer was lost, until it is over or the connection is."""
        try:
            async with self.asked(question) as response:
                if response.status != 200:
                    await self._refused(question, response)
                    return
                async for event in read_events(response):
                    question.take(event)
            question.breaks.append("ended")
        except LOST_CONNECTION as error:
            question.breaks.append(repr(error))
        if not question.is_over:
            await asyncio.sleep(0.2)

    def asked(self, question: Question) -> Any:
        """The response to a question, or to the request to read on, as an async context manager."""
        if question.answer_id is None:
            body = {"question": documents.question(question.number), "stream": True}
            headers = {"Idempotency-Key": f"question {question.number}"}
            return self.http.post(f"{self.url()}/v1/answers", json=body, headers=headers)
        headers = {"Last-Event-ID": question.last_id} if question.last_id is not None else {}
        return self.http.get(f"{self.url()}/v1/answers/{question.answer_id}/events", headers=headers)


async def _slowly(content: bytes) -> AsyncGenerator[bytes]:
    size = -(-len(content) // PIECES)
    for start in range(0, len(content), size):
        yield content[start : start + size]
        await asyncio.sleep(PIECE_SECONDS)


@asynccontextmanager
async def clients(urls: list[str]) -> AsyncGenerator[Clients]:
    timeout = aiohttp.ClientTimeout(total=None, sock_connect=SILENCE, sock_read=SILENCE)
    connector = aiohttp.TCPConnector(limit=0, force_close=True)
    authorization = {"Authorization": f"Bearer {ADMIN_KEY}"}
    async with aiohttp.ClientSession(headers=authorization, timeout=timeout, connector=connector) as http:
        everybody = Clients(urls, http)
        try:
            yield everybody
        finally:
            await everybody.stop()
