"""From the pages of a PDF to what they show, in the order in which it is read."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from protostar.knowledge.parse.failures import too_long
from protostar.knowledge.parse.pdf.continued import with_heads
from protostar.knowledge.parse.pdf.grid import arrange
from protostar.knowledge.parse.pdf.headings import Bookmark, BySize, Item, Marked, by_outline
from protostar.knowledge.parse.pdf.hyphens import with_hyphens
from protostar.knowledge.parse.pdf.lines import Page, read_page
from protostar.knowledge.parse.pdf.paragraphs import Paragraphs, Part
from protostar.knowledge.parse.pdf.running import without_running_lines
from protostar.knowledge.parse.pdf.watermarks import without_watermarks
from protostar.knowledge.parse.text.body import Body
from protostar.knowledge.parse.text.normalise import clean, one_line


@dataclass(frozen=True, slots=True)
class Layout:
    """`pages`: by their numbers, 1 for the first. `is_damaged`: whether one could not be read. `unread`: how many are pictures."""

    pages: dict[int, list[Part]]
    is_damaged: bool
    unread: int


def lay_out(document: Any, max_chars: int, indices: range | None = None) -> Layout:
    """The pages with these indices, all if there are none. Raises UnreadableDocument when the text outgrows `max_chars`."""
    indices = range(len(document)) if indices is None else indices
    pages: list[Page] = []
    is_damaged = False
    size = 0
    for index in indices:
        page = read_page(document, index)
        is_damaged = is_damaged or page is None
        pages.append(page or Page([], [], is_picture=False))
        size += sum(len(line.text) for line in pages[-1].lines)
        if size > max_chars:
            raise too_long(max_chars)
    lines = with_hyphens([page.lines for page in pages])
    body = Body((len(line.text), line) for kept in lines for line in kept)
    lines = without_running_lines(without_watermarks(lines, body), body, indices.start)
    items = [arrange(kept, page.rules) for kept, page in zip(lines, pages, strict=True)]
    by_size = BySize(line for kept in lines for line in kept)
    outline = _outline(document)
    marked = _with_headings(items, by_size, [outline[index] for index in indices])
    parts = dict(zip((index + 1 for index in indices), Paragraphs(with_heads(marked)), strict=True))
    return Layout(parts, is_damaged, sum(page.is_picture for page in pages))


def _with_headings(pages: Sequence[Sequence[Item]], by_size: BySize, bookmarks: Sequence[Sequence[Bookmark]]) -> list[list[Marked]]:
    if any(bookmarks):
        marked = [by_outline(items, each) for items, each in zip(pages, bookmarks, strict=True)]
        if not by_size.names_more(marked):
            return marked
    return [list(by_size.mark(items)) for items in pages]


def stored_string(read: Callable[..., str], *args: str) -> str:
    """A title that the file holds, unless it is broken."""
    try:
        return read(*args)
    except UnicodeDecodeError:
        return ""


def _outline(document: Any) -> defaultdict[int, list[Bookmark]]:
    """The bookmarks that point to each page, in order."""
    found: defaultdict[int, list[Bookmark]] = defaultdict(list)
    for bookmark in document.get_toc(max_depth=6):
        target = bookmark.get_dest()
        index: int | None = target.get_index() if target else None
        title = one_line(clean(stored_string(bookmark.get_title)))
        if title and index is not None:
            found[index].append(Bookmark(bookmark.level + 1, title))
    return found
