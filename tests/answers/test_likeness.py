"""What counts as the same question: measured on pairs in Korean and English."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from protostar.answers.likeness import alike, sense

PAIRS = Path(__file__).with_name("paraphrases.txt")


def pairs(mark: str) -> Iterator[tuple[str, str]]:
    question = ""
    for line in PAIRS.read_text().splitlines():
        if line.startswith(mark):
            yield question, line[2:]
        elif line and line[0] not in "#=!":
            question = line


def same(one: str, other: str) -> bool:
    found = alike(sense(one), sense(other))
    assert found == alike(sense(other), sense(one)), "the order of the two must not matter"
    return found


def test_no_question_that_only_looks_the_same_is() -> None:
    assert [pair for pair in pairs("!") if same(*pair)] == []
    assert len(list(pairs("!"))) == 189


def test_two_thirds_of_what_means_the_same_are_found() -> None:
    asked = list(pairs("="))
    assert (sum(same(*pair) for pair in asked), len(asked)) == (105, 154)


def test_no_two_groups_ask_the_same() -> None:
    questions = sorted({question for question, _ in pairs("=")})
    assert not any(same(one, other) for one, other in pairwise(questions))


@pytest.mark.parametrize(
    "question", ["", "?", "뭐예요?", "what is it", "왜", "😀", "a" * 4000, "\x00", "수 있", "할 수 있나요?", "못"]
)
def test_a_question_is_like_itself_however_little_it_says(question: str) -> None:
    assert same(question, question)
    assert same(question, f"  {question.upper()} ? ")
