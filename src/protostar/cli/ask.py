"""`protostar ask`: one question, its answer as it is written, then the passages that it cites."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any
from uuid import UUID

from protostar.cli.client import ApiClient, ApiError, ConnectionLost
from protostar.cli.display import clean, complain, degradation, note, one_line, place, stdout, write_json
from protostar.cli.events import Event
from protostar.ids import new_id

_CUTS = 5  # connections in a row that bring nothing new


async def ask(client: ApiClient, question: str, *, conversation: UUID | None, stream: bool, as_json: bool) -> int:
    """Print the answer; returns the exit code."""
    body = {"question": question} | ({"conversation_id": str(conversation)} if conversation else {})
    if as_json or not stream:
        answer = await client.post("/v1/answers", body)
        if as_json:
            write_json(answer)
        else:
            _show(clean(answer["text"]) + "\n")
            _show_sources(answer)
        return 0
    return await _follow(AnswerStream(client, body))


class AnswerStream:
    """The events of one answer, over as many connections as it takes.

    A cut connection is resumed after the last event seen; where that is refused, the question is asked again under the same
    idempotency key, which joins the running answer or brings the finished one. Either way a `start` or `reset` that is not
    the first event means that what came before is void.
    """

    def __init__(self, client: ApiClient, body: dict[str, Any]) -> None:
        self._client = client
        self._body = {**body, "stream": True}
        self._key = str(new_id())
        self._answer_id: str | None = None
        self._last_id = ""

    async def events(self) -> AsyncGenerator[Event]:
        """All events up to `done` or `error`. Raises ConnectionLost after too many cuts, ApiError when refused."""
        cuts = 0
        while True:
            try:
                async with aclosing(self._connect()) as events:
                    async for event in events:
                        cuts = 0
                        self._remember(event)
                        yield event
                        if event.name in {"done", "error"}:
                            return
            except ApiError:
                if self._answer_id is None:
                    raise
                self._answer_id = None  # it cannot be resumed: ask again under the same key
            cuts += 1
            if cuts == _CUTS:
                raise ConnectionLost("The connection is cut again and again; the answer could not be read to its end.")
            note("The connection was cut; resuming the answer.")
            await asyncio.sleep(0.1 * 2**cuts)

    def _connect(self) -> AsyncGenerator[Event]:
        if self._answer_id is None or not self._last_id:
            headers = {"Idempotency-Key": self._key}
            return self._client.events("POST", "/v1/answers", body=self._body, headers=headers)
        headers = {"Last-Event-ID": self._last_id}
        return self._client.events("GET", f"/v1/answers/{self._answer_id}/events", headers=headers)

    def _remember(self, event: Event) -> None:
        self._last_id = event.id
        if event.name == "start":
            self._answer_id = event.data["answer_id"]


async def _follow(stream: AnswerStream) -> int:
    shown = ""
    async with aclosing(stream.events()) as events:
        async for event in events:
            match event.name:
                case "start" | "reset" if shown:
                    _show("\n")
                    note("The answer is written anew; please disregard the text above.")
                    shown = ""
                case "delta":
                    text = clean(event.data["text"])
                    shown += text
                    _show(text)
                case "done":
                    _finish(event.data["answer"], shown)
                case "error":
                    _show("\n" if shown else "")
                    complain(_sentence(event.data["problem"]))
                    return 1
                case _:
                    pass
    return 0


def _finish(answer: dict[str, Any], shown: str) -> None:
    text = clean(answer["text"])
    _show("\n" if shown else "")
    if text.split() != shown.split():
        if shown:
            note("The final text differs from what was streamed:")
        _show(text + "\n")
    _show_sources(answer)


def _show(text: str) -> None:
    """Raw text: Rich would fold the tokens of a stream in the wrong places."""
    print(text, end="", flush=True)


def _show_sources(answer: dict[str, Any]) -> None:
    out = stdout()
    for citation in answer["citations"]:
        out.print(f"\n[{citation['marker']}] {place(citation)}", style="bold")
        out.print(f"    “{one_line(citation['quote'])}”", style="italic")
    for reason in answer["degraded"]:
        note("\n" + degradation(reason))
    if answer.get("conversation_id"):
        note(f'\nTo go on: protostar ask --conversation {answer["conversation_id"]} "…"')


def _sentence(problem: dict[str, Any]) -> str:
    return problem.get("detail") or problem.get("title") or "The answer could not be written."
