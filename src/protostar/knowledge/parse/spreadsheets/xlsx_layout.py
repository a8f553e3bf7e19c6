"""What openpyxl does not tell of a sheet that it does not read whole: merged cells, and what is hidden."""

import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from openpyxl.packaging.relationship import get_dependents
from openpyxl.utils import column_index_from_string

from protostar.knowledge.parse.spreadsheets.workbook import Layout, Range

LAST_ROW: Final = 1_048_576
_RANGE: Final = re.compile(
    r"\$?(?P<first_column>[A-Z]{1,3})\$?(?P<first_row>\d{1,7}):\$?(?P<last_column>[A-Z]{1,3})\$?(?P<last_row>\d{1,7})"
)
_NUMBER: Final = re.compile(r"\s*(\d{1,7})(?:\.0*)?\s*", re.ASCII)
_NOUGHT: Final = re.compile(r"\s*0+(?:\.0*)?\s*", re.ASCII)
_YES: Final = frozenset({"1", "true"})
_ALL_ROWS: Final = range(1, LAST_ROW + 1)
_FILTERS: Final = ("filters", "customFilters", "dynamicFilter", "top10", "colorFilter", "iconFilter")
"""What a filter has in a column where it leaves something out; the column may be named for its button alone."""
_READ: Final = 1024 * 1024
_MOST_COLUMNS: Final = 20_000
_Add: TypeAlias = Callable[[Mapping[str, str]], None]


def layout_of(archive: zipfile.ZipFile, part: str, parts: set[str]) -> Layout:
    """Of a sheet; `parts` are those of the workbook that have been read, each of which belongs to one sheet."""
    layout = Layout()
    sheet = _Sheet(layout)
    _feed(sheet, archive, part)
    for table in related(archive, part, "table") if sheet.has_tables and layout.hidden_rows else ():
        if table not in parts:
            parts.add(table)
            sheet.begin_table()
            _feed(sheet, archive, table)
    sheet.end_of_sheet()
    return layout


def _feed(sheet: "_Sheet", archive: zipfile.ZipFile, part: str) -> None:
    parser = ET.XMLParser(target=sheet)
    with archive.open(part) as file:
        while more := file.read(_READ):
            parser.feed(more)


def related(archive: zipfile.ZipFile, part: str, kind: str) -> list[str]:
    """The parts that belong to a sheet: a `table`, which may have a filter, or the `drawing`."""
    folder, _, name = part.rpartition("/")
    path = f"{folder}/_rels/{name}.rels"
    relations: Any = get_dependents(archive, path) if path in archive.NameToInfo else ()
    return [
        relation.target for relation in relations if relation.Type.endswith(f"/{kind}") and relation.target in archive.NameToInfo
    ]


class _Sheet:
    """Takes in the elements of a sheet; most are passed over at once, for it has one for each cell."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._row = 0
        self._columns: list[tuple[int, int]] = []
        self._filter = self._filtered = range(0)
        self._filtered_before: list[range] = []
        self._is_filtered = self.has_tables = False
        self._by_name: dict[str, _Add] = {
            "row": self._add_row,
            "c": self._note_cell,
            "col": self._add_columns,
            "mergeCell": self._add_merged,
            "autoFilter": self._begin_filter,
            **dict.fromkeys(_FILTERS, self._apply_filter),
            "sheetPr": self._note_filter,
            "tablePart": self._note_table,
        }
        self._by_tag: dict[str, _Add | None] = {}

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag not in self._by_tag:
            self._by_tag[tag] = self._by_name.get(tag.rpartition("}")[2])
        if (add := self._by_tag[tag]) is not None:
            add(attributes)

    def begin_table(self) -> None:
        """What is fed next is a table of the sheet, with a filter of its own."""
        self._filtered_before.append(self._filtered)
        self._filter = self._filtered = range(0)

    def end_of_sheet(self) -> None:
        """What is hidden is only known now: the filter stands behind its rows, and columns may be said more than once."""
        rows, columns = self._layout.hidden_rows, self._layout.hidden_columns
        filtered = [*self._filtered_before, self._filtered]
        if self._is_filtered and not any(filtered):
            filtered = [_ALL_ROWS]
        reached = 0
        for found in sorted(filtered, key=lambda found: found.start):
            left = range(max(found.start, reached), min(found.stop, LAST_ROW + 1))
            rows.difference_update(left if len(left) < len(rows) else [row for row in rows if row in left])
            reached = max(reached, left.stop)
        reached = 0
        for first, last in sorted(self._columns):
            columns.update(range(max(first, reached + 1), last + 1))
            reached = max(reached, last)

    def _add_row(self, attributes: Mapping[str, str]) -> None:
        self._row = _number(attributes.get("r"), self._row + 1)
        is_flat = attributes.get("customHeight") in _YES and _is_nought(attributes.get("ht"))
        if _is_hidden(attributes, is_flat=is_flat):
            self._layout.hidden_rows.add(self._row)

    def _note_cell(self, _attributes: Mapping[str, str]) -> None:
        self._layout.last_row = self._row

    def _add_columns(self, attributes: Mapping[str, str]) -> None:
        first = _number(attributes.get("min"), 0)
        if first and _is_hidden(attributes, is_flat=_is_nought(attributes.get("width"))):
            self._columns.append((first, min(_number(attributes.get("max"), 0), _MOST_COLUMNS)))

    def _add_merged(self, attributes: Mapping[str, str]) -> None:
        if (found := _RANGE.match(attributes.get("ref", ""))) is not None:
            first, last = (column_index_from_string(found[name]) for name in ("first_column", "last_column"))
            self._layout.merged.add(Range(int(found["first_row"]), int(found["last_row"]), first, last))

    def _note_filter(self, attributes: Mapping[str, str]) -> None:
        self._is_filtered = attributes.get("filterMode") in _YES

    def _note_table(self, _attributes: Mapping[str, str]) -> None:
        self.has_tables = True

    def _begin_filter(self, attributes: Mapping[str, str]) -> None:
        """Where it is not understood which rows it goes over, it is all of them: rather read too much than lose a row."""
        found = _RANGE.match(attributes.get("ref", ""))
        self._filter = _ALL_ROWS if found is None else range(int(found["first_row"]) + 1, int(found["last_row"]) + 1)

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
