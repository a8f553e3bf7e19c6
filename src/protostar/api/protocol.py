"""HTTP/1.1 as uvicorn speaks it, with a bound on what is kept of a request beside its body.

Its parser keeps headers and trailers of any length, before anybody knows who sends them.
"""

from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_BYTES: Final = 64 * 1024
"""What arrives within a single read may be more: the bound is this and two reads."""


class Protocol(HttpToolsProtocol):
    """Answers 400 to a request of which more arrives without a head that ends, or a body."""

    _held = 0
    _told = False

    def data_received(self, data: bytes) -> None:
        self._told = False
        super().data_received(data)
        self._held = 0 if self._told else self._held + len(data)
        if self._held > HEAD_BYTES and not self.transport.is_closing():
            self.send_400_response("The head of the request is too large.")

    def on_headers_complete(self) -> None:
        self._told = True
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._told = True
        super().on_body(body)

    def on_message_complete(self) -> None:
        self._told = True
        super().on_message_complete()
