"""Headings of documents without styles, as they look."""

from pathlib import Path
from typing import Any

import docx
from docx.opc.constants import CONTENT_TYPE as CT
from docx.opc.constants import RELATIONSHIP_TYPE as RT
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml.ns import nsdecls
from docx.shared import Pt
from tests.knowledge.parse.hangul.hwp_files import docinfo, hwp
from tests.knowledge.parse.hangul.hwp_files import para as hwp_para
from tests.knowledge.parse.packages import header, hwpx, para
from tests.knowledge.parse.support import read, save

from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.text.look import Look

TEXT = "이용자의 부담을 줄이기 위해 3월 1일부터 전국의 수영장에서 요금을 내린다."
LINES = ["수영장 요금 인하", "□ 추진 배경", TEXT, "1. 요금", TEXT, "굵지만 문장이다.", "□ 추진 계획", TEXT, TEXT, TEXT]
FONTS = [(20, True), (15, True), (11, False), (11, True), (11, False), (11, True), (15, True), *[(11, False)] * 3]
PATHS = [
    ("수영장 요금 인하",),
    ("수영장 요금 인하", "□ 추진 배경"),
    ("수영장 요금 인하", "□ 추진 배경"),
    ("수영장 요금 인하", "□ 추진 배경", "1. 요금"),
    ("수영장 요금 인하", "□ 추진 배경", "1. 요금"),
    ("수영장 요금 인하", "□ 추진 배경", "1. 요금"),
    *[("수영장 요금 인하", "□ 추진 계획")] * 4,
]


def paths(parsed: ParsedText) -> list[tuple[str, ...]]:
    return [block.heading_path for block in parsed.blocks]


def written(*lines: tuple[str, int, bool]) -> Any:
    """A Word document of paragraphs with their size and whether they are bold."""
    document = docx.Document()
    for text, size, is_bold in lines:
        run = document.add_paragraph().add_run(text)
        run.font.size, run.bold = Pt(size), is_bold
    return document


def test_lines_that_are_larger_or_bolder_are_headings(tmp_path: Path) -> None:
    lines = [(text, *font) for text, font in zip(LINES, FONTS, strict=True)]
    assert paths(read(save(written(*lines), tmp_path / "a.docx"))) == PATHS


def test_notes_stand_under_no_heading(tmp_path: Path) -> None:
    notes = f'<w:footnotes {nsdecls("w")}><w:footnote w:id="1"><w:p><w:r><w:t>각주다.</w:t></w:r></w:p></w:footnote></w:footnotes>'
    document = written(*((text, *font) for text, font in zip(LINES, FONTS, strict=True)))
    part = Part(PackURI("/word/footnotes.xml"), CT.WML_FOOTNOTES, notes.encode(), document.part.package)
    document.part.relate_to(part, RT.FOOTNOTES)
    assert paths(read(save(document, tmp_path / "a.docx"))) == [*PATHS, ()]


def test_a_document_with_headings_by_style_has_no_others_but_below_its_title(tmp_path: Path) -> None:
    document = written(("굵은 줄", 11, True), (TEXT, 11, False), (TEXT, 11, False), (TEXT, 11, False))
    first = document.paragraphs[0]._p
    first.addprevious(document.add_heading("표지", 0)._p)
    document.paragraphs[1].runs[0].font.size = Pt(11)
    assert paths(read(save(document, tmp_path / "a.docx")))[:3] == [("표지",), ("표지", "굵은 줄"), ("표지", "굵은 줄")]
    document.add_heading("끝", 1)
    assert paths(read(save(document, tmp_path / "b.docx")))[:3] == [("표지",)] * 3


def test_where_half_of_the_lines_are_bold_none_is_a_heading(tmp_path: Path) -> None:
    lines = [(f"굵은 줄 {number}", 11, True) for number in range(5)] + [(TEXT * 3, 11, False) for _ in range(5)]
    assert set(paths(read(save(written(*lines), tmp_path / "a.docx")))) == {()}


def test_sizes_in_hangul_documents(tmp_path: Path) -> None:
    fonts = [f'<hh:charPr id="{size}{bold:d}" height="{size}00">{"<hh:bold/>" * bold}</hh:charPr>' for size, bold in set(FONTS)]
    head = header().replace("</hh:refList>", f"{''.join(fonts)}</hh:refList>")
    paras = [
        para(text).replace('charPrIDRef="0"', f'charPrIDRef="{size}{bold:d}"')
        for text, (size, bold) in zip(LINES, FONTS, strict=True)
    ]
    assert paths(read(hwpx(tmp_path / "a.hwpx", *paras, **{"Contents/header.xml": head}))) == PATHS


def test_sizes_in_binary_hangul_documents(tmp_path: Path) -> None:
    fonts = [(20, True), (15, True), (11, False), (11, True)]
    paras = [hwp_para(text, font=fonts.index(font)) for text, font in zip(LINES, FONTS, strict=True)]
    assert paths(read(hwp(tmp_path / "a.hwp", *paras, properties=0, DocInfo=docinfo(*fonts)))) == PATHS


def test_the_look_of_a_paragraph_is_that_of_most_of_it() -> None:
    assert Look.of([(3, 20.0, True), (30, 11.0, True)]) == Look(11, True)
    assert Look.of([(30, 11.0, True), (1, 11.0, False), (0, 40.0, False)]) == Look(11, False)
    assert Look.of([(0, 11.0, True)]) is None
