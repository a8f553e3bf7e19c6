"""What openpyxl does not tell of a sheet that it does not read whole: merged cells, and what is hidden."""

import re
import zipfile
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final, Self

from openpyxl.utils import column_index_from_string

_TAG: Final = re.compile(
    rb"<(?:\w+:)?(?:"
    rb'mergeCell [^>]{0,99}?\bref="(?P<column>[A-Z]{1,3})(?P<first>\d{1,7}):[A-Z]{1,3}(?P<last>\d{1,7})"'
    rb"|(?P<kind>row|col) (?P<attributes>[^>]{0,400}?\bhidden=\"(?:1|true)\"[^>]{0,400})>"
    rb"|(?P<filter>filterColumn)[ >])"
)
_NUMBER: Final = re.compile(rb'\b(r|min|max|outlineLevel)="(\d{1,7})"')
_TAG_CHARS: Final = 1_000  # at most
_READ: Final = 1024 * 1024
_MOST_COLUMNS: Final = 20_000


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
        with archive.open(part) as file:
            window = b""
            while more := file.read(_READ):
                window += more
                end = 0
                for match in _TAG.finditer(window):
                    layout._add(match)
                    end = match.end()
                window = window[max(end, len(window) - _TAG_CHARS) :]
        return layout

    def _add(self, tag: re.Match[bytes]) -> None:
        if tag["column"]:
            self.merged[column_index_from_string(tag["column"].decode())][int(tag["first"])] = int(tag["last"])
        elif tag["filter"]:
            self.hidden_rows.clear()  # it stands behind all of them
        else:
            numbers = {name: int(number) for name, number in _NUMBER.findall(tag["attributes"])}
            if numbers.get(b"outlineLevel"):
                return
            if tag["kind"] == b"row" and b"r" in numbers:
                self.hidden_rows.add(numbers[b"r"])
            elif {b"min", b"max"} <= numbers.keys():
                self.hidden_columns.update(range(numbers[b"min"], min(numbers[b"max"], _MOST_COLUMNS) + 1))
