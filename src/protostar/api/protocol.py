"""HTTP/1.1 as uvicorn speaks it, with bounds on the head of a request: how large it is, and how long it may take.

uvicorn keeps headers and trailers of any length, and waits for a first request for ever: a client that vanished without a word
would keep its connection.
"""

import asyncio
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES: Final = 64 * 1024
"""What arrives within a single read may be more: the bound is this and two reads."""

HEAD_SECONDS = 60.0


class Protocol(HttpToolsProtocol):
    """Answers 400 to a request of which more arrives without a head that ends, or a body; hangs up where no head comes."""

    _held = 0
    _told = False
    _patience: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._told = False
        super().data_received(data)
        self._held = 0 if self._told else self._held + len(data)
        if self._held > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def _unsupported_upgrade_warning(self) -> None:
        """Nothing: whoever asks for a WebSocket gets an ordinary answer, and anybody could fill the log with it."""

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._await_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        if b"\\" in value and name.lower() == b"cookie":
            # None of ours holds one, and to decode many takes seconds up to Python 3.11.9 (CVE-2024-7592).
            value = b";".join(cookie for cookie in value.split(b";") if b"\\" not in cookie)
        super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._told = True
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._told = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._told = True
        super().on_message_complete()

    def _await_head(self) -> None:
        self._patience = self._patience or self.loop.call_later(HEAD_SECONDS, self._hang_up)

    def _stop_waiting(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _hang_up(self) -> None:
        self._patience = None
        if not self.transport.is_closing():
            self.transport.close()
