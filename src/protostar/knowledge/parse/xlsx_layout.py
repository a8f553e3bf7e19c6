"""What openpyxl does not tell of a sheet that it does not read whole: merged cells, and what is hidden."""

import re
import xml.etree.ElementTree as ET
import zipfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Self, TypeAlias

from openpyxl.utils import column_index_from_string

_RANGE: Final = re.compile(r"([A-Z]{1,3})(\d{1,7}):[A-Z]{1,3}(\d{1,7})")
_NUMBER: Final = re.compile(r"\s*(\d{1,7})\s*", re.ASCII)
_NOUGHT: Final = re.compile(r"\s*0+(?:\.0*)?\s*", re.ASCII)
_YES: Final = frozenset({"1", "true"})
_READ: Final = 1024 * 1024
_MOST_COLUMNS: Final = 20_000
_Add: TypeAlias = Callable[[Mapping[str, str]], None]


@dataclass(slots=True)
class Layout:
    """`merged`: by column, the first and the last row of cells that are merged downwards. Rows and columns are counted from 1.

    What is folded away in an outline, or filtered out for the moment, is not hidden: a click shows it.
    """

    merged: defaultdict[int, dict[int, int]] = field(default_factory=lambda: defaultdict(dict))
    hidden_rows: set[int] = field(default_factory=set[int])
    hidden_columns: set[int] = field(default_factory=set[int])

    @classmethod
    def of(cls, archive: zipfile.ZipFile, part: str) -> Self:
        layout = cls()
        sheet = _Sheet(layout)
        parser = ET.XMLParser(target=sheet)  # noqa: S314  (expat refuses entity bombs, and the process has limits)
        with archive.open(part) as file:
            while more := file.read(_READ):
                parser.feed(more)
        sheet.end_of_sheet()
        return layout


class _Sheet:
    """Takes in the elements of a sheet; most are passed over at once, for it has one for each cell."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._row = 0
        self._columns: list[tuple[int, int]] = []
        self._filter = self._filtered = range(0)
        self._by_name: dict[str, _Add] = {
            "row": self._add_row,
            "col": self._add_columns,
            "mergeCell": self._add_merged,
            "autoFilter": self._begin_filter,
            "filterColumn": self._apply_filter,
        }
        self._by_tag: dict[str, _Add | None] = {}

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag not in self._by_tag:
            self._by_tag[tag] = self._by_name.get(tag.rpartition("}")[2])
        if (add := self._by_tag[tag]) is not None:
            add(attributes)

    def end_of_sheet(self) -> None:
        """What is hidden is only known now: the filter stands behind its rows, and columns may be said more than once."""
        rows, columns = self._layout.hidden_rows, self._layout.hidden_columns
        rows.difference_update([row for row in rows if row in self._filtered])
        reached = 0
        for first, last in sorted(self._columns):
            columns.update(range(max(first, reached + 1), last + 1))
            reached = max(reached, last)

    def _add_row(self, attributes: Mapping[str, str]) -> None:
        self._row = _number(attributes.get("r"), self._row + 1)
        is_flat = attributes.get("customHeight") in _YES and _is_nought(attributes.get("ht"))
        if _is_hidden(attributes, is_flat=is_flat):
            self._layout.hidden_rows.add(self._row)

    def _add_columns(self, attributes: Mapping[str, str]) -> None:
        first = _number(attributes.get("min"), 0)
        if first and _is_hidden(attributes, is_flat=_is_nought(attributes.get("width"))):
            self._columns.append((first, min(_number(attributes.get("max"), 0), _MOST_COLUMNS)))

    def _add_merged(self, attributes: Mapping[str, str]) -> None:
        if (found := _RANGE.match(attributes.get("ref", ""))) is not None:
            self._layout.merged[column_index_from_string(found[1])][int(found[2])] = int(found[3])

    def _begin_filter(self, attributes: Mapping[str, str]) -> None:
        found = _RANGE.match(attributes.get("ref", ""))
        self._filter = range(0) if found is None else range(int(found[2]) + 1, int(found[3]) + 1)

    def _apply_filter(self, _attributes: Mapping[str, str]) -> None:
        """Of the filters, the first that leaves something out is the sheet's; those of views that were saved follow."""
        self._filtered = self._filtered or self._filter


def _is_hidden(attributes: Mapping[str, str], *, is_flat: bool) -> bool:
    return (is_flat or attributes.get("hidden") in _YES) and not _number(attributes.get("outlineLevel"), 0)


def _is_nought(size: str | None) -> bool:
    return size is not None and _NOUGHT.fullmatch(size) is not None


def _number(written: str | None, otherwise: int) -> int:
    found = _NUMBER.fullmatch(written or "")
    return int(found[1]) if found is not None else otherwise
