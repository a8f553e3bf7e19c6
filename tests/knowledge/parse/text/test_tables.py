from collections.abc import Sequence

import pytest

from protostar.knowledge.parse.text.tables import Cell, spread

LONG = "가" * 101
ON = Cell("", goes_on=True)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([[Cell("a"), Cell("b")], [Cell("c")]], [["a", "b"], ["c"]]),
        ([[Cell("a", columns=3), Cell("b")]], [["a", "", "", "b"]]),
        ([[Cell("a", rows=3), Cell("1")], [Cell("2")], [Cell("3")], [Cell("4")]], [["a", "1"], ["a", "2"], ["a", "3"], ["4"]]),
        ([[Cell("1"), Cell("a", rows=2)], [Cell("2")]], [["1", "a"], ["2", "a"]]),
        ([[Cell("1"), Cell("2"), Cell("3"), Cell("a", rows=2)], [Cell("4")]], [["1", "2", "3", "a"], ["4", "", "", "a"]]),
        ([[Cell("a", columns=2, rows=2), Cell("1")], [Cell("2")]], [["a", "", "1"], ["a", "", "2"]]),
        ([[Cell("a", rows=3), Cell("b", rows=2)], [], [Cell("1")]], [["a", "b"], ["a", "1"]]),
        (
            [[Cell("a"), Cell("1")], [ON, Cell("2")], [ON, Cell("3")]],
            [["a", "1"], ["a", "2"], ["a", "3"]],
        ),
        ([[Cell("a"), Cell("1")], [ON, ON]], [["a", "1"]]),
        ([[Cell("a")], [], [Cell(" ")], [Cell("b")]], [["a"], [], [], ["b"]]),
        ([[ON, Cell("1")]], [["", "1"]]),
        ([[Cell("a", columns=0, rows=0), Cell("1")], [Cell("b", rows=-1), Cell("2")]], [["a", "1"], ["b", "2"]]),
        ([[Cell(LONG, rows=2), Cell("1")], [Cell("2")]], [[LONG, "1"], ["", "2"]]),
        ([[Cell(LONG), Cell("1")], [ON, Cell("2")]], [[LONG, "1"], ["", "2"]]),
    ],
)
def test_every_cell_stands_in_its_column(rows: Sequence[Sequence[Cell]], expected: list[list[str]]) -> None:
    assert list(spread(rows)) == expected


def test_cells_that_claim_to_be_wide_make_no_large_rows() -> None:
    assert len(next(spread([[Cell("a", columns=10**9), Cell("b", columns=10**9)]]))) <= 1001


@pytest.mark.parametrize(
    "rows",
    [
        [[Cell("l" * 97, rows=9_000), Cell("1")], *([[Cell("2")]] * 8_999)],
        [[Cell("l" * 97), Cell("1")], *([[ON, Cell("2")]] * 8_999)],
        [[Cell("a", columns=40), Cell("1")]] * 9_000,
    ],
)
def test_columns_stay_where_labels_are_said_no_more(rows: Sequence[Sequence[Cell]]) -> None:
    assert {len(row) for row in spread(rows)} == {sum(cell.columns for cell in rows[0])}


def test_labels_are_said_again_in_tables_of_a_thousand_rows() -> None:
    label = "l" * 97
    assert {row[0] for row in spread([[Cell(label, rows=1_000), Cell("1")], *([[Cell("2")]] * 999)])} == {label}
