"""E-mail: subject, sender and date, the body, and the attachments that are text. Forwarded messages too."""

import email
import email.errors
import email.policy
from collections.abc import Iterator
from email.message import EmailMessage
from pathlib import Path
from typing import cast

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse import csv, markdown, plain
from protostar.knowledge.parse.builder import TextBuilder
from protostar.knowledge.parse.charset import decode
from protostar.knowledge.parse.html.reader import add_html
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.normalise import clean, one_line

_DEEPEST = 6
_SHOWN = ("From", "To", "Cc", "Date")


def read(path: Path, max_chars: int) -> ParsedText:
    with path.open("rb") as file:
        message = email.message_from_binary_file(file, EmailMessage, policy=email.policy.default)
    if not any(name in message for name in ("Subject", *_SHOWN)):
        raise UnreadableDocument("The file is damaged, incomplete or not an e-mail.")
    builder = TextBuilder(max_chars)
    _add_message(builder, message, 1)
    return builder.build(title=_header(message, "Subject"))


def _add_message(builder: TextBuilder, message: EmailMessage, level: int) -> None:
    builder.heading(level, _header(message, "Subject"))
    headers = ((name, _header(message, name)) for name in _SHOWN)
    builder.block("paragraph", "\n".join(f"{name}: {value}" for name, value in headers if value))
    body = _body(message)
    if body is not None:
        _add_text(builder, body, level)
    for attachment in _attachments(message):
        if attachment.get_content_type() == "message/rfc822" and level < _DEEPEST:
            _add_message(builder, cast("EmailMessage", attachment.get_content()), level + 1)
        elif attachment.get_content_maintype() == "text":
            builder.heading(level + 1, clean(attachment.get_filename() or ""))
            _add_text(builder, attachment, level + 1)


def _body(message: EmailMessage) -> EmailMessage | None:
    """Plain text where there is some. A message without parts is its own body, even one that says it has parts."""
    if message.is_multipart():
        return cast("EmailMessage | None", message.get_body(("plain", "html")))
    return message if message.get_content_maintype() in {"text", "multipart"} else None


def _attachments(message: EmailMessage) -> Iterator[EmailMessage]:
    if not message.is_multipart():
        return
    for part in message.iter_attachments():
        if part.get_content_maintype() == "multipart":
            yield from _attachments(part)
        else:
            yield part


def _add_text(builder: TextBuilder, part: EmailMessage, level: int) -> None:
    raw = part.get_payload(decode=True)
    text, _ = decode(raw if isinstance(raw, bytes) else b"", part.get_content_charset())
    match part.get_content_subtype():
        case "html":
            add_html(builder, text, below=level)
        case "csv" | "tab-separated-values":
            csv.add_csv(builder, text)
        case "markdown" | "x-markdown":
            markdown.add_markdown(builder, text)
        case _:
            plain.add_text(builder, text)


def _header(message: EmailMessage, name: str) -> str:
    """A header on one line. Old programs write it in bytes that the library does not guess at."""
    raw = next((value for key, value in message.raw_items() if key.lower() == name.lower()), "")
    if not raw.isascii():
        return one_line(clean(decode(raw.encode("utf-8", "surrogateescape"))[0]))
    try:
        return one_line(clean(str(message.get(name, ""))))
    except (email.errors.MessageError, LookupError, ValueError, TypeError, AttributeError):
        # The library's parser fails on some addresses.
        return one_line(raw)
