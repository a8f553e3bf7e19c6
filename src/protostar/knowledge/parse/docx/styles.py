"""What the styles of a Word document mean, by id: built-in ones are named in English in the file, others' in any language."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import chain
from typing import Any, Final

from docx.oxml.ns import qn

from protostar.knowledge.parse.docx.properties import hiding, list_of, outline_level, size, switch, value
from protostar.knowledge.parse.office import style_names
from protostar.knowledge.parse.text.look import Look

_LONGEST_CHAIN: Final = 20
_SIZE: Final = 10.0  # points, where nothing says another one (ECMA-376, part 1, 17.3.2.38)
_P, _T, _PROPERTIES = qn("w:p"), qn("w:t"), qn("w:rPr")
_WITH_OTHERS: Final = frozenset({"w:vanish", "w:strike"})  # of two styles that both hide, one shows again (17.7.3)


@dataclass(frozen=True, slots=True)
class Style:
    """`level`: of headings, 0 being a document's title; None for text. `kind`: of other text, as that of a block.

    `list_id`: «0» for none. `size`, in points, and `is_bold`: None where it says nothing of them. `hiding`: as `properties.hiding`.
    """

    level: int | None = None
    kind: str | None = None
    list_id: str = "0"
    list_level: int | None = None
    size: float | None = None
    is_bold: bool | None = None
    hiding: Mapping[str, bool] = field(default_factory=dict[str, bool])


_PLAIN: Final = Style()


class Styles:
    """A style has what it does not say itself from the one that it is based on."""

    def __init__(self, document: Any) -> None:
        root = document.styles.element
        self._elements: dict[str, Any] = {style.styleId: style for style in root.style_lst}
        self._known: dict[str, Style] = {}
        defaults = list(root.iterfind(f"{qn('w:docDefaults')}/*/{_PROPERTIES}"))
        self._size = next(filter(None, map(size, defaults)), _SIZE)
        self._hiding = dict(chain.from_iterable(hiding(properties).items() for properties in defaults))
        self._last: tuple[Any, Style] = None, _PLAIN
        self._usual = next((style.styleId for style in root.style_lst if _is_usual(style)), None)

    def of(self, id_: str | None) -> Style:
        if id_ is None:
            return _PLAIN
        if id_ not in self._known:
            self._known[id_] = self._read(id_, _LONGEST_CHAIN)
        return self._known[id_]

    def look(self, paragraph: Any) -> Look | None:
        return Look.of(self._runs(paragraph))

    def hides(self, run: Any) -> bool:
        """Whether the text of a run, also of one in a formula, is hidden or struck."""
        properties = run.find(_PROPERTIES)
        own = hiding(properties)
        around = self._around(next(run.iterancestors(_P), None))
        within = _PLAIN if properties is None else self.of(value(properties, "w:rStyle"))
        said = self._hiding | _combined(around.hiding, within.hiding) | own
        return any(said.values())

    def _around(self, paragraph: Any) -> Style:
        """That of a paragraph, looked up once for all its runs: where it names none, each of them would be searched for it."""
        if paragraph is not self._last[0]:
            self._last = paragraph, _PLAIN if paragraph is None else self.of(paragraph.style or self._usual)
        return self._last[1]

    def _runs(self, paragraph: Any) -> Iterator[tuple[int, float, bool]]:
        style = self.of(paragraph.style)
        for node in paragraph.iter(_T):
            properties = node.getparent().find(_PROPERTIES)
            own = _PLAIN if properties is None else self.of(value(properties, "w:rStyle"))
            is_bold = next((said for said in (switch(properties, "w:b"), own.is_bold, style.is_bold) if said is not None), False)
            yield len((node.text or "").strip()), size(properties) or own.size or style.size or self._size, is_bold

    def _read(self, id_: str, left: int) -> Style:
        element = self._elements.get(id_)
        if element is None or not left:
            return _PLAIN
        base = value(element, "w:basedOn")
        above = self._read(base, left - 1) if base is not None else _PLAIN
        name = (element.name_val or "").strip()
        level, said = style_names.level(name), outline_level(element)
        if level is None:
            level = above.level if said is None else said or None
        list_id, list_level = list_of(element) or (above.list_id, above.list_level)
        font = element.find(_PROPERTIES)
        is_bold = switch(font, "w:b")
        return Style(
            level,
            style_names.kind(name) or above.kind,
            list_id,
            list_level,
            size(font) or above.size,
            above.is_bold if is_bold is None else is_bold,
            {**above.hiding, **hiding(font)},
        )


def _is_usual(style: Any) -> bool:
    """Whether it is that of the paragraphs that name none."""
    return style.get(qn("w:type")) == "paragraph" and style.get(qn("w:default")) in {"1", "true", "on"}


def _combined(around: Mapping[str, bool], within: Mapping[str, bool]) -> dict[str, bool]:
    """What the styles of a paragraph and of letters in it say together."""
    both = {name: around[name] != within[name] for name in _WITH_OTHERS & around.keys() & within.keys()}
    return {**around, **within, **both}
