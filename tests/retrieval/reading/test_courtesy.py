import pytest

from protostar.knowledge.tokens import terms
from protostar.retrieval.reading.courtesy import question_alone, without


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("안녕하세요. 환불 기간은 며칠인가요? 감사합니다!", "환불 기간은 며칠인가요?"),
        ("환불 기간 알려주세요ㅠㅠ 급해요ㅋ", "환불 기간"),
        ("안녕하세요 다름이 아니라 환불 기간이 궁금해서 문의드립니다. 수고하세요~", "환불 기간"),
        ("죄송한데 하나만 여쭤볼게요, 환불 기간은요? 빠른 답변 부탁드려요ㅠㅠ", "환불 기간은요?"),
        ("Hi there, could you please tell me how long the warranty is? Thanks in advance", "how long the warranty is?"),
        ("Sorry to bother you, but I have a quick question: warranty of the pump? thx", "warranty of the pump?"),
        ("I was wondering if the pump has a warranty. Any help is appreciated.", "pump has warranty"),
    ],
)
def test_what_is_said_around_a_question_says_nothing(text: str, question: str) -> None:
    assert terms(without(text)) == terms(question)


@pytest.mark.parametrize(
    "text",
    [
        "감사인은 누구인가요?",
        "환불은 어디로 문의해야 하나요?",
        "문의 전화번호",
        "하이패스 카드",
        "급하게 취소하면 수수료가 있나요?",
        "안녕 캠페인",
        "How do I ask for help?",
        "urgent care hours",
        "What is a good day rate?",
        "Who may ask questions?",
        "the thank-you page",
        "안녕하세요",
        "thanks!",
        "",
    ],
)
def test_words_that_a_question_is_about_stay(text: str) -> None:
    assert without(text) == text


@pytest.mark.parametrize(
    ("text", "question"),
    [
        (
            "I looked at the FAQ and couldn't find this. How long is the warranty of the pump valve? My boss keeps asking me.",
            "How long is the warranty of the pump valve?",
        ),
        ("여기저기 눌러 봐도 도저히 못 찾겠어요ㅠㅠ 회원증 발급 수수료는 얼마인가요ㅠ?", "회원증 발급 수수료는 얼마인가요 ?"),
        ("다른 데 물어보니 여기로 문의하라고 해서요. 회원증 발급 수수료는 얼마인가요?", "회원증 발급 수수료는 얼마인가요?"),
        ("회원증 발급 수수료는 얼마인가요? 사람마다 하는 말이 달라서 너무 헷갈리네요.", "회원증 발급 수수료는 얼마인가요?"),
    ],
)
def test_remarks_beside_a_question_can_be_left_out(text: str, question: str) -> None:
    assert question_alone(text) == question


@pytest.mark.parametrize(
    "text",
    [
        "회원증 발급 수수료는 얼마인가요?",
        "제가 지난주에 산 가습기가 고장 났어요. 어떻게 하나요?",  # what it is about stands in the remark
        "My pump leaks. What now?",
        "지방은행이 시중은행으로 전환한 사례가 있습니다. 이 경우 예비인가를 받아야 하는지 설명하시오.",
        "The company was sold in 1998 to its largest competitor. Who was the buyer of the company then?",
        "",
        "??",
    ],
)
def test_what_a_question_leans_on_stays(text: str) -> None:
    assert question_alone(text) is None
