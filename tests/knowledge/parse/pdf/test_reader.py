"""What a PDF shows, as text."""

import re
from collections.abc import Sequence
from pathlib import Path

import pypdfium2
import pytest
from tests.knowledge.parse.pdfs import at, rule, text, width, write_pdf
from tests.knowledge.parse.support import FILES, block_with, read, shown

from protostar.errors import UnreadableDocument
from protostar.knowledge import chunking
from protostar.knowledge.breaks import PageBreak


def test_a_word_broken_at_the_end_of_a_line_is_joined(tmp_path: Path) -> None:
    parsed = read(write_pdf(tmp_path / "a.pdf", [text("This is an exam-", "ple of a broken word.")]))
    assert parsed.text == "This is an example of a broken word."


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("We sell the RTX-", "4090 card."), "RTX-4090 card"),
        (("Send us an e-", "mail today."), "an e-mail today"),
        (("The line before is far longer than this", "044-", "123 4567 is."), "044-123 4567"),
        (("It is at https://example.org/long-", "path/page today."), "example.org/long-path/page today"),
        (("This is a state-of-the-", "art device."), "state-of-the-art device"),
        (("This is the Anglo-", "Saxon word."), "the Anglo-Saxon word"),
        (("A well-known thing, and a well-", "known one."), "a well-known one"),
        (("It is known well, and a well-", "known one."), "a well-known one"),
        (("For this there is a sure and there-", "fore good one."), "sure and therefore good one"),
        (("We were there before, therefore there-", "fore it is."), "therefore therefore it is"),
        (("This was said in INTER-", "NATIONAL law."), "in INTERNATIONAL law"),
    ],
)
def test_a_hyphen_at_the_end_of_a_line_stays_where_it_is_the_words_own(tmp_path: Path, lines: Sequence[str], expected: str) -> None:
    path = write_pdf(tmp_path / "a.pdf", [text(*lines)])
    assert expected in read(path).text


def test_pages_and_list_items(tmp_path: Path) -> None:
    pages = [text("First page.", "1. one", "2. two", "- three"), "", text("Third", "page.")]
    parsed = read(write_pdf(tmp_path / "a.pdf", pages))
    assert parsed.page_count == 3
    assert parsed.text == "First page.\n\n1. one\n2. two\n- three\n\nThird page."
    assert [(block.kind, block.page) for block in parsed.blocks] == [("paragraph", 1), *[("list", 1)] * 3, ("paragraph", 3)]


def test_a_scan_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="text recognition"):
        read(write_pdf(tmp_path / "a.pdf", ["0 0 100 100 re f"]))


def scan(*, height: float = 700, stamp: str = "") -> str:
    """A page with a picture that is so high."""
    return f"q 500 0 0 {height} 50 40 cm BI /W 1 /H 1 /BPC 8 /CS /G ID x EI Q {stamp}"


def test_pages_that_are_pictures_are_counted(tmp_path: Path) -> None:
    stamped = scan(stamp=at(300, 20, "2026-01-05 received, 4 / 4"))
    parsed = read(write_pdf(tmp_path / "a.pdf", [text("This page has words."), scan(), "", stamped]))
    assert parsed.text.startswith("This page has words.")
    assert (parsed.page_count, parsed.unread_pages) == (4, 2)


def test_a_picture_within_a_form_is_one(tmp_path: Path) -> None:
    """As programs write what they have imported from elsewhere."""
    made = pypdfium2.PdfDocument(write_pdf(tmp_path / "a.pdf", [text("This page has words.")]))
    form = pypdfium2.PdfDocument(write_pdf(tmp_path / "b.pdf", [scan()])).page_as_xobject(0, made).as_pageobject()
    page = made.new_page(612, 792)
    page.insert_obj(form)
    page.gen_content()
    made.save(tmp_path / "c.pdf")
    assert read(tmp_path / "c.pdf").unread_pages == 1


def test_a_picture_beside_words_or_a_small_one_is_no_unread_page(tmp_path: Path) -> None:
    poster = text("The offer of this week is for all who come in.")
    parsed = read(write_pdf(tmp_path / "a.pdf", [scan(stamp=poster), scan(height=200)]))
    assert parsed.unread_pages == 0


def test_a_password_is_asked_for(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="protected with a password"):
        read(write_pdf(tmp_path / "a.pdf", [text("secret")], password="open sesame"))


def test_encryption_without_a_password_is_no_hindrance(tmp_path: Path) -> None:
    """The content was never encrypted here, so it is noise after decryption; but the file opens."""
    with pytest.raises(UnreadableDocument, match="text recognition"):
        read(write_pdf(tmp_path / "a.pdf", ["0 0 100 100 re f"], password=""))


@pytest.mark.parametrize("content", [b"garbage", b"%PDF-1.7\n", b"%PDF-1.4\n" + b"\0" * 1000, b"hello world " * 100])
def test_what_is_no_pdf_is_said_to_be_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(content)
    with pytest.raises(UnreadableDocument, match="damaged, incomplete or not a PDF"):
        read(path)


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_file_is_an_error_and_no_crash(tmp_path: Path, share: float) -> None:
    content = (FILES / "guide-ko.pdf").read_bytes()
    path = tmp_path / "a.pdf"
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UnreadableDocument):
        read(path)


def test_a_broken_title_does_not_make_a_file_unreadable(tmp_path: Path) -> None:
    content = (FILES / "guide-ko.pdf").read_bytes()
    title = re.search(rb"/Title<FEFF[0-9A-F]{40}", content)
    assert title is not None
    path = tmp_path / "a.pdf"
    path.write_bytes(content.replace(title[0], b"/Title<FEFF" + b"D800" * 10))
    assert "백업 파일은" in read(path).text


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("출자금.html", None),
        ("Rules.DOCX", None),
        ("Microsoft Word - a", None),
        ("Untitled", None),
        ("about:blank", None),
        ("Version 1.2", "Version 1.2"),
    ],
)
def test_what_nobody_wrote_is_no_title(tmp_path: Path, title: str, expected: str | None) -> None:
    assert read(write_pdf(tmp_path / "a.pdf", [text("text")], title=title)).title == expected


KOREAN = """
협동조합은 조합원이 낸 출자금을 모아 사업을 하고, 해마다 남은 돈을 조합원에게 나누어 준다. 조합원은 출자금을 낸 만큼 책임을 지며,
조합원 총회에서 한 표씩 가진다. 총회는 해마다 삼월에 열고, 이사회는 달마다 연다. 이사회는 사업 계획을 세우고, 총회는 그 계획과
결산을 승인한다. 조합원이 조합을 나가려면 석 달 전에 이사회에 알려야 하고, 출자금은 그해 결산이 끝난 뒤에 돌려받는다. 출자금을
돌려받을 때 조합에 갚을 돈이 있으면 그만큼 빼고 받는다. 이사회는 조합원이 총회의 결정을 어기거나 출자금을 내지 않으면 총회에 알려
조합원을 내보낼 수 있다. 총회는 그 조합원의 말을 들은 뒤에 결정한다. 사업 계획과 결산은 총회가 열리기 보름 전부터 조합원에게 보인다.
"""


def set_in_lines(words: str, across: float, *, anywhere: bool, size: float = 12) -> list[str]:
    """Lines as a word processor sets them: they end between words, or anywhere in them."""
    lines = [""]
    for word in words.split():
        for piece in [*f" {word}"] if anywhere else [f" {word}"]:
            fits = width((lines[-1] + piece).strip(), size) <= across
            lines = [*lines[:-1], lines[-1] + piece] if fits else [*lines, piece]
    return [line.strip() for line in lines]


def page_of(lines: Sequence[str], *, left: float = 72, top: float = 720, size: float = 12, pitch: float = 20) -> str:
    return "".join(at(left, top - number * pitch, line, size) for number, line in enumerate(lines))


@pytest.mark.parametrize("anywhere", [False, True])
def test_korean_words_go_on_in_the_next_line(tmp_path: Path, anywhere: bool) -> None:
    """Where lines end anywhere, what is between two words is lost for good, so not every word can be right."""
    lines = set_in_lines(KOREAN, 240, anywhere=anywhere)
    assert len(lines) > 15
    ((kind, read_back),) = shown(read(write_pdf(tmp_path / "a.pdf", [page_of(lines)])))
    assert kind == "paragraph"
    wanted, found = KOREAN.split(), read_back.split()
    wrong = len(set(found) - set(wanted))
    assert wrong <= (4 if anywhere else 0)
    if anywhere:
        assert len(set(" ".join(lines).split()) - set(wanted)) >= 3 * wrong
    assert "".join(found) == "".join(wanted)


def test_the_last_syllable_of_a_sentence_is_no_item(tmp_path: Path) -> None:
    sentence = ["이사회는 사업 계획을 세우고 총회에 알렸", "다. 총회는 그 계획과 결산을 승인하였다."]
    items = ["가. 조합원에게는 증명서를 그냥 내어 주며", "나. 남은 돈은 조합원에게 나누어 주고", "다. 출자금은 다음 해에 돌려준다."]
    parsed = read(write_pdf(tmp_path / "a.pdf", [page_of([*sentence, *items])]))
    assert [kind for kind, _ in shown(parsed)] == ["paragraph", "list", "list", "list"]
    assert shown(parsed)[0][1].replace(" ", "") == "".join(sentence).replace(" ", "")
    assert [words for _, words in shown(parsed)[1:]] == items
    over_the_page = read(write_pdf(tmp_path / "b.pdf", [page_of([line]) for line in sentence]))
    assert [kind for kind, _ in shown(over_the_page)] == ["paragraph", "paragraph"]


@pytest.mark.parametrize(
    "items",
    [
        ["a. 서류 심사", "b. 면접"],
        ["i. One of them", "ii. Two"],
        ["A) Alpha and more", "B) Beta"],
        ["(a) first of all", "(b) second"],
        ["Q. 언제까지 되나요", "A. 이레 안에"],
        ["Q1. 반품", "A1. 된다"],
        ["※ 신분증을 지참", "▶ 문의"],
        ["· 가운뎃점 항목", "· 둘째"],
        ["ㅇ 첫째 항목", "ㅇ 둘째"],
        ["1-1. 하위 항목", "1-2. 다음"],
    ],
)
def test_marks_begin_items(tmp_path: Path, items: list[str]) -> None:
    parsed = read(write_pdf(tmp_path / "a.pdf", [page_of(items)]))
    assert shown(parsed) == [("list", item) for item in items]


def test_what_may_be_a_mark_in_the_middle_of_a_sentence_is_none(tmp_path: Path) -> None:
    """The lines are full, so that it stands at the beginning of one by chance."""
    lines = [
        "The history was written by our Jane Doe and",
        "A. Author, who also wrote of the cities of",
        "Seoul and of others that are not there now.",
    ]
    assert len(shown(read(write_pdf(tmp_path / "a.pdf", [page_of(lines)])))) == 1


def test_paragraphs_end_where_a_line_is_short_or_the_next_one_is_further_away(tmp_path: Path) -> None:
    first = set_in_lines(
        "이 규정은 조합의 수수료를 정한다. 조합원은 아래의 수수료를 낸다. 다만 이사회가 따로 정할 수 있다.", 250, anywhere=False
    )
    second = set_in_lines("수수료는 해마다 삼월에 총회에서 다시 정하며 정한 날부터 한 달 뒤에 쓴다.", 250, anywhere=False)
    lines = page_of([*first, *second]) + page_of(
        ["더 아래에 있는 줄은 앞 문단이 아니다"], top=720 - 20 * len([*first, *second]) - 30
    )
    assert shown(read(write_pdf(tmp_path / "a.pdf", [lines]))) == [
        ("paragraph", " ".join(first)),
        ("paragraph", " ".join(second)),
        ("paragraph", "더 아래에 있는 줄은 앞 문단이 아니다"),
    ]


def test_lines_that_leave_room_for_more_stay_lines(tmp_path: Path) -> None:
    long = "이 줄은 다른 줄보다 훨씬 더 길어서 단의 너비를 알려 준다."
    lines = ["서울시 중구", "세종대로 110", "시청 앞"]
    parsed = read(write_pdf(tmp_path / "a.pdf", [page_of([long, long]) + page_of(lines, top=640)]))
    assert shown(parsed)[-1] == ("paragraph", "\n".join(lines))


def test_what_begins_further_left_than_an_item_is_not_part_of_it(tmp_path: Path) -> None:
    item = at(100, 700, "- 조사 품목: 포장재와 식용유와 사무용품 등")
    lines = page_of(["붙임 수요 조사표", "이 조사표는 시월 말까지 사무국으로 보내 주시기 바랍니다."], top=680)
    assert shown(read(write_pdf(tmp_path / "a.pdf", [item + lines]))) == [
        ("list", "- 조사 품목: 포장재와 식용유와 사무용품 등"),
        ("paragraph", "붙임 수요 조사표\n이 조사표는 시월 말까지 사무국으로 보내 주시기 바랍니다."),
    ]


def test_rows_of_a_table_without_rules_stay_lines(tmp_path: Path) -> None:
    rows = [
        ["서예", "월·수", "10:00~12:00", "60,000원"],
        ["생활 영어", "화·목", "19:00~20:30", "80,000원"],
        ["제과", "토요일", "14:00~17:00", "90,000원"],
    ]
    page = "".join(
        at(72 + 120 * column, 700 - 20 * number, cell) for number, row in enumerate(rows) for column, cell in enumerate(row)
    )
    assert read(write_pdf(tmp_path / "a.pdf", [page])).text == "\n".join(" ".join(row) for row in rows)


def test_a_word_does_not_go_on_from_a_centred_line(tmp_path: Path) -> None:
    lines = set_in_lines(KOREAN, 240, anywhere=True)
    centred = at(100, 740 - 20 * len(lines) - 40, "한빛협동조합 이사장 귀하와 임직원 귀하") + at(
        142, 740 - 20 * len(lines) - 60, "서울특별시 중구 세종대로"
    )
    parsed = read(write_pdf(tmp_path / "a.pdf", [page_of(lines) + centred]))
    assert shown(parsed)[-1] == ("paragraph", "한빛협동조합 이사장 귀하와 임직원 귀하 서울특별시 중구 세종대로")


def test_where_blanks_are_written_at_the_ends_of_lines_the_other_ends_are_told_by_themselves(tmp_path: Path) -> None:
    """LibreOffice sets left-aligned text so."""
    lines = set_in_lines(KOREAN, 240, anywhere=True)
    words = " ".join(KOREAN.split())
    shown_lines: list[str] = []
    for line in lines:
        words = words[len(line) :]
        shown_lines.append(f"{line} " if words.startswith(" ") else line)
        words = words.lstrip()
    parsed = read(write_pdf(tmp_path / "a.pdf", [page_of(shown_lines)]))
    assert len(set(parsed.text.split()) - set(KOREAN.split())) <= 2


def raised(x: float, y: float, words: str, small: str, rest: str = "") -> str:
    """Operators that show words, a small raised number behind them, and more words."""
    end = x + width(words)
    return at(x, y, words) + at(end, y + 5, small, 7) + (at(end + width(small, 7), y, rest) if rest else "")


def test_raised_numbers_stay_raised(tmp_path: Path) -> None:
    page = raised(72, 700, "농도는 10", "6", "개이며 넓이는 100 m") + at(72, 660, "그 뒤의 문장은 1,000원이라는 값을 말한다.")
    page += (
        raised(72, 630, "필요한 사항을", "1)", " 정한다.")
        + at(72, 600, "물은 H")
        + at(72 + width("물은 H"), 598, "2", 7)
        + at(72 + width("물은 H") + width("2", 7), 600, "O이다.")
    )
    text = read(write_pdf(tmp_path / "a.pdf", [page])).text
    assert "10⁶개이며" in text
    assert "사항을¹⁾ 정한다." in text
    assert "1,000원이라는" in text
    assert "H2O이다." in text


def test_notes_are_paragraphs_of_their_own(tmp_path: Path) -> None:
    lines = set_in_lines(KOREAN, 240, anywhere=False)
    page = page_of([lines[0], lines[1], lines[2]])
    for number, mark in enumerate("12"):
        page += at(72, 605 - 20 * number, mark, 7) + at(75.5, 600 - 20 * number, "각주의 내용인데 이 줄은 앞의 줄보다 길지 않다.")
    assert [words[:3] for _, words in shown(read(write_pdf(tmp_path / "a.pdf", [page])))] == ["협동조", "¹각주", "²각주"]


def test_a_short_end_of_a_word_before_a_raised_number_tears_no_paragraph(tmp_path: Path) -> None:
    lines = [*set_in_lines(KOREAN, 240, anywhere=False)[:3], "는다"]
    page = page_of(lines) + at(72 + width("는다"), 665, "3", 7) + at(110, 660, "돈은 결산 뒤에 돌려받는다.")
    ((_, words),) = shown(read(write_pdf(tmp_path / "a.pdf", [page])))
    assert "는다³ 돈은" in words


def test_columns_are_read_one_after_the_other(tmp_path: Path) -> None:
    words = "왼쪽 단의 문장은 오른쪽 단으로 이어지며 줄의 너비는 좁아서 여러 줄이 되고 다음 단에서 이어서 끝난다."
    lines = set_in_lines(words, 110, anywhere=False)
    half = len(lines) // 2
    columns = page_of(lines[:half], left=72) + page_of(lines[half:], left=320)
    assert shown(read(write_pdf(tmp_path / "a.pdf", [columns]))) == [("paragraph", words)]


def test_what_is_larger_than_the_text_is_a_heading(tmp_path: Path) -> None:
    body = "본문은 열두 점이고 이 문서의 글자는 거의 모두 본문에 있으며 그래서 제목은"
    page = (
        at(72, 720, "조합 규정", 24)
        + at(72, 690, "제1장 총칙", 16)
        + page_of([body, "본문보다 크다."], top=660)
        + at(72, 600, "제2장 조합원의 권리와", 16)
        + at(72, 578, "의무", 16)
        + page_of([body, "둘째 본문이다."], top=550)
    )
    parsed = read(write_pdf(tmp_path / "a.pdf", [page]))
    assert block_with(parsed, "둘째 본문").heading_path == ("조합 규정", "제2장 조합원의 권리와 의무")
    assert block_with(parsed, "본문보다 크다.").heading_path == ("조합 규정", "제1장 총칙")
    assert [kind for kind, _ in shown(parsed)] == ["heading", "heading", "paragraph", "heading", "paragraph"]


TABLE = [
    ["구분", "수수료", "비고"],
    ["증명서", "1,000원", "온라인은 무료"],
    ["기기 대여", "5,000원", "노트북"],
    ["", "3,000원", "빔프로젝터"],
]


def table(*, top: float = 600) -> str:
    """Three columns; the last two rows share a label, which stands between them."""
    page = "".join(rule(x, top, x, top - 80) for x in (72, 172, 272, 400))
    page += "".join(rule(72 if number != 3 else 172, top - 20 * number, 400, top - 20 * number) for number in range(5))
    for number, row in enumerate(TABLE):
        for column, words in enumerate(row):
            lower = 10 if words == "기기 대여" else 0
            page += at(76 + 100 * column, top - 15 - 20 * number - lower, words, 11) if words else ""
    return page


def ruled(rows: Sequence[Sequence[str]], *, top: float = 700) -> str:
    """A table with rules around each cell."""
    right, bottom = 72 + 100 * len(rows[0]), top - 20 * len(rows)
    page = "".join(rule(x, top, x, bottom) for x in range(72, right + 1, 100))
    page += "".join(rule(72, top - 20 * number, right, top - 20 * number) for number in range(len(rows) + 1))
    cells = (at(76 + 100 * n, top - 15 - 20 * number, words, 11) for number, row in enumerate(rows) for n, words in enumerate(row))
    return page + "".join(cells)


def test_a_ruled_table_is_read_row_by_row(tmp_path: Path) -> None:
    parsed = read(
        write_pdf(tmp_path / "a.pdf", [at(72, 700, "앞에 있는 문단이다.") + table() + at(72, 450, "뒤에 있는 문단이다.")])
    )
    rows = "구분 | 수수료 | 비고\n증명서 | 1,000원 | 온라인은 무료\n기기 대여 | 5,000원 | 노트북\n기기 대여 | 3,000원 | 빔프로젝터"
    assert shown(parsed) == [("paragraph", "앞에 있는 문단이다."), ("table", rows), ("paragraph", "뒤에 있는 문단이다.")]


def test_a_frame_around_text_is_no_table(tmp_path: Path) -> None:
    frame = rule(60, 720, 400, 720) + rule(60, 620, 400, 620) + rule(60, 720, 60, 620) + rule(400, 720, 400, 620)
    assert shown(read(write_pdf(tmp_path / "a.pdf", [frame + page_of(["틀 안에 있는", "두 줄이다."], top=690)]))) == [
        ("paragraph", "틀 안에 있는 두 줄이다.")
    ]


def test_the_lines_of_a_cell_are_one(tmp_path: Path) -> None:
    rules = "".join(rule(x, 700, x, 620) for x in (72, 200, 300)) + "".join(rule(72, y, 300, y) for y in (700, 660, 620))
    cells = (
        at(76, 682, "신청하는 사람의")
        + at(76, 667, "이름")
        + at(204, 675, "김하나")
        + at(76, 640, "전화")
        + at(204, 640, "02-123-4567")
    )
    assert shown(read(write_pdf(tmp_path / "a.pdf", [rules + cells]))) == [
        ("table", "신청하는 사람의 이름 | 김하나\n전화 | 02-123-4567")
    ]


def test_the_head_of_a_table_is_said_again_where_it_goes_on(tmp_path: Path) -> None:
    head, *rows = ["구분", "수수료", "비고"], *([f"증명서 {number}", "무료", "온라인"] for number in range(1, 7))
    parsed = read(write_pdf(tmp_path / "a.pdf", [ruled([head, *rows[:2]]), ruled(rows[2:4]), ruled([head, *rows[4:]])]))
    assert [(block.page, parsed.text[block.start : block.end].split("\n")[0]) for block in parsed.blocks] == [
        (number, "구분 | 수수료 | 비고") for number in (1, 2, 3)
    ]
    assert parsed.text.count("구분") == 3


def test_what_begins_with_amounts_has_no_head(tmp_path: Path) -> None:
    pages = [ruled([["2024", "5,000", "10"], ["2025", "6,000", "12"]]), ruled([["2026", "7,000", "9"], ["2027", "8,000", "11"]])]
    assert read(write_pdf(tmp_path / "a.pdf", pages)).text.count("2024") == 1


def test_names_and_what_is_said_of_them_have_no_head(tmp_path: Path) -> None:
    pages = [ruled([["이름", "김하나"], ["주소", "서울시"]]), ruled([["전화", "없음"], ["비고", "없음"]])]
    assert read(write_pdf(tmp_path / "a.pdf", pages)).text == "이름 | 김하나\n주소 | 서울시\n\n전화 | 없음\n비고 | 없음"


PRICES = [["구분", "성인", "청소년", "어린이"], ["수영장", "5,000원", "4,000원", "3,000원"], ["탁구장", "3,000원", "", "1,000원"]]


def prices(*, top: float = 600, rules: Sequence[int] = (0, 1, 2, 3)) -> str:
    """Rows of four columns, with level rules after so many of them."""
    page = "".join(rule(72, top - 20 * number, 500, top - 20 * number) for number in rules)
    for number, row in enumerate(PRICES):
        page += "".join(at(76 + 110 * column, top - 15 - 20 * number, words, 11) for column, words in enumerate(row) if words)
    return page


@pytest.mark.parametrize("rules", [(0, 1, 2, 3), (0, 1, 3), (1, 2, 3), (1, 2, 3, 20)])
def test_a_table_with_level_rules_alone_has_columns(tmp_path: Path, rules: Sequence[int]) -> None:
    """Under each row, under the head alone, none above the head, and one more below the text of the page."""
    body = page_of(set_in_lines(KOREAN, 420, anywhere=False)[:4], top=500)
    parsed = read(write_pdf(tmp_path / "a.pdf", [at(72, 640, "이용 요금") + prices(rules=rules) + body]))
    rows = "구분 | 성인 | 청소년 | 어린이\n수영장 | 5,000원 | 4,000원 | 3,000원\n탁구장 | 3,000원 |  | 1,000원"
    assert [words for kind, words in shown(parsed) if kind == "table"] == [rows]
    assert parsed.text.startswith("이용 요금\n\n구분")
    assert "협동조합은 조합원이" in parsed.text


def test_two_such_tables_with_text_between_them_are_two(tmp_path: Path) -> None:
    body = page_of(set_in_lines(KOREAN, 420, anywhere=False)[:4], top=500)
    parsed = read(write_pdf(tmp_path / "a.pdf", [prices() + body + prices(top=400)]))
    assert [kind for kind, _ in shown(parsed)] == ["table", "paragraph", "table"]


def test_columns_of_prose_between_level_rules_are_no_table(tmp_path: Path) -> None:
    lines = set_in_lines(KOREAN, 200, anywhere=False)
    columns = page_of(lines[:8], left=72, top=680) + page_of(lines[8:16], left=300, top=680)
    rules = "".join(rule(72, y, 510, y) for y in (700, 610, 500))
    assert {kind for kind, _ in shown(read(write_pdf(tmp_path / "a.pdf", [rules + columns])))} == {"paragraph"}


def test_a_paragraph_between_level_rules_is_no_table(tmp_path: Path) -> None:
    rules = "".join(rule(72, 720 - 20 * number + 14, 330, 720 - 20 * number + 14) for number in range(9))
    lines = set_in_lines(KOREAN, 240, anywhere=False)[:8]
    assert {kind for kind, _ in shown(read(write_pdf(tmp_path / "a.pdf", [rules + page_of(lines)])))} == {"paragraph"}


def test_running_heads_and_page_numbers_are_left_out(tmp_path: Path) -> None:
    pages = [
        at(72, 760, f"제{number}장 쪽마다 다른 본문이다.")
        + at(72, 740, "본문의 둘째 줄이다.")
        + at(72, 800, "조합 규정집")
        + at(290, 30, f"- {number} -")
        for number in range(1, 5)
    ]
    texts = [words for _, words in shown(read(write_pdf(tmp_path / "a.pdf", pages, page="/MediaBox [0 0 595 842]")))]
    assert texts.count("조합 규정집") == 1
    assert [words for words in texts if "본문" not in words] == ["조합 규정집"]


def test_a_sentence_goes_on_over_the_page(tmp_path: Path) -> None:
    lines = set_in_lines(KOREAN, 240, anywhere=False)
    pages = [page_of(lines[:8]), page_of(lines[8:])]
    parsed = read(write_pdf(tmp_path / "a.pdf", pages))
    assert not lines[7].endswith(".")
    assert parsed.text == " ".join(KOREAN.split())
    assert [block.page for block in parsed.blocks] == [1, 2]
    (chunk,) = chunking.chunk(parsed)
    assert (chunk.start, chunk.end) == (0, len(parsed.text))
    assert chunk.page_breaks == (PageBreak(0, 1), PageBreak(parsed.blocks[1].start, 2))


def test_a_title_page_does_not_go_on(tmp_path: Path) -> None:
    title = "협동조합 규정"
    parsed = read(write_pdf(tmp_path / "a.pdf", [at(72, 400, title), page_of(set_in_lines(KOREAN, 240, anywhere=False))]))
    assert shown(parsed)[0] == ("paragraph", title)
    assert parsed.text.startswith(f"{title}\n\n")


def test_a_sentence_that_ended_with_the_page_does_not_go_on(tmp_path: Path) -> None:
    lines = set_in_lines(KOREAN, 240, anywhere=False)
    parsed = read(write_pdf(tmp_path / "a.pdf", [page_of([*lines[:7], "이 줄에서 문장이 끝난다."]), page_of(lines[8:])]))
    assert [[each.value for each in chunk.page_breaks] for chunk in chunking.chunk(parsed)] == [[1], [2]]


def test_titles_that_count_along_with_the_pages_are_headings(tmp_path: Path) -> None:
    pages = [
        at(72, 760, f"{number}단계", 24) + page_of([f"{number}쪽에 있는 본문이다.", "본문의 다음 줄이다.", "마지막 줄이다."])
        for number in range(1, 5)
    ]
    parsed = read(write_pdf(tmp_path / "a.pdf", pages, page="/MediaBox [0 0 595 842]"))
    assert block_with(parsed, "3쪽에 있는").heading_path == ("3단계",)


def test_one_bookmark_on_the_cover_is_no_outline(tmp_path: Path) -> None:
    catalog = "/Outlines << /First << /Title (Cover) /Dest [8 0 R /Fit] >> >>"
    pages = [
        at(72, 700, "표지", 24),
        *(at(72, 700, f"{title} 안내", 24) + page_of([f"{title}의 본문이다."]) for title in ("요금", "환불")),
    ]
    parsed = read(write_pdf(tmp_path / "a.pdf", pages, catalog=catalog))
    assert block_with(parsed, "환불의 본문이다.").heading_path == ("환불 안내",)


def test_a_watermark_is_no_title_and_tears_no_sentence(tmp_path: Path) -> None:
    """One at an angle on each page, and one that lies over lines of the text."""
    words = "".join(f"{ord(character):04x}" for character in "대외비")
    slanted = f"BT /F2 60 Tf 0.7 0.7 -0.7 0.7 150 300 Tm <{words}> Tj ET "
    lines = set_in_lines(KOREAN, 240, anywhere=False)
    over = at(80, 620, "견본", 90)
    for mark in (slanted, over):
        pages = [mark + page_of(lines[:8]), page_of(lines[8:])]
        parsed = read(write_pdf(tmp_path / "a.pdf", pages))
        (first, *text) = shown(parsed)
        assert first == ("paragraph", "대외비" if mark == slanted else "견본")
        assert " ".join(words for _, words in text) == " ".join(KOREAN.split())


def test_amounts_at_the_same_place_of_every_page_stay(tmp_path: Path) -> None:
    pages = [
        at(72, 700, f"김하나 {number}월 급여") + at(72, 100, f"합계 {amount}원")
        for number, amount in enumerate((310, 290, 355, 301), 1)
    ]
    parsed = read(write_pdf(tmp_path / "a.pdf", pages))
    assert re.findall(r"합계 (\d+)원", parsed.text) == ["310", "290", "355", "301"]


def test_the_head_of_a_table_on_every_page_is_no_running_head(tmp_path: Path) -> None:
    pages = [at(72, 760, "이름 전화") + at(72, 742, f"김하나 02-123-456{number}") for number in range(4)]
    parsed = read(write_pdf(tmp_path / "a.pdf", pages, page="/MediaBox [0 0 595 842]"))
    assert parsed.text.count("이름 전화") == 4


def test_a_blank_that_only_the_typesetter_made_is_none() -> None:
    """LibreOffice moves digits and Latin letters a little away from Hangul, and writes its blanks."""
    text = read("guide-ko.pdf").text
    assert "매일 새벽 3시에" in text
    assert "make up을 실행" in text
    assert "1. 서비스를 멈춘다." in text


def test_a_blank_that_only_the_typesetter_made_is_none_between_cells_either(tmp_path: Path) -> None:
    """PDFium finds more blanks between the cells than the file has."""
    page = ""
    for number in range(4):
        start = "".join(at(x, 700 - 20 * number, words) for x, words in ((72, "물류 창고 3"), (300, "2억"), (400, "50")))
        page += start + at(72 + width("물류 창고 3") + 2.5, 700 - 20 * number, "호점")
    assert "물류 창고 3호점 2억" in read(write_pdf(tmp_path / "a.pdf", [page])).text


def test_a_blank_that_is_drawn_elsewhere_is_none(tmp_path: Path) -> None:
    """Where a font has no Hangul, LibreOffice draws the blanks of a line, its words with room between them, and its end."""

    def drawn(y: float, words: str, end: str) -> str:
        first, *others = words.split()
        blanks = "".join(f"<0020> {-1000 * len(word)} " for word in others)
        letters = " -500 ".join(f"<{word.encode('utf-16-be').hex()}>" for word in (first, *others))
        line = f"{72 + width(first)} {y} Td /F2 12 Tf [{blanks}] TJ 1 0 0 1 72 {y} Tm [{letters}] TJ"
        return f"BT {line} ET BT {72 + width(words)} {y} Td /F1 12 Tf ({end}) Tj ET "

    lines = "".join(drawn(700 - 50 * number, "표 아래의 글", end) for number, end in enumerate(".?"))
    parsed = read(write_pdf(tmp_path / "a.pdf", [lines + at(72, 500, "다음 .")]))
    assert [text for _, text in shown(parsed)] == ["표 아래의 글.", "표 아래의 글?", "다음 ."]


def test_words_beside_the_page_are_no_part_of_a_table(tmp_path: Path) -> None:
    rules = "".join(rule(50, y, 500, y) for y in (700, 660, 620))
    words = at(-300, 680, "beside") + at(60, 680, "a") + at(300, 680, "b") + at(60, 640, "c") + at(300, 640, "d")
    assert "beside" not in read(write_pdf(tmp_path / "a.pdf", [rules + words])).text


def test_a_page_as_long_as_a_browser_prints_a_site_is_read_to_its_end(tmp_path: Path) -> None:
    lines = [at(72, 20_000 - 20 * number, f"This is line {number} of many. " + "It goes on. " * 25) for number in range(700)]
    parsed = read(write_pdf(tmp_path / "a.pdf", ["\n".join(lines)], page="/MediaBox [0 0 2000 20100]"))
    assert len(parsed.text) > 200_000
    assert "This is line 699 of many." in parsed.text
