"""PDF: the text of each page; the outline of the file, where it has one, gives the headings."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pypdfium2

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse.builder import TextBuilder
from protostar.knowledge.parse.failures import ENCRYPTED
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.normalise import clean, one_line

_SCANNED = "This PDF holds pictures of pages but no text; text recognition (OCR) is not supported."
_DAMAGED = "The file is damaged, incomplete or not a PDF."
_PASSWORD_NEEDED = 4
_LINE_END = re.compile(r"\r\n|\r|\n")
# PDFium puts U+FFFE (formerly U+0002) where a word is broken at the end of a line.
_HYPHENATION = re.compile("[\ufffe\x02](?:\r?\n)?")
_SENTENCE_END = re.compile(r"[.!?。…:;]['\"”’)\]]*$")
_ITEM_START = re.compile(r"(?:[-•▪◦*]|\(?\d{1,3}[.)]|[가-힣][.)])\s")
# What printing wrote where nobody named a title; the name of the uploaded file says more.
_FILE_NAME = re.compile(
    r"Microsoft (?:Word|Excel|PowerPoint) - .*|.*\.(?:docx?|hwpx?|odt|rtf|txt|md|html?|xlsx?|pptx?|pdf|indd|ai|tex|dvi|ps)",
    re.IGNORECASE,
)
# Bullets of the fonts Symbol and Wingdings, which have no Unicode of their own.
_BULLETS = str.maketrans({"\uf0b7": "•", "\uf0a7": "▪", "\uf0a8": "▪", "\uf06e": "▪", "\uf0d8": "▪", "\uf0fc": "✓"})


@dataclass(frozen=True, slots=True)
class _Bookmark:
    level: int
    title: str


def read(path: Path, max_chars: int) -> ParsedText:
    document = open_document(path)
    builder = TextBuilder(max_chars)
    outline = _outline(document)
    count = len(document)
    unreadable = 0
    for index in range(count):
        text = _page_text(document, index)
        unreadable += text is None
        _Page(builder, index + 1).add(text or "", outline[index])
    if not builder.size:
        raise UnreadableDocument(_DAMAGED if unreadable else _SCANNED)
    title = _string(document.get_metadata_value, "Title").strip()
    return builder.build(title=None if _FILE_NAME.fullmatch(title) else title, page_count=count)


def open_document(path: Path) -> Any:
    try:
        return pypdfium2.PdfDocument(path)
    except pypdfium2.PdfiumError as error:
        raise UnreadableDocument(ENCRYPTED if _needs_password(error) else _DAMAGED) from error


def as_stored(character: str) -> str:
    """A character of a page as the stored text has it, blanks aside; "" where that leaves it out."""
    return clean(_without_signs(character))


def _without_signs(text: str) -> str:
    """The text without marks of broken words, and with bullets as others write them."""
    return _HYPHENATION.sub("", text).translate(_BULLETS)


def _needs_password(error: Any) -> bool:
    return error.err_code == _PASSWORD_NEEDED


def _page_text(document: Any, index: int) -> str | None:
    """The text of a page; None for a broken one, as the others are of use."""
    try:
        page = document[index]
        text_page = page.get_textpage()
    except pypdfium2.PdfiumError:
        return None
    text: str = text_page.get_text_bounded()
    text_page.close()
    page.close()
    return text


def _string(read: Callable[..., str], *args: str) -> str:
    """A title that the file holds, unless it is broken."""
    try:
        return read(*args)
    except UnicodeDecodeError:
        return ""


def _outline(document: Any) -> defaultdict[int, list[_Bookmark]]:
    """The bookmarks that point to each page, in order."""
    found: defaultdict[int, list[_Bookmark]] = defaultdict(list)
    for bookmark in document.get_toc(max_depth=6):
        target = bookmark.get_dest()
        index: int | None = target.get_index() if target else None
        title = one_line(clean(_string(bookmark.get_title)))
        if title and index is not None:
            found[index].append(_Bookmark(bookmark.level + 1, title))
    return found


class _Page:
    """Adds one page: its lines stay lines; a paragraph ends with a sentence, before a list item and before a heading."""

    def __init__(self, builder: TextBuilder, page: int) -> None:
        self._builder = builder
        self._page = page
        self._separator = "\n\n"
        self._paragraph: list[str] = []

    def add(self, text: str, bookmarks: list[_Bookmark]) -> None:
        text = _without_signs(text)
        lines = [line.rstrip() for line in _LINE_END.split(text) if line.strip()]
        at = 0
        for bookmark, start, end in _places(lines, bookmarks):
            self._add_lines(lines[at:start])
            self._add_heading(bookmark, "\n".join(lines[start:end]))
            at = end
        self._add_lines(lines[at:])

    def _add_heading(self, bookmark: _Bookmark, shown: str) -> None:
        if shown:
            self._builder.heading(bookmark.level, bookmark.title, text=shown, page=self._page, separator=self._separator)
            self._separator = "\n"
        else:
            self._builder.outline.enter(bookmark.level, bookmark.title)

    def _add_lines(self, lines: list[str]) -> None:
        for line in lines:
            if _ITEM_START.match(line):
                self._end_paragraph()
            self._paragraph.append(line)
            if _SENTENCE_END.search(line):
                self._end_paragraph()
        self._end_paragraph()

    def _end_paragraph(self) -> None:
        if self._paragraph:
            self._builder.block("paragraph", "\n".join(self._paragraph), page=self._page, separator=self._separator)
            self._separator = "\n"
            self._paragraph.clear()


def _places(lines: list[str], bookmarks: list[_Bookmark]) -> Iterator[tuple[_Bookmark, int, int]]:
    """The lines [start, end) that show each bookmark; none for one that the page words differently."""
    squeezed = [_squeeze(line) for line in lines]
    at = 0
    for bookmark in bookmarks:
        wanted = _squeeze(bookmark.title)
        spans = ((start, start + height) for start in range(at, len(lines)) for height in (1, 2, 3))
        start, end = next((span for span in spans if _shows("".join(squeezed[slice(*span)]), wanted)), (at, at))
        yield bookmark, start, end
        at = end


def _squeeze(text: str) -> str:
    """PDFs lose blanks and find others: «1장» may come out as «1 장»."""
    return "".join(text.split()).casefold()


def _shows(line: str, title: str) -> bool:
    """Outlines may leave out the number of a section."""
    return line.endswith(title) and not line[: -len(title)].strip("0123456789.")
