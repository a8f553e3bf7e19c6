"""Presentations: one slide after the other; its title is the heading, the speaker's notes follow it. Hidden slides are left out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pptx
from pptx.exc import PythonPptxError

from protostar.knowledge.parse import zip_guard
from protostar.knowledge.parse.builder import TextBuilder
from protostar.knowledge.parse.failures import damaged
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.tables import Cell, add_table, spread

_KIND = "a PowerPoint presentation (.pptx)"


def read(path: Path, max_chars: int) -> ParsedText:
    zip_guard.check(path, _KIND)
    builder = TextBuilder(max_chars)
    with damaged(_KIND, *zip_guard.ERRORS, PythonPptxError):
        presentation = pptx.Presentation(str(path))
        slides: list[Any] = list(presentation.slides)
        for number, slide in enumerate(slides, 1):
            if slide.element.get("show") not in {"0", "false"}:
                _add_slide(builder, slide, number)
        return builder.build(title=presentation.core_properties.title, page_count=len(slides))


def _add_slide(builder: TextBuilder, slide: Any, number: int) -> None:
    title = slide.shapes.title
    shown = title.text_frame.text if title is not None else ""
    builder.outline.leave()
    builder.heading(1, shown, page=number)
    for shape in _flat(slide.shapes):
        if title is not None and shape.shape_id == title.shape_id:
            continue
        if shape.has_text_frame:
            builder.block("paragraph", _text(shape.text_frame), page=number)
        elif getattr(shape, "has_table", False):
            add_table(builder, spread(map(_cells, shape.table.rows)), page=number)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        builder.block("paragraph", _text(slide.notes_slide.notes_text_frame), page=number)


def _cells(row: Any) -> Iterator[Cell]:
    for cell in row.cells:
        if not cell.is_spanned:
            yield Cell(cell.text, cell.span_width, cell.span_height)


def _flat(shapes: Any) -> Iterator[Any]:
    """The shapes in their order on the slide, those of groups too."""
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _flat(shape.shapes)
        else:
            yield shape


def _text(frame: Any) -> str:
    """Outline levels become indentation; a vertical tab is a line break inside a paragraph."""
    lines = ("  " * paragraph.level + paragraph.text.replace("\v", "\n").strip() for paragraph in frame.paragraphs)
    return "\n".join(line for line in lines if line.strip())
