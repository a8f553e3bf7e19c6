from collections.abc import Iterable
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protostar.llm.thoughts import AnswerAlone


def alone(*pieces: str) -> str:
    answer = AnswerAlone()
    return "".join(map(answer.feed, pieces)) + answer.flush()


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("<think>\nThirty days, says [1]. </thin no\n</think>\n\nThirty days [1].", "Thirty days [1]."),
        ("\n<think></think>Thirty days [1].", "Thirty days [1]."),
        ("Thirty days [1]. <think>not a beginning</think>", "Thirty days [1]. <think>not a beginning</think>"),
        ("<thinly> sliced", "<thinly> sliced"),
        ("  <th", "  <th"),
        (" \n a", " \n a"),
        ("<think>and never stops", ""),
        ("<think>only thought</think>\n", ""),
        ("", ""),
    ],
)
def test_only_the_answer_is_left_however_it_was_split(text: str, answer: str) -> None:
    assert alone(text) == answer
    assert alone(*text) == answer
    for at in range(len(text)):
        assert alone(text[:at], text[at:]) == answer


def read(pieces: Iterable[str], *, thinks: bool = False, whole: bool = True) -> tuple[str, AnswerAlone]:
    """What a reader is left with who throws away what came before a new beginning."""
    answer, left = AnswerAlone(thinks=thinks), ""
    for give in [*(partial(answer.feed, piece) for piece in pieces), partial(answer.flush, whole=whole)]:
        before = answer.anew
        given = give()
        left = left + given if answer.anew == before else given
    return left, answer


def pieces_of(text: str, length: int) -> list[str]:
    return [text[start : start + length] for start in range(0, len(text), length)]


UNOPENED = "The rules say [1].\nSo thirty.\n</think>\n\nThirty days [1]."


@pytest.mark.parametrize("by", [1, 3, 7, 1_000])
@pytest.mark.parametrize(
    ("text", "answer", "thinks"),
    [
        (UNOPENED, "Thirty days [1].", True),
        ("</think>\nThirty days [1].", "Thirty days [1].", True),
        (f"{UNOPENED}\n</think>\n", "Thirty days [1].\n</think>\n", True),
        ("So thirty.\n</think>", "", True),
        ("It ends with `</think>` in a line.", "It ends with `</think>` in a line.", False),
        ("```\n<think>\nso\n</think>\n```", "```\n<think>\nso\n</think>\n```", False),
        ("<think>\nso\n</think>\nThirty days [1].", "Thirty days [1].", False),
    ],
)
def test_a_thought_without_a_beginning_is_taken_back(text: str, answer: str, *, thinks: bool, by: int) -> None:
    left, given = read(pieces_of(text, by))
    assert (left, given.thinks) == (answer, thinks)


@pytest.mark.parametrize("by", [1, 3, 7, 1_000])
@pytest.mark.parametrize(
    ("text", "whole", "answer", "thinks"),
    [
        (UNOPENED, True, "Thirty days [1].", True),
        ("So thirty. </think>Thirty days [1].", True, "Thirty days [1].", True),
        ("So thirty, or", False, "", True),
        ("So thirty.\n</think>\n", True, "", True),
        ("Thirty days [1].", True, "Thirty days [1].", False),
        ("<think>\nso\n</think>\nThirty days [1].", True, "Thirty days [1].", False),
        ("<think>\nso", True, "", True),
        ("", True, "", False),
    ],
)
def test_a_thought_that_is_expected_is_never_given(text: str, answer: str, *, whole: bool, thinks: bool, by: int) -> None:
    left, given = read(pieces_of(text, by), thinks=True, whole=whole)
    assert (left, given.thinks, given.anew) == (answer, thinks, False)


@given(st.lists(st.sampled_from(["<think>", "</think>", "<", "think", ">", "/", "\n", "a", "[1]"]), max_size=12), st.data())
def test_what_is_left_does_not_depend_on_how_it_was_split(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    thinks = data.draw(st.booleans())
    assert read(pieces, thinks=thinks)[0] == read([text], thinks=thinks)[0]
