"""A stand-in for an OpenAI-compatible server that can be told to misbehave: `python tests/support/model_server.py --port 9100`.

`/v1/chat/completions` quotes the passages of the prompt, `/v1/embeddings` hashes, `/v1/models` lists. `POST /control` with the
fields of `Behaviour` replaces how it behaves (`{}`: well); with `"reset": true` the counts begin anew. `GET /control` shows both.
"""

import argparse
import asyncio
import dataclasses
import hashlib
import json
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache, partial
from itertools import cycle, islice
from typing import Literal, Self
from weakref import WeakSet

from aiohttp import web

from protostar.llm.fake import hashed, quote, tokens, understood
from protostar.llm.fluency import EXAMINATION

DONE = b"data: [DONE]\n\n"
EXAMINED = {text for pairs in EXAMINATION.values() for pair in pairs.items() for text in pair}


@dataclass
class Behaviour:
    """The pace of all answers, and the fault of those that misbehave."""

    # the pace
    answer: str | None = None  # instead of quoting
    tokens: int | None = None  # the answer's words are repeated or cut to this number
    delay: float = 0.0  # seconds before each token
    first_token_delay: float = 0.0
    # which requests misbehave
    only: Literal["chat", "embeddings"] | None = None
    model: str | None = None  # only requests for this model
    about: str | None = None  # only requests that hold this text
    times: int | None = None  # this many, and then no more
    # faults of both
    status: int | None = None
    message: str = "The stand-in was told to refuse."
    retry_after: str | float | None = None
    location: str | None = None
    body: str | None = None  # with content_type: what is sent instead
    content_type: str = "application/json"
    refuse: list[str] = field(default_factory=list)  # 400 for a request with one of these parameters
    disconnect: bool = False  # before any byte
    once: bool = False  # a connection takes one request and is cut at the next, as one that was closed unseen
    garbage: bool = False  # bytes that are not HTTP
    hang: Literal["headers", "first_token", "mid_stream", "end"] | None = None
    # faults of streams
    cut: Literal["abort", "end", "event"] | None = None  # half way: connection lost, clean end, clean end within an event
    malformed: bool = False  # an event half way that is not JSON
    error: object = None  # an event half way that holds this error
    noise: bool = False  # everything that is allowed and unusual
    repeat: str | None = None  # this event for ever
    # faults of embeddings
    vector_length: int | None = None
    vector_count: int | None = None
    shuffled: bool = False
    not_finite: bool = False
    blind: bool = False  # no language is understood

    def well(self) -> Self:
        """The pace alone."""
        return type(self)(self.answer, self.tokens, self.delay, self.first_token_delay)


@dataclass
class Counts:
    chat_calls: int = 0
    embedding_calls: int = 0
    abandoned: int = 0  # requests whose client went away before their end
    examined: int = 0  # texts of an examination, which are nobody's and not among `texts`
    texts: Counter[str] = field(default_factory=Counter)
    last_chat: dict | None = None
    last_embedding: dict | None = None
    last_headers: dict = field(default_factory=dict)

    def shown(self) -> dict:
        """The counts; a text is known by the first 16 digits of its sha256."""
        repeated = {text: times for text, times in self.texts.items() if times > 1}
        kept = {name: value for name, value in vars(self).items() if name not in ("texts", "last_headers")}
        return kept | {
            "texts_embedded": self.texts.total(),
            "distinct_texts": len(self.texts),
            "repeated_texts": len(repeated),
            "duplicates": sum(repeated.values()) - len(repeated),
            "texts": dict(self.texts) if len(self.texts) <= 1_000 else repeated,
        }


class StandIn:
    def __init__(self, dimensions: int = 1536) -> None:
        self.dimensions = dimensions
        self.behaviour = Behaviour()
        self.counts = Counts()
        self.open_requests = 0
        self._used: WeakSet[asyncio.Transport] = WeakSet()
        self.app = web.Application(client_max_size=256 * 1024 * 1024)
        self.app.add_routes(
            [
                web.post("/v1/chat/completions", self.chat),
                web.post("/v1/embeddings", self.embeddings),
                web.get("/v1/models", self.models),
                web.get("/control", self.show),
                web.post("/control", self.control),
            ]
        )

    def behave(self, **fields) -> None:
        self.behaviour = Behaviour(**fields)

    async def control(self, request: web.Request) -> web.Response:
        fields = await request.json()
        if fields.pop("reset", False):
            self.counts = Counts()
        try:
            self.behave(**fields)
        except TypeError as error:
            raise web.HTTPUnprocessableEntity(text=str(error)) from error
        return await self.show(request)

    async def show(self, request: web.Request) -> web.Response:
        shown = self.counts.shown() | {"open_requests": self.open_requests}
        return web.json_response(shown | {"behaviour": dataclasses.asdict(self.behaviour)})

    async def models(self, request: web.Request) -> web.Response:
        return web.json_response({"object": "list", "data": [{"id": name, "object": "model"} for name in ("chat", "embed")]})

    async def chat(self, request: web.Request) -> web.StreamResponse:
        self.counts.chat_calls += 1
        asked = self.counts.last_chat = await self._read(request)
        return await self._answer(request, asked, self._chat, "chat")

    async def embeddings(self, request: web.Request) -> web.StreamResponse:
        self.counts.embedding_calls += 1
        asked = self.counts.last_embedding = await self._read(request)
        return await self._answer(request, asked, self._embed, "embeddings")

    async def _read(self, request: web.Request) -> dict:
        self.counts.last_headers = dict(request.headers)
        return json.loads(await request.read())

    async def _answer(self, request, asked, answer, kind) -> web.StreamResponse:
        self.open_requests += 1
        try:
            behaviour = self._take(asked, kind)
            return await self._refuse(request, asked, behaviour) or await answer(request, asked, behaviour)
        except (asyncio.CancelledError, ConnectionError):
            self.counts.abandoned += 1
            raise
        finally:
            self.open_requests -= 1

    def _take(self, asked: dict, kind: str) -> Behaviour:
        """How this request is treated."""
        told = self.behaviour
        if told.only not in (None, kind) or told.model not in (None, asked.get("model")):
            return told.well()
        if told.about is not None and told.about not in json.dumps(asked, ensure_ascii=False):
            return told.well()
        if told.times is not None:
            told.times -= 1
            if told.times <= 0:
                self.behaviour = told.well()
        return told

    async def _refuse(self, request, asked, behaviour: Behaviour) -> web.Response | None:
        if behaviour.disconnect or (behaviour.once and request.transport in self._used):
            request.transport.abort()
            await asyncio.Event().wait()
        self._used.add(request.transport)
        if behaviour.garbage:
            request.transport.write(b"SMTP ready\r\n\r\n")
            await asyncio.Event().wait()
        if behaviour.hang == "headers":
            await asyncio.Event().wait()
        if refused := next((name for name in behaviour.refuse if name in asked), None):
            instead = " Use 'max_completion_tokens' instead." if refused == "max_tokens" else ""
            return _error(400, f"Unsupported parameter: '{refused}' is not supported with this model.{instead}", {})
        headers = {}
        if behaviour.retry_after is not None:
            headers["Retry-After"] = str(behaviour.retry_after)
        if behaviour.location is not None:
            headers["Location"] = behaviour.location
        if behaviour.body is not None:
            text, kind = behaviour.body, behaviour.content_type
            return web.Response(text=text, content_type=kind, status=behaviour.status or 200, headers=headers)
        return _error(behaviour.status, behaviour.message, headers) if behaviour.status else None

    async def _chat(self, request, asked: dict, behaviour: Behaviour) -> web.StreamResponse:
        words = tokens(behaviour.answer if behaviour.answer is not None else _quoted(_contents(asked)))
        if behaviour.tokens is not None:
            words = list(islice(cycle(words or ["word "]), behaviour.tokens))
        limit = asked.get("max_tokens") or asked.get("max_completion_tokens")
        finish = "length" if limit is not None and len(words) > limit else "stop"
        words = tuple(words[:limit])
        prompt = sum(len(content) for content in _contents(asked)) // 4
        if not asked.get("stream"):
            return web.json_response(_completion("".join(words), finish, prompt, len(words)))
        with_usage = bool((asked.get("stream_options") or {}).get("include_usage"))
        ending = _ending(finish, prompt, len(words), with_usage=with_usage)
        if behaviour == Behaviour(behaviour.answer, behaviour.tokens):
            return web.Response(body=b"".join([*_events(words), *ending]), content_type="text/event-stream")
        return await self._stream(request, list(_events(words)), ending, behaviour)

    async def _stream(self, request, events: list[bytes], ending: list[bytes], behaviour: Behaviour) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream; charset=utf-8"})
        await response.prepare(request)
        if behaviour.hang == "first_token":
            await asyncio.Event().wait()
        await asyncio.sleep(behaviour.first_token_delay)
        if behaviour.noise:
            events, ending = _noisy(events, ending)
        for position, event in enumerate(events):
            if position == len(events) // 2 and await self._disturb(request, response, event, behaviour):
                return response
            if behaviour.delay:
                await asyncio.sleep(behaviour.delay)
            await response.write(event)
        for event in ending:
            await response.write(event)
        if behaviour.hang == "end":
            await asyncio.Event().wait()
        return response

    async def _disturb(self, request, response, event: bytes, behaviour: Behaviour) -> bool:
        """Misbehave half way; whether the stream ends here."""
        if behaviour.hang == "mid_stream":
            await asyncio.Event().wait()
        while behaviour.repeat is not None:
            await response.write(behaviour.repeat.encode())
            await asyncio.sleep(0.01)
        if behaviour.cut == "abort":
            request.transport.abort()
            await asyncio.Event().wait()
        if behaviour.cut == "event":
            await response.write(event[: len(event) // 2])
        if behaviour.malformed:
            await response.write(b'data: {"choices": [}\n\n')
        if behaviour.error is not None:
            await response.write(_event({"error": behaviour.error}))
        return behaviour.cut is not None

    async def _embed(self, request, asked: dict, behaviour: Behaviour) -> web.Response:
        texts = [asked["input"]] if isinstance(asked["input"], str) else asked["input"]
        own = [text for text in texts if text not in EXAMINED]
        self.counts.examined += len(texts) - len(own)
        self.counts.texts.update(hashlib.sha256(text.encode()).hexdigest()[:16] for text in own)
        length = behaviour.vector_length or asked.get("dimensions") or self.dimensions
        vectors = [_vector(text if behaviour.blind else understood(text), length) for text in texts]
        if behaviour.not_finite:
            vectors[-1] = b"[1e999" + b",0.5" * (length - 1) + b"]"
        if behaviour.vector_count is not None:
            vectors = list(islice(cycle(vectors), behaviour.vector_count))
        items = [b'{"object":"embedding","index":%d,"embedding":%s}' % item for item in enumerate(vectors)]
        items = items[::-1] if behaviour.shuffled else items
        usage = b'{"prompt_tokens":%d,"total_tokens":%d}' % ((len(texts),) * 2)
        body = b'{"object":"list","model":"embed","data":[%s],"usage":%s}' % (b",".join(items), usage)
        return web.Response(body=body, content_type="application/json")


def _error(status: int, message: str, headers: dict) -> web.Response:
    error = {"message": message, "type": "stand_in_error", "param": None, "code": None}
    return web.json_response({"error": error}, status=status, headers=headers)


def _contents(asked: dict) -> tuple[str, ...]:
    return tuple(message.get("content") or "" for message in asked["messages"])


@lru_cache(maxsize=1_000)
def _quoted(contents: tuple[str, ...]) -> str:
    return quote(contents)


@lru_cache(maxsize=4_096)
def _vector(text: str, length: int) -> bytes:
    return json.dumps([round(value, 6) for value in hashed(text, length)], separators=(",", ":")).encode()


@lru_cache(maxsize=1_000)
def _events(words: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(_event(_chunk(word)) for word in words)


def _chunk(content: str | None, finish: str | None = None) -> dict:
    choice = {"index": 0, "delta": {} if content is None else {"content": content}, "logprobs": None, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": "chat", "choices": [choice]}


def _event(data: object) -> bytes:
    return b"data: %s\n\n" % json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode()


def _usage(prompt: int, written: int) -> dict:
    return {"prompt_tokens": prompt, "completion_tokens": written, "total_tokens": prompt + written}


def _ending(finish: str, prompt: int, written: int, *, with_usage: bool) -> list[bytes]:
    usage = [_event(_chunk(None) | {"choices": [], "usage": _usage(prompt, written)})] if with_usage else []
    return [_event(_chunk(None, finish)), *usage, DONE]


def _completion(text: str, finish: str, prompt: int, written: int) -> dict:
    choice = {"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": finish}
    return {"id": "chatcmpl-1", "object": "chat.completion", "choices": [choice], "usage": _usage(prompt, written)}


def _noisy(events: list[bytes], ending: list[bytes]) -> tuple[list[bytes], list[bytes]]:
    """The same answer with all that the specifications allow, sent in pieces that end anywhere."""
    role = _chunk(None)
    role["choices"][0]["delta"] = {"role": "assistant", "content": None, "reasoning_content": "Let me think. [9]"}
    before = [
        b"\xef\xbb\xbf: keep-alive\r\n\r\n",
        _event(_chunk(None) | {"choices": [], "prompt_filter_results": []}),
        _event(_chunk(None) | {"choices": None}),
        _event(role),
        _event({"choices": [{"delta": None}], "usage": None}),
        b"event: message\nid: 7\nretry: 100\n\n",
    ]
    pretty = [_pretty(event) if position % 3 == 1 else event for position, event in enumerate(events)]
    crlf = [event.replace(b"\n", b"\r\n") if position % 3 == 2 else event for position, event in enumerate(pretty)]
    whole = b"".join([*before, *crlf])
    return [whole[start : start + 7] for start in range(0, len(whole), 7)], [*ending[:-1], b": bye\n\n", ending[-1]]


def _pretty(event: bytes) -> bytes:
    """The same JSON over several `data` lines, without the space after the colon."""
    lines = json.dumps(json.loads(event[6:]), ensure_ascii=False, indent=1).splitlines()
    return "".join(f"data:{line}\r" for line in lines).encode() + b"\r"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=9100, help="0 picks a free one, which is printed")
    parser.add_argument("--dimensions", type=int, default=1536, help="length of the vectors unless the request says")
    options = parser.parse_args()
    import uvloop  # noqa: PLC0415 - only the process of its own needs the speed

    web.run_app(
        StandIn(options.dimensions).app,
        host=options.host,
        port=options.port,
        access_log=None,
        handler_cancellation=True,
        shutdown_timeout=0.2,
        loop=uvloop.new_event_loop(),
        print=partial(print, flush=True),
    )


if __name__ == "__main__":
    main()
