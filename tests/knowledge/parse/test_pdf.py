import re
from pathlib import Path

import pytest
from tests.knowledge.parse.pdfs import text, write_pdf
from tests.knowledge.parse.support import FILES, block_with, read

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse import pdf
from protostar.knowledge.parse.builder import TextBuilder


def test_a_word_broken_at_the_end_of_a_line_is_joined(tmp_path: Path) -> None:
    parsed = read(write_pdf(tmp_path / "a.pdf", [text("This is an exam-", "ple of a broken word.")]))
    assert parsed.text == "This is an example of a broken word."


def test_pages_and_list_items(tmp_path: Path) -> None:
    pages = [text("First page.", "1. one", "2. two", "- three"), "", text("Third", "page.")]
    parsed = read(write_pdf(tmp_path / "a.pdf", pages))
    assert parsed.page_count == 3
    assert parsed.text == "First page.\n1. one\n2. two\n- three\n\nThird\npage."
    assert [block.page for block in parsed.blocks] == [1, 1, 1, 1, 3]
    assert block_with(parsed, "Third\npage.").kind == "paragraph"


def test_a_scan_is_said_to_be_one(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="text recognition"):
        read(write_pdf(tmp_path / "a.pdf", ["0 0 100 100 re f"]))


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
    [("출자금.html", None), ("Rules.DOCX", None), ("Microsoft Word - a", None), ("Version 1.2", "Version 1.2")],
)
def test_the_name_of_a_file_is_no_title(tmp_path: Path, title: str, expected: str | None) -> None:
    assert read(write_pdf(tmp_path / "a.pdf", [text("text")], title=title)).title == expected


def test_outline_entries_find_the_lines_that_show_them() -> None:
    lines = ["머리글", "1 장 시작", "text", "2. A long", "title in two", "lines", "text", "끝"]
    wanted = ["1장 시작", "Long title", "A long title in two lines", "끝"]
    found = list(pdf._places(lines, [pdf._Bookmark(1, title) for title in wanted]))
    assert [(bookmark.title, lines[start:end]) for bookmark, start, end in found] == [
        ("1장 시작", ["1 장 시작"]),
        ("Long title", []),
        ("A long title in two lines", ["2. A long", "title in two", "lines"]),
        ("끝", ["끝"]),
    ]


def test_a_title_that_the_page_words_differently_still_opens_a_section() -> None:
    builder = TextBuilder(1000)
    bookmarks = [pdf._Bookmark(1, "Otherwise"), pdf._Bookmark(2, "Shown")]
    pdf._Page(builder, 7).add("before\r\nShown\r\nafter", bookmarks)
    assert [(block.kind, block.heading_path, block.page) for block in builder.build().blocks] == [
        ("paragraph", ("Otherwise",), 7),
        ("heading", ("Otherwise", "Shown"), 7),
        ("paragraph", ("Otherwise", "Shown"), 7),
    ]
