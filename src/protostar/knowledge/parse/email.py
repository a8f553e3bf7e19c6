"""E-mail: subject, sender and date, the body, and the attachments that are text. Forwarded messages too."""

import email
import email.errors
import email.policy
import re
from collections.abc import Iterator
from email.message import EmailMessage
from functools import lru_cache
from pathlib import Path
from typing import cast

from protostar.documents import media_types
from protostar.documents.media_types import EMAIL, HEAD_BYTES, TEXT, detect
from protostar.errors import UnreadableDocument, UnsupportedMediaType
from protostar.knowledge.parse import csv, plain
from protostar.knowledge.parse.failures import TOO_DEEP, broken
from protostar.knowledge.parse.html.reader import add_html
from protostar.knowledge.parse.markdown.reader import add_markdown
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.charset import decode
from protostar.knowledge.parse.text.normalise import clean, one_line

_DEEPEST = 6
# The library's parser fails on some addresses, and takes a level of its stack for each bracket.
_UNREADABLE_HEADERS = (email.errors.MessageError, LookupError, ValueError, TypeError, AttributeError, RecursionError)
# For long ones it takes gigabytes, for those of thousands of parameters minutes. A name of 255 characters has 45 parts.
_LONGEST_HEADER = 32_000  # characters
_LONGEST_ADDRESS = 1_000
_LONGEST_OF_A_PART = 4_000
_MOST_PARAMETERS = 64
_READ = frozenset({TEXT, EMAIL, media_types.HTML, media_types.CSV, media_types.TSV, media_types.MARKDOWN})
_WORD = re.compile(r"\w+")
_ADDRESS = re.compile(r"https?://\S+")
_FAR_MORE = 2
_LONGEST_PAGE = 1_000_000  # characters that are compared
_SHOWN = ("From", "To", "Cc", "Date")


class _Said(str):
    """What a header says of a part; of what the library parses, no more than it asks for later, for that takes a thousandth."""

    content_disposition: str | None = None


class _Policy(email.policy.EmailPolicy):
    """Headers of parts that cannot be read say nothing."""

    def header_fetch_parse(self, name: str, value: str) -> _Said:
        return _said(name, ";".join(value[:_LONGEST_OF_A_PART].split(";")[:_MOST_PARAMETERS]))


@lru_cache(maxsize=4096)  # the library asks for each a dozen times
def _said(name: str, value: str) -> _Said:
    try:
        parsed = email.policy.default.header_fetch_parse(name, value)
    except _UNREADABLE_HEADERS:
        return _Said()
    said = _Said(parsed)
    said.content_disposition = getattr(parsed, "content_disposition", None)
    return said


_POLICY = cast("email.policy.EmailPolicy[EmailMessage]", _Policy())


def read(path: Path, max_chars: int) -> ParsedText:
    try:
        with path.open("rb") as file:
            message = email.message_from_binary_file(file, EmailMessage, policy=_POLICY)
    except RecursionError as error:  # of mails within mails
        raise UnreadableDocument(TOO_DEEP) from error
    if not any(name in message for name in ("Subject", *_SHOWN)):
        raise broken("an e-mail")
    builder = TextBuilder(max_chars)
    _add_message(builder, message, 1)
    return builder.build(title=_header(message, "Subject"))


def _add_message(builder: TextBuilder, message: EmailMessage, level: int) -> None:
    builder.heading(level, _header(message, "Subject"))
    parts = [(part, _kind(part)) for part in _parts(message)]
    left_out = ", ".join(name for part, kind in parts if kind is None and (name := _name(part)))
    headers = [*((name, _header(message, name)) for name in _SHOWN), ("Attachments that were not read", left_out)]
    builder.block("paragraph", "\n".join(f"{name}: {value}" for name, value in headers if value))
    for part, kind in parts:
        if kind == EMAIL and level < _DEEPEST:
            _add_message(builder, _forwarded(part), level + 1)
        elif kind is not None and kind != EMAIL:
            name = _name(part)
            builder.heading(level + 1, name)
            _add_text(builder, part, kind, level + 1 if name else level)


def _parts(message: EmailMessage, depth: int = 1) -> Iterator[EmailMessage]:
    """The body and the attachments: of alternatives one, and what is attached to the others."""
    if message.get_content_maintype() == "message" or not message.is_multipart():
        yield message
        return
    parts = [cast("EmailMessage", part) for part in message.iter_parts()]
    chosen = _chosen(parts) if message.get_content_subtype() == "alternative" and depth <= _DEEPEST else None
    for part in parts:
        if chosen is None or part is chosen:
            yield from _parts(part, depth + 1)
        elif part.is_multipart():
            yield from (attached for attached in _parts(part, depth + 1) if _name(attached))


def _chosen(alternatives: list[EmailMessage]) -> EmailMessage | None:
    """The one in plain text, unless that only says that there is another."""
    texts = {kind: next((part for part in alternatives if part.get_body((kind,)) is not None), None) for kind in ("plain", "html")}
    plain_part, html_part = texts["plain"], texts["html"]
    if plain_part is None or html_part is None or plain_part is html_part:
        return plain_part or html_part
    return (
        html_part if _says_more(_page(html_part), _decoded(cast("EmailMessage", plain_part.get_body(("plain",))))) else plain_part
    )


def _says_more(text: str, plain: str) -> bool:
    """Whether a page's text has far more words than what is meant to be the same in plain text, or others."""
    words, plain_words = (set(_WORD.findall(_ADDRESS.sub("", each).lower())) for each in (text, plain))
    if len(words) > _FAR_MORE * len(plain_words):
        return True
    return len(words & plain_words) * 2 < len(plain_words) <= 2 * len(words)


def _page(part: EmailMessage) -> str:
    builder = TextBuilder(_LONGEST_PAGE)
    try:
        add_html(builder, _decoded(cast("EmailMessage", part.get_body(("html",)))))
    except UnreadableDocument:  # what is in plain text may be
        return ""
    return builder.build().text


def _kind(part: EmailMessage) -> str | None:
    """As what a part is read; None: it is not. Programs send any file as `application/octet-stream`: its name tells more."""
    if part.get_content_type() == EMAIL:
        return EMAIL
    try:
        kind = detect(_name(part), part.get_content_type(), _payload(part)[:HEAD_BYTES])
    except UnsupportedMediaType:
        return TEXT if part.get_content_maintype() in {"text", "multipart"} else None  # parts may be said and missing
    return kind if kind in _READ else None


def _forwarded(part: EmailMessage) -> EmailMessage:
    if part.get_content_type() == EMAIL and part.is_multipart():
        return cast("EmailMessage", part.get_content())
    return email.message_from_bytes(_payload(part), EmailMessage, policy=_POLICY)


def _name(part: EmailMessage) -> str:
    """Of an attachment. A picture that a page shows is none, nor is a signature."""
    is_shown = part.get_content_maintype() == "image" and "Content-ID" in part and not part.is_attachment()
    if is_shown or part.get_content_subtype().endswith("-signature"):
        return ""
    try:
        return one_line(clean(part.get_filename() or ""))
    except _UNREADABLE_HEADERS:
        return ""


def _add_text(builder: TextBuilder, part: EmailMessage, kind: str, level: int) -> None:
    text = _decoded(part)
    match kind:
        case media_types.HTML:
            add_html(builder, text, below=level)
        case media_types.CSV | media_types.TSV:
            csv.add_csv(builder, text)
        case media_types.MARKDOWN:
            add_markdown(builder, text)
        case _:
            plain.add_text(builder, text)


def _decoded(part: EmailMessage) -> str:
    return decode(_payload(part), part.get_content_charset())[0]


def _payload(part: EmailMessage) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _header(message: EmailMessage, name: str) -> str:
    """A header on one line. Old programs write it in bytes that the library does not guess at."""
    raw = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
    if not raw.isascii():
        return one_line(clean(decode(raw.encode("utf-8", "surrogateescape"))[0]))
    read, more = (raw, "") if len(raw) <= _LONGEST_HEADER else (_beginning(raw), " …")
    try:
        return one_line(clean(str(email.policy.default.header_fetch_parse(name, read)))) + more
    except _UNREADABLE_HEADERS:
        return one_line(raw)


def _beginning(header: str) -> str:
    """As much as is read, without the address that would be cut."""
    end = header.rfind(",", _LONGEST_HEADER - _LONGEST_ADDRESS, _LONGEST_HEADER)
    return header[: end + 1 or _LONGEST_HEADER]
