"""What the small real files do not show, in documents made here."""

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pptx
import pytest
from docx.opc.constants import CONTENT_TYPE as CT
from docx.opc.constants import RELATIONSHIP_TYPE as RT
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from pptx.util import Inches
from tests.knowledge.parse.support import block_with, read, shown

from protostar.errors import UnreadableDocument


def save(document: Any, path: Path) -> Path:
    document.save(str(path))
    return path


# -- Word


def test_headings_by_korean_style_name_and_by_outline_level(tmp_path: Path) -> None:
    document = docx.Document()
    style = document.add_heading("개요", 2).style.element
    style.find(qn("w:name")).set(qn("w:val"), "제목 2")
    style.pPr.remove(style.pPr.find(qn("w:outlineLvl")))
    document.add_heading("표지", 0)
    plain = document.add_paragraph("단계로 된 제목")
    level = OxmlElement("w:outlineLvl")
    level.set(qn("w:val"), "2")
    plain._p.get_or_add_pPr().append(level)
    document.add_paragraph("본문")
    parsed = read(save(document, tmp_path / "a.docx"))
    assert [block.heading_path for block in parsed.blocks] == [
        ("개요",),
        ("표지",),
        ("표지", "단계로 된 제목"),
        ("표지", "단계로 된 제목"),
    ]


def test_lists_by_style_are_lists(tmp_path: Path) -> None:
    document = docx.Document()
    for text in ("a", "b"):
        document.add_paragraph(text, "List Bullet")
    for text in ("c", "d"):
        document.add_paragraph(text, "List Number")
    assert shown(read(save(document, tmp_path / "a.docx"))) == [("list", "- a\n- b\n1. c\n2. d")]


def test_text_is_found_in_wrappers_and_lost_where_it_was_deleted(tmp_path: Path) -> None:
    document = docx.Document()
    body = document.element.body
    run = "<w:r><w:t>{}</w:t></w:r>"
    for xml in (
        f"<w:sdt {nsdecls('w')}><w:sdtContent><w:p>{run.format('controlled')}</w:p></w:sdtContent></w:sdt>",
        f"<w:p {nsdecls('w')}><w:ins>{run.format('inserted ')}</w:ins><w:hyperlink>{run.format('linked')}</w:hyperlink></w:p>",
        f"<w:p {nsdecls('w')}><w:del><w:r><w:delText>deleted</w:delText></w:r></w:del>{run.format('kept')}</w:p>",
        f"<w:p {nsdecls('w')}><w:moveFrom>{run.format('moved away')}</w:moveFrom>{run.format('stays')}</w:p>",
        f"<w:p {nsdecls('w')}><w:r><w:t>tab</w:t><w:tab/><w:t>ned</w:t><w:br/><w:t>line</w:t></w:r></w:p>",
    ):
        body.insert(len(body) - 1, parse_xml(xml))
    texts = [text for _, text in shown(read(save(document, tmp_path / "a.docx")))]
    assert texts == ["controlled", "inserted linked", "kept", "stays", "tab\tned\nline"]


def test_a_frame_around_text_is_no_table(tmp_path: Path) -> None:
    document = docx.Document()
    frame = document.add_table(1, 1).cell(0, 0)
    frame.paragraphs[0].text = "첫 문단"
    frame.add_paragraph("둘째 문단")
    assert shown(read(save(document, tmp_path / "a.docx"))) == [("paragraph", "첫 문단"), ("paragraph", "둘째 문단")]


def test_a_merged_cell_is_read_once(tmp_path: Path) -> None:
    document = docx.Document()
    table = document.add_table(2, 3)
    for number, cell in enumerate(cell for row in table.rows for cell in row.cells):
        cell.text = str(number)
    table.cell(0, 0).merge(table.cell(0, 1)).text = "merged"
    assert shown(read(save(document, tmp_path / "a.docx"))) == [("table", "merged |  | 2\n3 | 4 | 5")]


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


def test_a_contents_list_is_left_out(tmp_path: Path) -> None:
    document = docx.Document()
    style = document.styles.add_style("toc 1", 1)
    document.add_paragraph("1. 설치 ........ 3", style)
    document.add_paragraph("본문")
    assert shown(read(save(document, tmp_path / "a.docx"))) == [("paragraph", "본문")]


def test_footnotes_stand_at_the_end(tmp_path: Path) -> None:
    notes = f"""<w:footnotes {nsdecls("w")}><w:footnote w:id="-1" w:type="separator"><w:p/></w:footnote>
        <w:footnote w:id="1"><w:p><w:r><w:t>각주의 글</w:t></w:r></w:p></w:footnote></w:footnotes>"""
    document = docx.Document()
    document.add_heading("제목", 1)
    part = Part(PackURI("/word/footnotes.xml"), CT.WML_FOOTNOTES, notes.encode(), document.part.package)
    document.part.relate_to(part, RT.FOOTNOTES)
    parsed = read(save(document, tmp_path / "a.docx"))
    assert shown(parsed) == [("heading", "제목"), ("paragraph", "각주의 글")]
    assert parsed.blocks[-1].heading_path == ()


# -- PowerPoint


def test_groups_are_read_and_hidden_slides_are_not(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    blank, titled = presentation.slide_layouts[6], presentation.slide_layouts[5]
    one = presentation.slides.add_slide(titled)
    one.shapes.title.text = "제목"
    group = one.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "in a group"
    hidden = presentation.slides.add_slide(titled)
    hidden.shapes.title.text = "숨김"
    hidden.element.set("show", "0")
    bare = presentation.slides.add_slide(blank)
    bare.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "no title"
    parsed = read(save(presentation, tmp_path / "a.pptx"))
    assert [(*one, block.page) for one, block in zip(shown(parsed), parsed.blocks, strict=True)] == [
        ("heading", "제목", 1),
        ("paragraph", "in a group", 1),
        ("paragraph", "no title", 3),
    ]
    assert parsed.blocks[-1].heading_path == ()
    assert parsed.page_count == 3


def test_a_presentation_of_pictures_has_no_text(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    presentation.slides.add_slide(presentation.slide_layouts[6])
    with pytest.raises(UnreadableDocument, match="No text was found"):
        read(save(presentation, tmp_path / "a.pptx"))


# -- Excel


def workbook(path: Path, *rows: list[object]) -> Path:
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(row)
    book.save(path)
    return path


def test_values_are_shown_as_people_write_them(tmp_path: Path) -> None:
    row = [True, 1.0, 0.1, 1e20, date(2026, 1, 2), datetime(2026, 1, 2, 3, 4), time(5, 6), " a\nb "]  # noqa: DTZ001
    parsed = read(workbook(tmp_path / "a.xlsx", row))
    assert shown(parsed)[1][1] == "TRUE | 1 | 0.1 | 1e+20 | 2026-01-02 | 2026-01-02 03:04 | 05:06 | a b"


@pytest.mark.parametrize(
    ("value", "number_format", "seen"),
    [(0.153, "0.0%", "15.3%"), (1, "0%", "100%"), (-0.07, "0.00%;[Red]-0.00%", "-7.00%"), (15, '0"%"', "15%"), (0.5, "0.0", "0.5")],
)
def test_a_share_is_shown_as_per_cent(value: float, number_format: str, seen: str, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"], book.active["B1"] = "수수료", value
    book.active["B1"].number_format = number_format
    book.save(tmp_path / "a.xlsx")
    assert shown(read(tmp_path / "a.xlsx"))[1:] == [("table", f"수수료 | {seen}")]


@pytest.mark.parametrize(
    ("value", "number_format", "seen"),
    [
        (2850000, "#,##0", "2,850,000"),
        (1234.5, '_-"₩"* #,##0.00_-', "₩1,234.50"),
        (-4000, "#,##0;[Red]-#,##0", "-4,000"),
        (2850000, "General", "2850000"),
        (7, '0"#,##0"', "7#,##0"),
    ],
)
def test_an_amount_is_shown_with_the_commas_of_its_format(value: float, number_format: str, seen: str, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"], book.active["B1"] = "기본급", value
    book.active["B1"].number_format = number_format
    book.save(tmp_path / "a.xlsx")
    assert shown(read(tmp_path / "a.xlsx"))[1:] == [("table", f"기본급 | {seen}")]


def test_what_a_sheet_hides_is_not_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["이름", "값", "원가"], ["전화", 1, 900], ["비밀", 2, 901], ["접힌 줄", 3, 902], ["주소", 4, 903]):
        book.active.append(row)
    book.active.column_dimensions["C"].hidden = True
    book.active.row_dimensions[3].hidden = True
    book.active.row_dimensions.group(4, 4, hidden=True)  # folded away: a click shows it
    book.save(tmp_path / "a.xlsx")
    assert shown(read(tmp_path / "a.xlsx"))[1:] == [("table", "이름 | 값\n전화 | 1\n접힌 줄 | 3\n주소 | 4")]


def test_what_a_filter_leaves_out_for_the_moment_is_read(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["지점", "수량"], ["서울", 1], ["부산", 2]):
        book.active.append(row)
    book.active.auto_filter.ref = "A1:B3"
    book.active.auto_filter.add_filter_column(0, ["서울"])
    book.active.row_dimensions[3].hidden = True
    book.save(tmp_path / "a.xlsx")
    assert shown(read(tmp_path / "a.xlsx"))[1:] == [("table", "지점 | 수량\n서울 | 1\n부산 | 2")]


def test_times_are_shown_without_what_their_format_leaves_out(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append([date(2026, 3, 1), timedelta(hours=30, minutes=5), "끝"])
    book.active["A1"].number_format, book.active["B1"].number_format = "yyyy-mm", "[h]:mm"
    book.save(tmp_path / "a.xlsx")
    assert shown(read(tmp_path / "a.xlsx"))[1:] == [("table", "2026-03 | 30:05 | 끝")]


def test_a_label_merged_over_rows_of_a_sheet_is_said_in_each(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["조직도", None], ["부서", "이름"], ["인사", "김"], [None, "이"], [None, None], [None, "박"], ["총무", "최"]):
        book.active.append(row)
    book.active.merge_cells("A1:B1")
    book.active.merge_cells("A3:A6")
    book.save(tmp_path / "a.xlsx")
    assert shown(read(tmp_path / "a.xlsx"))[1:] == [("table", "조직도\n부서 | 이름\n인사 | 김\n인사 | 이\n인사 | 박\n총무 | 최")]


def test_the_header_below_a_title_is_repeated(tmp_path: Path) -> None:
    rows = [[f"지점 {number}", number, "메모"] for number in range(300)]
    parsed = read(workbook(tmp_path / "a.xlsx", ["2026년 현황"], ["지점", "수량", "비고"], *rows))
    tables = [text for kind, text in shown(parsed) if kind == "table"]
    assert tables[0].startswith("2026년 현황\n지점 | 수량 | 비고\n지점 0 | 0 | 메모")
    assert len(tables) > 5
    assert all(table.startswith("지점 | 수량 | 비고\n지점 ") for table in tables[1:])


def test_far_cells_do_not_make_a_sheet_large(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "첫 칸"
    book.active["A1048576"] = "마지막 줄"
    book.save(tmp_path / "a.xlsx")
    assert shown(read(tmp_path / "a.xlsx"))[1:] == [("table", "첫 칸\n마지막 줄")]


def test_a_sheet_that_is_too_wide_is_refused(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active["A1"] = "first"
    book.active["XFD1"] = "last"
    book.save(tmp_path / "a.xlsx")
    with pytest.raises(UnreadableDocument, match="larger than 200,000 rows, 1,000 columns"):
        read(tmp_path / "a.xlsx")


def test_an_empty_workbook_has_no_text(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="No text was found"):
        read(workbook(tmp_path / "a.xlsx", []))


def test_sheets_are_numbered_with_the_hidden_ones(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.sheet_state = "hidden"
    book.active["A1"] = "secret"
    book.create_sheet("둘째")["A1"] = "값"
    book.active = 1
    book.save(tmp_path / "a.xlsx")
    parsed = read(tmp_path / "a.xlsx")
    assert block_with(parsed, "값").page == 2
    assert "secret" not in parsed.text
