from collections.abc import Sequence

import pytest

from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.tables import add_table

WORDS = ["가능함", "협의 필요", "불가"]


def data(count: int = 40, *cells: str) -> list[list[str]]:
    return [[f"항목 이름 {number}번", *(cells or WORDS)] for number in range(count)]


def blocks(rows: Sequence[Sequence[str]], heads: int | None = None) -> list[list[str]]:
    """The lines of each block."""
    builder = TextBuilder(1_000_000)
    add_table(builder, rows, heads=heads)
    parsed = builder.build()
    return [parsed.text[block.start : block.end].strip().splitlines() for block in parsed.blocks]


@pytest.mark.parametrize(
    ("first", "names"),
    [
        ([["구분", "서울", "부산", "대구"]], "구분 | 서울 | 부산 | 대구"),
        ([["", "서울", "부산", "대구"]], "| 서울 | 부산 | 대구"),
        ([["연도별", "2021", "2022", "2023"]], "연도별 | 2021 | 2022 | 2023"),
        ([["요일", "1", "2", "3"]], "요일 | 1 | 2 | 3"),
        ([["표지"], ["작성: 총무과"], ["(단위: 원)"], ["2026"], ["시설", "평일", "주말", "비고"]], "시설 | 평일 | 주말 | 비고"),
        ([["구분", "평일", "", "주말"], ["구분", "오전", "오후", "종일"]], "구분 | 평일 오전 | 평일 오후 | 주말 종일"),
        ([["", "1월", "", ""], ["지점", "주문", "반품", "취소"]], None),  # one name alone is a title
        ([["사과", "1,000", "2,000", "3,000"]], None),
        ([["사과", "1" * 5000, "2" * 5000]], None),
    ],
)
def test_the_names_of_the_columns_are_said_again(first: list[list[str]], names: str | None) -> None:
    found = blocks([*first, *data()])
    assert len(found) > 1
    if names is not None:
        assert names in found[0]
        assert {lines[0] for lines in found[1:]} == {names}
    assert sum(len(lines) for lines in found) >= 40


def test_rows_that_name_nothing_are_not_said_again() -> None:
    labels = [["주소", "서울시 종로구 세종대로 1"], ["대표", "김철수"], *([f"항목 {n}", "내용 설명이 이어진다"] for n in range(60))]
    wide = [
        [f"{column}번째 열의 긴 이름" for column in range(30)],
        *([f"{n}-{column}값" for column in range(30)] for n in range(9)),
    ]
    for rows in (labels, wide):
        lines = [line for block in blocks(rows) for line in block]
        assert len(lines) == len(rows) == len(set(lines))


def test_a_form_keeps_its_rows() -> None:
    form = [["성명", "", "생년월일"], ["주소", "연락처", "전자우편"], ["서명", "날짜", "확인"]]
    assert blocks(form) == [["성명 |  | 생년월일", "주소 | 연락처 | 전자우편", "서명 | 날짜 | 확인"]]


def test_a_table_of_two_columns_has_names_where_the_rows_below_hold_numbers() -> None:
    found = blocks([["이름", "전화"], *([f"지점 이름 {n}호점", f"02-{n:03}-1234"] for n in range(60))])
    assert {lines[0] for lines in found} == {"이름 | 전화"}


def test_two_short_names_above_long_texts_are_names() -> None:
    found = blocks([["질문", "답변"], *([f"환불은 언제 되나요 {n}", "구매한 날부터 7일 안에 신청하면 됩니다."] for n in range(40))])
    assert {lines[0] for lines in found} == {"질문 | 답변"}


def test_words_below_a_gap_go_on_in_the_same_columns_unless_a_title_stands_above() -> None:
    words = [["담당", "업무", "비고"], *([f"총무과 {'가' * n}", "시설 관리", "상시"] for n in range(1, 15))]
    more = [[f"회계과 {'나' * n}", "예산 편성", "연중"] for n in range(1, 30)]
    assert {lines[0] for lines in blocks([*words, [], *more])} == {"담당 | 업무 | 비고"}
    titled = blocks([*words, [], ["다른 표"], *more])
    assert [lines[0] for lines in titled].count("담당 | 업무 | 비고") == 1


def test_what_the_format_marks_is_believed() -> None:
    rows = [["안내"], ["상품", "2026", ""], ["", "봄", "가을"], *data(40, "가능", "불가")]
    found = blocks(rows, heads=3)
    assert found[0][:2] == ["안내", "상품 | 2026 봄 | 2026 가을"]
    assert {lines[0] for lines in found[1:]} == {"상품 | 2026 봄 | 2026 가을"}
    assert not {"가 | 나 | 다"} & {lines[0] for lines in blocks([["가", "나", "다"], *data(40, "a", "b")], heads=0)[1:]}


def test_below_a_gap_stands_another_table_or_more_of_the_same() -> None:
    first = [["지점", "전화", "담당"], *([f"지점 이름 {n}호점", f"02-{n:03}-1234", "김담당"] for n in range(25))]
    second = [["가격표"], ["상품", "가격", "재고"], *([f"상품 이름 {n}번 모델", "12000원", "있음"] for n in range(25))]
    found = blocks([*first, [], *second])
    assert [lines[0] for lines in found] == ["지점 | 전화 | 담당", "지점 | 전화 | 담당", "가격표", "상품 | 가격 | 재고"]
    assert not any("상품" in line for lines in found[:2] for line in lines)

    groups = [["상품", "가격", "재고"], [], ["서울"], *second[2:], ["", ""], ["부산"], *second[2:]]
    assert {lines[0] for lines in blocks(groups)} == {"상품 | 가격 | 재고"}
    assert blocks([["2026년 현황"], [], ["상품", "가격", "재고"], *second[2:], [], ["※ 부가세 별도"]])[-1][-1] == "※ 부가세 별도"
