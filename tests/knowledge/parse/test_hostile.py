"""Files that were made, or broken, to do harm. Each is refused with a sentence; process/test_client.py has what must be killed."""

import re
import zipfile
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import docx
import pptx
import pytest
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from openpyxl.utils import get_column_letter
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml.ns import nsdecls as pptx_nsdecls
from pptx.oxml.ns import qn
from pptx.util import Inches
from tests.knowledge.parse.packages import hwpx, odt, para
from tests.knowledge.parse.pdfs import text, write_pdf
from tests.knowledge.parse.support import FILES, read, save, shown, write

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse.pdf import glyphs
from protostar.knowledge.parse.text.counters import Counters
from protostar.knowledge.parse.text.tables import Cell, spread

OFFICE = [
    *("guide-ko.docx", "deck-ko.pptx", "sheet-ko.xlsx", "book-ko.epub"),
    *("guide-ko.odt", "sheet-ko.ods", "deck-ko.odp", "rule-ko.hwpx"),
]
MAIN_PART = {
    "guide-ko.docx": "word/document.xml",
    "deck-ko.pptx": "ppt/slides/slide1.xml",
    "sheet-ko.xlsx": "xl/worksheets/sheet1.xml",
    "book-ko.epub": "O/c.opf",
    **dict.fromkeys(("guide-ko.odt", "sheet-ko.ods", "deck-ko.odp"), "content.xml"),
    "rule-ko.hwpx": "Contents/section0.xml",
}
LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
ENTITY_BOMB = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]><x>&l9;</x>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hosts">]><x>&e;</x>'
DEEP = "<a>" * 20_000 + "</a>" * 20_000


def original(name: str, folder: Path) -> Path:
    return hwpx(folder / "original", para("총칙", shape="outline1"), para("글" * 500)) if name == "rule-ko.hwpx" else FILES / name


def copy_with(name: str, path: Path, part: str, content: str) -> Path:
    """A copy of a file with one of its parts replaced."""
    with zipfile.ZipFile(original(name, path.parent)) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.namelist():
            target.writestr(entry, content if entry == part else source.read(entry))
    return path


@pytest.mark.parametrize("name", OFFICE)
@pytest.mark.parametrize("content", [ENTITY_BOMB, OUTSIDE, DEEP, "", "no xml at all", "\0" * 100])
def test_hostile_xml(tmp_path: Path, name: str, content: str) -> None:
    path = copy_with(name, tmp_path / name, MAIN_PART[name], content)
    try:
        text = read(path).text
    except UnreadableDocument:
        return
    # One sheet of several may be empty; nothing of what lies outside the file may ever be in the text.
    assert "localhost" not in text
    assert "haha" not in text


def test_a_row_far_beyond_the_sheet_is_not_waited_for(tmp_path: Path) -> None:
    with zipfile.ZipFile(FILES / "sheet-ko.xlsx") as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert '<row r="6"' in sheet
    path = copy_with("sheet-ko.xlsx", tmp_path / "a.xlsx", MAIN_PART["sheet-ko.xlsx"], sheet.replace('r="6"', 'r="99999999999"'))
    assert "합계" not in read(path).text


@pytest.mark.parametrize("name", OFFICE)
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_a_truncated_archive(tmp_path: Path, name: str, share: float) -> None:
    content = original(name, tmp_path).read_bytes()
    path = tmp_path / name
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UnreadableDocument, match="damaged, incomplete or not a"):
        read(path)


@pytest.mark.parametrize("name", OFFICE)
def test_flipped_bytes_are_an_error(tmp_path: Path, name: str) -> None:
    content = bytearray(original(name, tmp_path).read_bytes())
    for place in range(200, len(content) - 400, 97):
        content[place] ^= 0x55
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableDocument):
        read(path)


@pytest.mark.parametrize("name", ["a.docx", "a.pptx", "a.xlsx", "a.epub", "a.odt", "a.ods", "a.odp", "a.hwpx"])
@pytest.mark.parametrize("content", [b"garbage", b"PK\x03\x04garbage", b"just text " * 100])
def test_garbage_under_a_good_name(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableDocument, match="damaged, incomplete or not a"):
        read(path)


def encrypted(path: Path) -> None:
    content = bytearray((FILES / "guide-ko.docx").read_bytes())
    for signature, flags_at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(signature)
        while at >= 0:
            content[at + flags_at] |= 1
            at = content.find(signature, at + 1)
    path.write_bytes(content)


def wrapped_by_office(path: Path) -> None:
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"))


@pytest.mark.parametrize("make", [encrypted, wrapped_by_office])
def test_a_password_is_named(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "a.docx")
    with pytest.raises(UnreadableDocument, match="protected with a password"):
        read(tmp_path / "a.docx")


def test_an_old_format_under_a_new_name_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    with pytest.raises(UnreadableDocument, match="old Office format"):
        read(tmp_path / "a.docx")


def one_huge_entry(archive: zipfile.ZipFile) -> None:
    with archive.open("word/document.xml", "w", force_zip64=True) as entry:
        for _ in range(101):
            entry.write(b"\0" * 1024 * 1024)


def one_that_compresses_too_well(archive: zipfile.ZipFile) -> None:
    archive.writestr("word/document.xml", b" " * 20 * 1024 * 1024)


def many_entries(archive: zipfile.ZipFile) -> None:
    for number in range(5_001):
        archive.writestr(f"word/{number}.xml", "")


@pytest.mark.parametrize("fill", [one_huge_entry, one_that_compresses_too_well, many_entries])
def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, fill: Callable[[zipfile.ZipFile], None]) -> None:
    path = tmp_path / "a.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        fill(archive)
    with pytest.raises(UnreadableDocument, match="unpacks to far more than its size"):
        read(path)


# -- Small files that would take minutes: reading what is long here would outlast the test, were it read again and again.


SHEET = '<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>{}</sheetData>{}</worksheet>'
FAR_APART = "".join(
    f'<row r="{row}"><c r="A{row}" t="inlineStr"><is><t>{said}</t></is></c></row>'
    for row, said in ((1, "first"), (1_048_576, "last"))
)


def test_merged_cells_are_not_looked_at_in_each_row_of_a_gap(tmp_path: Path) -> None:
    merged = "".join(f'<mergeCell ref="{get_column_letter(column)}1:{get_column_letter(column)}2"/>' for column in range(2, 900))
    sheet = SHEET.format(FAR_APART, f"<mergeCells>{merged}</mergeCells>")
    assert "first\nlast" in read(copy_with("sheet-ko.xlsx", tmp_path / "a.xlsx", MAIN_PART["sheet-ko.xlsx"], sheet)).text


def test_rows_between_others_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = copy_with("sheet-ko.xlsx", tmp_path / "a.xlsx", MAIN_PART["sheet-ko.xlsx"], SHEET.format(FAR_APART, ""))
    monkeypatch.setattr("protostar.knowledge.parse.spreadsheets.workbook._MOST_BLANKS", 1_000_000)
    with pytest.raises(UnreadableDocument, match="more than 1,000,000 blank rows and cells"):
        read(path)


@pytest.mark.parametrize(
    ("name", "part", "element"),
    [
        ("sheet-ko.xlsx", "xl/workbook.xml", '<sheet [^>]*name="(.*?)"[^>]*/>'),
        ("book-ko.epub", "O/c.opf", "<itemref [^>]*(/)>"),
        ("deck-ko.pptx", "ppt/presentation.xml", '<p:sldId [^>]*?id="(.*?)"[^>]*/>'),
    ],
)
def test_a_part_that_is_named_many_times_is_read_once(tmp_path: Path, name: str, part: str, element: str) -> None:
    with zipfile.ZipFile(FILES / name) as archive:
        content = archive.read(part).decode()
    first = re.search(element, content)
    assert first is not None
    again = "".join(first[0].replace(first[1], f"{number}" if first[1] != "/" else "/") for number in range(500, 520))
    path = copy_with(name, tmp_path / name, part, content.replace(first[0], first[0] + again))
    assert [words for _, words in shown(read(path))] == [words for _, words in shown(read(FILES / name))]


def test_an_outline_has_ten_levels(tmp_path: Path) -> None:
    level = f'text:level="{10**9}" text:display-levels="{10**9}" style:num-format="1"'
    automatic = f'<text:outline-style style:name="Outline"><text:outline-level-style {level}/></text:outline-style>'
    body = f'<text:h text:outline-level="{10**9}">deep</text:h><text:h text:outline-level="-5">high</text:h>'
    assert [words for _, words in shown(read(odt(tmp_path / "a.odt", body, automatic=automatic)))] == ["deep", "high"]


def test_a_level_below_the_first_makes_no_more_levels() -> None:
    counters = Counters()
    assert [len(counters.advance("list", -6)) for _ in range(3)] == [10, 10, 10]


@pytest.mark.parametrize("text", ["---\n" + "a" * 400_000, "---\ntitle: a" + " " * 400_000 + "b\n---\nwords"])
def test_what_begins_like_front_matter(tmp_path: Path, text: str) -> None:
    assert read(write(tmp_path / "a.md", text)).text


def test_a_paragraph_of_many_runs(tmp_path: Path) -> None:
    document: Any = docx.Document()
    runs = "<w:r><w:t>a</w:t></w:r>" * 200_000
    document.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w')}>{runs}</w:p>"))
    assert read(save(document, tmp_path / "a.docx")).text == "a" * 200_000


def test_a_table_of_a_slide_with_many_rows(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[6])
    table = slide.shapes.add_table(1, 1, 0, 0, Inches(4), Inches(2)).table._tbl
    (row,) = table.tr_lst
    table[:] = [*table[:-1], *(deepcopy(row) for _ in range(25_000)), row]
    next(row.iter(qn("a:p"))).add_r("last")
    assert shown(read(save(presentation, tmp_path / "a.pptx"))) == [("table", "last")]


def test_a_chart_whose_series_share_no_points(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    data = CategoryChartData()
    data.categories = ["one"]
    data.add_series("only", (1,))
    slide = presentation.slides.add_slide(presentation.slide_layouts[6])
    chart = slide.shapes.add_chart(XL_CHART_TYPE.LINE, 0, 0, Inches(4), Inches(4), data).chart._chartSpace
    series = chart.xpath(".//c:ser")[0]
    point = '<c:pt idx="{0}"><c:v>{0}</c:v></c:pt>'
    whole = "<c:ser {}><c:val><c:numRef><c:numCache>{}</c:numCache></c:numRef></c:val></c:ser>"
    for number in range(13_000):
        series.addprevious(parse_xml(whole.format(pptx_nsdecls("c"), point.format(number))))
    assert read(save(presentation, tmp_path / "a.pptx")).text.endswith("12999")


def test_a_slide_with_many_pages_of_notes(tmp_path: Path) -> None:
    title = '<draw:frame presentation:class="title"><draw:text-box><text:p>a</text:p></draw:text-box></draw:frame>'
    body = f"<draw:page>{title}{'<presentation:notes/>' * 250_000}</draw:page>"
    assert read(odt(tmp_path / "a.odp", body, kind="presentation")).text == "a"


def test_many_fonts_without_a_character_set(tmp_path: Path) -> None:
    fonts = r"{\f0 a;}" * 60_000
    assert read(write(tmp_path / "a.rtf", rf"{{\rtf1{{\fonttbl{fonts}}}words\par}}")).text == "words"


def test_mails_within_mails(tmp_path: Path) -> None:
    within = "Content-Type: message/rfc822\n\nSubject: again\n" * 3_000
    with pytest.raises(UnreadableDocument, match="nested too deeply"):
        read(write(tmp_path / "a.eml", f"Subject: title\nMIME-Version: 1.0\n{within}\nThe body.\n"))


@pytest.mark.parametrize("heading", ["# a" + " " * 400_000 + "b {", "# a {#b}" + " " * 400_000 + "c"])
def test_blanks_in_a_heading(tmp_path: Path, heading: str) -> None:
    (tmp_path / "a.md").write_text(f"{heading}\n\nwords\n")
    assert read(tmp_path / "a.md").text.startswith("# a")


def test_lines_of_prose_that_begin_like_articles(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("제1조(가) ,\n" * 300_000)
    assert len(read(tmp_path / "a.txt").blocks) == 1


@pytest.mark.parametrize(
    "header",
    [
        "Content-Type: text/plain; " + "a*0*=b;" * 60_000,
        "To: " + "(" * 2_000,
        "Content-Type: " + "(" * 3_000,
        "Content-Transfer-Encoding: " + "(" * 3_000,
        "Content-Disposition: " + "(" * 3_000,
        "Content-Disposition: attachment; " + "filename*0=a; " * 60_000,
    ],
)
def test_headers_that_cannot_be_read(tmp_path: Path, header: str) -> None:
    (tmp_path / "a.eml").write_text(f"Subject: title\n{header}\n\nThe body.\n")
    assert "The body." in read(tmp_path / "a.eml").text


def test_a_header_is_read_as_far_as_headers_go(tmp_path: Path) -> None:
    (tmp_path / "a.eml").write_text(f"Subject: {'=?utf-8?q?a?= ' * 20_000}\n\nThe body.\n")
    title = read(tmp_path / "a.eml").title or ""
    assert title.startswith("aaa")
    assert len(title) < 5_000


def test_a_page_of_a_pdf_that_is_far_too_long_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(glyphs, "_MOST_CHARACTERS", 14)
    path = write_pdf(tmp_path / "a.pdf", [text("A page"), text("First line", "second line")])
    with pytest.raises(UnreadableDocument, match="A page of this PDF holds more than 14 characters"):
        read(path)


# -- Small files that would become large texts


@pytest.mark.parametrize(
    "rows",
    [
        [[Cell("l" * 100, rows=65_534)] * 900, *([[Cell("x"), Cell("y")]] * 2_000)],
        [[Cell("a", columns=999), Cell("x")]] * 5_000,
        [[Cell("l" * 100)] * 900, *([[*([Cell("", goes_on=True)] * 900), Cell("x")]] * 300)],
    ],
)
def test_a_table_says_a_few_times_its_own_text(rows: list[list[Cell]]) -> None:
    own = sum(len(cell.text) + 3 for row in rows for cell in row)
    spread_out = [" | ".join(row) for row in spread(rows)]
    assert sum(map(len, spread_out)) <= 11 * own + 400_000
    assert sum(row.count("x") for row in spread_out) == sum(cell.text == "x" for row in rows for cell in row)


def test_headings_below_headings_below_headings(tmp_path: Path) -> None:
    headings = "".join(f"<div role=heading aria-level={level}>Level {level}</div>" for level in range(1, 1_000))
    parsed = read(write(tmp_path / "a.html", f"{headings}<p>words"))
    assert max(len(block.heading_path) for block in parsed.blocks) == 16
    assert parsed.blocks[-1].heading_path[-1] == "Level 999"


def test_repeated_cells_of_a_table_are_few_where_they_hold_text(tmp_path: Path) -> None:
    repeated = '<table:table-cell table:number-columns-repeated="1000"><text:p>{}</text:p></table:table-cell>'
    row = "<table:table-row>" + repeated.format("word " * 20) * 20 + "</table:table-row>"
    assert len(read(odt(tmp_path / "a.odt", f"<table:table>{row * 20}</table:table>")).text) < 1_000_000
