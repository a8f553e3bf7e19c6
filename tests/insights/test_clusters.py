import random
import time
from datetime import UTC, datetime, timedelta
from uuid import UUID

from protostar.insights.clusters import Asked, cluster

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def asked(*questions: str, disliked: bool = False) -> list[Asked]:
    return [Asked(text, UUID(int=at + 1), NOON + timedelta(minutes=at), disliked) for at, text in enumerate(questions)]


def found(questions: list[Asked]) -> list[tuple[str, int]]:
    return [(group.question, len(group.asked)) for group in cluster(questions)]


QUESTIONS = asked(
    "주차장은 몇 시까지 이용할 수 있나요?",
    "주차장은 몇 시까지 이용할 수 있나요?",
    "주차장 이용 시간이 궁금합니다.",
    "주차장을 이용하려면?",
    "How do I get a refund?",
    "refund, how?",
    "사내 식당 메뉴",
    "?",
)


def test_questions_about_the_same_are_one_group_whatever_their_endings() -> None:
    assert found(QUESTIONS) == [
        ("주차장은 몇 시까지 이용할 수 있나요?", 4),
        ("refund, how?", 2),
        ("?", 1),
        ("사내 식당 메뉴", 1),
    ]


def test_the_order_in_which_they_come_does_not_matter() -> None:
    expected = found(QUESTIONS)
    for seed in range(5):
        shuffled = random.Random(seed).sample(QUESTIONS, len(QUESTIONS))
        assert found(shuffled) == expected


def test_thousands_of_different_questions_stay_cheap() -> None:
    numbers = random.Random(1)
    words = [f"낱말{n}" for n in range(300)]
    many = asked(*(" ".join(numbers.choices(words, k=8)) + f" {n}" for n in range(5_000)))
    started = time.process_time()
    assert sum(size for _, size in found(many)) == 5_000
    assert time.process_time() - started < 15
