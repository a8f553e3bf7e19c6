"""OpenDocument presentations (ISO 26300): one slide after the other; its title is the heading, the speaker's notes follow it.

Hidden slides are left out.
"""

import xml.etree.ElementTree as ET
from pathlib import Path

from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.office.package import children, open_package, title
from protostar.knowledge.parse.opendocument.names import CONTENT, DRAW, METADATA, PRESENTATION
from protostar.knowledge.parse.opendocument.styles import Styles
from protostar.knowledge.parse.opendocument.text import TextWriter
from protostar.knowledge.parse.text.builder import TextBuilder

_KIND = "an OpenDocument presentation (.odp)"
_SLIDE = f"{DRAW}page"
_CLASS = f"{PRESENTATION}class"
_EVERYWHERE = frozenset({"header", "footer", "date-time", "page-number"})  # on every slide


def read(path: Path, max_chars: int) -> ParsedText:
    builder = TextBuilder(max_chars)
    with open_package(path, _KIND) as archive:
        known = Styles.of(archive)
        slides = 0
        with archive.open(CONTENT) as part:
            for element in children(part, "automatic-styles", "presentation"):
                if element.tag == _SLIDE:
                    slides += 1
                    if _is_shown(element, known):
                        _Slide(builder, known, slides).add_slide(element)
                else:
                    known.add(element)
        return builder.build(title=title(archive, METADATA), page_count=slides)


def _is_shown(slide: ET.Element, known: Styles) -> bool:
    style = slide.get(f"{DRAW}style-name")
    return known.property("drawing-page", style, "drawing-page", f"{PRESENTATION}visibility") != "hidden"


class _Slide(TextWriter):
    def __init__(self, builder: TextBuilder, known: Styles, number: int) -> None:
        super().__init__(builder, known)
        builder.page = number

    def add_slide(self, slide: ET.Element) -> None:
        titles = [shape for shape in slide if shape.get(_CLASS) == "title" and not self.is_unseen(shape)]
        self._builder.leave()
        self._builder.heading(1, " ".join(map(self.flat, titles)))
        notes = slide.findall(f"{PRESENTATION}notes")
        apart = {*titles, *notes}
        self._add_shapes([shape for shape in slide if shape not in apart])
        for page in notes:
            self._add_shapes([shape for shape in page if shape.get(_CLASS) == "notes"])

    def _add_shapes(self, shapes: list[ET.Element]) -> None:
        for shape in shapes:
            if shape.get(_CLASS) not in _EVERYWHERE:
                self.add(shape)
                self._lines.end()
