"""What drawings show in presentations, documents and workbooks."""

from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import docx
import openpyxl
import pptx
from docx.opc.packuri import PackURI as DocxURI
from docx.opc.part import Part as DocxPart
from docx.oxml import parse_xml as docx_xml
from pptx.chart.data import CategoryChartData, XyChartData
from pptx.enum.chart import XL_CHART_TYPE
from pptx.opc.package import Part as PptxPart
from pptx.opc.packuri import PackURI as PptxURI
from pptx.oxml import parse_xml as pptx_xml
from pptx.util import Inches
from tests.knowledge.parse.support import read, save, shown

MAIN: Final = "http://schemas.openxmlformats.org/drawingml/2006/main"
DIAGRAM: Final = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
CHART: Final = "http://schemas.openxmlformats.org/drawingml/2006/chart"
RELATIONS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
COMPATIBILITY: Final = "http://schemas.openxmlformats.org/markup-compatibility/2006"
ANCHORS: Final = "http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing"


def point(id_: str, text: str = "", kind: str = "node") -> str:
    paragraphs = "".join(f"<a:p><a:r><a:t>{line}</a:t></a:r></a:p>" for line in text.split("\n"))
    return f'<dgm:pt modelId="{id_}" type="{kind}"><dgm:prSet/><dgm:t><a:bodyPr/>{paragraphs}</dgm:t></dgm:pt>'


def below(above: str, id_: str, at: int, kind: str = "parOf") -> str:
    return f'<dgm:cxn modelId="{above}{id_}" type="{kind}" srcId="{above}" destId="{id_}" srcOrd="{at}"/>'


STEPS: Final = (
    f'<dgm:dataModel xmlns:dgm="{DIAGRAM}" xmlns:a="{MAIN}"><dgm:ptLst>'
    + point("0", kind="doc")
    + point("1", "심사")
    + point("2", "접수")
    + point("3", "서류\n사진")
    + point("4", "화살표", "sibTrans")
    + point("5", "그림의 글", "pres")
    + "</dgm:ptLst><dgm:cxnLst>"
    + below("0", "1", 1)
    + below("0", "2", 0)
    + below("2", "3", 0)
    + below("3", "2", 0)
    + below("1", "5", 0, "presOf")
    + "</dgm:cxnLst></dgm:dataModel>"
)
STEPS_SHOWN: Final = ("list", "접수\n  서류\n  사진\n심사")
GRAPHIC: Final = (
    f'<a:graphic xmlns:a="{MAIN}"><a:graphicData uri="{DIAGRAM}"><dgm:relIds xmlns:dgm="{DIAGRAM}" xmlns:r="{RELATIONS}" '
    'r:dm="{}" r:lo="rId98" r:qs="rId98" r:cs="rId98"/></a:graphicData></a:graphic>'
)
XML: Final = "application/vnd.openxmlformats-officedocument.drawingml.diagramData+xml"


def blank_slide(presentation: Any) -> Any:
    return presentation.slides.add_slide(presentation.slide_layouts[6])


def put(slide: Any, xml: str) -> None:
    slide.shapes._spTree.append(pptx_xml(xml))


def shape(content: str) -> str:
    return (
        '<p:sp xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main" '
        f'xmlns:a="{MAIN}" xmlns:m="http://schemas.openxmlformats.org/officeDocument/2006/math">'
        '<p:nvSpPr><p:cNvPr id="9" name="글"/><p:cNvSpPr txBox="1"/><p:nvPr/></p:nvSpPr><p:spPr/>'
        f"<p:txBody><a:bodyPr/><a:p>{content}</a:p></p:txBody></p:sp>"
    )


def test_diagrams_of_slides_are_lists(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    slide = blank_slide(presentation)
    data = PptxPart(PptxURI("/ppt/diagrams/data1.xml"), XML, presentation.part.package, STEPS.encode())
    for id_ in (slide.part.relate_to(data, f"{RELATIONS}/diagramData"), "rId99", "rId97"):
        put(
            slide,
            '<p:graphicFrame xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"><p:nvGraphicFramePr>'
            '<p:cNvPr id="4" name="단계"/><p:cNvGraphicFramePr/><p:nvPr/></p:nvGraphicFramePr><p:xfrm/>'
            f"{GRAPHIC.format(id_)}</p:graphicFrame>",
        )
    slide.part.relate_to("https://example.org/", f"{RELATIONS}/diagramData", is_external=True)
    parsed = read(save(presentation, tmp_path / "a.pptx"))
    assert shown(parsed) == [STEPS_SHOWN]
    assert parsed.blocks[0].page == 1


def test_of_two_versions_of_a_shape_the_newer_one_is_read(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    slide = blank_slide(presentation)
    formula = "<a:r><a:t>면적은 </a:t></a:r><m:oMath><m:r><m:t>a×b</m:t></m:r></m:oMath><a:r><a:t>이다.</a:t></a:r>"
    old = f"<mc:Fallback>{shape('<a:r><a:t>그림으로 된 식</a:t></a:r>')}</mc:Fallback>"
    for choice in (f'<mc:Choice Requires="a14">{shape(formula)}</mc:Choice>', ""):
        put(slide, f'<mc:AlternateContent xmlns:mc="{COMPATIBILITY}">{choice}{old}</mc:AlternateContent>')
    texts = [text for _, text in shown(read(save(presentation, tmp_path / "a.pptx")))]
    assert texts == ["면적은 a×b이다.", "그림으로 된 식"]


def test_raised_numbers_of_slides_stay_raised(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    slide = blank_slide(presentation)
    cell = slide.shapes.add_table(1, 2, 0, 0, Inches(1), Inches(1)).table.cell(0, 0)
    for frame in (slide.shapes.add_textbox(0, 0, Inches(1), Inches(1)).text_frame, cell.text_frame):
        for text, baseline in (("10", None), ("6", "30000"), (" m", "0"), ("th", "30000"), ("2", "-25000")):
            run = frame.paragraphs[0].add_run()
            run.text = text
            if baseline is not None:
                run.font._element.set("baseline", baseline)
    assert [text for _, text in shown(read(save(presentation, tmp_path / "a.pptx")))] == ["10⁶ mth2", "10⁶ mth2"]


def test_the_title_of_a_chart_stands_above_its_table(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    data = CategoryChartData()
    data.categories = ["1월", "2월"]
    data.add_series("방문", (10, 20))
    chart = blank_slide(presentation).shapes.add_chart(XL_CHART_TYPE.PIE, 0, 0, Inches(4), Inches(3), data).chart
    chart.chart_title.text_frame.text = "달마다 온 사람"
    assert shown(read(save(presentation, tmp_path / "a.pptx"))) == [
        *(("paragraph", "달마다 온 사람"), ("table", "방문\n1월 | 10\n2월 | 20"))
    ]


def test_charts_with_labels_of_two_levels_say_both(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    data = CategoryChartData()
    for year in ("2025", "2026"):
        category = data.add_category(year)
        for half in ("상반기", "하반기"):
            category.add_sub_category(half)
    data.add_series("방문", (10, 20, 30, 40))
    blank_slide(presentation).shapes.add_chart(XL_CHART_TYPE.COLUMN_CLUSTERED, 0, 0, Inches(4), Inches(3), data)
    assert shown(read(save(presentation, tmp_path / "a.pptx"))) == [
        ("table", "방문\n2025 | 상반기 | 10\n2025 | 하반기 | 20\n2026 | 상반기 | 30\n2026 | 하반기 | 40")
    ]


def test_scattered_points_stand_at_their_own_places(tmp_path: Path) -> None:
    presentation = pptx.Presentation()
    data = XyChartData()
    for name, points in (("가", ((1.5, 10), (2.5, 20))), ("나", ((7, 30), (8, 40)))):
        series = data.add_series(name)
        for x, y in points:
            series.add_data_point(x, y)
    blank_slide(presentation).shapes.add_chart(XL_CHART_TYPE.XY_SCATTER, 0, 0, Inches(4), Inches(3), data)
    assert read(save(presentation, tmp_path / "a.pptx")).text.split("\n") == [
        "가",
        "1.5 | 10",
        "2.5 | 20",
        "나",
        "7 | 30",
        "8 | 40",
    ]


def test_diagrams_and_charts_of_documents_are_read(tmp_path: Path) -> None:
    document = docx.Document()
    one = "<c:{0}><c:strRef><c:strCache><c:pt idx='0'><c:v>{1}</c:v></c:pt></c:strCache></c:strRef></c:{0}>".format
    series = f"<c:ser>{one('tx', '원')}{one('cat', '기본')}{one('val', '900')}</c:ser>"
    chart = (
        f'<c:chartSpace xmlns:c="{CHART}" xmlns:a="{MAIN}"><c:chart><c:title><c:tx><c:rich><a:p><a:r><a:t>요금</a:t></a:r></a:p>'
        f"</c:rich></c:tx></c:title><c:plotArea><c:barChart>{series}</c:barChart></c:plotArea></c:chart></c:chartSpace>"
    )
    drawn = (
        f'<a:graphic xmlns:a="{MAIN}"><a:graphicData uri="{CHART}"><c:chart xmlns:c="{CHART}" xmlns:r="{RELATIONS}" r:id="{{}}"/>'
        "</a:graphicData></a:graphic>"
    )
    for name, content, graphic in (("data1", STEPS, GRAPHIC), ("chart1", chart, drawn)):
        part = DocxPart(DocxURI(f"/word/{name}.xml"), XML, content.encode(), document.part.package)
        id_ = document.part.relate_to(part, f"{RELATIONS}/{name}")
        drawing = (
            f'<w:drawing xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">{graphic.format(id_)}</w:drawing>'
        )
        paragraph = document.add_paragraph("앞 ")
        paragraph.add_run()._r.append(docx_xml(drawing))
        paragraph.add_run("뒤")
    assert shown(read(save(document, tmp_path / "a.docx"))) == [
        *(("paragraph", "앞 뒤"), STEPS_SHOWN, ("paragraph", "앞 뒤"), ("paragraph", "요금"), ("table", "원\n기본 | 900"))
    ]
    table = document.add_table(1, 2)
    for cell, paragraph in zip(table.rows[0].cells, document.paragraphs, strict=True):
        cell._tc.append(paragraph._p)
    assert shown(read(save(document, tmp_path / "a.docx"))) == [
        *(("table", "앞 뒤 | 앞 뒤"), STEPS_SHOWN, ("paragraph", "요금"), ("table", "원\n기본 | 900"))
    ]


def test_what_is_written_on_the_shapes_of_a_sheet_is_read(tmp_path: Path) -> None:
    def on_sheet(text: str, hidden: str = "0") -> str:
        struck = '<a:p><a:r><a:rPr strike="sngStrike"/><a:t>지운 글</a:t></a:r></a:p>'
        return (
            f'<xdr:sp><xdr:nvSpPr><xdr:cNvPr id="2" name="글" hidden="{hidden}"/></xdr:nvSpPr><xdr:txBody>'
            f"<a:p><a:r><a:t>{text}</a:t></a:r></a:p>{struck}</xdr:txBody></xdr:sp>"
        )

    old = f"<mc:Fallback>{on_sheet('새 프로그램에서만 보입니다')}</mc:Fallback>"
    drawing = (
        f'<xdr:wsDr xmlns:xdr="{ANCHORS}" xmlns:a="{MAIN}" xmlns:mc="{COMPATIBILITY}">'
        f"<xdr:twoCellAnchor>{on_sheet('환불은 7일 안에')}</xdr:twoCellAnchor>"
        f"<mc:AlternateContent><mc:Choice>{on_sheet('둘째')}</mc:Choice>{old}</mc:AlternateContent>"
        f"<xdr:grpSp>{on_sheet('숨은 글', '1')}{on_sheet('셋째')}</xdr:grpSp></xdr:wsDr>"
    )
    relations = (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{RELATIONS}/drawing" Target="../drawings/drawing1.xml"/></Relationships>'
    )
    book = openpyxl.Workbook()
    book.active.title = "요금"
    path = save(book, tmp_path / "a.xlsx")
    with ZipFile(path, "a") as archive:
        archive.writestr("xl/worksheets/_rels/sheet1.xml.rels", relations)
        archive.writestr("xl/drawings/drawing1.xml", drawing)
    assert shown(read(path)) == [
        *(("heading", "요금"), ("paragraph", "환불은 7일 안에"), ("paragraph", "둘째"), ("paragraph", "셋째"))
    ]
