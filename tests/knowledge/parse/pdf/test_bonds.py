"""How one line follows another."""

import pytest

from protostar.knowledge.parse.pdf.bonds import touch
from protostar.knowledge.parse.pdf.lines import Line


def line(text: str, left: float, right: float, *, y: float = 0, complete: bool = False) -> Line:
    return Line(text, 0, len(text), left, y, right, y + 10, y, 10, is_bold=False, is_broken=False, is_complete=complete)


@pytest.mark.parametrize(
    ("before", "after", "apart", "expected"),
    [
        ("제", "4수영장", 2.1, True),
        ("5,000", "원", 2.1, True),
        ("제", "수영장", 2.1, False),
        ("제", "4수영장", 2.6, False),
        ("x", "²", 0.1, True),
    ],
)
def test_what_pdfium_cuts_within_a_word_is_one(before: str, after: str, apart: float, expected: bool) -> None:
    """It does where fonts differ: what it took for a line goes on at the same height."""
    assert touch(line(before, 0, 20), line(after, 20 + apart, 50)) is expected


def test_a_blank_that_the_file_has_or_another_height_is_between_them() -> None:
    assert not touch(line("제", 0, 20, complete=True), line("4수영장", 22, 50))
    assert not touch(line("제", 0, 20), line("4수영장", 22, 50, y=-12))
