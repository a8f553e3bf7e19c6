"""Server-sent events (WHATWG HTML, section 9.2) as the client commands read them. Does no I/O."""

import codecs
import json
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Event:
    """One event. `id` is the last identifier seen, "" before the first; `data` is its JSON."""

    name: str
    id: str
    data: dict[str, Any]


class EventParser:
    """Cuts a byte stream into events; chunks may end anywhere, also inside a character or between CR and LF."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._rest = ""
        self._name = ""
        self._id = ""
        self._data: list[str] = []

    def feed(self, chunk: bytes) -> list[Event]:
        """The events that `chunk` completes. Comments and events without data give none."""
        text = self._rest + self._decode(chunk)
        held = "\r" if text.endswith("\r") else ""
        *lines, self._rest = text.removesuffix(held).replace("\r\n", "\n").replace("\r", "\n").split("\n")
        self._rest += held
        return [event for line in lines if (event := self._line(line)) is not None]

    def _line(self, line: str) -> Event | None:
        if not line:
            return self._dispatch()
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "event":
            self._name = value
        elif field == "data":
            self._data.append(value)
        elif field == "id" and "\0" not in value:
            self._id = value
        return None

    def _dispatch(self) -> Event | None:
        name, data = self._name or "message", "\n".join(self._data)
        self._name, self._data = "", []
        return Event(name, self._id, json.loads(data)) if data else None
