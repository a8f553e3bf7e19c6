import random
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protostar.knowledge.tokens import (
    K1,
    LACKS_PAIRS,
    LACKS_WORDS,
    MAX_TERM_ID,
    counted,
    idf,
    space_terms,
    term_id,
    terms,
    weights,
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Running runners", ["run", "runner"]),
        ("what is the capital of France?", ["capit", "franc"]),
        ("임종석", ["임종", "종석"]),
        ("물", ["물"]),
        ("東京都", ["東京", "京都"]),
        ("カタカナ", ["カタ", "タカ", "カナ"]),
        ("DMZ에서", ["dmz", "에서"]),
        ("Amazônica", ["amazonica"]),
        ("IT 부서 and it", ["it", "부서"]),
        ("don't Luther's", ["don", "luther"]),
        ("", []),
        ("… — !!", []),
    ],
)
def test_terms(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


@pytest.mark.parametrize(
    "inflected", ["데이터베이스는", "데이터베이스를", "데이터베이스에서는", "데이터베이스입니까", "데이터베이스의"]
)
def test_particles_and_endings_do_not_count(inflected: str) -> None:
    assert terms(inflected) == terms("데이터베이스")


def test_a_word_keeps_two_syllables() -> None:
    assert terms("바다는") == ["바다"]
    assert terms("는") == []
    assert terms("경기도") == ["경기", "기도"]


@pytest.mark.parametrize(
    "question", ["무엇인가요?", "어떻게 하나요?", "있을까요?", "알려주세요", "궁금합니다", "where is it?", "how can I do this?"]
)
def test_words_that_only_ask_give_nothing(question: str) -> None:
    assert terms(question) == []


@pytest.mark.parametrize("text", ["뺄 수도 있습니다", "뺄 수가 없다", "뺄 수밖에 없어요", "뺄 수는있다"])
def test_what_says_that_something_may_be_is_no_noun(text: str) -> None:
    assert terms(text) == ["뺄"]


@pytest.mark.parametrize("text", ["수도 있나요", "방에 수도 있어요", "물 수도 요금", "진료 수가 있는 곳"])
def test_the_nouns_that_look_like_it_stay(text: str) -> None:
    assert {"수도", "수가"} & set(terms(text))


def test_look_alikes_of_words_that_ask_stay() -> None:
    assert terms("알고리즘") == ["알고", "고리", "리즘"]
    assert terms("없애기") != []


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        ("Docker Compose로 서버를 시작한다", []),
        ("관리자는 서버의 기록을 매주 저장하고 API 열쇠를 바꾼다", [LACKS_WORDS]),
        ("The word 전세 means a lease with a large deposit", [LACKS_PAIRS]),
        ("2024-05-01 1,200 3.5", []),
        ("", []),
    ],
)
def test_a_chunk_is_counted_under_its_terms_and_the_scripts_that_it_lacks(text: str, lacking: list[int]) -> None:
    found = terms(text)
    assert counted(found, weights(found)) == [*weights(found), *lacking]


def test_a_number_goes_with_its_unit() -> None:
    assert "1989년" in terms("1989년에는")
    assert "1989" in terms("1989년에는")
    assert terms("새벽 3 시에") == terms("새벽 3시에")


@pytest.mark.parametrize(
    ("joined", "apart"), [("iPhone15에서", "iPhone 15"), ("Windows11", "windows 11"), ("15kg까지", "15 kg"), ("100GB", "100 GB")]
)
def test_a_word_and_its_number_are_found_joined_and_apart(joined: str, apart: str) -> None:
    assert set(terms(joined)) >= set(terms(apart))


def test_a_single_letter_stays_with_its_number() -> None:
    assert terms("3D v20") == ["3d", "v20"]


@pytest.mark.parametrize(
    ("text", "whole", "parts"),
    [
        ("read_def", "read_def", ["read", "def"]),
        ("src/main.py", "src/main.py", ["src", "main", "py"]),
        ("v2.1.0", "v2.1.0", ["v2", "1", "0"]),
        ("KX-100-B", "kx-100-b", ["kx", "100", "b"]),
        ("getHttpResponse", "gethttprespons", ["get", "http", "respons"]),
        ("parseHTMLPage", "parsehtmlpag", ["pars", "html", "page"]),
        ("2024-01-31", "2024-01-31", ["2024", "01", "31"]),
    ],
)
def test_identifiers_are_found_whole_and_in_parts(text: str, whole: str, parts: list[str]) -> None:
    assert set(terms(f"see {text}, then")) >= {whole, *parts}


@pytest.mark.parametrize("marked", ["02-1234-5678", "02.1234.5678", "021-2345-678", "02-1234-5678로", "02-1234-5678 입니다"])
def test_long_numbers_meet_whatever_marks_they_are_written_with(marked: str) -> None:
    assert terms("0212345678") == ["0212345678"]
    assert terms(marked)[-1] == "0212345678"


@pytest.mark.parametrize("question", ["번호에요", "번호예요?", "번호이예요", "번호는요?", "이거 번호에요"])
def test_a_word_is_the_same_however_it_is_asked_in_speech(question: str) -> None:
    assert terms(question) == terms("번호")


def test_a_word_after_a_long_number_is_not_its_unit() -> None:
    assert terms("01023456703 이거 누구 번호에요") == ["01023456703", "번호"]
    assert terms("0212345678 담당자") == ["0212345678", "담당", "당자"]


def test_versions_and_fractions_are_no_long_numbers() -> None:
    assert terms("1.2.34") == ["1", "2", "34", "1.2.34"]
    assert terms("3.141") == ["3", "141", "3.141"]


def test_thousands_separators_do_not_matter() -> None:
    assert "1000" in terms("1,000원")
    assert "1000" in terms("1000원")


def test_spellings_of_one_text_meet() -> None:
    assert terms("한국의 ﬁle ＡＢＣ") == terms("한국 file ABC")
    assert terms("\u1112\u1161\u11ab\u1100\u116e\u11a8") == terms("한국")
    assert terms("infor\u00admation") == terms("information")
    assert terms("택\u200b배를 보\u2060낸다") == terms("택배를 보낸다")


@given(st.text(max_size=200))
def test_any_text_has_terms_that_are_stable(text: str) -> None:
    assert terms(text) == terms(text)
    assert all(terms(text))


def test_a_line_without_blanks_makes_no_giant_term() -> None:
    for line in ("a" * 100_000, "가" * 100_000, "b-" * 50_000, "1,000" * 20_000):
        assert max(map(len, terms(line))) <= 64


def test_term_ids_are_the_same_on_every_machine() -> None:
    assert term_id("한국") == 623756639
    assert all(1 <= term_id(str(number)) <= MAX_TERM_ID for number in range(1000))


def test_weights_are_bm25() -> None:
    found = weights(["data"] * 3 + ["base"])
    norm = 1.2 * (0.25 + 0.75 * 16 / 600)
    assert found[term_id("data")] == pytest.approx(3 * 2.2 / (3 + norm))
    assert found[term_id("base")] == pytest.approx(2.2 / (1 + norm))
    assert weights([]) == {}


@given(st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1))
def test_weights_stay_in_their_range(term_list: list[str]) -> None:
    found = weights(term_list)
    assert set(found) == {term_id(term) for term in term_list}
    assert all(0 < weight < K1 + 1 for weight in found.values())


def test_rarer_terms_tell_more() -> None:
    values = [idf(1000, frequency) for frequency in (0, 1, 10, 1000)]
    assert values == sorted(values, reverse=True)
    assert idf(10, 11) == idf(10, 10) > 0
    assert idf(0, 0) > 0


def test_space_terms_are_signed_32_bit_and_differ_by_space() -> None:
    one, other = UUID(int=random.Random(1).getrandbits(128)), UUID(int=random.Random(2).getrandbits(128))
    numbers = range(1, MAX_TERM_ID, 99_991)
    hashed = space_terms(one, numbers)
    assert len(set(hashed)) == len(hashed)
    assert all(-(2**31) <= number < 2**31 for number in hashed)
    assert set(hashed).isdisjoint(space_terms(other, numbers))
