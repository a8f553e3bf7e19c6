"""Open answer streams over two API processes, one token a second each: `python -m bench.streams --streams 10000`.

The stand-in model and the readers are in this program, on bare asyncio protocols; both share the cores with the product, and their
CPU is told apart. A token carries the moment at which the stand-in sent it: what is measured is its way through the product.
"""

import argparse
import asyncio
import gc
import json
import re
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any

import uvloop

from bench.corpus import documents, questions
from bench.ingest import measure as ingest
from bench.load import BenchError
from bench.measure import Processes, percentile
from bench.report import write
from bench.stack import Stack, another, free_port, running_stack, until_open

_SENT = re.compile(rb'"text":" ?(\d+\.\d+)')
_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
_LIMITS = {
    "LIMIT_ANSWERS": "10000",
    "LIMIT_REQUESTS": "20000",
    "ANSWER_DEADLINE": "900",
    "CHAT_CONCURRENCY": "10000",
    "CHAT_IDLE_TIMEOUT": "300",
}


# -- the stand-in


class _Model(asyncio.Protocol):
    """Answers chat requests with a token a second for ever, and whatever else is posted with one vector."""

    def __init__(self, open_: set[asyncio.Transport], vector: bytes) -> None:
        self._open = open_
        self._vector = vector
        self._received = b""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._open.discard(self._transport)

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, found, body = self._received.partition(b"\r\n\r\n")
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        if not found or length is None or len(body) < int(length[1]):
            return
        self._received = b""
        if b"/chat/completions" in head.split(b"\r\n", 1)[0]:
            self._transport.write(_HEAD)
            self._open.add(self._transport)
        else:
            size = len(self._vector)
            self._transport.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % size + self._vector
            )


async def _tick(open_: set[asyncio.Transport]) -> None:
    """Each transport gets a token a second; they are spread over it."""
    slots = 50
    due = time.monotonic()
    while True:
        for slot, some in enumerate([list(open_)[number::slots] for number in range(slots)]):
            for transport in some:
                event = b'data: {"choices":[{"delta":{"content":"%.6f\\n"}}]}\n\n' % time.monotonic()
                transport.write(b"%x\r\n%s\r\n" % (len(event), event))
            await asyncio.sleep(max(0, due + (slot + 1) / slots - time.monotonic()))
        due += 1


def _serve(port: int, dimensions: int) -> None:
    async def run() -> None:
        open_: set[asyncio.Transport] = set()
        vector = {"data": [{"index": 0, "embedding": [round(1 / dimensions, 6)] * dimensions}]}
        encoded = json.dumps(vector).encode()
        await asyncio.get_running_loop().create_server(lambda: _Model(open_, encoded), "127.0.0.1", port, backlog=4096)
        await _tick(open_)

    uvloop.run(run())


# -- the readers


@dataclass(slots=True)
class _Seen:
    open: int = 0
    ended: int = 0
    refused: int = 0
    delays: list[float] = field(default_factory=list[float])
    failures: list[str] = field(default_factory=list[str])
    """What was received last by those that were refused or ended."""


class _Reader(asyncio.Protocol):
    def __init__(self, seen: _Seen, request: bytes, started: asyncio.Future[None]) -> None:
        self._seen = seen
        self._request = request
        self._started = started
        self._opened = False
        self._last = b""

    def connection_made(self, transport: Any) -> None:
        transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        now = time.monotonic()
        self._last = data
        for sent in _SENT.findall(data):
            self._seen.delays.append(now - float(sent))
            if not self._opened:
                self._opened = True
                self._seen.open += 1
                self._start()
        if b"HTTP/1.1 " in data and b" 200 " not in data[:20]:
            self._seen.refused += 1
            self._fail()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        self._seen.ended += 1
        self._fail()

    def _fail(self) -> None:
        self._seen.failures.append(self._last[-500:].decode(errors="replace"))
        self._start()

    def _start(self) -> None:
        if not self._started.done():
            self._started.set_result(None)


def _read(pipe: Connection, ports: list[int], key: str, asked: list[str], at_once: int) -> None:
    """Open a stream for each question, then tell (seen, CPU seconds) whenever something is received over the pipe."""

    async def run() -> None:
        loop, seen = asyncio.get_running_loop(), _Seen()
        places = asyncio.Semaphore(at_once)

        async def open_one(number: int, question: str) -> None:
            body = json.dumps({"question": question, "stream": True}).encode()
            lines = ("POST /v1/answers HTTP/1.1", "Host: localhost", f"Authorization: {key}", "Content-Type: application/json")
            head = "\r\n".join((*lines, f"Content-Length: {len(body)}", "", "")).encode()
            async with places:
                started = loop.create_future()
                await loop.create_connection(lambda: _Reader(seen, head + body, started), "127.0.0.1", ports[number % len(ports)])
                await asyncio.wait({started}, timeout=60)

        opening = asyncio.gather(*(open_one(number, question) for number, question in enumerate(asked)))
        while True:
            if pipe.poll():
                if pipe.recv() == "end":
                    return
                pipe.send((seen.open, seen.ended, seen.refused, seen.delays, opening.done(), seen.failures))
                seen.delays = []
            await asyncio.sleep(0.05)

    gc.disable()
    uvloop.run(run())


# -- the measurement


async def measure(streams: int, hold: float, at_once: int) -> dict[str, Any]:
    context = get_context("spawn")
    async with running_stack(max_upload_bytes=1 << 30, more=_LIMITS) as stack:
        corpus = list(documents(40, 8 * 1024))
        space = await stack.new_space("streams")
        await ingest(stack, corpus, space)
        port = free_port()
        model = context.Process(target=_serve, args=(port, 1536), daemon=True)
        model.start()
        async with _two_apis(stack, f"http://127.0.0.1:{port}/v1") as (ports, roots):
            ours, theirs = context.Pipe()
            asked = [f"{text} {number}" for number, (text, _) in enumerate(_many(corpus, streams))]
            key = space["Authorization"]
            reader = context.Process(target=_read, args=(theirs, ports, key, asked, at_once), daemon=True)
            reader.start()
            assert model.pid is not None
            assert reader.pid is not None
            processes = Processes({**roots, model.pid: "models", reader.pid: "client"})
            idle = processes.memory()[0]
            try:
                return await _watch(processes, ours, idle, streams, hold)
            finally:
                ours.send("end")
                reader.join(10)
                model.terminate()


async def _watch(processes: Processes, pipe: Connection, idle: dict[str, float], streams: int, hold: float) -> dict[str, Any]:
    async def look() -> tuple[int, int, int, list[float], bool, list[str]]:
        pipe.send("look")
        return await asyncio.to_thread(pipe.recv)

    began = time.monotonic()
    while not (seen := await look())[4]:
        print(f"{seen[0]} open, {seen[1]} ended, {seen[2]} refused", file=sys.stderr, flush=True)
        if time.monotonic() - began > 600:
            break
        await asyncio.sleep(2)
    opened_in = time.monotonic() - began
    await asyncio.sleep(3)
    await look()
    cpu, began = processes.cpu(), time.monotonic()
    await asyncio.sleep(hold)
    open_, ended, refused, delays, _, failures = await look()
    seconds = time.monotonic() - began
    spent = {role: used - cpu.get(role, 0.0) for role, used in processes.cpu().items()}
    pss = processes.memory()[0]
    if not delays:
        raise BenchError("No token arrived.")
    return {
        "streams": streams,
        "open": open_ - ended,
        "refused": refused,
        "failures": failures,
        "opened_in_s": opened_in,
        "tokens_per_s": len(delays) / seconds,
        "delay_p50_ms": percentile(delays, 0.5) * 1000,
        "delay_p95_ms": percentile(delays, 0.95) * 1000,
        "delay_p99_ms": percentile(delays, 0.99) * 1000,
        "kib_per_stream": (pss["api"] - idle["api"]) * 1024 / max(1, open_ - ended),
        "cores": {role: used / seconds for role, used in spent.items()},
    }


def _many(corpus: list[Any], count: int) -> list[tuple[str, Any]]:
    some = questions(corpus, min(count, 400), "streams")
    return [some[number % len(some)] for number in range(count)]


@asynccontextmanager
async def _two_apis(stack: Stack, models: str) -> AsyncGenerator[tuple[list[int], dict[int, str]]]:
    """Two API processes on the servers of the running stack, asking the stand-in of this program."""
    roots: dict[int, str] = {}
    ports = [free_port() for _ in range(2)]
    async with AsyncExitStack() as exits:
        for number, port in enumerate(ports):
            chosen = {"PORT": str(port), "CHAT_BASE_URL": models, "EMBEDDING_BASE_URL": models}
            server = await exits.enter_async_context(another(stack, "api", f"api{number}", chosen))
            roots[server.pid] = "api"
        for port in ports:
            await until_open(port)
        await asyncio.sleep(1)
        yield ports, roots


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.streams", description=__doc__)
    parser.add_argument("--streams", type=int, default=10_000)
    parser.add_argument("--hold", type=float, default=20, help="seconds of measuring once all are open")
    parser.add_argument("--at-once", type=int, default=100, help="streams that are being opened at once")
    options = parser.parse_args()
    try:
        figures = uvloop.run(measure(options.streams, options.hold, options.at_once))
    except BenchError as error:
        sys.exit(str(error))
    except asyncio.CancelledError:
        sys.exit(130)
    print(json.dumps(figures, indent=2), f"Written to {write(figures, 'streams')}", sep="\n")


if __name__ == "__main__":
    main()
