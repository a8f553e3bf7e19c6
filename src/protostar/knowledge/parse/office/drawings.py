"""What DrawingML shows (ECMA-376, part 1, 20 and 21) in presentations, documents and workbooks: text of shapes, diagrams, charts.

Elements are those of lxml or of the standard library.
"""

import xml.etree.ElementTree as ET
from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import groupby, islice
from typing import Any, Final

from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.numerals import raised, whole
from protostar.knowledge.parse.text.tables import Cell, add_table, spread

_DRAWING, _CHART, _DIAGRAM, _ANCHORED = (
    f"{{http://schemas.openxmlformats.org/drawingml/2006/{name}}}" for name in ("main", "chart", "diagram", "spreadsheetDrawing")
)
_MATH: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/math}"
_REFERENCE: Final = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
_COMPATIBILITY: Final = "{http://schemas.openxmlformats.org/markup-compatibility/2006}"
P: Final = f"{_DRAWING}p"
_CHART_ID: Final = f"{_CHART}chart"
_DIAGRAM_ID: Final = f"{_DIAGRAM}relIds"
REFERENCES: Final = (_CHART_ID, _DIAGRAM_ID)
"""Of a drawing, what names the part with all the rest."""

_RUNS: Final = frozenset({f"{_DRAWING}r", f"{_DRAWING}fld"})
_BREAK: Final = f"{_DRAWING}br"
_ALTERNATIVES, _CHOICE, _FALLBACK = (f"{_COMPATIBILITY}{name}" for name in ("AlternateContent", "Choice", "Fallback"))
_STRUCK: Final = frozenset({"sngStrike", "dblStrike"})
_YES: Final = frozenset({"1", "true"})
_NODES: Final = frozenset({"node", "asst"})
_DEEPEST: Final = 8
_MOST_SERIES: Final = 255  # of a chart in Excel


def unwrap(root: Any) -> None:
    """Put in the place of alternatives what newer programs show: older ones are given pictures of it, or excuses."""
    for element in [*root.iter(_ALTERNATIVES)]:
        chosen = element.find(_CHOICE)
        chosen = element.find(_FALLBACK) if chosen is None else chosen
        if (parent := element.getparent()) is not None:
            for child in () if chosen is None else [*chosen]:
                element.addprevious(child)
            parent.remove(element)


def text(paragraph: Any) -> str:
    """Of a paragraph, without what is struck."""
    parts: list[str] = []
    for node in paragraph:
        if node.tag in _RUNS:
            parts.append(_run(node))
        elif node.tag == _BREAK:
            parts.append("\n")
        else:
            parts += (written.text or "" for written in node.iter(f"{_MATH}t"))
    return "".join(parts)


def _run(run: Any) -> str:
    written: str = run.findtext(f"{_DRAWING}t") or ""
    properties = run.find(f"{_DRAWING}rPr")
    if properties is None:
        return written
    if properties.get("strike") in _STRUCK:
        return ""
    is_raised = whole(properties.get("baseline"), 0) > 0
    return raised(written) or written if is_raised else written


class Parts:
    """What stands in parts of their own, of all drawings of a document: each part is read once."""

    def __init__(self, builder: TextBuilder) -> None:
        self._builder = builder
        self._read = set[str]()

    def add(self, drawing: Any, relations: Mapping[str, Any]) -> None:
        """Add the diagrams and charts that an element names. `relations`: by their ids, of the part in which it stands."""
        for reference in drawing.iter(*REFERENCES):
            relation = relations.get(reference.get(f"{_REFERENCE}id" if reference.tag == _CHART_ID else f"{_REFERENCE}dm"))
            if relation is None or relation.is_external or relation.target_part.partname in self._read:
                continue
            self._read.add(relation.target_part.partname)
            root = ET.fromstring(relation.target_part.blob)
            if reference.tag == _DIAGRAM_ID:
                self._builder.block("list", _diagram(root))
            else:
                self._builder.block("paragraph", _chart_title(root))
                add_table(self._builder, spread(_chart_rows(root)))


def shapes(root: Any) -> Iterator[str]:
    """The text of each shape of a sheet, but for hidden ones."""
    left = [root]
    while left:
        element = left.pop()
        named = element.find(f"*/{_ANCHORED}cNvPr")
        if element.tag == f"{_ANCHORED}txBody":
            yield "\n".join(_lines(element))
        elif element.tag == _ALTERNATIVES:
            left += element.findall(_CHOICE)[:1] or element.findall(_FALLBACK)
        elif named is None or named.get("hidden") not in _YES:
            left += reversed(element)


def _diagram(root: Any) -> str:
    """The points of a diagram (SmartArt), those below others indented."""
    points = {point.get("modelId"): point for point in root.iter(f"{_DIAGRAM}pt")}
    below: defaultdict[str | None, list[tuple[int, str | None]]] = defaultdict(list)
    for connection in root.iter(f"{_DIAGRAM}cxn"):
        if connection.get("type", "parOf") == "parOf":
            below[connection.get("srcId")].append((whole(connection.get("srcOrd"), 0), connection.get("destId")))
    left = [(0, id_) for id_, point in reversed(points.items()) if point.get("type") == "doc"]
    lines: list[str] = []
    while left:
        level, id_ = left.pop()
        point = points.pop(id_, None)  # each once, whatever the connections say
        if point is None:
            continue
        is_shown = point.get("type", "node") in _NODES
        lines += ("  " * min(level, _DEEPEST) + line for line in _lines(point) if is_shown)
        left += ((level + is_shown, child) for _, child in sorted(below[id_], key=lambda one: one[0], reverse=True))
    return "\n".join(lines)


def _lines(element: Any) -> Iterator[str]:
    return (line for line in (text(paragraph).strip() for paragraph in element.iter(P)) if line)


def _chart_title(root: Any) -> str:
    found = root.find(f"{_CHART}chart/{_CHART}title")
    return "" if found is None else "\n".join(_lines(found))


def _chart_rows(root: Any) -> Iterator[list[Cell]]:
    """What a chart of any kind shows, as tables, by what is kept of the last time that it was drawn.

    Series share their labels, but for scattered points, which have places of their own.
    """
    for places, group in groupby(root.iter(f"{_CHART}ser"), lambda series: _points(series, "xVal")):
        all_series = list(group)
        for start in range(0, len(all_series), _MOST_SERIES):
            yield from _rows_of(places, all_series[start : start + _MOST_SERIES])


def _rows_of(places: dict[int, str], series: list[Any]) -> Iterator[list[Cell]]:
    """A table of its points, and a blank row behind it. `places`: of scattered ones."""
    columns = [(_points(each, "tx").get(0, ""), _points(each, "val") or _points(each, "yVal")) for each in series]
    *outer, inner = [places] if places else max(map(_labels, series), key=lambda labels: len(labels[-1]))
    yield [Cell("")] * (len(outer) + 1) + [Cell(name) for name, _ in columns]
    for at in sorted({at for _, values in columns for at in values}):
        above = [Cell(level.get(at, ""), goes_on=at not in level) for level in outer]
        yield [*above, Cell(inner.get(at, "")), *(Cell(values.get(at, "")) for _, values in columns)]
    yield []


def _labels(series: Any) -> list[dict[int, str]]:
    """Of its points, the outermost level first: one label of that is said of many points, and stands at the first.

    The file has the innermost first.
    """
    levels = [_below(level) for level in islice(series.iterfind(f"{_CHART}cat//{_CHART}lvl"), _DEEPEST)]
    return levels[::-1] or [_points(series, "cat")]


def _points(series: Any, part: str) -> dict[int, str]:
    found = series.find(f"{_CHART}{part}")
    return {} if found is None else _below(found)


def _below(element: Any) -> dict[int, str]:
    return {int(point.get("idx")): point.findtext(f"{_CHART}v") or "" for point in element.iter(f"{_CHART}pt")}
