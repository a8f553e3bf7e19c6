import pytest
from tests.knowledge.parse.html.pages import parse, texts
from tests.knowledge.parse.support import shown


@pytest.mark.parametrize(
    ("html", "blocks"),
    [
        (
            "<p>one\n  two<br>three <b>bo</b>ld &amp; more</p>tail",
            [("paragraph", "one two\nthree bold & more"), ("paragraph", "tail")],
        ),
        ("<ol><li>a<li>b<ul><li>c<ul><li>d</ul></ul><li>e</ol>", [("list", "1. a\n2. b\n  - c\n    - d\n3. e")]),
        ("<ul><li><p>a</p><p>more</p></li></ul>", [("list", "- a\n  more")]),
        ("<ul><li>a<pre>  x\n y</pre>b</ul>", [("list", "- a"), ("code", "  x\n y"), ("list", "  b")]),
        ("<blockquote><p>q1<p>q2</blockquote>p", [("quote", "q1"), ("quote", "q2"), ("paragraph", "p")]),
        ("<pre>\n  a\n    b  \n</pre>", [("code", "  a\n    b")]),
        ("<dl><dt>term<dd>meaning</dl>", [("paragraph", "term\nmeaning")]),
        (
            "<dl><dt>a<dt>b<dd><p>one<p>two<dt>c<dd>three</dl>d",
            [("paragraph", "a\nb\none"), ("paragraph", "two"), ("paragraph", "c\nthree"), ("paragraph", "d")],
        ),
        ("<dl><dt>term<dd><ul><li>x</ul></dl>", [("paragraph", "term"), ("list", "- x")]),
        (
            "<details><summary>언제 쉬나요?</summary>월요일에 쉽니다.</details>a",
            [("paragraph", "언제 쉬나요?\n월요일에 쉽니다."), ("paragraph", "a")],
        ),
        (
            "<button aria-expanded=false>언제 쉬나요?</button><div><p>월요일에 쉽니다.</div>",
            [("paragraph", "언제 쉬나요?\n월요일에 쉽니다.")],
        ),
        (
            "<h3><button>언제 쉬나요?</button></h3>월요일에 쉽니다.<button>닫기</button>",
            [("heading", "언제 쉬나요?"), ("paragraph", "월요일에 쉽니다.")],
        ),
        ("<div role=heading aria-level=2>a</div>b", [("heading", "a"), ("paragraph", "b")]),
        ("<h2><div>제</div><div>목</div></h2>a", [("heading", "제 목"), ("paragraph", "a")]),
        ("<h2>not closed<p>one<p>two", [("heading", "not closed"), ("paragraph", "one"), ("paragraph", "two")]),
        ("<h2><img alt='회사 소개'></h2>a", [("heading", "회사 소개"), ("paragraph", "a")]),
        (
            "<ul><li><h3>a</h3><p>b<p>c<li><h3>d</h3><ul><li>e<li>f</ul>g</ul><ul><li>h</ul>",
            [
                ("heading", "a"),
                ("paragraph", "b"),
                ("paragraph", "c"),
                ("heading", "d"),
                ("list", "- e\n- f"),
                ("paragraph", "g"),
                ("list", "- h"),
            ],
        ),
        (
            "<ol start=3><li>a<li value=7>b<li>c</ol><ol type=a><li>d<li>e</ol>",
            [("list", "3. a\n7. b\n8. c"), ("list", "a. d\nb. e")],
        ),
        ("<pre><code><div>npm install</div><div>  npm&nbsp;start</div></code></pre>", [("code", "npm install\n  npm start")]),
        (
            "<p style='white-space: pre-line'>one\n  two\n\nthree</p>four\nfive",
            [("paragraph", "one\ntwo"), ("paragraph", "three"), ("paragraph", "four five")],
        ),
        ("<ul><li class=whitespace-pre-wrap>one\ntwo</ul>", [("list", "- one\n  two")]),
        ("<table><tr><td>a<td class=whitespace-pre-wrap>b\nc</table>", [("table", "a | b c")]),
        ("<table><tr><td><pre>1\n2</pre><td><pre>if x:\n    y()</pre></table>", [("code", "if x:\n    y()")]),
        ("a<!-- comment --><script>x</script><style>y</style><template>z</template>b", [("paragraph", "ab")]),
        ("<table><caption>cap</caption><tr><th>a<th>b<tr><td>1<br>2<td><p>x<p>y</table>", [("table", "cap\na | b\n1 2 | x y")]),
        ("<table><tr><td>a\nb<td>c</table>", [("table", "a b | c")]),
        ("one<br>two<br>\n<br>three", [("paragraph", "one\ntwo"), ("paragraph", "three")]),
        ("<ul><li>one<br><br>two</ul>", [("list", "- one\n  two")]),
        ("<table><tr><td><h2>in</h2>layout<td><table><tr><td>1<td>2</table></table>", None),
        (
            "<header>banner</header><article><header><h1>real</h1></header>text</article>",
            [("heading", "real"), ("paragraph", "text")],
        ),
        ("<nav>only</nav><footer>furniture</footer>", [("paragraph", "only"), ("paragraph", "furniture")]),
        ("<div>a<div>b</div>c</div>", [("paragraph", "a"), ("paragraph", "b"), ("paragraph", "c")]),
        (
            "<table><tr><th rowspan=2>구분<th colspan=2>금액<tr><th>기본<th>추가<tr><td rowspan=0>갑<td rowspan=x>1<td>2<tr><td>3",
            [("table", "구분 | 금액 기본 | 금액 추가\n갑 | 1 | 2\n갑 | 3")],
        ),
        (
            "<table><tr><th>성명<td><th>연락처<td><tr><th>주소<td><th>이메일<td><tr><th>이름<td>가<th>나<td>다</table>",
            [("table", "성명 |  | 연락처\n주소 |  | 이메일\n이름 | 가 | 나 | 다")],
        ),
        (
            "<table><tr><th>Constructor<th>Text<tr><th scope=row>COSBase()<td><tr><th scope=row>COSArray()<td>List</table>",
            [("table", "Constructor | Text\nCOSBase()\nCOSArray() | List")],
        ),
        ("<h1>  </h1><p> </p>", []),
        ("", []),
    ],
)
def test_blocks(html: str, blocks: list[tuple[str, str]] | None) -> None:
    expected = [("heading", "in"), ("paragraph", "layout"), ("table", "1 | 2")] if blocks is None else blocks
    assert shown(parse(html)) == expected


def test_a_letter_in_a_cell_keeps_its_lines() -> None:
    letter = (
        "안녕하세요,<br>조합원 여러분.<br><br>배송을\n쉽니다.<br>- 중단: 9월 23일<br>- 재개: 9월 29일<br><br>"
        + "풍성한 한가위 보내세요. " * 20
    )
    page = f"<table><tr><th>제목<td>추석<tr><th>날짜<td>9월 10일<tr><td colspan=2>{letter}<tr><th>첨부<td>없음</table>"
    assert shown(parse(page)) == [
        ("table", "제목 | 추석\n날짜 | 9월 10일"),
        ("paragraph", "안녕하세요,\n조합원 여러분."),
        ("paragraph", "배송을 쉽니다.\n- 중단: 9월 23일\n- 재개: 9월 29일"),
        ("paragraph", ("풍성한 한가위 보내세요. " * 20).strip()),
        ("table", "첨부 | 없음"),
    ]


def test_rows_of_data_within_a_table_that_arranges() -> None:
    notice = "<p>지원 대상<p>19세 이상<table><tr><td>구분<td>금액<tr><td>월세<td>20만 원</table>"
    page = (
        f"<table><tr><th>제목<td>월세 지원<tr><th>등록일<td>2024-02-26<tr><td colspan=2>{notice}<tr><th>첨부<td>신청서.hwp</table>"
    )
    assert shown(parse(page)) == [
        ("table", "제목 | 월세 지원\n등록일 | 2024-02-26"),
        ("paragraph", "지원 대상"),
        ("paragraph", "19세 이상"),
        ("table", "구분 | 금액\n월세 | 20만 원"),
        ("table", "첨부 | 신청서.hwp"),
    ]


def test_a_row_is_one_though_its_cells_are_headings() -> None:
    page = "<table><tr><td><h3>Income</h3><td><tr><td>Support<td>$ 7,100<tr><td><h3>Net</h3><td><h3>$ 7,343</h3></table>"
    assert shown(parse(page)) == [("heading", "Income"), ("table", "Support | $ 7,100\nNet | $ 7,343")]


def test_only_a_row_of_heads_is_said_again() -> None:
    row = "<tr><th>주소<td>서울시 중구 세종대로"
    assert texts(f"<table>{row * 100}</table>")[1].startswith("주소 | 서울시 중구 세종대로\n주소")
    assert "이름" not in "".join(texts(f"<table><tr><th>이름<td>중구청{row * 100}</table>")[1:])
    rows = "<tr><td>AcceptFilter<td><td>s<tr><td>Action<td>type<td>d" + "<tr><td>Alias<td>path<td>d" * 100
    assert "Action" not in "".join(texts(f"<table>{rows}</table>")[1:])


GAP = "<p>&nbsp;</p>"
BOLD = f"<p><strong>환불</strong></p><p>7일</p>{GAP}<p><span style='font-weight:bold'>배송</span></p>{GAP}<ul><li>2일</ul>"


def test_short_bold_paragraphs_above_others_are_headings() -> None:
    parsed = parse(f"<h2>안내</h2>{BOLD}<h2>문의</h2><p>전화")
    assert [(block.kind, block.heading_path) for block in parsed.blocks] == [
        ("heading", ("안내",)),
        *[("heading", ("안내", "환불")), ("paragraph", ("안내", "환불"))],
        *[("heading", ("안내", "배송")), ("list", ("안내", "배송"))],
        *[("heading", ("문의",)), ("paragraph", ("문의",))],
    ]


@pytest.mark.parametrize(
    "html",
    [
        "<p><b>주의</b></p><p>7일 안에 신청한다",
        "<p><b>환불은 7일 안에 합니다</b></p><p>a</p><p><b>배송은 2일입니다.</b></p><p>b",
        "<p><b>서울시</b></p><p><b>중구</b></p><p>a</p><p><b>대전시</b></p><p><b>서구</b></p><p>b",
        "<p><b>환불</b>은</p><p>a</p><p>그 <b>배송</b></p><p>b",
        "<ul><li><p><b>환불</b></p><p>a</p><p><b>배송</b></p><p>b</ul>",
        "<p><b>환불</b></p><p>a</p><p><b>12</b></p><p>b",
        "<table><tr><td><p><b>환불</b></p><p>a</p><p><b>배송</b></p><p>b<td>c</table>",
    ],
)
def test_other_bold_paragraphs_are_none(html: str) -> None:
    assert "heading" not in {block.kind for block in parse(html).blocks}


def test_headings_nest_below_those_of_the_whole() -> None:
    parsed = parse("<h1>a</h1><h3>b</h3><h2>c</h2>", below=1)
    assert [block.heading_path for block in parsed.blocks] == [("a",), ("a", "b"), ("a", "c")]


def test_the_header_of_a_long_table_is_repeated() -> None:
    rows = "".join(f"<tr><td>사과 {number}<td>{number}" for number in range(200))
    tables = [text for kind, text in shown(parse(f"<table><tr><th>품목<th>수량{rows}</table>")) if kind == "table"]
    assert len(tables) > 1
    assert all(table.startswith("품목 | 수량\n사과 ") for table in tables)
    lines = [line for table in tables for line in table.splitlines()[1:]]
    assert lines == [f"사과 {number} | {number}" for number in range(200)]
    assert all(len(table) <= 1000 for table in tables)


def test_a_panel_is_read_below_the_label_of_its_tab() -> None:
    tabs = "<ul role=tablist><li role=tab id=t1>맥<li role=tab id=t2>윈도</ul>"
    mac = "<div role=tabpanel aria-labelledby=t1><p>brew로 설치한다.</div>"
    windows = "<div role=tabpanel aria-labelledby=t2 hidden>winget으로 설치한다.</div>"
    assert texts(tabs + mac + windows) == ["맥\nbrew로 설치한다.", "윈도\nwinget으로 설치한다."]


@pytest.mark.parametrize(
    "cell", ["td style='text-decoration: line-through'", "td style=visibility:hidden", "th style=visibility:collapse"]
)
def test_a_cell_that_shows_nothing_keeps_its_place(cell: str) -> None:
    row = f"<tr><td>Basic</td><{cell}>10,000</{cell[:2]}><td>8,000</td></tr>"
    assert texts(f"<table>{row}<tr><td>Pro</td><td>2</td><td>1</td></tr></table>") == ["Basic |  | 8,000\nPro | 2 | 1"]
    assert texts(f"<table>{row.replace(cell, cell + ' hidden', 1)}</table>") == ["Basic | 8,000"]


def test_an_invisible_corner_is_one() -> None:
    head = "<tr><th style=visibility:hidden>#</th><th>Mon</th><th>Tue</th></tr>"
    assert texts(f"<table>{head}<tr><td>9:00</td><td>Math</td><td>Art</td></tr></table>") == [" | Mon | Tue\n9:00 | Math | Art"]
