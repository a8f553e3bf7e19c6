"""What a model says of whether the passages answer, and the text after it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protostar.answers.verdict import Verdict


def read(*pieces: str) -> tuple[bool | None, str]:
    verdict = Verdict()
    text = "".join(map(verdict.feed, pieces))
    return verdict.answers, text


@pytest.mark.parametrize(
    ("text", "after"),
    [
        ("FOUND\nThirty days [1].", "Thirty days [1]."),
        ("**FOUND**\n\n* thirty days [1]", "* thirty days [1]"),
        (" \n`FOUND`. \r\n서른 날 [1].", "서른 날 [1]."),
        ('"FOUND:"\n"Thirty days" [1].', '"Thirty days" [1].'),
        ("### FOUND\nNothing else\nmatters [1].", "Nothing else\nmatters [1]."),
    ],
)
def test_what_follows_the_word_is_the_answer_however_it_is_split(text: str, after: str) -> None:
    assert read(text) == (True, after)
    assert read(*text) == (True, after)
    for at in range(len(text)):
        assert read(text[:at], text[at:]) == (True, after)


@pytest.mark.parametrize(
    "text",
    [
        *("NONE\n", "NONE\nThe documents", "The answer:\nFOUND", "FOUNDATION stones [1]", "FOUND입니다\n", "1. FOUND\n", "found\n"),
        *(
            "FOUND nothing [1].",
            "FOUND, but nothing on this [1].",
            "Found no information [1][2].",
            "FOUND [1]",
            "FOUND: thirty days",
        ),
    ],
)
def test_anything_else_is_no_answer(text: str) -> None:
    assert read(text) == (False, "")
    assert read(*text, "\nFOUND\nThirty days [1].") == (False, "")


@pytest.mark.parametrize("text", ["", " \n", "FOU", "**", "FOUND", "**FOUND**\n", "FOUND\n \n"])
def test_nothing_is_known_before_the_answer_begins(text: str) -> None:
    assert read(*text) == (None, "")


@given(st.lists(st.sampled_from(["FOUND", "FOU", "ND", "*", "\n", " ", ":", "a", "가", "[1]", "#"]), max_size=8), st.data())
def test_what_is_read_does_not_depend_on_how_it_was_split(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert read(*pieces) == read(text)
