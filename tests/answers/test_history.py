"""How much of a conversation a prompt carries."""

from protostar.answers.history import history, length
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
