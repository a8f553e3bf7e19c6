"""How much of a conversation a prompt carries."""

import pytest

from protostar.answers.history import history, in_context, leans, length
from protostar.answers.models import AnswerRow


def turn(number: int, *, question: int = 40, answer: int = 200, summary: str | None = None) -> AnswerRow:
    texts = (f"{number} {'q' * question}", f"{number} {'a' * answer}")
    return AnswerRow(question=texts[0], text=texts[1], summary=summary, correction=None)


def test_the_latest_turns_are_whole_and_older_ones_their_summaries() -> None:
    turns = [turn(1, answer=900, summary="one"), turn(2, answer=900), turn(3, answer=900), turn(4, answer=900)]
    kept = history(turns, 6_000)
    assert [each.question for each in kept] == [each.question for each in turns]
    assert [kept[0].answer, kept[1].answer[-1]] == ["one", "…"]
    assert [each.answer for each in kept[2:]] == [turns[2].text, turns[3].text]


def test_it_keeps_to_its_room_and_the_latest_turn_always_fits() -> None:
    turns = [turn(number, question=4_000, answer=4_000, summary="s" * 300) for number in range(20)]
    for room in (500, 2_000, 6_000, 200_000):
        kept = history(turns, room)
        assert length(*kept) <= room
        assert kept[-1].question.startswith("19 ")


def test_there_is_nothing_of_a_first_question() -> None:
    assert history([], 6_000) == []


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("보증금은요?", True),
        ("그럼 언제까지요?", True),
        ("그건 누가 정하나요?", True),
        ("And on Sundays?", True),
        ("what about children", True),
        ("보증금은요? 감사합니다~", True),
        ("죄송한데 그럼 언제까지요ㅠㅠ", True),
        ("Thanks! And on Sundays?", True),
        ("환불 규정은?", False),
        ("보증금은 얼마인가요?", False),
        ("Android phones", False),
        ("", False),
        (f"그럼 {'회의실을 빌리려면 무엇을 준비해야 하는지 ' * 2}알려 주세요", False),
    ],
)
def test_what_names_only_the_difference_leans_on_the_question_before(question: str, expected: bool) -> None:
    assert leans(question) is expected


def test_a_question_in_context_begins_where_the_subject_was_named() -> None:
    earlier = ["주차는 되나요?", "앰프 대여료는 얼마인가요?", "보증금은요?"]
    assert in_context("기간은요?", earlier) == "앰프 대여료는 얼마인가요?\n보증금은요?\n기간은요?"
    assert in_context("기간은요?", earlier[:2]) == "앰프 대여료는 얼마인가요?\n기간은요?"
    assert in_context("기간은요?", ["그럼 비용은요?"] * 9) == "그럼 비용은요?\n" * 3 + "기간은요?"
