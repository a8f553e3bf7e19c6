"""Hangul documents, as Hangul writes them."""

from pathlib import Path

import pytest
from tests.knowledge.parse.packages import OWPML, cell, encrypted, hwpx, para, said, section, sublist, table
from tests.knowledge.parse.support import read, shown

from protostar.errors import UnreadableDocument

NOTE = '<hp:ctrl><hp:autoNum num="1" numType="FOOTNOTE"/></hp:ctrl>'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.hwpx"


def test_headings_by_outline_and_by_style(path: Path) -> None:
    parsed = read(
        hwpx(
            path,
            para("규정집", style="title"),
            para("총칙", shape="outline1", style="outline"),
            para("목적", shape="outline2"),
            para("이 규정은 휴가를 정한다."),
            para("적용", shape="outline2"),
            para("부칙", shape="outline1"),
            para("세칙", style="heading"),
            para("끝", shape="outline3"),
            title="사내 규정",
        )
    )
    assert parsed.title == "사내 규정"
    assert [block.heading_path for block in parsed.blocks] == [
        ("규정집",),
        ("규정집", "1. 총칙"),
        ("규정집", "1. 총칙", "가. 목적"),
        ("규정집", "1. 총칙", "가. 목적"),
        ("규정집", "1. 총칙", "나. 적용"),
        ("규정집", "2. 부칙"),
        ("규정집", "2. 부칙", "세칙"),
        ("규정집", "2. 부칙", "세칙", "끝"),
    ]
    assert shown(parsed)[3] == ("paragraph", "이 규정은 휴가를 정한다.")


def test_lists_have_the_markers_that_are_shown(path: Path) -> None:
    shapes = ("article", "clause", "clause", "article", "clause", "bullet", "undefined")
    parsed = read(hwpx(path, *(para(f"항목 {number}", shape=shape) for number, shape in enumerate(shapes))))
    assert shown(parsed) == [
        (
            "list",
            "제3조 항목 0\n  3-① 항목 1\n  3-② 항목 2\n제4조 항목 3\n  4-① 항목 4\n- 항목 5\n  1.1. 항목 6",
        )
    ]


def test_listings_stay_together_and_contents_lists_are_left_out(path: Path) -> None:
    parsed = read(
        hwpx(path, para("1. 총칙 ...... 3", style="contents"), para("if x:", style="code"), para("    y()  ", style="code"))
    )
    assert shown(parsed) == [("code", "if x:\n    y()")]


def test_special_characters_runs_and_fields(path: Path) -> None:
    special = said('가<hp:nbSpace/>나<hp:fwSpace/>다<hp:tab width="1" type="1"/>라<hp:lineBreak/>per<hp:hyphen/>tinent')
    marked = said('<hp:markpenBegin color="#FFFF00"/>형광<hp:markpenEnd/>펜<hp:titleMark ignore="0"/>')
    command = '<hp:parameters><hp:stringParam name="Command">https://example.com</hp:stringParam></hp:parameters>'
    link = f'<hp:ctrl><hp:fieldBegin id="1" type="HYPERLINK">{command}</hp:fieldBegin></hp:ctrl>'
    end = '<hp:ctrl><hp:fieldEnd beginIDRef="1"/></hp:ctrl>'
    form = '<hp:edit><hp:text>입력</hp:text></hp:edit><hp:checkBtn caption="동의" value="CHECKED"/>'
    art = '<hp:compose composeText="12"/><hp:dutmal><hp:mainText>본말</hp:mainText><hp:subText>덧말</hp:subText></hp:dutmal>'
    parsed = read(
        hwpx(
            path,
            para(special),
            para(marked),
            para("여기를 ", link, "보십시오", end, "."),
            para(form),
            para(art, '<hp:tab width="1"/>', "끝"),
            para("<hp:equation><hp:script>{a} over {b}</hp:script><hp:shapeComment>수식입니다.</hp:shapeComment></hp:equation>"),
            para('<hp:textart text="큰 글자"/>'),
        )
    )
    assert [text for _, text in shown(parsed)] == [
        "가 나 다\t라\npertinent",
        "형광펜",
        "여기를 보십시오.",
        "입력동의",
        "12본말\t끝",
        "{a} over {b}",
        "큰 글자",
    ]


def test_remarks_page_headers_and_deletions_are_left_out(path: Path) -> None:
    hidden = f"<hp:ctrl><hp:hiddenComment>{sublist(para('숨은 설명'))}</hp:hiddenComment></hp:ctrl>"
    memo = f'<hp:ctrl><hp:fieldBegin id="2" type="MEMO">{sublist(para("메모"))}</hp:fieldBegin></hp:ctrl>'
    top = f"<hp:ctrl><hp:header>{sublist(para('머리말'))}</hp:header><hp:footer>{sublist(para('꼬리말'))}</hp:footer></hp:ctrl>"
    deleted = '<hp:deleteBegin Id="1" TcId="1"/> 십이일<hp:deleteEnd Id="1" TcId="1" paraend="0"/>'
    changed = f'15일{deleted}<hp:insertBegin Id="2" TcId="2"/>간<hp:insertEnd Id="2" TcId="2" paraend="0"/>'
    body = section(
        para(hidden, memo, top, "보이는 글"),
        para(said(changed)),
        para(said('앞<hp:deleteBegin Id="3" TcId="3"/>지운 글')),
        para(table(cell("지운 표") + cell("지운 칸"))),
        para(said('지운 글<hp:deleteEnd Id="3" TcId="3" paraend="0"/>뒤')),
        f"<hp:memogroup><hp:memo>{para('메모')}</hp:memo></hp:memogroup>",
    )
    assert [text for _, text in shown(read(hwpx(path, **{"Contents/section0.xml": body})))] == ["보이는 글", "15일간", "앞", "뒤"]


def test_merged_cells_keep_the_columns_in_line(path: Path) -> None:
    number = '<hp:ctrl><hp:autoNum num="7" numType="TABLE"/></hp:ctrl>'
    grid = table(
        cell("구분") + cell("직급") + cell("금액"),
        cell("기본", rows=2) + cell("사원") + cell("100원"),
        cell("대리") + cell("150원"),
        cell(para("합") + para("계"), 2) + cell("250원"),
        caption=f'<hp:caption side="TOP">{sublist(para("표 ", number, ". 수당"))}</hp:caption>',
    )
    assert shown(read(hwpx(path, para("앞 ", grid, "뒤")))) == [
        ("paragraph", "앞"),
        ("paragraph", "표 7. 수당"),
        ("table", "구분 | 직급 | 금액\n기본 | 사원 | 100원\n기본 | 대리 | 150원\n합 계 |  | 250원"),
        ("paragraph", "뒤"),
    ]


def test_tables_within_tables_and_frames(path: Path) -> None:
    inner = para(table(cell("a") + cell("b"), cell("c") + cell("d")))
    frame = table(cell(para("틀 제목", shape="outline1") + para("틀의 글") + inner))
    outer = table(cell("왼쪽") + cell(para("안에") + inner))
    assert shown(read(hwpx(path, para(frame), para(outer)))) == [
        ("heading", "1. 틀 제목"),
        ("paragraph", "틀의 글"),
        ("table", "a | b\nc | d"),
        ("table", "왼쪽 | 안에 a b c d"),
    ]


def test_lists_in_cells_have_their_numbers(path: Path) -> None:
    items = para("총칙", shape="article") + para("가입", shape="article") + para("", shape="bullet") + para("비고", shape="bullet")
    parsed = read(hwpx(path, para(table(cell("조문") + cell(items), cell("기한") + cell("7일")))))
    assert shown(parsed) == [("table", "조문 | 제3조 총칙 제4조 가입 - 비고\n기한 | 7일")]


def test_a_cell_that_claims_to_be_wide_does_not_make_a_row_large(path: Path) -> None:
    grid = table(cell("a", 99_999_999) + cell("b"))
    assert len(read(hwpx(path, para(grid))).text) < 5_000


def test_text_boxes_and_captions_are_paragraphs(path: Path) -> None:
    box = f"<hp:rect><hp:drawText>{sublist(para('상자 글'), para('둘째'))}</hp:drawText></hp:rect>"
    group = f"<hp:container>{box}</hp:container>"
    caption = f"<hp:caption>{sublist(para('그림 설명'))}</hp:caption>"
    picture = f"<hp:pic>{caption}<hp:shapeComment>그림입니다.</hp:shapeComment></hp:pic>"
    chart = f"<hp:switch><hp:case><hp:chart/></hp:case><hp:default><hp:ole>{caption}</hp:ole></hp:default></hp:switch>"
    parsed = read(hwpx(path, para("본문", group, picture, chart)))
    assert [text for _, text in shown(parsed)] == ["본문", "상자 글", "둘째", "그림 설명"]


def test_notes_stand_at_the_end(path: Path) -> None:
    foot = f'<hp:ctrl><hp:footNote number="1">{sublist(para(NOTE, "각주의 글"))}</hp:footNote></hp:ctrl>'
    end = f'<hp:ctrl><hp:endNote number="1">{sublist(para("미주의 글"))}</hp:endNote></hp:ctrl>'
    parsed = read(
        hwpx(
            path,
            para("제목", shape="outline1"),
            para("문장", foot, "이 이어진다."),
            para(table(cell(para("칸", end)) + cell("둘"))),
        )
    )
    assert shown(parsed) == [
        ("heading", "1. 제목"),
        ("paragraph", "문장이 이어진다."),
        ("table", "칸 | 둘"),
        ("paragraph", "각주의 글"),
        ("paragraph", "미주의 글"),
    ]
    assert [block.heading_path for block in parsed.blocks][2:] == [("1. 제목",), (), ()]


def test_sections_are_read_by_their_numbers_and_numbering_goes_on(path: Path) -> None:
    parts = {f"Contents/section{number}.xml": section(para(f"{number}번", shape="outline1")) for number in (10, 2, 0)}
    assert [text for _, text in shown(read(hwpx(path, **parts)))] == ["1. 0번", "2. 2번", "3. 10번"]


def test_the_namespaces_of_the_standard_of_2024(path: Path) -> None:
    parsed = read(hwpx(path, para("총칙", shape="outline1"), para(table(cell("a") + cell("b"))), base=OWPML))
    assert shown(parsed) == [("heading", "1. 총칙"), ("table", "a | b")]


def test_a_password_is_named(path: Path) -> None:
    noise = {"Contents/section0.xml": "\0noise", "META-INF/manifest.xml": encrypted("Contents/section0.xml")}
    with pytest.raises(UnreadableDocument, match="protected with a password"):
        read(hwpx(path, **noise))


@pytest.mark.parametrize("part", ["Contents/header.xml", "Contents/section0.xml", "Contents/content.hpf"])
@pytest.mark.parametrize("content", ["", "<a><b></a>", "\0" * 50])
def test_a_broken_part(path: Path, part: str, content: str) -> None:
    with pytest.raises(UnreadableDocument, match=r"damaged, incomplete or not a Hangul document \(\.hwpx\)"):
        read(hwpx(path, para("글"), **{part: content}))


def test_missing_parts(path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="damaged, incomplete"):
        read(hwpx(path, para("글"), **{"Contents/header.xml": None}))
    with pytest.raises(UnreadableDocument, match="No text was found"):
        read(hwpx(path, **{"Contents/section0.xml": None}))
    assert read(hwpx(path, para("글"), **{"Contents/content.hpf": None, "META-INF/manifest.xml": None})).text == "글"


def test_tables_nested_as_deeply_as_is_read_and_deeper(path: Path) -> None:
    def nested(levels: int) -> str:
        inner = para("가장 안쪽")
        for _ in range(levels):
            inner = para(table(cell(inner) + cell("옆")))
        return inner

    assert "가장 안쪽" in read(hwpx(path, nested(32))).text
    with pytest.raises(UnreadableDocument, match="nested too deeply"):
        read(hwpx(path, nested(33)))
