"""What is said that asks nothing of the documents."""

import json
from pathlib import Path

import pytest

from protostar.retrieval.reading.small_talk import small_talk

ORGANISATIONS = Path(__file__).parents[3] / "bench" / "organisations"


@pytest.mark.parametrize(
    "text",
    [
        *("Hello!!", "hi there", "Hi 👋", "Good morning team", "how are you?", "Hello?", "good evening, I have a question"),
        *("안녕하세요", "안녕하세요 😊", "안녕!", "ㅎㅇ", "질문 있습니다", "반가워요 선생님"),
    ],
)
def test_greetings(text: str) -> None:
    assert small_talk(text) == "greeting"


@pytest.mark.parametrize(
    "text",
    [
        *("thanks!", "Great, thank you so much!", "thank you, that's all", "ok thanks", "no thanks", "perfect 👍", "bye", "👍"),
        *("have a nice day", "thanks, bye!", "Thank you for your help!"),
        *(
            "감사합니다",
            "네 감사합니다~",
            "아 네 알겠습니다 감사합니다 ㅎㅎ",
            "도움이 많이 됐어요",
            "수고하세요",
            "ㄱㅅㄱㅅ",
            "네네",
            "고마워",
        ),
        *("안녕히계세요", "ㅇㅋ", "잘 알겠습니다. 감사합니다 🙏", "고생많으셨습니다"),
    ],
)
def test_thanks_and_assent(text: str) -> None:
    assert small_talk(text) == "thanks"


@pytest.mark.parametrize(
    "text",
    [
        *("who are you?", "Hi, are you a real person?", "what can you help me with?", "What can I ask you about?"),
        *("누구세요?", "안녕하세요 챗봇인가요?", "무엇을 물어볼 수 있나요?", "여기서 뭘 할 수 있어요?", "넌 이름이 뭐야?"),
    ],
)
def test_questions_about_who_answers(text: str) -> None:
    assert small_talk(text) == "about"


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "???",
            "42",
            "🚭",
            "♿?",
            "hello, how much is a jab?",
            "thanks, and on Sundays?",
            "fine",
            "Nice?",
            "Thanksgiving",
            "help",
        ),
        *(
            "no smoking",
            "who are you hiring?",
            "any advice?",
            "help me",
            "안녕하세요 예약은 어떻게 하나요?",
            "감사합니다. 환불은요?",
            "감사",
            "감사팀",
        ),
        *(
            "감사해임",
            "감사합병",
            "고생대",
            "수고비",
            "사람",
            "사장님",
            "네이버",
            "네오",
            "응급",
            "하이원",
            "괜찮아요?",
            "도움이 됐어요?",
            "됐어요?",
        ),
        *("자세한 설명 부탁드립니다", "바쁘신가요?", "고생하나요?"),
        *("누구예요?", "누구인가요?", "뭐예요?", "뭘 할 수 있나요?", "여긴 뭐 하는 곳인가요?", "what is this?"),
    ],
)
def test_whatever_may_be_asked_of_documents_is_none(text: str) -> None:
    assert small_talk(text) is None


def test_no_question_of_a_visitor_is_taken_for_it() -> None:
    lines = [line for file in ORGANISATIONS.glob("*/*/questions.jsonl") for line in file.read_text(encoding="utf-8").splitlines()]
    asked = [json.loads(line)["q"] for line in lines]
    assert len(asked) > 400
    assert [question for question in asked if small_talk(question)] == []
