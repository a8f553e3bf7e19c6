"""PowerPoint: what the small real files do not show."""

from copy import deepcopy
from pathlib import Path

import pptx
import pytest
from pptx.chart.data import CategoryChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.oxml import parse_xml as pptx_xml
from pptx.oxml.ns import nsdecls as pptx_nsdecls
from pptx.util import Inches, Pt
from tests.knowledge.parse.support import read, save, shown

from protostar.errors import UnreadableDocument


def test_the_largest_text_of_a_slide_without_a_title_is_its_title(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[6])
    for text, size in (("배송은 이틀 걸립니다.", None), ("배송 안내", 32), ("제주는 사흘", 24)):
        frame = slide.shapes.add_textbox(0, 0, Inches(4), Inches(1)).text_frame
        frame.text = text
        frame.paragraphs[0].runs[0].font.size = Pt(size) if size else None
    other = presentation.slides.add_slide(presentation.slide_layouts[6])
    other.shapes.add_textbox(0, 0, Inches(4), Inches(1)).text_frame.text = "하나"
    assert shown(read(save(presentation, tmp_path / "a.pptx"))) == [
        *(("heading", "배송 안내"), ("paragraph", "배송은 이틀 걸립니다."), ("paragraph", "제주는 사흘"), ("paragraph", "하나"))
    ]


def test_charts_are_tables_and_what_stands_on_every_slide_is_left_out(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    layout = presentation.slide_layouts[5]
    slide = presentation.slides.add_slide(layout)
    slide.shapes.title.text = "매출"
    data = CategoryChartData()
    data.categories = ["2023", "2024"]
    data.add_series("매출(억)", (120, 150.5))
    slide.shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Inches(4), Inches(3), data)
    for placeholder in layout.placeholders:
        if placeholder.placeholder_format.idx in {10, 11, 12}:
            slide.shapes._spTree.append(deepcopy(placeholder._element))
            slide.shapes[-1].text_frame.text = "2026. 3. 5."
    assert shown(read(save(presentation, tmp_path / "a.pptx"))) == [
        *(("heading", "매출"), ("table", "매출(억)\n2023 | 120\n2024 | 150.5"))
    ]


def test_numbered_paragraphs_of_a_slide_have_their_numbers(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    frame = presentation.slides.add_slide(presentation.slide_layouts[1]).placeholders[1].text_frame
    for text, level, is_numbered in (
        ("접수", 0, True),
        ("서류", 1, True),
        ("심사", 0, True),
        ("주의", 0, False),
        ("다시", 0, True),
    ):
        paragraph = frame.paragraphs[0] if text == "접수" else frame.add_paragraph()
        paragraph.text, paragraph.level = text, level
        if is_numbered:
            paragraph._p.get_or_add_pPr().append(pptx_xml(f'<a:buAutoNum {pptx_nsdecls("a")} type="arabicPeriod"/>'))
    assert shown(read(save(presentation, tmp_path / "a.pptx"))) == [("paragraph", "1. 접수\n  1. 서류\n2. 심사\n주의\n1. 다시")]


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


def test_a_shape_with_the_id_of_the_title_is_read(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    shapes = presentation.slides.add_slide(presentation.slide_layouts[5]).shapes
    shapes.title.text = "제목"
    box = shapes.add_textbox(0, 0, Inches(1), Inches(1))
    box.text_frame.text = "글"
    box._element.xpath("./*/p:cNvPr")[0].set("id", str(shapes.title.shape_id))
    assert shown(read(save(presentation, tmp_path / "a.pptx"))) == [("heading", "제목"), ("paragraph", "글")]


def test_hidden_shapes_and_struck_text_of_a_slide_are_left_out(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    slide = presentation.slides.add_slide(presentation.slide_layouts[5])
    slide.shapes.title.text = "숨은 제목"
    box, other = (slide.shapes.add_textbox(0, 0, Inches(1), Inches(1)) for _ in range(2))
    group = slide.shapes.add_group_shape()
    group.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame.text = "숨은 묶음"
    other.text_frame.text = "숨은 상자"
    cell = slide.shapes.add_table(1, 2, 0, 0, Inches(1), Inches(1)).table.cell(0, 0)
    slide.notes_slide.notes_text_frame.text = "메모 "
    for frame in (box.text_frame, cell.text_frame, slide.notes_slide.notes_text_frame):
        for strike, text in (("sngStrike", "10,000"), ("dblStrike", "9,000"), ("noStrike", "8,000"), (None, "원")):
            run = frame.paragraphs[0].add_run()
            run.text = text
            if strike:
                run.font._element.set("strike", strike)
    for shape, said in ((slide.shapes.title, "1"), (other, "true"), (group, "1"), (box, "0")):
        shape._element.xpath("./*/p:cNvPr")[0].set("hidden", said)
    texts = [text for _, text in shown(read(save(presentation, tmp_path / "a.pptx")))]
    assert texts == ["8,000원", "8,000원", "메모 8,000원"]


def test_a_presentation_of_pictures_has_no_text(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    presentation.slides.add_slide(presentation.slide_layouts[6])
    with pytest.raises(UnreadableDocument, match="No text was found"):
        read(save(presentation, tmp_path / "a.pptx"))
