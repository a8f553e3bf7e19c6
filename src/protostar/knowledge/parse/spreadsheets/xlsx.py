"""Workbooks: each visible sheet is a heading, its tables, and the text of its shapes.

Values, not formulas: a formula that was never computed is empty.
"""

import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
from openpyxl.utils.exceptions import InvalidFileException

from protostar.knowledge.parse import zip_guard
from protostar.knowledge.parse.failures import damaged
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.office import drawings
from protostar.knowledge.parse.spreadsheets import workbook
from protostar.knowledge.parse.spreadsheets.xlsx_layout import LAST_ROW, layout_of, related
from protostar.knowledge.parse.text.builder import TextBuilder

_KIND = "an Excel workbook (.xlsx)"


def read(path: Path, max_chars: int) -> ParsedText:
    zip_guard.check(path, _KIND)
    builder = TextBuilder(max_chars)
    with damaged(_KIND, *zip_guard.ERRORS, InvalidFileException), path.open("rb") as file, zipfile.ZipFile(path) as archive:
        book: Any = openpyxl.load_workbook(file, read_only=True, data_only=True)
        allowance = workbook.Allowance()
        parts = set[str]()
        for number, sheet in enumerate(book.worksheets, 1):
            part: str = sheet._worksheet_path  # noqa: SLF001 - openpyxl has no other way
            if sheet.sheet_state != "visible" or part in parts:  # each is one sheet's, but where a file was made to swell
                continue
            parts.add(part)
            layout = layout_of(archive, part, parts)
            # The size that the file declares may be wrong, and every row would be padded to it; gaps between rows are filled.
            sheet.reset_dimensions()
            rows = workbook.rows(sheet.iter_rows(max_row=min(layout.last_row, LAST_ROW)), allowance, layout)
            workbook.add_sheet(builder, number, sheet.title, rows, [text for text in _boxes(archive, part, parts) if text])
        return builder.build(title=book.properties.title, page_count=len(book.worksheets))


def _boxes(archive: zipfile.ZipFile, part: str, parts: set[str]) -> Iterator[str]:
    """The texts that lie on a sheet."""
    for drawing in related(archive, part, "drawing"):
        if drawing not in parts:
            parts.add(drawing)
            yield from drawings.shapes(ET.fromstring(archive.read(drawing)))
