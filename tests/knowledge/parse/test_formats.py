"""The same guide, table and pages in every format: each reader finds the sentences, the headings and the pages."""

import re
from pathlib import Path
from zipfile import ZipFile

import docx
import pptx
import pytest
from pptx.util import Inches
from tests.knowledge.parse.support import FILES, block_with, read, save, shown, uncovered, write

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse import readers

TOP = "프로토스타 운영 안내서"
SETUP = (TOP, "1. 설치", "1.1 환경 변수")
BACKUP = (TOP, "2. 운영", "2.1 백업")
INCIDENT = (TOP, "2. 운영", "2.2 장애 대응")
STOCK = """\
품목 | 수량 | 입고일 | 단가 | 금액
사과 | 3 | 2026-11-02 | 1200
배 | 5 | 2026-11-03 | 2500
감 | 7 | 2026-11-04 | 800
합계"""
COMPUTED = """\
품목 | 수량 | 입고일 | 단가 | 금액
사과 | 3 | 2026-11-02 | 1200 | 3600
배 | 5 | 2026-11-03 | 2500 | 12500
감 | 7 | 2026-11-04 | 800 | 5600
합계 |  |  |  | 21700"""
LAST = (TOP, "Setext 제목")


@pytest.mark.parametrize("name", ["guide-ko.docx", "guide-ko.odt", "guide-ko.rtf", "guide-ko.pdf"])
def test_the_guide_keeps_sentences_and_headings(name: str) -> None:
    parsed = read(name)
    page = 1 if name.endswith(".pdf") else None
    headings = [(block.heading_path, block.page) for block in parsed.blocks if block.kind == "heading"]
    paths = [(TOP,), (TOP, "1. 설치"), SETUP, (TOP, "2. 운영"), BACKUP, INCIDENT, LAST]
    assert headings == [(path, page) for path in paths]
    for words, path in [
        ("프로토스타는 문서를 올리면 질문에 답하는 서비스입니다. 답에는 출처가 붙습니다.", (TOP,)),
        ("매일 새벽 3시에 데이터베이스를 백업합니다. 백업 파일은 30일 동안 보관합니다.", BACKUP),
        ("레디스가 내려가면 작업은 대기열 대신 데이터베이스에 쌓입니다.", INCIDENT),
        ("주의: 복구 중에는 새 문서를 올리지 마십시오.", INCIDENT),
        ("마지막 문단입니다. 😀 이모지와 한자 漢字도 있습니다.", LAST),
    ]:
        block = block_with(parsed, words)
        assert (block.heading_path, block.page) == (path, page)
    assert uncovered(parsed) == ""


@pytest.mark.parametrize("name", ["guide-ko.docx", "guide-ko.odt", "guide-ko.rtf"])
def test_a_table_is_one_row_a_line(name: str) -> None:
    parsed = read(name)
    table = block_with(parsed, "REDIS_URL | ")
    assert (table.kind, table.heading_path) == ("table", SETUP)
    assert parsed.text[table.start : table.end].splitlines() == [
        "이름 | 기본값 | 설명",
        "REDIS_URL | redis://127.0.0.1:6379 | 작업 대기열",
        "S3_ENDPOINT | http://127.0.0.1:9000 | 객체 저장소",
    ]


@pytest.mark.parametrize("name", ["guide-ko.docx", "guide-ko.odt"])
def test_lists_listings_and_quotations_stay_together(name: str) -> None:
    parsed = read(name)
    blocks = shown(parsed)
    assert ("list", "1. 서비스를 멈춘다.\n2. pg_dump를 실행한다.\n  - 압축 형식을 쓴다.\n  - 끝나면 검사합을 적는다.") in blocks
    assert ("code", '# 이것은 제목이 아니다\nimport os\nprint(os.environ["REDIS_URL"])  # 대기열 주소') in blocks
    assert ("quote", "주의: 복구 중에는 새 문서를 올리지 마십시오.") in blocks
    assert parsed.title == "안내"


@pytest.mark.parametrize(
    ("name", "encoding"),
    [("guide-ko-cp949.txt", "cp949"), ("guide-ko-utf16.txt", "utf-16-le"), ("guide-ko-utf16be-nobom.txt", "utf-16-be")],
)
def test_plain_text_is_paragraphs_between_blank_lines(name: str, encoding: str) -> None:
    parsed = read(name)
    assert parsed.encoding == encoding
    assert {(block.kind, block.heading_path, block.page) for block in parsed.blocks} == {("paragraph", (), None)}
    assert ("paragraph", "매일 새벽 3시에 데이터베이스를 백업합니다. 백업 파일은 30일 동안 보관합니다.") in shown(parsed)
    assert uncovered(parsed) == ""


@pytest.mark.parametrize(
    ("name", "blocks"),
    [
        ("short-ko-cp949.txt", [("paragraph", "재고 현황\n서울 창고: 12개")]),
        ("latin1.txt", [("paragraph", "Le café coûte 3 € près de la forêt — déjà vu.")]),
        ("badutf8.txt", [("paragraph", "정상 문장입니다.\n��� 뒤도 정상.")]),
        ("nul.txt", [("paragraph", "beforeafter\nline two")]),
        ("table.csv", [("table", "이름 | 수량 | 메모\n사과 | 3 | 빨강, 큼\n배 | 5 | 여러 줄")]),
        ("table-cp949.csv", [("table", "이름 | 수량 | 메모\n사과 | 3 | 빨강, 큼\n배 | 5 | 노랑")]),
    ],
)
def test_small_files(name: str, blocks: list[tuple[str, str]]) -> None:
    assert shown(read(name)) == blocks


@pytest.mark.parametrize(("name", "encoding"), [("page-ko.html", "utf-8"), ("page-ko-euckr.html", "cp949")])
def test_html_keeps_the_page_and_drops_its_furniture(name: str, encoding: str) -> None:
    parsed = read(name)
    assert (parsed.encoding, parsed.title) == (encoding, "운영 안내")
    assert shown(parsed) == [
        ("heading", "운영 안내서"),
        ("paragraph", "프로토스타는 문서를 올리면 질문에 답합니다."),
        ("heading", "백업"),
        ("paragraph", "매일 새벽 3시에 백업합니다."),
        ("table", "이름 | 값\n보관 | 30일"),
        ("list", "- 첫째\n  - 안쪽\n- 둘째"),
        ("code", "make up\n  --force"),
    ]
    assert block_with(parsed, "새벽 3시").heading_path == ("운영 안내서", "백업")


def test_pdf_pages_and_outline() -> None:
    parsed = read("three-pages-ko.pdf")
    assert parsed.page_count == 3
    for words, path, page in [
        ("1장 2절의 본문 문단입니다.", ("1장 시험 문서", "1.2 절 Section"), 1),
        ("2장 1절의 본문 문단입니다.", ("2장 시험 문서", "2.1 절 Section"), 2),
        ("3장 2절의 본문 문단입니다.", ("3장 시험 문서", "3.2 절 Section"), 3),
    ]:
        block = block_with(parsed, words)
        assert (block.kind, block.heading_path, block.page) == ("paragraph", path, page)
    first_of = {page: min(block.start for block in parsed.blocks if block.page == page) for page in (2, 3)}
    for start in first_of.values():
        assert parsed.text[:start].endswith("\n\n")


def test_the_lines_of_a_pdf_are_joined_to_paragraphs_and_items() -> None:
    parsed = read("guide-ko.pdf")
    wrapped = block_with(parsed, "복구 절차를 보십시오.")
    assert parsed.text[wrapped.start :].startswith("레디스가")
    assert ("list", "• 압축 형식을 쓴다.") in shown(parsed)


@pytest.mark.parametrize(("name", "points", "marker"), [("deck-ko.pptx", "paragraph", ""), ("deck-ko.odp", "list", "- ")])
def test_slides(name: str, points: str, marker: str) -> None:
    parsed = read(name)
    assert parsed.page_count == 3
    assert [(block.kind, block.page) for block in parsed.blocks] == [
        ("heading", 1),
        (points, 1),
        ("paragraph", 1),
        ("heading", 2),
        (points, 2),
        ("table", 2),
        ("paragraph", 2),
        ("heading", 3),
        (points, 3),
        ("paragraph", 3),
    ]
    assert shown(parsed)[3:7] == [
        ("heading", "백업"),
        (points, f"{marker}매일 새벽 3시\n{marker}30일 보관"),
        ("table", "이름 | 값\n보관 | 30일"),
        ("paragraph", "발표자 메모 2"),
    ]
    assert block_with(parsed, "Redis down").heading_path == ("Incidents",)


@pytest.mark.parametrize(("name", "stock"), [("sheet-ko.xlsx", STOCK), ("sheet-ko.ods", COMPUTED), ("sheet-ko.xls", COMPUTED)])
def test_sheets(name: str, stock: str) -> None:
    parsed = read(name)
    assert parsed.page_count == 3
    assert [(*one, block.heading_path, block.page) for one, block in zip(shown(parsed), parsed.blocks, strict=True)] == [
        ("heading", "재고", ("재고",), 1),
        ("table", stock, ("재고",), 1),
        ("heading", "Notes", ("Notes",), 2),
        ("table", "백업은 30일 보관", ("Notes",), 2),
    ]
    assert "hidden value" not in parsed.text


def test_a_book_is_read_in_the_order_of_its_spine() -> None:
    parsed = read("book-ko.epub")
    assert parsed.title == "작은 책"
    assert shown(parsed) == [
        ("heading", "첫 장"),
        ("paragraph", "첫 장의 본문입니다."),
        ("heading", "둘째 장"),
        ("paragraph", "둘째 장의 본문입니다."),
    ]
    assert parsed.blocks[-1].heading_path == ("둘째 장",)


def test_mail() -> None:
    parsed = read("mail-ko.eml")
    assert parsed.title == "백업 일정 변경"
    assert shown(parsed) == [
        ("heading", "백업 일정 변경"),
        ("paragraph", "From: a@example.com\nTo: b@example.com\nDate: Mon, 02 Nov 2026 09:00:00 +0900"),
        ("paragraph", "안녕하세요.\n백업은 새벽 4시로 바뀝니다."),
        ("heading", "정책.csv"),
        ("table", "이름 | 값\n보관 | 30일"),
    ]
    assert parsed.blocks[-1].heading_path == ("백업 일정 변경", "정책.csv")


def test_a_notebook_shows_cells_and_outputs() -> None:
    parsed = read("note-ko.ipynb")
    assert shown(parsed) == [
        ("heading", "# 실험 노트"),
        ("paragraph", "백업 시간을 잰다."),
        ("code", "print(42, '초')"),
        ("code", "42 초"),
        ("heading", "## 결론"),
        ("paragraph", "빠르다."),
    ]
    assert [block.heading_path for block in parsed.blocks][1::4] == [("실험 노트",), ("실험 노트", "결론")]


@pytest.mark.parametrize(
    ("name", "sentence"), [("empty.md", "The file is empty."), ("spaces.txt", "No text was found in this file.")]
)
def test_nothing_to_read_is_an_error(name: str, sentence: str) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        read(name)
    assert str(caught.value) == sentence


@pytest.mark.parametrize(
    "name", ["guide-ko.md", "guide-ko-cp949.txt", "page-ko.html", "guide-ko.pdf", "guide-ko.docx", "guide-ko.odt", "guide-ko.rtf"]
)
def test_the_limit_of_characters_holds(name: str) -> None:
    with pytest.raises(UnreadableDocument, match="longer than the 10 characters"):
        read(name, max_chars=10)


@pytest.mark.parametrize(
    "name",
    [
        "deck-ko.pptx",
        "sheet-ko.xlsx",
        "deck-ko.odp",
        "sheet-ko.ods",
        "sheet-ko.xls",
        "table.csv",
        "book-ko.epub",
        "mail-ko.eml",
        "note-ko.ipynb",
    ],
)
def test_the_limit_of_characters_holds_for_the_others(name: str) -> None:
    with pytest.raises(UnreadableDocument, match="longer than the 10 characters"):
        read(name, max_chars=10)


ALLOWANCES = ("구분", "직급", "금액", "수당", "사원", "100원", "", "대리", "150원", "", "과장", "200원")


def test_a_label_beside_several_rows_is_said_in_each(tmp_path: Path) -> None:
    document, presentation = docx.Document(), pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[6])
    tables = (document.add_table(4, 3), slide.shapes.add_table(4, 3, 0, 0, Inches(4), Inches(2)).table)
    for table in tables:
        for number, text in enumerate(ALLOWANCES):
            table.cell(number // 3, number % 3).text = text
        table.cell(1, 0).merge(table.cell(3, 0))
    expected = [("table", "구분 | 직급 | 금액\n수당 | 사원 | 100원\n수당 | 대리 | 150원\n수당 | 과장 | 200원")]
    assert shown(read(save(document, tmp_path / "a.docx"))) == expected
    assert shown(read(save(presentation, tmp_path / "a.pptx"))) == expected


@pytest.mark.parametrize(
    ("name", "content_type"),
    [
        ("guide-ko.docx", "application/vnd.ms-word.document.macroEnabled.main+xml"),
        ("guide-ko.docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.template.main+xml"),
        ("deck-ko.pptx", "application/vnd.ms-powerpoint.presentation.macroEnabled.main+xml"),
        ("deck-ko.pptx", "application/vnd.openxmlformats-officedocument.presentationml.slideshow.main+xml"),
        ("sheet-ko.xlsx", "application/vnd.ms-excel.sheet.macroEnabled.main+xml"),
        ("sheet-ko.xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.template.main+xml"),
    ],
)
def test_macros_templates_and_shows_are_read_like_documents(name: str, content_type: str, tmp_path: Path) -> None:
    with ZipFile(FILES / name) as original, ZipFile(tmp_path / name, "w") as changed:
        for item in original.namelist():
            content = original.read(item)
            if item == "[Content_Types].xml":
                content = re.sub(
                    rb'application/[^"]*[.](?:document|presentation|sheet)[.]main[+]xml', content_type.encode(), content
                )
                assert content_type.encode() in content
            changed.writestr(item, content)
    assert shown(read(tmp_path / name)) == shown(read(name))


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.md", "---\ntitle: {}\n---\ntext"),
        ("a.html", "<title>{}</title><p>text"),
        ("a.eml", "Subject: {}\n\ntext"),
    ],
)
def test_a_title_is_no_longer_than_one_that_is_given(name: str, content: str, tmp_path: Path) -> None:
    title = read(write(tmp_path / name, content.format("word " * 1_000))).title
    assert title == ("word " * 100)[:499] + "…"


def test_an_unknown_kind_has_no_reader() -> None:
    with pytest.raises(UnreadableDocument):
        readers.reader("image/png")
