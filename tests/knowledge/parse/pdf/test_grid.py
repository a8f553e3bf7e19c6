"""Which lines of a page stand in a table."""

import random

from protostar.knowledge.parse.pdf.grid import Table, arrange
from protostar.knowledge.parse.pdf.lines import Line
from protostar.knowledge.parse.pdf.rules import Rule


def line(text: str, x: float, y: float) -> Line:
    return Line(text, 0, len(text), x - 1, y - 1, x + 1, y + 1, y - 1, 2, is_bold=False, is_broken=False, is_complete=False)


def upright(x: float, bottom: float, top: float) -> Rule:
    return Rule(is_upright=True, at=x, start=bottom, end=top)


def level(y: float, left: float, right: float) -> Rule:
    return Rule(is_upright=False, at=y, start=left, end=right)


GRID = [*(upright(x, 0, 40) for x in (0, 20, 40)), *(level(y, 0, 40) for y in (0, 20, 40))]


def test_lines_beside_a_table_keep_their_place() -> None:
    above, below = line("above", 10, 60), line("below", 10, -20)
    cells = [line("a", 10, 30), line("b", 30, 30), line("c", 10, 10), line("d", 30, 10)]
    first, table, last = arrange([above, *cells, below], GRID)
    assert (first, last) == (above, below)
    assert isinstance(table, Table)
    assert [[[one.text for one in cell.lines] for cell in row] for row in table.rows] == [[["a"], ["b"]], [["c"], ["d"]]]


def test_a_chart_is_no_table() -> None:
    rules = [*(upright(x, 0, 100) for x in range(0, 101, 10)), *(level(y, 0, 100) for y in range(0, 101, 10))]
    labels = [line(str(n), 10 * n + 5, 10 * n + 5) for n in range(10)]
    labels += [line("x", 15, 5)]
    assert arrange(labels, rules) == labels


def test_whatever_the_rules_are_no_line_is_lost_or_told_twice() -> None:
    seeded = random.Random(5)
    tables = 0
    for _ in range(300):
        at = lambda: seeded.randrange(0, 101, 20)  # noqa: E731
        rules = [upright(at(), *sorted((at(), at()))) for _ in range(8)] + [level(at(), *sorted((at(), at()))) for _ in range(8)]
        lines = [line(str(n), seeded.uniform(-5, 105), seeded.uniform(-5, 105)) for n in range(20)]
        arranged = arrange(lines, rules)
        tables += any(isinstance(item, Table) for item in arranged)
        told = [one for item in arranged for one in (_lines(item) if isinstance(item, Table) else [item])]
        assert sorted(told, key=lambda one: int(one.text)) == lines
    assert tables > 50


def _lines(table: Table) -> list[Line]:
    return [one for row in table.rows for cell in row for one in cell.lines]
