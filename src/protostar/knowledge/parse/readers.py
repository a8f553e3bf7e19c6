"""Which module reads which kind of file. The modules are imported when they are first needed: Office readers are large."""

from collections.abc import Callable
from dataclasses import replace
from importlib import import_module
from pathlib import Path

from protostar.documents import media_types
from protostar.errors import UnreadableDocument
from protostar.knowledge.parse.failures import EMPTY, NO_TEXT
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.text.clauses import with_clauses
from protostar.knowledge.parse.text.normalise import shortened

_LONGEST_TITLE = 500  # characters, as the API takes one: it stands beside every passage

_MODULES = {
    media_types.MARKDOWN: "markdown.reader",
    media_types.TEXT: "plain",
    media_types.HTML: "html.reader",
    media_types.PDF: "pdf.reader",
    media_types.DOCX: "docx.reader",
    media_types.PPTX: "pptx",
    media_types.XLSX: "spreadsheets.xlsx",
    media_types.XLS: "spreadsheets.xls",
    media_types.CSV: "csv",
    media_types.TSV: "csv",
    media_types.HWP: "hangul.hwp",
    media_types.HWPX: "hangul.hwpx",
    media_types.ODT: "opendocument.text",
    media_types.ODS: "opendocument.sheets",
    media_types.ODP: "opendocument.slides",
    media_types.EPUB: "epub",
    media_types.RTF: "rtf",
    media_types.EMAIL: "email",
    media_types.NOTEBOOK: "notebook",
}


def reader(media_type: str) -> Callable[[Path, int], ParsedText]:
    """The function `(path, max_chars) -> ParsedText` for a canonical media type."""
    module = _MODULES.get(media_type)
    if module is None:
        raise UnreadableDocument("This kind of file is not supported.")
    return import_module(f"{__package__}.{module}").read


def read(path: Path, media_type: str, max_chars: int) -> ParsedText:
    """The text of a document. Raises UnreadableDocument with a sentence for the person who uploaded it."""
    if not path.stat().st_size:
        raise UnreadableDocument(EMPTY)
    parsed = reader(media_type)(path, max_chars)
    if not parsed.blocks:
        raise UnreadableDocument(NO_TEXT)
    title = shortened(parsed.title, _LONGEST_TITLE) if parsed.title else None
    return replace(with_clauses(parsed), title=title)
