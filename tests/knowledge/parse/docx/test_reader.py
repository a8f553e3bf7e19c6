"""Word documents."""

from pathlib import Path
from typing import Any
from zipfile import ZipFile

import docx
import pytest
from docx.opc.constants import CONTENT_TYPE as CT
from docx.opc.constants import RELATIONSHIP_TYPE as RT
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import OxmlElement, parse_xml
from docx.oxml.ns import nsdecls, qn
from tests.knowledge.parse.support import read, save, shown


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


def test_a_picture_does_not_tear_a_list(tmp_path: Path) -> None:
    document = docx.Document()
    for text in ("a", "b"):
        document.add_paragraph(text, "List Bullet")._p.append(parse_xml(f"<w:r {nsdecls('w')}><w:drawing/></w:r>"))
    assert shown(read(save(document, tmp_path / "a.docx"))) == [("list", "- a\n- b")]


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


@pytest.mark.parametrize("target", ["#place", "NULL", "../media/lost.png"])
def test_a_document_may_name_parts_that_it_lacks(target: str, tmp_path: Path) -> None:
    document = docx.Document()
    document.add_paragraph("본문")
    document.part.relate_to(target, RT.HYPERLINK, is_external=True)
    save(document, tmp_path / "b.docx")
    with ZipFile(tmp_path / "b.docx") as original, ZipFile(tmp_path / "a.docx", "w") as changed:
        for name in original.namelist():
            content = original.read(name)
            changed.writestr(
                name, content.replace(b' TargetMode="External"', b"") if name.endswith("document.xml.rels") else content
            )
    assert shown(read(tmp_path / "a.docx")) == [("paragraph", "본문")]


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


def numbered(document: Any, text: str, list_id: int, level: int = 0) -> None:
    paragraph = document.add_paragraph(text)
    xml = f'<w:numPr {nsdecls("w")}><w:ilvl w:val="{level}"/><w:numId w:val="{list_id}"/></w:numPr>'
    paragraph._p.get_or_add_pPr().append(parse_xml(xml))


def lists(document: Any, *definitions: str, nums: str) -> None:
    """Add definitions of lists, as the contents of `w:abstractNum`, which are numbered from 70 on, and lists that use them."""
    root = document.part.numbering_part.element
    for at, levels in enumerate(definitions):
        root.insert(at, parse_xml(f'<w:abstractNum {nsdecls("w")} w:abstractNumId="{70 + at}">{levels}</w:abstractNum>'))
    for num in parse_xml(f"<w:x {nsdecls('w')}>{nums}</w:x>"):
        root.append(num)


def level_of(at: int, form: str, text: str, more: str = "", start: int = 1) -> str:
    properties = f'<w:start w:val="{start}"/><w:numFmt w:val="{form}"/>{more}<w:lvlText w:val="{text}"/>'
    return f'<w:lvl w:ilvl="{at}">{properties}</w:lvl>'


def test_headings_and_lists_have_the_numbers_that_are_shown(tmp_path: Path) -> None:
    document = docx.Document()
    clauses = level_of(0, "decimal", "제%1조", '<w:pStyle w:val="Heading1"/><w:suff w:val="nothing"/>') + level_of(
        1, "ganada", "%2."
    )
    items = level_of(0, "decimal", "제%1항", start=5) + level_of(1, "lowerRoman", "%1-%2)") + level_of(2, "bullet", "○")
    again = '<w:lvlOverride w:ilvl="0"><w:startOverride w:val="1"/></w:lvlOverride>'
    nums = "".join(
        f'<w:num w:numId="{number}"><w:abstractNumId w:val="{definition}"/>{more}</w:num>'
        for number, definition, more in ((77, 70, ""), (78, 71, ""), (79, 71, again))
    )
    lists(document, clauses, items, nums=nums)
    style = document.styles["Heading 1"].element.get_or_add_pPr()
    style.append(parse_xml(f'<w:numPr {nsdecls("w")}><w:numId w:val="77"/></w:numPr>'))
    for title in ("(목적)", "(환불)"):
        document.add_heading(title, 1)
        for text in ("첫째", "둘째"):
            numbered(document, text, 77, 1)
    for text, list_id, level in (("a", 78, 0), ("b", 78, 1), ("c", 78, 2), ("d", 78, 0), ("e", 79, 0), ("f", 79, 0), ("g", 0, 0)):
        numbered(document, text, list_id, level)
    assert [text for _, text in shown(read(save(document, tmp_path / "a.docx")))] == [
        *("제1조(목적)", "  가. 첫째\n  나. 둘째", "제2조(환불)"),
        "  가. 첫째\n  나. 둘째\n제5항 a\n  5-i) b\n    - c\n제6항 d\n제1항 e\n제2항 f",
        "g",
    ]


@pytest.mark.parametrize("level", [10**20, 10**9, -5])
def test_an_item_as_deep_as_none_is_makes_no_large_text(level: int, tmp_path: Path) -> None:
    document = docx.Document()
    lists(document, level_of(0, "decimal", "%1."), nums='<w:num w:numId="77"><w:abstractNumId w:val="70"/></w:num>')
    numbered(document, "a", 77, level)
    assert len(read(save(document, tmp_path / "a.docx")).text) < 100


def test_attributes_that_say_nothing_are_passed_over(tmp_path: Path) -> None:
    document = docx.Document()
    levels = '<w:lvl><w:start w:val="x"/><w:numFmt w:val="decimal"/><w:lvlText w:val="%1."/></w:lvl>'
    again = '<w:lvlOverride><w:startOverride w:val=""/></w:lvlOverride>'
    lists(document, levels, nums=f'<w:num w:numId="77"><w:abstractNumId w:val="70"/>{again}</w:num>')
    numbered(document, "a", 77)
    for xml in (
        '<w:pPr><w:outlineLvl w:val=""/></w:pPr>',
        '<w:r><w:sym w:font="Wingdings" w:char="D800"/></w:r>',
        "<w:r><w:sym/></w:r>",
    ):
        document.element.body.insert(-1, parse_xml(f"<w:p {nsdecls('w')}>{xml}{said('b')}</w:p>"))
    table = document.add_table(1, 2)
    table.cell(0, 0).text, table.cell(0, 1).text = "c", "d"
    table.rows[0]._tr.insert(0, parse_xml(f'<w:trPr {nsdecls("w")}><w:gridBefore w:val="x"/></w:trPr>'))
    assert shown(read(save(document, tmp_path / "a.docx"))) == [
        *(("list", "1. a"), ("paragraph", "b"), ("paragraph", "b"), ("paragraph", "b"), ("table", "c | d"))
    ]


def test_a_heading_has_no_bullet(tmp_path: Path) -> None:
    document = docx.Document()
    lists(document, level_of(0, "bullet", "○"), nums='<w:num w:numId="77"><w:abstractNumId w:val="70"/></w:num>')
    document.add_heading("제목", 1)
    xml = f'<w:numPr {nsdecls("w")}><w:ilvl w:val="0"/><w:numId w:val="77"/></w:numPr>'
    document.paragraphs[-1]._p.get_or_add_pPr().append(parse_xml(xml))
    assert shown(read(save(document, tmp_path / "a.docx"))) == [("heading", "제목")]


def test_a_list_may_begin_with_nought(tmp_path: Path) -> None:
    document = docx.Document()
    lists(document, level_of(0, "decimal", "%1.", start=0), nums='<w:num w:numId="77"><w:abstractNumId w:val="70"/></w:num>')
    for text in "abc":
        numbered(document, text, 77)
    assert shown(read(save(document, tmp_path / "a.docx"))) == [("list", "0. a\n1. b\n2. c")]


def test_a_style_has_from_the_one_that_it_is_based_on_what_it_does_not_say(tmp_path: Path) -> None:
    document = docx.Document()
    for name, base in (("회사 대제목", "Heading 2"), ("회사 목록", "List Bullet"), ("회사 제목 둘", "회사 대제목")):
        document.styles.add_style(name, 1).base_style = document.styles[base]
    body = document.styles.add_style("회사 본문", 1)
    body.base_style = document.styles["Heading 2"]
    body.element.get_or_add_pPr().append(parse_xml(f'<w:outlineLvl {nsdecls("w")} w:val="9"/>'))
    for style in ("회사 대제목", "회사 목록", "회사 제목 둘", "회사 본문"):
        document.add_paragraph(f"글 {style}", style)
    assert shown(read(save(document, tmp_path / "a.docx"))) == [
        *(("heading", "글 회사 대제목"), ("list", "- 글 회사 목록"), ("heading", "글 회사 제목 둘"), ("paragraph", "글 회사 본문"))
    ]


def said(text: str, properties: str = "") -> str:
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


FORMULA = '<m:oMath xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math"><m:r><m:t>I=P×r</m:t></m:r></m:oMath>'
READING = f"<w:r><w:ruby><w:rt>{said('とうきょう')}</w:rt><w:rubyBase>{said('東京')}</w:rubyBase></w:ruby></w:r>"
EMPTY_FIELD = f"<w:sdt><w:sdtPr><w:showingPlcHdr/></w:sdtPr><w:sdtContent>{said('여기를 클릭')}</w:sdtContent></w:sdt>"
SIZE = '<w:sz w:val="{}"/>'
BOX = f"<w:r><w:drawing><w:txbxContent><w:p>{said('상자 글')}</w:p></w:txbxContent></w:drawing></w:r>"


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (said("보이는 글") + said("숨은 글", "<w:vanish/>") + said(" 끝", '<w:vanish w:val="0"/>'), ["보이는 글 끝"]),
        (said("10,000원 ", "<w:strike/>") + said("8,000원"), ["8,000원"]),
        ('<w:r><w:sym w:font="Wingdings" w:char="F0FE"/></w:r>' + said(" 동의"), ["☑ 동의"]),
        ('<w:r><w:sym w:font="Wingdings 2" w:char="F0A3"/></w:r>' + said(" 거부"), ["☐ 거부"]),
        (said("10") + said("6", '<w:vertAlign w:val="superscript"/>') + said(" 개"), ["10⁶ 개"]),
        (said("이자는 ") + FORMULA + said(" 이다"), ["이자는 I=P×r 이다"]),
        (READING + said("역"), ["東京역"]),
        (EMPTY_FIELD + said("성명"), ["성명"]),
        (said("이름") + "<w:r><w:ptab/></w:r>" + said("값"), ["이름\t값"]),
        (said("앞 ") + BOX + said("뒤"), ["앞 뒤", "상자 글"]),
    ],
)
def test_what_word_shows_is_read_and_nothing_else(content: str, texts: list[str], tmp_path: Path) -> None:
    document = docx.Document()
    document.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w')}>{content}</w:p>"))
    assert [text for _, text in shown(read(save(document, tmp_path / "a.docx")))] == texts


def field(code: str, result: str = "", end: str = "end") -> str:
    marks = {kind: f'<w:r><w:fldChar w:fldCharType="{kind}"/></w:r>' for kind in ("begin", "separate", "end", "none")}
    return marks["begin"] + code + (marks["separate"] + result if result else "") + marks[end]


@pytest.mark.parametrize(
    ("content", "texts"),
    [
        (f"<w:del>{said('지운 글')}</w:del>" + said("남은 글"), ["남은 글"]),
        (f"<w:pPr><w:rPr><w:del/></w:rPr></w:pPr>{said('남은 글')}", ["남은 글"]),
        (FORMULA.replace("<m:t>", "<w:rPr><w:vanish/></w:rPr><m:t>") + said("값"), ["값"]),
        (field(said("코드"), said("결과")) + said(" 끝"), ["결과 끝"]),
        (field(said("코드")) + said("끝"), ["끝"]),
        (field(said("코드") + field(said("안"), said("안쪽 결과")) + said("코드"), said("결과")), ["결과"]),
        (field("", said("결과 ") + field(said("안"), said("안쪽 결과"))), ["결과 안쪽 결과"]),
        (said("앞 ") + field(said("뒤"), end="none"), ["앞 뒤"]),
        (
            said("숨은 글", '<w:rStyle w:val="hidden"/>') + said("보이는 글", '<w:rStyle w:val="hidden"/><w:vanish w:val="0"/>'),
            ["보이는 글"],
        ),
        (said("옛 값 ", '<w:rStyle w:val="struckbelow"/>') + said("값", '<w:rStyle w:val="unknown"/>'), ["값"]),
        ('<w:pPr><w:pStyle w:val="hiddenwhole"/></w:pPr>' + said("숨은 글"), []),
        ('<w:pPr><w:pStyle w:val="hiddenwhole"/></w:pPr>' + said("보이는 글", '<w:rStyle w:val="hidden"/>'), ["보이는 글"]),
        ('<w:pPr><w:pStyle w:val="hiddenwhole"/></w:pPr>' + said("보이는 글", '<w:rStyle w:val="seen"/>'), []),
    ],
)
def test_what_a_style_a_field_or_a_deletion_hides_is_not_read(content: str, texts: list[str], tmp_path: Path) -> None:
    document = docx.Document()
    for id_, kind, base, properties in (
        ("hidden", "character", "", "<w:vanish/>"),
        ("struck", "character", "", "<w:dstrike/>"),
        ("struckbelow", "character", "struck", ""),
        ("seen", "character", "", '<w:vanish w:val="0"/>'),
        ("hiddenwhole", "paragraph", "", "<w:vanish/>"),
    ):
        document.styles.element.append(style_of(id_, kind, base, properties))
    document.add_paragraph("다음")
    document.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w')}>{content}</w:p>"))
    assert [text for _, text in shown(read(save(document, tmp_path / "a.docx")))] == [*texts, "다음"]


def style_of(id_: str, kind: str, base: str, properties: str) -> Any:
    return parse_xml(
        f'<w:style {nsdecls("w")} w:type="{kind}" w:styleId="{id_}"><w:name w:val="{id_}"/>'
        f'<w:basedOn w:val="{base}"/><w:rPr>{properties}</w:rPr></w:style>'
    )


@pytest.mark.parametrize("is_default", [False, True])
def test_all_paragraphs_may_be_hidden_but_for_some_letters(is_default: bool, tmp_path: Path) -> None:
    document = docx.Document()
    if is_default:
        document.styles.element.xpath("w:docDefaults/w:rPrDefault/w:rPr")[0].append(OxmlElement("w:vanish"))
    else:
        document.styles["Normal"].font.hidden = True
    for properties, text in (("", "숨은 글"), ('<w:vanish w:val="0"/>', "보이는 글")):
        document.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w')}>{said(text, properties)}</w:p>"))
    assert [text for _, text in shown(read(save(document, tmp_path / "a.docx")))] == ["보이는 글"]


def test_of_a_table_deleted_cells_are_left_out_and_hidden_rows_are_not(tmp_path: Path) -> None:
    document = docx.Document()
    table = document.add_table(3, 3)
    for number, cell in enumerate(cell for row in table.rows for cell in row.cells):
        cell.text = str(number)
        if number % 3 == 1:
            cell._tc.get_or_add_tcPr().append(parse_xml(f'<w:cellDel {nsdecls("w")} w:id="1" w:author="a"/>'))
    table.rows[1]._tr.insert(0, parse_xml(f"<w:trPr {nsdecls('w')}><w:hidden/></w:trPr>"))
    table.rows[2]._tr.insert(0, parse_xml(f'<w:trPr {nsdecls("w")}><w:hidden w:val="0"/></w:trPr>'))
    assert shown(read(save(document, tmp_path / "a.docx"))) == [("table", "0 | 2\n3 | 5\n6 | 8")]


@pytest.mark.parametrize("size", ["", "24pt", "inf", "1e999", "-1"])
def test_letters_of_no_size_are_read(size: str, tmp_path: Path) -> None:
    document = docx.Document()
    document.element.body.insert(0, parse_xml(f"<w:p {nsdecls('w')}>{said('글', SIZE.format(size))}</w:p>"))
    assert shown(read(save(document, tmp_path / "a.docx"))) == [("paragraph", "글")]


def test_every_cell_of_a_table_is_read_once_and_in_its_column(tmp_path: Path) -> None:
    document = docx.Document()
    table = document.add_table(4, 3)
    for number, cell in enumerate(cell for row in table.rows for cell in row.cells):
        cell.text = str(number)
    rows = [row._tr for row in table.rows]
    controlled, removed = rows[0].tc_lst[1], rows[1].tc_lst[0]
    control = parse_xml(f"<w:sdt {nsdecls('w')}><w:sdtPr/><w:sdtContent/></w:sdt>")
    rows[0].replace(controlled, control)
    control[1].append(controlled)
    rows[1].remove(removed)
    rows[1].insert(0, parse_xml(f'<w:trPr {nsdecls("w")}><w:gridBefore w:val="1"/></w:trPr>'))
    rows[2].insert(0, parse_xml(f'<w:trPr {nsdecls("w")}><w:del w:id="1" w:author="a"/></w:trPr>'))
    assert shown(read(save(document, tmp_path / "a.docx"))) == [("table", "0 | 1 | 2\n | 4 | 5\n9 | 10 | 11")]
