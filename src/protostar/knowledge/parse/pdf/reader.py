"""PDF: paragraphs, headings and tables of each page."""

import re
from pathlib import Path
from typing import Any

import pypdfium2

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse.failures import ENCRYPTED, broken
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.pdf.headings import Heading
from protostar.knowledge.parse.pdf.layout import Layout, lay_out, stored_string
from protostar.knowledge.parse.pdf.paragraphs import Paragraph, Part, Rows
from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.tables import add_table, spread

_SCANNED = "This PDF holds pictures of pages but no text; text recognition (OCR) is not supported."
_KIND = "a PDF"
_PASSWORD_NEEDED = 4
# What printing wrote where nobody named a title; the name of the uploaded file says more.
_NO_TITLE = re.compile(
    r"about:blank|untitled|무제|제목 없음|Microsoft (?:Word|Excel|PowerPoint) - .*"
    r"|.*\.(?:docx?|hwpx?|odt|rtf|txt|md|html?|xlsx?|pptx?|pdf|indd|ai|tex|dvi|ps)",
    re.IGNORECASE,
)


def read(path: Path, max_chars: int) -> ParsedText:
    document = open_document(path)
    return text_of(document, lay_out(document, max_chars), max_chars)


def text_of(document: Any, layout: Layout, max_chars: int) -> ParsedText:
    """Raises UnreadableDocument where there is none, or too much."""
    builder = TextBuilder(max_chars)
    for number, parts in layout.pages.items():
        before: Part | None = None
        for part in parts:
            _add(builder, part, number, is_next_item=_is_item(before) and _is_item(part))
            before = part
    if not builder.size:
        raise broken(_KIND) if layout.is_damaged else UnreadableDocument(_SCANNED)
    title = stored_string(document.get_metadata_value, "Title").strip()
    title = None if _NO_TITLE.fullmatch(title) else title
    return builder.build(title=title, page_count=len(document), unread_pages=layout.unread)


def open_document(path: Path) -> Any:
    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        raise (UnreadableDocument(ENCRYPTED) if _needs_password(error) else broken(_KIND)) from error


def _needs_password(error: Any) -> bool:
    return error.err_code == _PASSWORD_NEEDED


def _add(builder: TextBuilder, part: Part, page: int, *, is_next_item: bool) -> None:
    builder.page = page
    match part:
        case Heading(level, title, lines) if lines:
            builder.heading(level, title, text="\n".join(line.text for line in lines))
        case Heading(level, title):
            builder.outline.enter(level, title)
        case Paragraph(kind, text, joint=joint):
            separator = joint if joint is not None else "\n" if is_next_item else "\n\n"
            builder.block(kind, text, separator=separator)
        case Rows(cells):
            add_table(builder, spread(cells))


def _is_item(part: Part | None) -> bool:
    return isinstance(part, Paragraph) and part.kind == "list"
