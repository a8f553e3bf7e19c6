"""Presentations: one slide after the other; its title is the heading, the speaker's notes follow it. Hidden slides are left out."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.exc import PythonPptxError
from pptx.oxml.ns import qn
from pptx.package import Package
from pptx.parts.presentation import PresentationPart

from protostar.knowledge.parse import zip_guard
from protostar.knowledge.parse.failures import damaged
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.office import drawings
from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.counters import Counters
from protostar.knowledge.parse.text.tables import Cell, add_table, spread

_KIND = "a PowerPoint presentation (.pptx)"
_EVERYWHERE: Final = frozenset({PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER})  # on every slide
_SIZE: Final = 18.0  # points, where nothing says another one
_HIDDEN: Final = ".//p:cNvPr[@hidden='1' or @hidden='true']/../.."
_LONGEST_TITLE: Final = 80
_DEEPEST: Final = 8


def read(path: Path, max_chars: int) -> ParsedText:
    zip_guard.check(path, _KIND)
    builder = TextBuilder(max_chars)
    parts = drawings.Parts(builder)
    with damaged(_KIND, *zip_guard.ERRORS, PythonPptxError):
        main: Any = Package.open(str(path)).main_document_part  # `pptx.Presentation` refuses shows
        if not isinstance(main, PresentationPart):
            raise PythonPptxError
        presentation = main.presentation
        slides: list[Any] = list({slide.part.partname: slide for slide in presentation.slides}.values())  # each part once
        for number, slide in enumerate(slides, 1):
            if slide.element.get("show") not in {"0", "false"}:
                _add_slide(builder, parts, slide, number)
        return builder.build(title=presentation.core_properties.title, page_count=len(slides))


def _add_slide(builder: TextBuilder, parts: drawings.Parts, slide: Any, number: int) -> None:
    _prune(slide.shapes)
    shapes = [shape for shape in _flat(slide.shapes) if not (shape.is_placeholder and shape.placeholder_format.type in _EVERYWHERE)]
    title = slide.shapes.title
    if title is None or not _plain(title.text_frame).strip():
        title = _titled_by_look(shapes)
    builder.page = number
    builder.leave()
    builder.heading(1, _plain(title.text_frame) if title is not None else "")
    for shape in shapes:
        if title is None or shape._element is not title._element:  # noqa: SLF001 - some programs give all shapes one id
            _add_shape(builder, parts, slide, shape)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        _prune(slide.notes_slide.shapes)
        builder.block("paragraph", _text(slide.notes_slide.notes_text_frame))


def _add_shape(builder: TextBuilder, parts: drawings.Parts, slide: Any, shape: Any) -> None:
    if shape.has_text_frame:
        builder.block("paragraph", _text(shape.text_frame))
    elif getattr(shape, "has_table", False):
        rows = shape.table._tbl.tr_lst  # noqa: SLF001 - python-pptx finds each row by going through all of them
        add_table(builder, spread(map(_cells, rows)))
    else:
        parts.add(shape._element, slide.part.rels)  # noqa: SLF001 - python-pptx reads some kinds of charts alone


def _prune(shapes: Any) -> None:
    """Take out hidden shapes, and second versions of shapes."""
    tree = shapes._spTree  # noqa: SLF001 - python-pptx knows neither
    drawings.unwrap(tree)
    for element in tree.xpath(_HIDDEN):
        if element is not tree:
            element.getparent().remove(element)


def _titled_by_look(shapes: Sequence[Any]) -> Any:
    """The short text that is set larger than all others of a slide; None where it has no others."""
    texts = [shape for shape in shapes if shape.has_text_frame and _plain(shape.text_frame).strip()]
    by_size = sorted(texts, key=_size, reverse=True)
    if len(by_size) < 2 or _size(by_size[0]) <= _size(by_size[1]):
        return None
    return by_size[0] if len(_plain(by_size[0].text_frame)) <= _LONGEST_TITLE else None


def _size(shape: Any) -> float:
    """Of the largest letters that a text says a size of, in points."""
    runs = (run for paragraph in shape.text_frame.paragraphs for run in paragraph.runs)
    return max((run.font.size.pt for run in runs if run.font.size is not None), default=_SIZE)


def _cells(row: Any) -> Iterator[Cell]:
    for cell in row.tc_lst:
        if not cell.is_spanned:
            yield Cell("\n".join(map(drawings.text, cell.iter(drawings.P))), cell.gridSpan, cell.rowSpan)


def _flat(shapes: Any) -> Iterator[Any]:
    """The shapes in their order on the slide, those of groups too."""
    for shape in shapes:
        if hasattr(shape, "shapes"):
            yield from _flat(shape.shapes)
        else:
            yield shape


def _plain(frame: Any) -> str:
    return "\n".join(drawings.text(paragraph._p) for paragraph in frame.paragraphs)  # noqa: SLF001


def _text(frame: Any) -> str:
    """Outline levels become indentation."""
    lines: list[str] = []
    counters = Counters()
    for paragraph in frame.paragraphs:
        text = drawings.text(paragraph._p).strip()  # noqa: SLF001 - python-pptx knows no raised or struck text
        if text:
            properties = paragraph._p.pPr  # noqa: SLF001 - python-pptx knows no numbers
            numbered = None if properties is None else properties.find(qn("a:buAutoNum"))
            level = max(0, min(paragraph.level, _DEEPEST))
            marker = "" if numbered is None else _marker(counters, level, int(numbered.get("startAt", "1")))
            if numbered is None and not level:
                counters.restart("")
            lines.append("  " * level + marker + text)
    return "\n".join(lines)


def _marker(counters: Counters, level: int, start: int) -> str:
    return f"{counters.advance('', level, start=start)[level]}. "
