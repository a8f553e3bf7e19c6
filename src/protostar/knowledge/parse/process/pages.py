"""The pages of a PDF in the child: their sizes, how one looks, and where a passage of the stored text stands on them."""

from contextlib import suppress
from dataclasses import astuple
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import pypdfium2

from protostar.errors import NotFound, UnreadableDocument
from protostar.knowledge.parse.model import Passage
from protostar.knowledge.parse.pdf import reader
from protostar.knowledge.parse.pdf.passages import find
from protostar.knowledge.parse.process.child import IMAGE, RESULT, write

MOST_PAGES: Final = 10_000
"""Of which sizes are told."""

_MOST_PIXELS: Final = 6_000_000
_LONGEST_SIDE: Final = 16_000  # pixels; WebP holds 16,383
_QUALITY, _EFFORT = 80, 2  # text stays sharp at a third of a PNG's size
_A4: Final = (595.0, 842.0)


def sizes(document: Any) -> list[tuple[float, float]]:
    """Width and height of the pages in points; A4 where a page is broken."""
    found: list[tuple[float, float]] = []
    for index in range(min(len(document), MOST_PAGES)):
        size = _A4
        with suppress(pypdfium2.PdfiumError):
            size = document.get_page_size(index)
        found.append(size if min(size) > 0 else _A4)
    return found


def describe(path: Path, work_dir: Path, max_chars: int, passage: Passage) -> None:
    """Write down how many pages there are, their sizes, and the boxes of the passage."""
    document = reader.open_document(path)
    if not len(document):
        raise UnreadableDocument("The file has no pages.")
    boxes = [
        (number, [[round(side, 5) for side in astuple(box)] for box in each]) for number, each in find(document, passage, max_chars)
    ]
    write(work_dir / RESULT, {"page_count": len(document), "sizes": sizes(document), "boxes": boxes})


def draw(path: Path, work_dir: Path, number: int, width: int) -> None:
    """Write page `number`, 1 for the first, as a WebP image; of a very long page a narrower one. Raises NotFound past the last."""
    load()
    document = reader.open_document(path)
    with suppress(pypdfium2.PdfiumError):  # what is filled in is part of the page
        document.init_forms()
    page = _open(document, number)
    across, down = page.get_size()
    # PDFium gets whole pixels by rounding up.
    scale = min((width - 0.5) / across, (_MOST_PIXELS / (across * down)) ** 0.5, _LONGEST_SIDE / down)
    page.render(scale=scale).to_pil().save(work_dir / IMAGE, "WEBP", quality=_QUALITY, method=_EFFORT)
    write(work_dir / RESULT, {})


def load() -> None:
    """Load what drawing takes: only encoders, as PDFium has read whatever a file holds."""
    import_module("PIL.Image").preinit()
    import_module("PIL.WebPImagePlugin")


def _open(document: Any, number: int) -> Any:
    if number > len(document):
        raise NotFound(f"The document has {len(document)} pages.")
    try:
        return document[number - 1]
    except pypdfium2.PdfiumError as error:
        raise UnreadableDocument("This page of the file is damaged.") from error
