"""Server-sent events, parsed as the bytes arrive (WHATWG HTML, 9.2.6)."""

from typing import Final

BOM: Final = b"\xef\xbb\xbf"


class EventTooLong(ValueError):
    """An event exceeds the limit; what follows it cannot be trusted."""


class EventStreamParser:
    """Turns chunks of any size into the `data` of complete events.

    Only `data` is of interest here: comments and other fields are dropped. Data stays bytes, so a character that is split over
    two chunks needs no care.
    """

    def __init__(self, *, limit: int = 1024 * 1024) -> None:
        """`limit`: most bytes of one event."""
        self._limit = limit
        self._line = bytearray()
        self._data: list[bytes] = []
        self._held = 0
        self._after_cr = False
        self._at_start = True

    def feed(self, chunk: bytes) -> list[bytes]:
        """The data of each event that `chunk` completes. Raises EventTooLong."""
        if self._after_cr and chunk.startswith(b"\n"):
            chunk = chunk[1:]
            self._after_cr = False
        if not chunk:
            return []
        self._after_cr = chunk.endswith(b"\r")
        lines = chunk.splitlines(keepends=True)
        unfinished = b"" if lines[-1].endswith((b"\r", b"\n")) else lines.pop()
        events = [data for line in lines if (data := self._end_line(line)) is not None]
        self._keep(unfinished)
        return events

    def flush(self) -> list[bytes]:
        """The data of the last event when the stream ends without the empty line that should follow it."""
        return self.feed(b"\n\n") if self._line or self._data else []

    def _end_line(self, part: bytes) -> bytes | None:
        """Take the rest of a line; the empty one completes an event."""
        self._keep(part)
        line = bytes(self._line).rstrip(b"\r\n")
        self._line.clear()
        if self._at_start:
            self._at_start = False
            line = line.removeprefix(BOM)
        if not line:
            return self._end_event()
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
            self._held += len(line)
        return None

    def _end_event(self) -> bytes | None:
        data = b"\n".join(self._data) if self._data else None
        self._data.clear()
        self._held = 0
        return data

    def _keep(self, part: bytes) -> None:
        if self._held + len(self._line) + len(part) > self._limit:
            raise EventTooLong(f"an event is longer than {self._limit} bytes")
        self._line += part
