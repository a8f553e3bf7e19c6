import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.spaces import Space, passage

from protostar.answers.extractive import MOST_QUOTES, quote_answer
from protostar.knowledge.breaks import HeadingBreak

TEXTS = (
    "환불은 결제 후 7일 이내에 신청할 수 있다. 배송이 시작된 상품은 반품한다.\n\n고객센터는 평일 9시부터 18시까지 운영한다.",
    "회원 등급은 세 가지이다. 등급에 따라 적립률이 다르다.",
    "The warranty lasts two years. It covers defects of material[12]. It does not cover water damage.",
    "보증 기간 안내:\n- 본체는 2년\n- 배터리는 6개월\n- 소모품은 제외",
)


ITEMS = (
    "서울 | 부산\n강남 | 해운대",
    "| 서울 | 부산 |",
    "가. 서울",
    "○ 서울",
    "(1) 서울",
    "a) 서울",
    "> 서울",
    "※ 서울",
    "1\\. 서울",
    "① 서울",
)


def ask(question: str, *texts: str) -> tuple[str, list[str]]:
    space = Space(*(texts or TEXTS))
    pieces, citations = quote_answer([(space.query(question), space.passages(question), MOST_QUOTES)])
    return "".join(pieces), [citation.quote for citation in citations]


@pytest.mark.parametrize(
    ("question", "quote"),
    [
        ("환불은 언제까지 신청할 수 있나요?", "환불은 결제 후 7일 이내에 신청할 수 있다."),
        ("고객센터는 언제 운영하나요?", "고객센터는 평일 9시부터 18시까지 운영한다."),
        ("How long does the warranty last?", "The warranty lasts two years."),
    ],
)
def test_the_best_sentence_comes_first(question: str, quote: str) -> None:
    text, quotes = ask(question)
    assert quotes[0].startswith(quote)
    assert text.startswith(quote)


def test_a_sentence_that_only_announces_takes_what_follows_along() -> None:
    _, quotes = ask("보증 기간 안내")
    assert quotes[0] == TEXTS[3]


@pytest.mark.parametrize(
    ("text", "quote"),
    [
        ("지점은 서울에 있다.\n\n프로토스타는 답하는 서비스이다.", "지점은 서울에 있다."),
        ("지점은 서울에 있다. 역에서 가깝다.\n\n프로토스타는 답하는 서비스이다.", "지점은 서울에 있다. 역에서 가깝다."),
        ("지점은 어디에 있나요?\n\n서울에 있다.\n\n끝.", "지점은 어디에 있나요?\n\n서울에 있다."),
        ("지점은 다음과 같다.\n\n- 서울\n- 부산", "지점은 다음과 같다.\n\n- 서울\n- 부산"),
        ("지점 안내\n\n서울에 있다.\n\n끝.", "지점 안내\n\n서울에 있다."),
        ("## 지점\n지점은 서울에 있다. 역에서 가깝다.\n\n끝.", "지점은 서울에 있다. 역에서 가깝다."),
        *((text, text) for text in (f"지점은 다음과 같다.\n\n{item}" for item in ITEMS)),
    ],
)
def test_a_paragraph_that_has_said_it_is_the_quote(text: str, quote: str) -> None:
    _, quotes = ask("지점은 어디", text)
    assert quotes[0] == quote


def test_numbers_of_the_document_do_not_look_like_markers() -> None:
    text, quotes = ask("defects of material")
    assert "material[12]" in quotes[0]
    assert set(re.findall(r"\[(\d+)\]", text)) == {str(number) for number in range(1, len(quotes) + 1)}


def test_bullets_are_not_quoted() -> None:
    items = "- 본체는 2년 동안 보증하며 그 뒤에는 수리비를 받고 고친다. 자세한 것은 아래에 있다.\n- 배터리는 6개월 동안 보증한다."
    _, quotes = ask("배터리 보증", items)
    assert quotes[0] == "배터리는 6개월 동안 보증한다."


def test_the_same_is_not_said_twice() -> None:
    same = "환불은 결제 후 7일 이내에 신청할 수 있다."
    _, quotes = ask("환불 신청", same, same + " 끝.", "환불 신청은 전화로도 받는다. 주말에는 쉰다.")
    assert sum("7일" in quote for quote in quotes) == 1


def test_at_most_three_quotes_and_none_without_a_word_in_common() -> None:
    many = [f"환불 규정 {number}조는 {chr(0xAC00 + 97 * number)}품 담당자가 {number}층에서 처리한다." for number in range(9)]
    assert len(ask("환불 규정", *many)[1]) == 3
    assert ask("날씨", "환불은 7일 이내에 한다.") == ("", [])
    space = Space()
    assert quote_answer([(space.query("환불"), [], MOST_QUOTES)]) == ([], [])


def test_a_heading_is_context_and_not_a_quote() -> None:
    text = "## 배터리\n\n6개월 동안 보증한다. 그 뒤에는 유상이다."
    question = "배터리 보증은 몇 개월인가요?"
    query = Space("배터리\n" + text, *TEXTS).query(question)
    pieces, citations = quote_answer([(query, [passage(text, 0, score=1.0, heading_path=("제품", "배터리"))], MOST_QUOTES)])
    assert citations[0].quote.startswith("6개월 동안 보증한다.")
    assert pieces[0].endswith(" [1]")


RENTALS = """| 장비 | 하루 대여료 | 보증금 | 장소 |
|---|---|---|---|
| 빔프로젝터 | 5,000원 | 50,000원 | 사무실 |
| 예초기 | 10,000원 | 100,000원 | 창고 |
| 앰프 세트 | 무료 | 30,000원 | 사무실 |

4. 예초기는 연료를 채워서 돌려준다."""


@pytest.mark.parametrize(
    ("question", "row"),
    [
        ("앰프 보증금", "앰프 세트 | 무료 | 30,000원 | 사무실"),
        ("예초기 대여료는 얼마인가요?", "예초기 | 10,000원 | 100,000원 | 창고"),
    ],
)
def test_a_row_of_a_table_speaks_with_the_names_of_its_columns(question: str, row: str) -> None:
    answer, quotes = ask(question, RENTALS, *TEXTS)
    assert quotes[0] == row
    assert answer.startswith(f"| 장비 | 하루 대여료 | 보증금 | 장소 |\n| --- | --- | --- | --- |\n| {row} [1] |")


def test_a_small_table_of_an_office_document_is_quoted_by_its_rows() -> None:
    table = "구분 | 직급 | 금액\n수당 | 사원 | 100,000원\n수당 | 대리 | 150,000원"
    answer, quotes = ask("대리의 수당은 얼마인가요?", table, *TEXTS)
    assert quotes[0] == "수당 | 대리 | 150,000원"
    assert answer.startswith("| 구분 | 직급 | 금액 |\n| --- | --- | --- |\n| 수당 | 대리 | 150,000원 [1] |")


def test_the_names_of_one_table_are_not_those_of_the_next() -> None:
    tables = "구분 | 직급 | 금액\n수당 | 대리 | 150,000원\n\n장비 | 장소 | 담당\n앰프 | 창고 | 김하나"
    answer, _ = ask("앰프 담당", tables, *TEXTS)
    assert answer.startswith("| 장비 | 장소 | 담당 |")


def test_a_row_with_more_cells_than_there_are_names_stands_by_itself() -> None:
    answer, quotes = ask("앰프 보증금", RENTALS.replace("| 사무실 |", "| 사무실 | 2층 |"), *TEXTS)
    assert answer.startswith(f"{quotes[0]} [1]")


def test_the_first_row_of_two_columns_names_nothing() -> None:
    minutes = "\n".join(f"| {name} | {value} |" for name, value in (("작성자", "사무국"), ("장소", "마을회관"), ("불참", "오태식")))
    answer, quotes = ask("사무국 장소", minutes, *TEXTS)
    assert quotes[0] == "작성자 | 사무국"
    assert answer.startswith("작성자 | 사무국 [1]")


def test_a_rule_makes_names_of_the_first_row_of_two_columns() -> None:
    answer, quotes = ask("예약 번호", "| 용건 | 번호 |\n|---|---|\n| 예약 | 031-20 |\n| 서류 | 031-21 |", *TEXTS)
    assert quotes[0] == "예약 | 031-20"
    assert answer.startswith("| 용건 | 번호 |\n| --- | --- |\n| 예약 | 031-20 [1] |")


def test_an_empty_last_cell_takes_no_column_away() -> None:
    answer, _ = ask("앰프 보증금", RENTALS.replace("| 30,000원 | 사무실 |", "| 30,000원 | |"), *TEXTS)
    assert answer.startswith(
        "| 장비 | 하루 대여료 | 보증금 | 장소 |\n| --- | --- | --- | --- |\n| 앰프 세트 | 무료 | 30,000원 [1] |"
    )


def test_neither_the_head_of_a_table_nor_its_rule_is_quoted() -> None:
    columns = "| 포장 | 색 | 값 |\n|---|---|---|\n| 상자 | 갈색 | 무료 |\n"
    for text in (columns, columns.replace("| 색 ", "").replace("---|---|---", "---|---").replace("| 갈색 ", "")):
        query = Space(text, *TEXTS).query("포장 종류와 값")
        _, citations = quote_answer([(query, [passage(text, score=1.0, heading_path=("포장",))], MOST_QUOTES)])
        assert [citation.quote.strip("| ") for citation in citations] == [text.splitlines()[-1].strip("| ")]


def test_half_a_table_is_not_taken_along() -> None:
    rows = "\n".join(f"| {number}호 | {number * 1000:,}원 |" for number in range(1, 40))
    _, quotes = ask("대관은 어디에 신청하나요?", f"대관은 사무실에 신청한다.\n\n| 방 | 값 |\n|---|---|\n{rows}")
    assert quotes[0] == "대관은 사무실에 신청한다."


STEPS = "1. 앱을 켜고 «휴가»를 누른다.\n2. 날짜를 고른다.\n3. 팀장이 승인하면 달력에 나온다."


@pytest.mark.parametrize("question", ["휴가는 어떻게 올리나요?", "달력에 나오게 하는 방법", "how do I get 휴가"])
def test_steps_that_are_asked_for_come_all_together(question: str) -> None:
    _, quotes = ask(question, f"{STEPS}\n\n급한 일은 전화한다.", *TEXTS)
    assert quotes[0] == STEPS


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("주소:\n담양군 무정길 48-3", "주소가 어디인가요"),
        ("대관 신청에 필요한 서류:\n\n신분증과 통장 사본입니다.", "대관 신청 서류"),
        ("Run this to install it:\n\n    pip install client", "how to install it"),
    ],
)
def test_a_colon_without_a_list_goes_on_as_well(text: str, question: str) -> None:
    assert ask(question, text)[1][0] == text


def test_a_table_that_is_asked_for_by_its_columns_is_quoted_by_its_rows() -> None:
    _, quotes = ask("회원 종류와 연회비", "| 회원 종류 | 연회비 |\n|---|---|\n| 어른 | 3만원 |\n| 청소년 | 무료 |")
    assert quotes[:2] == ["어른 | 3만원", "청소년 | 무료"]


def test_rows_of_one_table_stand_below_one_head() -> None:
    fees = "| 회원 종류 | 연회비 |\n|---|---|\n| 어른 | 3만원 |\n| 청소년 | 무료 |"
    answer, _ = ask("회원 종류와 연회비", fees)
    assert answer == "| 회원 종류 | 연회비 |\n| --- | --- |\n| 어른 | 3만원 [1] |\n| 청소년 | 무료 [2] |"
    answer, _ = ask("회원 종류와 연회비", fees, f"# 지난해\n\n{fees.replace('3', '2').replace('무료', '1만원')}")
    assert answer.count("| 회원 종류 | 연회비 |\n| --- | --- |\n") == 2
    answer, _ = ask(
        "회원 종류와 연회비",
        "| 회원 종류 | 연회비 |\n|---|---|\n| 어른 | 3만원 |\n\n주말:\n\n| 회원 종류 | 연회비 |\n|---|---|\n| 어른 | 5만원 |",
    )
    assert answer.count("| 회원 종류 | 연회비 |\n| --- | --- |\n") == 2


def test_a_row_above_an_empty_one_is_no_head() -> None:
    hours = "| 요일 | 시간 |\n|---|---|\n| 토요일 | 9시 |\n| - | - |\n| 일요일 | 쉼 |"
    answer, quotes = ask("토요일 시간", hours)
    assert quotes[0] == "토요일 | 9시"
    assert ask("일요일 시간", hours)[0].startswith("| 요일 | 시간 |\n| --- | --- |\n| 일요일 | 쉼 [1] |")
    assert answer.startswith("| 요일 | 시간 |")


def test_steps_of_several_sentences_come_from_the_first_on() -> None:
    steps = "1. Open the app. Wait a moment.\n2. Press the green leave button. It is large.\n3. Choose the days. Then send."
    assert ask("how do I find the green leave button", steps)[1] == [steps]
    many = "\n".join(
        f"{number}. Turn the wheel number {number} to the left until it stops with a click." for number in range(1, 20)
    )
    quote = ask("how do I turn wheel 9", many)[1][0]
    assert quote.startswith("9. ")
    assert quote.endswith("click.")
    assert len(quote) <= 600


@pytest.mark.parametrize(
    "question",
    [
        "what do I need for the registration?",
        "Which papers must we bring for the registration?",
        "what's included in the registration",
        "등록할 때 뭐 챙겨가야 하나요",
        "등록 준비물",
        "등록에 무엇이 필요한가요",
    ],
)
@pytest.mark.parametrize("mark", ["-", "•", "1.", "①"])
def test_a_list_that_is_asked_for_comes_whole(question: str, mark: str) -> None:
    listed = "\n".join(f"{mark} {text}" for text in ("passport", "two photos", "the form for registration (등록 신청서)"))
    _, quotes = ask(question, f"# Registration 등록\n\n{listed}\n\nThe office is closed on Fridays.", *TEXTS)
    assert quotes[0] == listed


def test_a_list_that_comes_whole_ends_before_a_heading_and_is_not_what_stands_below_it() -> None:
    text = "- passport\n- two photos\n## Fees\nThe papers cost 20 euros.\n\n- one.\n- two.\nDogs need papers, too."
    assert ask("Which papers: passport, photos?", text, *TEXTS)[1][0] == "- passport\n- two photos"
    assert ask("Which dogs need papers?", text, *TEXTS)[1][0] == "Dogs need papers, too."


def test_a_point_that_is_longer_than_a_list_may_be_is_quoted_by_its_sentence() -> None:
    article = "제3조(환불 수수료) 환불 수수료는 없다. " + "회원은 이용 중에 다른 회원에게 불편을 주지 않는다. " * 30
    (quote, *_) = ask("환불 수수료는 어떤 기준인가요", article, *TEXTS)[1]
    assert quote.startswith("제3조(환불 수수료)")
    assert len(quote) < 300


def test_of_an_item_that_answers_the_bullet_is_left_out_where_no_list_is_asked_for() -> None:
    _, quotes = ask("registration form price", "- passport\n- the form for registration costs 3 euros\n- photo")
    assert quotes == ["the form for registration costs 3 euros"]


@pytest.mark.parametrize("question", ["how can I pull out a tick?", "tick removal, steps?"])
def test_steps_under_a_heading_go_before_what_only_mentions_it(question: str) -> None:
    steps = "1. Grip it close to the skin.\n2. Turn it slowly and pull."
    text = f"# Removing a tick\n\n{steps}\n\n# Health club\n\nMembers get tick tablets for nothing."
    query = Space(text, *TEXTS).query(question)
    found = [passage(f"{steps}", score=0.5, heading_path=("Removing a tick",)), passage("Members get tick tablets.", score=0.6)]
    _, citations = quote_answer([(query, found, MOST_QUOTES)])
    assert citations[0].quote == steps


def test_the_rest_of_an_item_does_not_run_on_into_the_next() -> None:
    _, quotes = ask("guide dogs", "- Dogs stay outside. Guide dogs are welcome.\n- Prams go to the cellar.")
    assert quotes[0] == "Guide dogs are welcome."


def test_a_heading_makes_no_quotes_of_sentences_beside_one_that_says_it() -> None:
    text = "# 자전거 대여\n\n봄에 문을 엽니다.\n\n언덕이 가파릅니다.\n\n안전모는 무료입니다."
    query = Space("자전거 대여\n" + text, *TEXTS).query("자전거 대여 안전모")
    _, citations = quote_answer([(query, [passage(text, score=1.0, heading_path=("자전거 대여",))], MOST_QUOTES)])
    assert [citation.quote for citation in citations] == ["안전모는 무료입니다."]


@pytest.mark.parametrize(
    "question",
    [
        "보관 며칠",
        "보관 비용",
        "보관 기간",
        "storage until",
        "storage fee",
        "what time is storage",
        "how soon is storage",
        "storage price",
    ],
)
def test_who_asks_for_a_number_gets_the_sentence_that_has_one(question: str) -> None:
    text = "보관은 storage에서 합니다.\n\n보관은 storage에서 30까지 합니다."
    assert "30" in ask(question, text)[1][0]


def test_one_item_of_a_list_stands_by_itself_where_no_steps_are_asked_for() -> None:
    _, quotes = ask("휴가 날짜", STEPS.replace("휴가", "쉼"), *TEXTS)
    assert quotes[0] == "2. 날짜를 고른다."


def test_what_ends_in_a_colon_brings_its_whole_list() -> None:
    items = "\n".join(f"- {number}번 창구에서 받는 서류 묶음 하나와 그 사본" for number in range(1, 20))
    _, quotes = ask("접수에 필요한 것", f"접수에 필요한 것은 이렇습니다:\n\n{items}\n\n접수는 9시부터 합니다.")
    assert quotes[0].endswith(items)


def test_a_sentence_under_a_heading_that_is_asked_for_needs_none_of_its_words() -> None:
    text = "## 진드기 떼기\n\n살에 바짝 붙여 집고 천천히 돌린다."
    query = Space("진드기 떼기\n" + text, *TEXTS).query("진드기 떼기")
    _, citations = quote_answer([(query, [passage(text, score=1.0, heading_path=("진드기 떼기",))], MOST_QUOTES)])
    assert citations[0].quote == "살에 바짝 붙여 집고 천천히 돌린다."


def test_a_sentence_goes_by_the_heading_above_it_and_not_by_that_of_another_section_of_its_passage() -> None:
    sections = "## 오시는 길\n\n홍대입구역에서 걸어서 7분 걸린다.\n\n", "## 우유\n\n잔을 가져오시면 깎아 준다."
    text = "".join(sections)
    breaks = (HeadingBreak(0, ("카페", "오시는 길")), HeadingBreak(len(sections[0]), ("카페", "우유")))
    found = replace(passage(text, score=1.0, heading_path=("카페",)), heading_breaks=breaks)
    query = Space(text, *TEXTS).query("오시는 길")
    _, citations = quote_answer([(query, [found], MOST_QUOTES)])
    assert citations[0].quote == "홍대입구역에서 걸어서 7분 걸린다."


def test_a_quote_ends_before_a_heading() -> None:
    _, quotes = ask("당일 취소", "당일 취소하면 반을 낸다.\n\n## 반납\n\n반납은 다음 날까지이다.")
    assert quotes == ["당일 취소하면 반을 낸다."]


@given(
    st.lists(st.text(st.sampled_from("환불 신청refund7일.\n-|[1]#* "), max_size=300), max_size=4),
    st.text(st.sampled_from("환불 신청refund7일? "), max_size=40),
)
def test_quotes_are_verbatim(texts: list[str], question: str) -> None:
    space = Space(*texts)
    pieces, citations = quote_answer([(space.query(question), space.passages(question), MOST_QUOTES)])
    assert len(pieces) == len(citations) <= 3
    for number, (piece, citation) in enumerate(zip(pieces, citations, strict=True), 1):
        assert citation.marker == number
        assert piece.removesuffix(" |").endswith(f" [{number}]")
        assert any(text[citation.start : citation.end] == citation.quote for text in texts)


def test_the_same_with_another_number_is_no_repetition() -> None:
    fees = ("수면 내시경 관리료는 70,000원입니다.", "수면 내시경 관리료는 80,000원입니다.")
    assert sorted(ask("수면 내시경 관리료", *fees)[1]) == sorted(fees)
    assert len(ask("수면 내시경 관리료", fees[0], f"알림: {fees[0]}")[1]) == 1


def test_a_short_paragraph_is_quoted_from_its_beginning_and_a_long_one_from_the_sentence() -> None:
    first, second = "검사 전날에는 흰죽만 드십니다.", "운전은 보호자가 합니다."
    assert ask("운전은 누가", f"## 준비\n{first} {second}\n\n끝.")[1][0] == f"{first} {second}"
    assert ask("운전은 누가", f"- 하나\n\n{first} {second}")[1][0] == f"{first} {second}"
    assert ask("운전은 누가", f"{f'{first} ' * 16}{second}")[1][0] == second
