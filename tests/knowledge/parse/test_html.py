import pytest
from tests.knowledge.parse.support import check, shown

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse.builder import TextBuilder
from protostar.knowledge.parse.html import add_html
from protostar.knowledge.parse.model import ParsedText


def parse(html: str, *, below: int = 0) -> ParsedText:
    builder = TextBuilder(1_000_000)
    title = add_html(builder, html, below=below)
    parsed = builder.build(title=title)
    check(parsed)
    return parsed


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
        ("<dl><dt>term<dd>meaning</dl>", [("paragraph", "term"), ("paragraph", "meaning")]),
        ("<p hidden>no</p><p>yes</p>", [("paragraph", "yes")]),
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
            [("table", "구분 | 금액\n구분 | 기본 | 추가\n갑 | 1 | 2\n갑 | 3")],
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


@pytest.mark.parametrize("tag", ["div", "b", "ul", "font", "custom-element"])
def test_deep_nesting_is_refused_at_once(tag: str) -> None:
    with pytest.raises(UnreadableDocument, match="nested too deeply"):
        parse(f"<{tag}>" * 200_000)


@pytest.mark.parametrize("html", ["<p>x" * 50_000, "<ul>" + "<li>x" * 50_000, "<table>" + "<tr><td>x" * 50_000, "x<br>" * 50_000])
def test_long_flat_pages_are_not_deep(html: str) -> None:
    assert parse(html).text.count("x") == 50_000


def test_unclosed_tables_within_the_limit_are_read_without_recursion() -> None:
    assert parse("<table><tr><td>" * 2_000 + "deep").text == "deep"
    assert parse("<div>" * 4_000 + "deep").text == "deep"
