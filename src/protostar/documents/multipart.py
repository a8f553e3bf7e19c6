"""Reads multipart/form-data part by part while it arrives; nothing is spooled, and a slow reader slows the sender down."""

from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from email.message import Message
from enum import Enum, auto
from typing import Final, Self, TypeAlias, cast
from urllib.parse import unquote_to_bytes

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from protostar.characters import is_control
from protostar.errors import InvalidInput

MAX_PARTS: Final = 100
MAX_HEADERS: Final = 8  # per part; browsers send two
MAX_HEADER_BYTES: Final = 8192

_CHARSETS: Final = {"utf-8": "utf-8", "iso-8859-1": "iso-8859-1", "euc-kr": "cp949", "cp949": "cp949"}

_Value: TypeAlias = str | tuple[str | None, str | None, str]  # the second as RFC 8187 has it: charset, language, text


class _Mark(Enum):
    PART_END = auto()
    BODY_END = auto()


class Part:
    """One field of a form. Iterate it for its bytes before going on to the next part; what was not read then is gone."""

    def __init__(self, headers: dict[str, bytes], read: Callable[["Part"], Awaitable[bytes]]) -> None:
        """Raises InvalidInput for headers that name no field."""
        encoding = headers.get("content-transfer-encoding", b"binary").strip().lower()
        if encoding not in {b"7bit", b"8bit", b"binary"}:
            raise InvalidInput("The form uses a Content-Transfer-Encoding, which is not supported: send the bytes as they are.")
        self.name, self.filename = _disposition(headers.get("content-disposition", b""))
        self.content_type = headers.get("content-type", b"").decode("latin-1").strip() or None
        self._read = read

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> bytes:
        chunk = await self._read(self)
        if not chunk:
            raise StopAsyncIteration
        return chunk

    async def text(self, limit: int) -> str:
        """The rest of the part as UTF-8. Raises InvalidInput past `limit` bytes or where it is none."""
        content = bytearray()
        async for chunk in self:
            content += chunk
            if len(content) > limit:
                raise InvalidInput(f"The field «{self.name}» is longer than {limit:,} bytes.")
        try:
            return content.decode()
        except UnicodeDecodeError:
            raise InvalidInput(f"The field «{self.name}» is not UTF-8.") from None


class MultipartReader:
    """The parts of a form in the order in which they arrive. Holds no more than one chunk of the body."""

    def __init__(self, content_type: str, body: AsyncIterator[bytes]) -> None:
        """Raises InvalidInput where `content_type` is not multipart/form-data with a boundary."""
        self._body = body
        self._events: deque[Part | bytes | _Mark] = deque()
        self._parser = MultipartParser(
            _boundary(content_type),
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": lambda: self._events.append(_Mark.PART_END),
                "on_end": lambda: self._events.append(_Mark.BODY_END),
            },
            max_header_count=MAX_HEADERS,
            max_header_size=MAX_HEADER_BYTES,
        )
        self._parts = 0
        self._headers: dict[str, bytes] = {}
        self._field = bytearray()
        self._value = bytearray()
        self._current: Part | None = None
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Part:
        while self._current is not None:
            await self._read(self._current)
        event = _Mark.BODY_END if self._ended else await self._next_event()
        if not isinstance(event, Part):
            self._ended = True
            raise StopAsyncIteration
        self._current = event
        return event

    async def _read(self, part: Part) -> bytes:
        """The next bytes of the part; none at its end, or when a later part is being read."""
        if part is not self._current:
            return b""
        event = await self._next_event()
        if isinstance(event, bytes):
            return event
        self._current = None
        return b""

    async def _next_event(self) -> Part | bytes | _Mark:
        while not self._events:
            try:
                chunk = await anext(self._body)
            except StopAsyncIteration:
                raise InvalidInput("The form ends before its closing boundary: the upload was cut off.") from None
            try:
                self._parser.write(chunk)
            except FormParserError as error:
                raise InvalidInput(f"The form is not valid multipart/form-data: {error}") from error
        return self._events.popleft()

    def _on_part_begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_PARTS:
            raise InvalidInput(f"The form has more than {MAX_PARTS} parts.")
        self._headers = {}

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        self._headers[self._field.decode("latin-1").lower()] = bytes(self._value)
        self._field.clear()
        self._value.clear()

    def _on_headers_finished(self) -> None:
        self._events.append(Part(self._headers, self._read))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        self._events.append(data[start:end])


def _disposition(header: bytes) -> tuple[str, str | None]:
    """The name and the file name of a Content-Disposition header."""
    message = Message()
    message["Content-Disposition"] = _decoded(header)
    try:
        parameters = cast("Sequence[tuple[str, _Value]]", message.get_params([("", "")], "Content-Disposition"))
    except ValueError:  # a continuation whose number has thousands of digits
        parameters = [("", "")]
    name = _parameter(parameters, "name")
    if parameters[0][0].lower() != "form-data" or not name:
        raise InvalidInput("A part of the form has no name: Content-Disposition must be form-data with a name.")
    return name, _file_name(_parameter(parameters, "filename"))


def _decoded(header: bytes) -> str:
    """Browsers send UTF-8 as it is; old Korean Windows programs their code page."""
    for charset in ("utf-8", "cp949"):
        with suppress(UnicodeDecodeError):
            return header.decode(charset)
    return header.decode("latin-1")


def _parameter(parameters: Sequence[tuple[str, _Value]], name: str) -> str:
    """The value as RFC 8187 writes it (`name*`), which many clients do although RFC 7578 forbids it; else the plain one."""
    values = [value for key, value in parameters if key == name]
    for value in values:
        if not isinstance(value, str):
            charset, _, text = value
            return _extended(charset or "", text)
    return next((_plain(value) for value in values if isinstance(value, str)), "")


def _extended(charset: str, text: str) -> str:
    try:
        content = text.encode("latin-1")  # this is how the standard library hands out percent-decoded bytes
    except UnicodeEncodeError:
        return text
    return content.decode(_CHARSETS.get(charset.lower(), "utf-8"), "replace")


def _plain(value: str) -> str:
    """Browsers write `%22` for a quote and leave other percent signs alone; some clients percent-encode it all."""
    if value.isascii():
        with suppress(UnicodeDecodeError):
            decoded = unquote_to_bytes(value).decode()
            if not decoded.isascii():
                return decoded
    return value.replace("%22", '"').replace("%0D", "").replace("%0A", "")


def _file_name(text: str) -> str | None:
    """As it was sent, with its path, but for control characters; None where it names no file."""
    name = "".join(character for character in text if not is_control(character)).strip()
    return None if name.replace("\\", "/").rpartition("/")[2] in {"", ".", ".."} else name


def _boundary(content_type: str) -> bytes:
    try:
        kind, options = parse_options_header(content_type)
    except UnicodeEncodeError:
        kind, options = b"", {}
    boundary = options.get(b"boundary", b"")
    if kind != b"multipart/form-data" or not 0 < len(boundary) <= 256:
        raise InvalidInput("Content-Type must be multipart/form-data with a boundary.")
    return boundary
