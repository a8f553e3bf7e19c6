"""CSV, RTF, e-mail, notebooks and books: what the small real files do not show."""

import json
import re
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest
from tests.knowledge.parse.support import block_with, read, shown

from protostar.errors import UnreadableDocument


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


# -- CSV


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str, name: str) -> None:
    rows = [["이름", "값"], ["사과, 배; 감", "3"], ["물", "5"]]
    content = "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    assert shown(read(write(tmp_path / name, content))) == [("table", "이름 | 값\n사과, 배; 감 | 3\n물 | 5")]


def test_a_single_column_is_a_list_of_lines(tmp_path: Path) -> None:
    assert shown(read(write(tmp_path / "a.csv", "하나\n둘\n\n셋\n"))) == [("table", "하나\n둘\n셋")]


def test_a_cell_may_be_longer_than_the_default_of_the_library(tmp_path: Path) -> None:
    cell = "x" * 300_000
    assert read(write(tmp_path / "a.csv", f"a,b\n{cell},1\n")).text.endswith(f"{cell} | 1")


# -- RTF


def test_the_code_page_of_the_file_applies_to_escaped_and_to_raw_bytes(tmp_path: Path) -> None:
    korean = "백업 파일".encode("cp949")
    escaped = "".join(f"\\'{byte:02x}" for byte in korean).encode()
    for body in (escaped, korean):
        content = b"{\\rtf1\\ansi\\ansicpg949{\\fonttbl{\\f0\\fcharset129 Batang;}}\\f0 " + body + b"\\par}"
        assert shown(read(write(tmp_path / "a.rtf", content))) == [("paragraph", "백업 파일")]


def test_surrogate_pairs_are_one_character(tmp_path: Path) -> None:
    parsed = read(write(tmp_path / "a.rtf", rb"{\rtf1\uc1 \u-10179?\u-8704? smile\par}"))
    assert parsed.text == "😀 smile"


def test_headings_of_word_become_headings(tmp_path: Path) -> None:
    styles = rb"{\stylesheet{\s0 Normal;}{\s15\ql\sbasedon0 heading 1;}{\s2 heading 2;}}"
    body = rb"\pard\s15 One\par\pard\s0 text\par\pard\s2 Two\par\pard\s0 more|text\par"
    parsed = read(write(tmp_path / "a.rtf", b"{\\rtf1" + styles + body + b"}"))
    assert shown(parsed) == [("heading", "One"), ("paragraph", "text"), ("heading", "Two"), ("paragraph", "more|text")]
    assert parsed.blocks[-1].heading_path == ("One", "Two")


def test_hidden_and_deleted_text_is_none(tmp_path: Path) -> None:
    body = rb"{\b Within }{\deleted\revauthdel1 7}{\revised 14} days{\v , inside only}{\v0 .}{\v a\v0 b}{\viewkind4 c}\par"
    assert read(write(tmp_path / "a.rtf", rb"{\rtf1 " + body + b"}")).text == "Within 14 days.bc"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb"a \v1 x\v0 b \v x {\b x}\'b0\u8364?\endash\plain c", "a b c"),
        (rb"{\strike 10,000 }{\striked1 x}{\strike x{\strike0 8,}\striked0 x}000\striked0 {\striked x\plain 0}", "8,0000"),
        (rb"{\v x {x \{x\} x} x}a\~b{\v x\par x}c \\v d", "a b\n\nc \\v d"),
        (rb"{\v {\*\unknown x\plain x} x}{\vern a}\viewkind4 b{\footnote \v x\v0 c}", "ab\n\nc"),
        (rb"\v x\cell\v0 a\cell b\cell\row\pard", " | a | b"),
        (rb"{\stylesheet{\s1\v heading 1;}}\s1 a\par", "a"),
    ],
)
def test_characters_that_are_hidden_or_struck_anywhere_are_none(tmp_path: Path, body: bytes, text: str) -> None:
    assert read(write(tmp_path / "a.rtf", rb"{\rtf1 " + body + b"}")).text.replace("\xa0", " ") == text


CELLS = rb"\trowd\cellx1\cellx2\pard\intbl "
NESTED = rb"in 1\nestcell in 2\nestcell{\*\nesttableprops\trowd\nestrow}{\nonesttables\par}"


@pytest.mark.parametrize(
    ("body", "blocks"),
    [
        (
            CELLS + rb"a\par b\cell c\par\par d\cell\row" + CELLS + rb"{{\pard\intbl 1\par}\cell}{2\cell}{\trowd\row}\pard e\par",
            [("table", "a b | c d\n1 | 2"), ("paragraph", "e")],
        ),
        (
            CELLS + rb"a\cell " + NESTED + rb"c\cell\row\pard" + CELLS + rb"d\cell\row\pard\par" + CELLS + rb"e\cell f\cell\row",
            [("table", "a | in 1 in 2 c\nd"), ("table", "e | f")],
        ),
        (
            CELLS + rb"\s2 a\par " + NESTED + rb"c\cell\row" + CELLS + rb"\s3 b\cell\row\pard",
            [("heading", "a"), ("paragraph", "in 1"), ("paragraph", "in 2"), ("paragraph", "c"), ("heading", "b")],
        ),
        (CELLS + rb"a\par b", [("paragraph", "a"), ("paragraph", "b")]),
        (
            rb"{\listtext\pard\plain \u8226\'95\tab}a\par{\pntext 1.\tab}b\line c\par{\listtext\s2 1.\tab}d\par\tab e\par",
            [("list", "- a\n1. b\nc"), ("heading", "1. d"), ("paragraph", "e")],
        ),
        (rb"{\pard\outlinelevel1\b a\par}{\pard b\par}", [("heading", "a"), ("paragraph", "b")]),
        (
            rb"10{\super 6} m\super 2\nosupersub  5{\super th} H{\sub 2}O{\super 3\plain 4}",
            [("paragraph", "10⁶ m² 5th H2O³4")],
        ),
        (
            rb"a {\shp{\*\shpinst{\sp{\sn x}{\sv 1}}{\shptxt \pard\plain box\par 2}}{\shprslt old}}b\par c {\shp{\shptxt last}}d",
            [*(("paragraph", text) for text in ("a b", "box", "2", "c d", "last"))],
        ),
    ],
)
def test_what_paragraphs_and_cells_are(tmp_path: Path, body: bytes, blocks: list[tuple[str, str]]) -> None:
    styles = rb"{\stylesheet{\s1\outlinelevel0 Subtitle;}{\s2\snext1 Title;}{\s3 heading 1;}}"
    parsed = read(write(tmp_path / "a.rtf", rb"{\rtf1" + styles + body + b"}"))
    assert shown(parsed) == blocks


def test_footnotes_stand_behind_the_text(tmp_path: Path) -> None:
    note = rb"{\super \chftn{\*\footnote \chftn\pard\plain {\i Annex \{B\}}.}}"
    body = rb"{\rtf1 See below" + note + rb", and here" + note.replace(rb"\*", b"").replace(b"B", b"C") + rb".\par Next\par}"
    assert read(write(tmp_path / "a.rtf", body)).text.split("\n\n") == ["See below, and here.", "Next", "Annex {B}.", "Annex {C}."]
    damaged = read(write(tmp_path / "a.rtf", rb"{\rtf1 text" + rb"{\footnote x" * 20_000 + b"}"))
    assert damaged.text == "text"


@pytest.mark.parametrize("content", [rb"{\rtf1 cut off in the middle", b"plain text"])
def test_broken_rtf(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnreadableDocument, match="not an RTF document"):
        read(write(tmp_path / "a.rtf", content))


# -- E-mail


def test_html_is_read_where_there_is_no_plain_text(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"] = "HTML"
    message["From"] = "홍길동 <a@example.com>"
    message.set_content("<h1>머리</h1><p>본문 <b>굵게</b></p>", subtype="html")
    parsed = read(write(tmp_path / "a.eml", message.as_bytes()))
    assert shown(parsed) == [
        ("heading", "HTML"),
        ("paragraph", "From: 홍길동 <a@example.com>"),
        ("heading", "머리"),
        ("paragraph", "본문 굵게"),
    ]
    assert parsed.blocks[-1].heading_path == ("HTML", "머리")


def test_a_mail_in_raw_korean_bytes(tmp_path: Path) -> None:
    content = "Subject: 점검 안내\r\nFrom: 관리자\r\nContent-Type: text/plain; charset=ks_c_5601-1987\r\n\r\n내일 점검합니다. 똠"
    parsed = read(write(tmp_path / "a.eml", content.encode("cp949")))
    assert shown(parsed) == [("heading", "점검 안내"), ("paragraph", "From: 관리자"), ("paragraph", "내일 점검합니다. 똠")]


def test_forwarded_mail_and_text_attachments_are_read(tmp_path: Path) -> None:
    inner = EmailMessage()
    inner["Subject"] = "원본"
    inner.set_content("원래 내용")
    outer = EmailMessage()
    outer["Subject"] = "전달"
    outer.set_content("아래를 보십시오.")
    outer.add_attachment(inner)
    outer.add_attachment("# 메모\n\n내용", subtype="markdown", filename="메모.md")
    outer.add_attachment(b"\x89PNG", maintype="image", subtype="png", filename="a.png")
    parsed = read(write(tmp_path / "a.eml", outer.as_bytes()))
    assert block_with(parsed, "원래 내용").heading_path == ("전달", "원본")
    assert block_with(parsed, "# 메모").kind == "heading"
    assert "PNG" not in parsed.text


STORY = "<h1>주문 확인</h1><table><tr><th>상품<th>가격<tr><td>사과<td>1,000원</table><p>3월 7일에 배송합니다.</p>"


@pytest.mark.parametrize("plain", ["", "이 메일은 HTML 메일입니다. 웹에서 보기: https://example.com/a/b/c/d/e/f/g", "주문 확인"])
def test_html_is_read_where_the_plain_text_says_less(tmp_path: Path, plain: str) -> None:
    message = EmailMessage()
    message["Subject"] = "주문"
    message.set_content(plain)
    message.add_alternative(STORY, subtype="html")
    page = message.get_body(("html",))
    assert page is not None
    page.add_related(b"GIF", maintype="image", subtype="gif", cid="<logo>", filename="logo.gif", disposition="inline")
    parsed = read(write(tmp_path / "a.eml", message.as_bytes()))
    assert [text for _, text in shown(parsed)] == ["주문", "주문 확인", "상품 | 가격\n사과 | 1,000원", "3월 7일에 배송합니다."]


def test_plain_text_that_says_the_same_is_read(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"] = "주문"
    message.set_content("*주문 확인*\n\n상품: 사과\n가격: 1,000원\n\n3월 7일에 배송합니다.")
    message.add_alternative(STORY, subtype="html")
    parsed = read(write(tmp_path / "a.eml", message.as_bytes()))
    assert [text for _, text in shown(parsed)][1:] == ["*주문 확인*", "상품: 사과\n가격: 1,000원", "3월 7일에 배송합니다."]


def test_attachments_are_read_as_what_they_are_or_named(tmp_path: Path) -> None:
    message = EmailMessage()
    message["Subject"] = "자료"
    message.set_content("첨부를 보십시오.")
    message.add_attachment("# 안내\n\n내용".encode(), maintype="application", subtype="octet-stream", filename="안내.md")
    message.add_attachment("품목,값\n사과,3".encode("cp949"), maintype="application", subtype="vnd.ms-excel", filename="a.csv")
    message.add_attachment(b"%PDF-1.7 noise", maintype="application", subtype="octet-stream", filename="계약서.pdf")
    message.add_attachment(b"signed", maintype="application", subtype="pgp-signature", filename="signature.asc")
    inner = EmailMessage()
    inner["Subject"] = "원본"
    inner.set_content("원래 내용")
    message.add_attachment(inner.as_bytes(), maintype="application", subtype="octet-stream", filename="원본.eml")
    parsed = read(write(tmp_path / "a.eml", message.as_bytes()))
    assert [text for _, text in shown(parsed)] == [
        *("자료", "Attachments that were not read: 계약서.pdf", "첨부를 보십시오.", "안내.md", "# 안내", "내용"),
        *("a.csv", "품목 | 값\n사과 | 3", "원본", "원래 내용"),
    ]


def test_what_is_attached_to_the_alternative_is_seen(tmp_path: Path) -> None:
    """As Apple's program writes it."""
    page = b"--C\nContent-Type: text/html\n\n<p>hello there\n--C\nContent-Type: application/pdf; name=a.pdf\n\nx\n--C--\n"
    content = b"Subject: s\nContent-Type: multipart/alternative; boundary=B\n\n--B\nContent-Type: text/plain\n\nhello there\n"
    content += b"--B\nContent-Type: multipart/mixed; boundary=C\n\n" + page + b"--B--\n"
    texts = [text for _, text in shown(read(write(tmp_path / "a.eml", content)))]
    assert texts == ["s", "Attachments that were not read: a.pdf", "hello there"]


def test_more_addresses_than_are_read_are_said_to_go_on(tmp_path: Path) -> None:
    to = ",\n ".join(f"person {number} <{number}@example.org>" for number in range(2_000))
    texts = [text for _, text in shown(read(write(tmp_path / "a.eml", f"Subject: s\nTo: {to}\nDate: today\n\nbody")))]
    assert re.search(r"person (\d+) <\1@example\.org> …\nDate: today$", texts[1])


@pytest.mark.parametrize(
    "content",
    [
        b"Subject: s\nContent-Type: multipart/mixed\n\nno boundary, still text",
        b"Subject: s\nContent-Type: multipart/mixed; boundary=x\n\n--x\n\nno boundary, still text",
        b"Subject: s\nContent-Type: text/plain; charset=no-such\n\nno boundary, still text",
        b'Subject: s\nFrom: "broken <a@b\nContent-Type: ;;;\n\nno boundary, still text',
    ],
)
def test_malformed_mail_is_still_read(tmp_path: Path, content: bytes) -> None:
    assert "no boundary, still text" in read(write(tmp_path / "a.eml", content)).text


def test_a_mail_that_is_a_picture_has_a_subject_only(tmp_path: Path) -> None:
    content = b"Subject: s\nContent-Type: image/png\nContent-Transfer-Encoding: base64\n\niVBORw0KGgo="
    assert shown(read(write(tmp_path / "a.eml", content))) == [("heading", "s")]


def test_what_is_no_mail(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="not an e-mail"):
        read(write(tmp_path / "a.eml", "그냥 글입니다."))


# -- Notebooks


def test_old_notebooks_errors_and_pictures(tmp_path: Path) -> None:
    outputs = [
        {"output_type": "pyerr", "ename": "ValueError", "evalue": "bad", "traceback": ["\x1b[31mno\x1b[0m"]},
        {"output_type": "display_data", "png": "iVBOR", "text": ["<matplotlib.Figure>"]},
        {"output_type": "stream", "text": "\x1b[1mbold\x1b[0m"},
    ]
    cells = [
        {"cell_type": "heading", "level": 2, "source": "제목"},
        {"cell_type": "code", "input": ["a\n", "b"], "outputs": outputs},
        {"cell_type": "raw", "source": "raw"},
    ]
    parsed = read(write(tmp_path / "a.ipynb", json.dumps({"worksheets": [{"cells": cells}]})))
    assert shown(parsed) == [
        ("heading", "제목"),
        ("code", "a\nb"),
        ("code", "ValueError: bad"),
        ("code", "bold"),
        ("paragraph", "raw"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "5",
        '"cells"',
        "{}",
        '{"cells": 5}',
        '{"cells": [5]}',
        '{"cells": [{"source": {}, "cell_type": 1}]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_notebook(tmp_path: Path, content: str) -> None:
    with pytest.raises(UnreadableDocument):
        read(write(tmp_path / "a.ipynb", content))


# -- Books


def book(path: Path, pages: dict[str, str], **more: str) -> Path:
    items = "".join(f'<item id="{name}" href="{name}.xhtml"/>' for name in pages)
    refs = "".join(f'<itemref idref="{name}"/>' for name in pages)
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/epub+zip")
        container = '<container xmlns="urn:c"><rootfiles><rootfile full-path="O/c.opf"/></rootfiles></container>'
        archive.writestr("META-INF/container.xml", container)
        archive.writestr("O/c.opf", f'<package xmlns="urn:o"><manifest>{items}</manifest><spine>{refs}</spine></package>')
        for name, content in pages.items():
            archive.writestr(f"O/{name}.xhtml", content)
        for name, content in more.items():
            archive.writestr(name.replace("__", "/") + ".xml", content)
    return path


def test_elements_that_close_themselves_swallow_nothing(tmp_path: Path) -> None:
    page = '<html><head><title/><script src="x.js"/></head><body><p>하나<br/><a id="x"/>둘</p><div/><p>셋</p></body></html>'
    text = [("paragraph", "하나\n둘"), ("paragraph", "셋")]
    assert shown(read(book(tmp_path / "a.epub", {"a": page}))) == text
    (tmp_path / "a.xhtml").write_text(f'<?xml version="1.0"?>{page}', "utf-8")
    assert shown(read(tmp_path / "a.xhtml")) == text


def test_a_book_has_no_menus(tmp_path: Path) -> None:
    links = "".join(f'<p><a href="b.xhtml#{word}">{word}</a></p>' for word in ("가격", "나이"))
    page = (
        '<nav><ol><li><a href="b.xhtml">차례</a></li></ol></nav><header><h2>찾아보기</h2></header>'
        f'<div class="toc">{links}</div><aside>곁의 글</aside><p>본문</p><footer>출처</footer><p hidden="hidden">숨은 글</p>'
    )
    assert shown(read(book(tmp_path / "a.epub", {"a": page}))) == [
        *(("heading", "찾아보기"), ("paragraph", "가격"), ("paragraph", "나이")),
        *(("paragraph", "곁의 글"), ("paragraph", "본문"), ("paragraph", "출처")),
    ]


def test_a_page_that_is_missing_is_passed_over(tmp_path: Path) -> None:
    path = book(tmp_path / "a.epub", {"a": "<p>text</p>"})
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(tmp_path / "b.epub", "w") as other:
        for name in archive.namelist():
            content = archive.read(name)
            other.writestr(name, content.replace(b"<spine>", b'<spine><itemref idref="gone"/>'))
    assert shown(read(tmp_path / "b.epub")) == [("paragraph", "text")]


def test_a_protected_book_says_so(tmp_path: Path) -> None:
    encryption = '<encryption><CipherReference URI="O/a.xhtml"/></encryption>'
    with pytest.raises(UnreadableDocument, match="copy-protected"):
        read(book(tmp_path / "a.epub", {"a": "noise"}, **{"META-INF__encryption": encryption}))
