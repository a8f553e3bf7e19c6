"""A stand-in for the HTTP API: the shapes of the real one over state in memory, and faults on demand."""

import asyncio
import hashlib
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from yarl import URL

KEY = "test-key"
JOB = "00000000-0000-7000-8000-000000000001"
BROKEN = "The PDF is damaged: it ends in the middle of a page."
TEXT = "빛과 궤도 — the orbit lamp.\n"
Json = dict[str, Any]


@dataclass
class FakeApi:
    """`faults`: (method, path) → what answers instead of the route, once each, in order."""

    url: str = ""
    documents: dict[str, Json] = field(default_factory=dict)
    uploads: list[Json] = field(default_factory=list)
    keys: dict[str, str] = field(default_factory=dict)
    calls: Counter[tuple[str, str]] = field(default_factory=Counter)
    faults: dict[tuple[str, str], list[Callable[[web.Request], Any]]] = field(default_factory=dict)
    live_events: bool = True
    unread_pages: int = 0
    embedded: asyncio.Event = field(default_factory=asyncio.Event)  # until it is set, documents stay at 3 of 7 chunks
    answer: "Script" = field(default_factory=lambda: Script())  # noqa: PLW0108 - Script is defined below
    searches: list[Json] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)
    workers: list[Json] = field(default_factory=list)
    ready: Json = field(default_factory=dict)  # what `/health/ready` says besides

    def __post_init__(self) -> None:
        self.embedded.set()

    def app(self) -> web.Application:
        app = web.Application(middlewares=[self._front], client_max_size=1 << 30)
        app.add_routes(
            [
                web.get("/health/live", self._live),
                web.get("/health/ready", self._ready),
                web.post("/v1/documents", self._upload),
                web.get("/v1/documents", self._list_documents),
                web.get("/v1/documents/{id}", self._document),
                web.delete("/v1/documents/{id}", self._delete),
                web.put("/v1/documents/{id}/content", self._replace),
                web.post("/v1/documents/{id}/reread", self._reread),
                web.post("/v1/documents/{id}/restore", self._document),
                web.get("/v1/documents/{id}/text", self._text),
                web.get("/v1/documents/{id}/events", self._document_events),
                web.post("/v1/search", self._search),
                web.post("/v1/answers", self._ask),
                web.get("/v1/answers/{id}/events", self._resume),
                web.get("/v1/jobs", self._jobs),
                web.get("/v1/jobs/{id}", self._job),
                web.post("/v1/jobs/{id}/{action:retry|cancel}", self._act),
                web.get("/models/models", self._models),
            ]
        )
        return app

    def fail(self, method: str, path: str, *faults: Callable[[web.Request], Any]) -> None:
        self.faults.setdefault((method, path), []).extend(faults)

    def add(self, **fields: Any) -> Json:
        number = len(self.documents) + 1
        document = {
            "id": f"00000000-0000-7000-8000-{number:012d}", "title": f"Document {number}", "filename": "a.md",
            "media_type": "text/markdown", "size": 1234, "sha256": "0" * 64, "version": 1, "status": "ready",
            "progress": None, "error": None, "summary": None, "chunk_count": 3, "unread_pages": self.unread_pages, "metadata": {},
            "job_id": f"00000000-0000-7000-9000-{number:012d}",
            "created_at": "2026-01-02T03:04:05Z", "updated_at": "2026-01-02T03:04:05Z",
        } | fields  # fmt: skip
        self.documents[document["id"]] = document
        return document

    @web.middleware
    async def _front(self, request: web.Request, handler: Callable[[web.Request], Any]) -> web.StreamResponse:
        self.calls[request.method, request.path] += 1
        waiting = self.faults.get((request.method, request.path))
        if waiting:
            return await waiting.pop(0)(request)
        if request.path.startswith("/v1/") and request.headers.get("Authorization") != f"Bearer {KEY}":
            return problem(401, "unauthorized", "Send a key.")
        return await handler(request)

    async def _live(self, _: web.Request) -> web.Response:
        return web.json_response({"status": "ok"})

    async def _ready(self, _: web.Request) -> web.Response:
        parts = {"postgres": "ok", "redis": "down", "objects": "ok", "chat": "off", "embeddings": "off"}
        return web.json_response({"status": "degraded", "dependencies": parts, "workers": self.workers, **self.ready})

    async def _models(self, request: web.Request) -> web.Response:
        return web.json_response({"data": [{"id": "small"}]}, status=200 if "Authorization" in request.headers else 401)

    async def _upload(self, request: web.Request) -> web.Response:
        if request.content_type == "application/json":
            self.uploads.append(body := await request.json())
            unknown = {"media_type": None, "size": None, "sha256": None, "chunk_count": 0}
            return web.json_response(
                self.add(status="queued", url=body["url"], filename=URL(body["url"]).name, **unknown), status=202
            )
        form: Json = {}
        async for part in await request.multipart():
            form[part.name] = await part.read() if part.name == "file" else await part.text()
            if part.name == "file":
                form["filename"] = part.filename
        key = request.headers["Idempotency-Key"]
        if key in self.keys:
            return web.json_response(self.documents[self.keys[key]], status=202)
        self.uploads.append(form)
        same = [document for document in self.documents.values() if document.get("bytes") == form["file"].hex()]
        if same:
            return web.json_response(same[0])
        named = [id_ for id_, document in self.documents.items() if document["filename"] == form["filename"]]
        if named and "new_name" in request.query:
            detail = "A document with this file name is here already, with other content."
            return problem(409, "name_taken", detail, documents=named[::-1])
        document = self.add(status="queued", chunk_count=0, filename=form["filename"], bytes=form["file"].hex())
        document["sha256"] = hashlib.sha256(form["file"]).hexdigest()
        self.keys[key] = document["id"]
        return web.json_response(document, status=202)

    async def _replace(self, request: web.Request) -> web.Response:
        document = self.documents[request.match_info["id"]]
        async for part in await request.multipart():
            content = await part.read()
        document |= {"status": "queued", "version": document["version"] + 1, "bytes": content.hex()}
        return web.json_response(document, status=202)

    def _settle(self, document: Json) -> None:
        if document["status"] == "queued":
            failed = "broken" in document["filename"]
            document |= {"status": "failed", "error": BROKEN} if failed else {"status": "ready", "chunk_count": 7}

    async def _document_events(self, request: web.Request) -> web.StreamResponse:
        document = self.documents[request.match_info["id"]]
        if not self.live_events:
            self._settle(document)
            return problem(500, "internal", "no events today")
        response = await _stream(request)
        await _send(response, "1", "progress", {"stage": "parse", "done": 0, "total": None})
        await _send(response, "2", "progress", {"stage": "embed", "done": 3, "total": 7})
        await self.embedded.wait()
        self._settle(document)
        await _send(response, "3", document["status"], document)
        return response

    async def _list_documents(self, request: web.Request) -> web.Response:
        wanted = request.query.get("status")
        items = [document for document in self.documents.values() if wanted in (None, document["status"])]
        items = [document for document in items if request.query.get("q", "") in document["filename"]]
        return _page(request, items)

    async def _document(self, request: web.Request) -> web.Response:
        document = self.documents.get(request.match_info["id"])
        return web.json_response(document) if document else problem(404, "not_found", "There is no such document here.")

    async def _delete(self, request: web.Request) -> web.Response:
        if self.documents.pop(request.match_info["id"], None) is None:
            return problem(404, "not_found", "There is no such document here.")
        return web.Response(status=204)

    async def _reread(self, request: web.Request) -> web.Response:
        document = self.documents.get(request.match_info["id"])
        if document is None:
            return problem(404, "not_found", "There is no such document here.")
        document["version"] += 1
        return web.json_response(document, status=202)

    async def _text(self, request: web.Request) -> web.Response:
        return web.Response(text=TEXT, content_type="text/plain", charset="utf-8")

    async def _search(self, request: web.Request) -> web.Response:
        self.searches.append(await request.json())
        hit = {
            "score": 0.8765, "document_id": "d", "document_title": "Orbit \x1b[31mLamp", "version": 1, "chunk_id": "c",
            "text": "The lamp\nburns.", "heading_path": ["Setup", "Charging"], "page": 2, "start": 0, "end": 15,
        }  # fmt: skip
        hits = [] if self.searches[-1]["query"] == "nothing" else [hit]
        return web.json_response({"hits": hits, "degraded": self.degraded})

    async def _ask(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        self.answer.asked.append((request.headers["Idempotency-Key"], body))
        if not body.get("stream"):
            return web.json_response(self.answer.done())
        return await self.answer.play(request, 0)

    async def _resume(self, request: web.Request) -> web.StreamResponse:
        last = request.headers["Last-Event-ID"]
        self.answer.resumed.append(last)
        return await self.answer.resume(request, int(last.partition("-")[2]))

    async def _jobs(self, request: web.Request) -> web.Response:
        return _page(request, [_job(JOB, "running"), _job(JOB, request.query.get("state", "dead"))])

    async def _job(self, request: web.Request) -> web.Response:
        return web.json_response(_job(request.match_info["id"], "running"))

    async def _act(self, request: web.Request) -> web.Response:
        if request.match_info["id"].endswith("999"):
            return problem(409, "conflict", "The job has succeeded already.")
        return web.json_response(_job(JOB, "queued"))


@dataclass
class Script:
    """One answer, event by event. `cuts`: after how many events each connection in turn is cut; then none is."""

    deltas: list[str] = field(default_factory=lambda: ["The lamp ", "burns ", "for nine hours [1]."])
    cuts: list[int] = field(default_factory=list)
    resuming: str = "go on"  # or "reset" or "gone"
    error: str | None = None
    hold: asyncio.Event | None = None  # after the first delta, until it is set
    asked: list[tuple[str, Json]] = field(default_factory=list)
    resumed: list[str] = field(default_factory=list)
    degraded: list[str] = field(default_factory=list)
    workers: list[Json] = field(default_factory=list)

    def done(self) -> Json:
        citation = {
            "marker": 1, "document_id": "d", "document_title": "Orbit Lamp", "version": 1, "heading_path": ["Battery"],
            "page": 2, "start": 10, "end": 31, "quote": "It burns\nnine hours.",
        }  # fmt: skip
        return {
            "id": "answer-1", "conversation_id": "conversation-1", "question": "q", "text": "".join(self.deltas),
            "citations": [citation], "degraded": self.degraded, "cached": False, "usage": None,
            "created_at": "2026-01-02T03:04:05Z",
        }  # fmt: skip

    def events(self) -> list[tuple[str, Json]]:
        start = {"answer_id": "answer-1", "conversation_id": "conversation-1", "visitor_token": "t"}
        last = ("error", {"problem": {"detail": self.error}}) if self.error else ("done", {"answer": self.done()})
        return [("start", start), *(("delta", {"text": text}) for text in self.deltas), last]

    async def play(self, request: web.Request, first: int, *before: tuple[str, Json]) -> web.StreamResponse:
        response = await _stream(request)
        cut = self.cuts.pop(0) if self.cuts else None
        for sent, (number, (name, data)) in enumerate([*((0, event) for event in before), *enumerate(self.events())][first:]):
            if sent == cut:
                request.transport.abort()
                return response
            await _send(response, f"7-{number + 1}", name, data)
            if name == "delta" and self.hold is not None:
                await self.hold.wait()
        return response

    async def resume(self, request: web.Request, last: int) -> web.StreamResponse:
        if self.resuming == "gone":
            return problem(404, "not_found", "The events of this answer are gone.")
        if self.resuming == "reset":
            return await self.play(request, 0, ("reset", {}))
        return await self.play(request, last)


def problem(status: int, code: str, detail: str, *, documents: Any = None, **headers: str) -> web.Response:
    body = {"type": "about:blank", "title": code, "status": status, "detail": detail, "code": code}
    body |= {"documents": documents} if documents else {}
    return web.json_response(
        body, status=status, content_type="application/problem+json", headers={k.replace("_", "-"): v for k, v in headers.items()}
    )


def busy(status: int = 503, retry_after: str = "0") -> Callable[[web.Request], Any]:
    async def fault(_: web.Request) -> web.Response:
        return problem(status, "unavailable", "The database is away for the moment.", Retry_After=retry_after)

    return fault


async def cut(request: web.Request) -> web.Response:
    """The connection breaks after the whole request has arrived and before a byte of the answer."""
    await request.read()
    request.transport.abort()
    return web.Response()


def refuse(status: int, code: str, detail: str) -> Callable[[web.Request], Any]:
    async def fault(_: web.Request) -> web.Response:
        return problem(status, code, detail)

    return fault


async def _stream(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    await response.write(b": hello\n\n")
    return response


async def _send(response: web.StreamResponse, number: str, name: str, data: Json) -> None:
    await response.write(f"id: {number}\nevent: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode())


def _page(request: web.Request, items: list[Json]) -> web.Response:
    start, limit = int(request.query.get("cursor", "0")), int(request.query.get("limit", "50"))
    if limit > 200:
        return problem(422, "invalid_input", "limit: at most 200")
    end = start + limit
    return web.json_response({"items": items[start:end], "next_cursor": str(end) if end < len(items) else None})


def _job(job_id: str, state: str) -> Json:
    return {
        "id": job_id, "kind": "document.index", "state": state, "attempt": 2, "error": "no luck" if state == "dead" else None,
        "created_at": "2026-01-02T03:04:05Z",
    }  # fmt: skip
