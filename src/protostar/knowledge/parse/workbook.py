"""How much of a workbook is read, whatever program made it."""

from typing import Final

from protostar.errors import UnreadableDocument

MOST_COLUMNS: Final = 1_000
_MOST_ROWS: Final = 200_000
_MOST_CELLS: Final = 1_000_000
_MOST_BLANKS: Final = 30_000_000


class Allowance:
    """Cells that may still be read in this workbook, and rows and cells that may be passed over: far apart ones cost time, too."""

    def __init__(self) -> None:
        self._rows = _MOST_ROWS
        self._cells = _MOST_CELLS
        self._blanks = _MOST_BLANKS

    def spend(self, cells: int) -> None:
        """For a row of so many cells. Raises UnreadableDocument."""
        self._rows -= 1
        self._cells -= cells
        if self._rows < 0 or self._cells < 0 or cells > MOST_COLUMNS:
            raise UnreadableDocument(
                f"The workbook is larger than {_MOST_ROWS:,} rows, {MOST_COLUMNS:,} columns or {_MOST_CELLS:,} cells; split it up."
            )

    def pass_over(self, blanks: int) -> None:
        """Raises UnreadableDocument."""
        self._blanks -= blanks
        if self._blanks < 0:
            raise UnreadableDocument(
                f"The workbook has more than {_MOST_BLANKS:,} blank rows and cells between others; delete some."
            )
