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


@given(st.lists(st.sampled_from(["<think>", "</think>", "<", "think", ">", "/", "\n", "a", "[1]"]), max_size=12), st.data())
def test_what_is_left_does_not_depend_on_how_it_was_split(parts: list[str], data: st.DataObject) -> None:
    text = "".join(parts)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=6)))
    pieces = [text[start:end] for start, end in zip([0, *cuts], [*cuts, len(text)], strict=True)]
    assert alone(*pieces) == alone(text)
