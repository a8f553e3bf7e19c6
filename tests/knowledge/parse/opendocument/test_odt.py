"""OpenDocument texts: what the real guide does not show."""

from pathlib import Path

import pytest
from tests.knowledge.parse.packages import encrypted, odt
from tests.knowledge.parse.support import read, shown

from protostar.errors import UnreadableDocument

NUMBERED = (
    '<text:list-style style:name="L1"><text:list-level-style-number text:level="1" style:num-format="1"/>'
    '<text:list-level-style-bullet text:level="2"/>'
    '<text:list-level-style-number text:level="3" style:num-format=""/></text:list-style>'
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.odt"


def p(content: str, style: str = "") -> str:
    return f'<text:p text:style-name="{style}">{content}</text:p>'


def item(*content: str, start: str = "") -> str:
    value = f' text:start-value="{start}"' if start else ""
    return f"<text:list-item{value}>{''.join(content)}</text:list-item>"


def listed(*items: str, attributes: str = "") -> str:
    return f"<text:list {attributes}>{''.join(items)}</text:list>"


def cell(content: str, merged: str = "") -> str:
    span = f' table:number-{merged}-spanned="2"' if merged else ""
    return f"<table:table-cell{span}>{content if content.startswith('<') else p(content)}</table:table-cell>"


def row(*cells: str) -> str:
    return f"<table:table-row>{''.join(cells)}</table:table-row>"


def test_headings_titles_listings_and_quotations(path: Path) -> None:
    named = (
        '<style:style style:name="Preformatted_20_Text" style:display-name="Preformatted Text" style:family="paragraph"/>'
        '<style:style style:name="Quotations" style:family="paragraph" style:parent-style-name="Standard"/>'
        '<style:style style:name="Contents_20_1" style:family="paragraph"/>'
        '<style:style style:name="Title" style:family="paragraph" style:parent-style-name="Heading"/>'
    )
    automatic = (
        '<style:style style:name="P1" style:family="paragraph" style:parent-style-name="Preformatted_20_Text"/>'
        '<style:style style:name="P2" style:family="paragraph" style:parent-style-name="P2"/>'
    )
    body = (
        p("운영 안내", "Title")
        + '<text:h text:outline-level="1">설치</text:h><text:h text:outline-level="2">준비</text:h>'
        + p("if x:", "P1")
        + p('<text:s text:c="4"/>y()', "P1")
        + p("인용", "Quotations")
        + p("설치 1", "Contents_20_1")
        + "<text:h>운영</text:h>"
        + p("본문", "P2")
    )
    parsed = read(odt(path, body, automatic=automatic, named=named))
    assert shown(parsed) == [
        ("heading", "운영 안내"),
        ("heading", "설치"),
        ("heading", "준비"),
        ("code", "if x:\n    y()"),
        ("quote", "인용"),
        ("heading", "운영"),
        ("paragraph", "본문"),
    ]
    assert parsed.blocks[3].heading_path == ("운영 안내", "설치", "준비")
    assert parsed.blocks[-1].heading_path == ("운영 안내", "운영")
    assert parsed.title == "제목"


def test_struck_text_is_not_read(path: Path) -> None:
    properties = '<style:text-properties style:text-line-through-style="{}"/>'
    automatic = "".join(
        f'<style:style style:name="{name}" style:family="text">{properties.format(line)}</style:style>'
        for name, line in (("out", "solid"), ("in", "none"))
    )
    span = '<text:span text:style-name="{}">{}</text:span>'
    body = p(span.format("out", "10,000원 ") + span.format("in", "8,000원"))
    assert shown(read(odt(path, body, automatic=automatic))) == [("paragraph", "8,000원")]


def test_headings_and_lists_have_the_numbers_that_are_shown(path: Path) -> None:
    def numbers(*levels: str) -> str:
        shown = (f'<text:{{0}}-level-style{{1}} text:level="{at}" {level}/>' for at, level in enumerate(levels, 1))
        return "".join(shown)

    outline = numbers('style:num-format="1" style:num-prefix="제" style:num-suffix="장"', 'style:num-format=""')
    items = numbers(
        'style:num-format="가, 나, 다, ..." style:num-suffix=")" text:start-value="2"',
        'style:num-format="1" text:display-levels="2"',
        'style:num-format="i" style:num-prefix="(" style:num-suffix=")"',
    )
    named = (
        f"<text:outline-style>{outline.format('outline', '')}</text:outline-style>"
        f'<text:list-style style:name="L">{items.format("list", "-number")}</text:list-style>'
    )
    third = listed(item(listed(item(p("a"))), p("")))
    body = (
        '<text:h text:outline-level="1">총칙</text:h><text:h text:outline-level="2">목적</text:h>'
        '<text:h text:outline-level="1">요금</text:h>'
        + listed(item(p("하나"), listed(item(p("안"), listed(item(p("깊이")))))), item(p("둘")), attributes='text:style-name="L"')
        + third
    )
    assert [text for _, text in shown(read(odt(path, body, named=named)))] == [
        *("제1장 총칙", "목적", "제2장 요금"),
        "나) 하나\n  나.1 안\n    (i) 깊이\n다) 둘\n  - a",
    ]


def test_lists_count_by_level_and_go_on_where_they_say_so(path: Path) -> None:
    style, going_on = 'text:style-name="L1"', 'text:style-name="L1" text:continue-numbering="true"'
    inner = listed(item(p("가")), item(listed(item(p("깊이")))))
    head = f"<text:list-header>{p('머리')}</text:list-header>"
    body = (
        listed(head, item(p("하나"), p("이어지는 글"), inner), item(p("둘")), attributes=style)
        + p("사이")
        + listed(item(p("셋")), item(p("여덟"), start="8"), attributes=going_on)
        + "<text:h>제목</text:h>"
        + listed(item(p("다시 하나")), attributes=style)
        + listed(item(p("모양 없음")))
        + listed(item("<text:h>목록 안의 제목</text:h>"), attributes=style)
    )
    assert shown(read(odt(path, body, automatic=NUMBERED))) == [
        ("list", "  머리\n1. 하나\n  이어지는 글\n  - 가\n    - 깊이\n2. 둘"),
        ("paragraph", "사이"),
        ("list", "3. 셋\n8. 여덟"),
        ("heading", "제목"),
        ("list", "1. 다시 하나\n- 모양 없음"),
        ("heading", "1. 목록 안의 제목"),
    ]


def test_blanks_are_those_of_the_format(path: Path) -> None:
    body = p('하나\n   둘<text:s/><text:s text:c="2"/>셋<text:tab/>넷<text:line-break/>다섯 <text:span>여섯\u00a0일곱</text:span>')
    assert shown(read(odt(path, body))) == [("paragraph", "하나 둘   셋\t넷\n다섯 여섯\u00a0일곱")]


def test_deleted_hidden_and_remarked_text_is_left_out(path: Path) -> None:
    automatic = (
        '<style:style style:name="T1" style:family="text"><style:text-properties text:display="none"/></style:style>'
        '<style:style style:name="P1" style:family="paragraph"><style:text-properties text:display="none"/></style:style>'
    )
    annotation = "<office:annotation><text:p>메모</text:p></office:annotation>"
    deletion = f"<text:changed-region><text:deletion>{p('지운 글')}</text:deletion></text:changed-region>"
    ruby = "<text:ruby><text:ruby-base>漢字</text:ruby-base><text:ruby-text>한자</text:ruby-text></text:ruby>"
    body = (
        f"<text:tracked-changes>{deletion}</text:tracked-changes>"
        + p(f'보이는<text:change text:change-id="1"/> {annotation}글<text:span text:style-name="T1">숨은 글</text:span>')
        + p("숨은 문단", "P1")
        + p('<text:hidden-paragraph text:is-hidden="true"/>숨은 문단')
        + p('<text:hidden-paragraph text:is-hidden="false"/>조건 <text:hidden-text text:is-hidden="true">숨은</text:hidden-text>글')
        + f'<text:section text:display="none">{p("숨은 구역")}</text:section>'
        + f'<text:section text:name="a">{p("구역의 글")}</text:section>'
        + f"<text:table-of-content><text:index-body>{p('설치 1')}</text:index-body></text:table-of-content>"
        + p(f"{ruby} <text:date>2026. 1. 1.</text:date>")
    )
    texts = [text for _, text in shown(read(odt(path, body, automatic=automatic)))]
    assert texts == ["보이는 글", "조건 글", "구역의 글", "漢字 2026. 1. 1."]


def test_the_nearest_style_of_its_family_says_whether_text_is_struck_or_hidden(path: Path) -> None:
    automatic = "".join(
        f'<style:style style:name="{name}" style:family="{family}" style:parent-style-name="{above}">'
        f"<style:text-properties {properties}/></style:style>"
        for name, family, above, properties in (
            ("T1", "text", "", 'style:text-line-through-type="double"'),
            ("T2", "text", "T1", ""),
            ("T3", "text", "T1", 'style:text-line-through-style="none" style:text-line-through-type="none"'),
            ("S", "text", "", 'text:display="none"'),
            ("S", "paragraph", "", ""),
            ("P1", "paragraph", "", 'text:display="none"'),
            ("P2", "paragraph", "P1", 'text:display="true"'),
        )
    )
    spans = "".join(f'<text:span text:style-name="{name}">{name}</text:span>' for name in ("T1", "T2", "T3", "S"))
    body = p(f"글 {spans}", "S") + p("P1", "P1") + p("P2", "P2") + listed(item(p("항목")), attributes='text:style-name="S"')
    assert [text for _, text in shown(read(odt(path, body, automatic=automatic)))] == ["글 T3", "P2", "- 항목"]


def test_rows_and_columns_that_are_not_shown(path: Path) -> None:
    collapse = 'table:visibility="collapse"'
    columns = f'<table:table-columns><table:table-column/><table:table-column {collapse} table:number-columns-repeated="2"/>'
    hidden = row(cell("숨은"), cell("줄")).replace("<table:table-row>", f"<table:table-row {collapse}>")
    spanned = '<table:table-cell table:number-columns-spanned="3"><text:p>넓은</text:p></table:table-cell>'
    repeated = '<table:table-cell table:number-columns-repeated="4"><text:p>-</text:p></table:table-cell>'
    covered = '<table:covered-table-cell table:number-columns-repeated="2"/>'
    inner = f"<table:table>{hidden}{row(cell('안'), cell('글'))}</table:table>"
    body = (
        f"<table:table>{columns}<table:table-column/></table:table-columns><table:table-header-rows>{hidden}</table:table-header-rows>"
        + row(*map(cell, ("이름", "원가", "비고", "값")))
        + row(spanned, covered, cell("1"))
        + hidden
        + row(repeated)
        + row(cell(inner), cell("x"), cell("x"), cell("2"))
        + "</table:table>"
    )
    assert shown(read(odt(path, body))) == [("table", "이름 | 값\n넓은 | 1\n- | -\n안 글 | 2")]


def test_cells_that_begin_in_a_column_that_is_not_shown(path: Path) -> None:
    columns = '<table:table-column/><table:table-column table:visibility="collapse"/><table:table-column/><table:table-column/>'
    wide, repeated = (
        f'<table:table-cell table:number-columns-{name}="2"><text:p>{said}</text:p></table:table-cell>'
        for name, said in (("spanned", "넓은"), ("repeated", "-"))
    )
    rows = row(*map(cell, "가나다라")) + row(cell("1"), wide, "<table:covered-table-cell/>", cell("2"))
    body = f"<table:table>{columns}{rows}{row(cell('3'), repeated, cell('4'))}</table:table>"
    assert shown(read(odt(path, body))) == [("table", "가 | 다 | 라\n1 | 넓은 | 2\n3 | - | 4")]


def test_tables_merged_repeated_and_nested(path: Path) -> None:
    covered = "<table:covered-table-cell/>"
    inner = f"<table:table>{row(cell('a'), cell('b'))}</table:table>"
    twice = '<table:table-cell table:number-columns-repeated="2"><text:p>-</text:p></table:table-cell>'
    far = '<table:table-cell table:number-columns-repeated="99999999"/>'
    head = f"<table:table-header-rows>{row(cell('구분'), cell('금액', 'columns'), covered)}</table:table-header-rows>"
    rows = row(cell("기본", "rows"), twice, far) + row(covered, cell(p("둘") + p("줄")), cell(p("안") + inner))
    body = (
        f"<table:table><table:table-column/>{head}<table:table-rows>{rows}</table:table-rows></table:table>"
        f"<table:table>{row(cell('<text:h>틀 제목</text:h>' + inner))}</table:table>"
    )
    assert shown(read(odt(path, body))) == [
        ("table", "구분 | 금액\n기본 | - | -\n기본 | 둘 줄 | 안 a b"),
        ("heading", "틀 제목"),
        ("table", "a | b"),
    ]


def test_text_boxes_are_paragraphs_and_notes_stand_at_the_end(path: Path) -> None:
    said = "<svg:title>대체 글</svg:title><svg:desc>설명</svg:desc>"
    box = f"<draw:frame><draw:text-box>{p('상자 글')}</draw:text-box>{said}</draw:frame>"
    note = f"<text:note><text:note-citation>1</text:note-citation><text:note-body>{p('각주의 글')}</text:note-body></text:note>"
    table = f"<table:table>{row(cell(listed(item(p('칸의 목록' + note)))), cell('둘'))}</table:table>"
    parsed = read(odt(path, f"{box}<text:h>제목</text:h>{p('본문' + note + '이다.' + box + '뒤')}{table}"))
    assert [text for _, text in shown(parsed)] == [
        "상자 글",
        "제목",
        "본문이다.뒤",
        "상자 글",
        "- 칸의 목록 | 둘",
        "각주의 글",
        "각주의 글",
    ]
    assert [block.heading_path for block in parsed.blocks][-3:] == [("제목",), (), ()]


def test_what_is_drawn_within_a_sentence_does_not_tear_it(path: Path) -> None:
    picture = "<draw:frame><draw:image/></draw:frame>"
    box = f"<draw:frame><draw:text-box>{p('그림 1')}</draw:text-box></draw:frame>"
    body = p(f"먼저 {picture} 단추를 {box}누른다.") + p(f" {box} 그림 뒤") + listed(item(p(f"확인 {picture}단추")))
    assert shown(read(odt(path, body))) == [
        ("paragraph", "먼저  단추를 누른다."),
        ("paragraph", "그림 1"),
        ("paragraph", "그림 1"),
        ("paragraph", "그림 뒤"),
        ("list", "- 확인 단추"),
    ]


@pytest.mark.parametrize("position", ["super 58%", " 33% 58%", "+5%", "super"])
def test_raised_numbers_stay_raised(position: str, path: Path) -> None:
    style = '<style:style style:name="{}" style:family="text"><style:text-properties style:text-position="{}"/></style:style>'
    automatic = style.format("T1", position) + style.format("T2", "sub 58%") + style.format("T3", "0% 100%")
    span = '<text:span text:style-name="{}">{}</text:span>'
    body = p(
        "10" + span.format("T1", "6") + " H" + span.format("T2", "2") + "O 5" + span.format("T1", "th") + span.format("T3", " 3")
    )
    assert read(odt(path, body, automatic=automatic)).text == "10⁶ H2O 5th 3"


def test_lists_in_cells_have_their_numbers(path: Path) -> None:
    numbers = 'text:style-name="L1"'
    inner = listed(item(p("서류"), p("사본도"), listed(item(p("사진")))), item(p("도장")), attributes=numbers)
    table = f"<table:table>{row(cell('준비'), cell(p('다음') + inner))}{row(cell('기한'), cell('7일'))}</table:table>"
    assert shown(read(odt(path, table, automatic=NUMBERED))) == [("table", "준비 | 다음 1. 서류 사본도 - 사진 2. 도장\n기한 | 7일")]


def test_only_the_content_must_be_there(path: Path) -> None:
    optional = {"styles.xml": None, "meta.xml": None, "META-INF/manifest.xml": None}
    parsed = read(odt(path, p("글"), **optional))
    assert (parsed.text, parsed.title) == ("글", None)
    with pytest.raises(UnreadableDocument, match=r"damaged, incomplete or not an OpenDocument text \(\.odt\)"):
        read(odt(path, "", **{"content.xml": None}))


def test_a_template_is_read_like_a_document(tmp_path: Path) -> None:
    assert read(odt(tmp_path / "a.ott", p("글"), kind="text-template")).text == "글"


def test_a_password_is_named(path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="protected with a password"):
        read(odt(path, "", **{"content.xml": "\0noise", "META-INF/manifest.xml": encrypted("content.xml")}))


def test_nested_too_deeply(path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="nested too deeply"):
        read(odt(path, "<text:section>" * 300 + p("글") + "</text:section>" * 300))
    assert read(odt(path, "<text:section>" * 190 + p("글") + "</text:section>" * 190)).text == "글"
