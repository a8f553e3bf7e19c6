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
from protostar.knowledge.parse.builder import TextBuilder
from protostar.knowledge.parse.failures import damaged
from protostar.knowledge.parse.lines import Counters
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.tables import Cell, add_table, spread

_KIND = "a PowerPoint presentation (.pptx)"
_EVERYWHERE: Final = frozenset({PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER})  # on every slide
_SIZE: Final = 18.0  # points, where nothing says another one
_HIDDEN: Final = ".//p:cNvPr[@hidden='1' or @hidden='true']/../.."
_STRUCK: Final = ".//*[self::a:r or self::a:fld][a:rPr[@strike='sngStrike' or @strike='dblStrike']]"
_LONGEST_TITLE: Final = 80
_DEEPEST: Final = 8


def read(path: Path, max_chars: int) -> ParsedText:
    zip_guard.check(path, _KIND)
    builder = TextBuilder(max_chars)
    with damaged(_KIND, *zip_guard.ERRORS, PythonPptxError):
        main: Any = Package.open(str(path)).main_document_part  # `pptx.Presentation` refuses shows
        if not isinstance(main, PresentationPart):
            raise PythonPptxError
        presentation = main.presentation
        slides: list[Any] = list({slide.part.partname: slide for slide in presentation.slides}.values())  # each part once
        for number, slide in enumerate(slides, 1):
            if slide.element.get("show") not in {"0", "false"}:
                _add_slide(builder, slide, number)
        return builder.build(title=presentation.core_properties.title, page_count=len(slides))


def _add_slide(builder: TextBuilder, slide: Any, number: int) -> None:
    _prune(slide.shapes)
    shapes = [shape for shape in _flat(slide.shapes) if not (shape.is_placeholder and shape.placeholder_format.type in _EVERYWHERE)]
    title = slide.shapes.title
    if title is None or not title.text_frame.text.strip():
        title = _titled_by_look(shapes)
    builder.outline.leave()
    builder.heading(1, title.text_frame.text if title is not None else "", page=number)
    for shape in shapes:
        if title is not None and shape.shape_id == title.shape_id:
            continue
        if shape.has_text_frame:
            builder.block("paragraph", _text(shape.text_frame), page=number)
        elif getattr(shape, "has_table", False):
            add_table(builder, spread(map(_cells, shape.table.rows)), page=number)
        elif getattr(shape, "has_chart", False):
            add_table(builder, _values(shape.chart), page=number)
    if slide.has_notes_slide and slide.notes_slide.notes_text_frame is not None:
        _prune(slide.notes_slide.shapes)
        builder.block("paragraph", _text(slide.notes_slide.notes_text_frame), page=number)


def _prune(shapes: Any) -> None:
    """Take out hidden shapes and struck text."""
    tree = shapes._spTree  # noqa: SLF001 - python-pptx knows neither
    for element in [*tree.xpath(_HIDDEN), *tree.xpath(_STRUCK)]:
        if element is not tree:
            element.getparent().remove(element)


def _titled_by_look(shapes: Sequence[Any]) -> Any:
    """The short text that is set larger than all others of a slide; None where it has no others."""
    texts = [shape for shape in shapes if shape.has_text_frame and shape.text_frame.text.strip()]
    by_size = sorted(texts, key=_size, reverse=True)
    if len(by_size) < 2 or _size(by_size[0]) <= _size(by_size[1]):
        return None
    return by_size[0] if len(by_size[0].text_frame.text) <= _LONGEST_TITLE else None


def _size(shape: Any) -> float:
    """Of the largest letters that a text says a size of, in points."""
    runs = (run for paragraph in shape.text_frame.paragraphs for run in paragraph.runs)
    return max((run.font.size.pt for run in runs if run.font.size is not None), default=_SIZE)


def _values(chart: Any) -> Iterator[list[str]]:
    """What a chart of any kind shows, as a table, by what is kept of the last time that it was drawn."""
    series = list(chart._chartSpace.iter(qn("c:ser")))  # noqa: SLF001 - python-pptx reads some kinds alone
    categories = {at: name for each in series for at, name in _points(each, "c:cat")}
    columns = [dict(_points(each, "c:val")) for each in series]
    yield ["", *(dict(_points(each, "c:tx")).get(0, "") for each in series)]
    for at in sorted({at for column in columns for at in column}):
        yield [categories.get(at, ""), *(column.get(at, "") for column in columns)]


def _points(series: Any, part: str) -> Iterator[tuple[int, str]]:
    for point in series.iterfind(f"{qn(part)}//{qn('c:pt')}"):
        yield int(point.get("idx")), point.findtext(qn("c:v"), "")


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
    lines: list[str] = []
    counters = Counters()
    for paragraph in frame.paragraphs:
        text = paragraph.text.replace("\v", "\n").strip()
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
