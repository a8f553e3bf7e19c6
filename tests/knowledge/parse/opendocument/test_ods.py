"""OpenDocument spreadsheets: what the real one does not show."""

from pathlib import Path

import pytest
from tests.knowledge.parse.packages import encrypted, odt
from tests.knowledge.parse.support import read, shown

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse.opendocument import sheets

HIDDEN = '<style:style style:name="ta2" style:family="table"><style:table-properties table:display="false"/></style:style>'


def cell(text: str = "", **numbers: int) -> str:
    content = f"<text:p>{text}</text:p>" if text else ""
    return f"<table:table-cell{attributes(numbers)}>{content}</table:table-cell>"


def covered(**numbers: int) -> str:
    return f"<table:covered-table-cell{attributes(numbers)}/>"


def row(*cells: str, visibility: str = "visible", **numbers: int) -> str:
    return f'<table:table-row table:visibility="{visibility}"{attributes(numbers)}>{"".join(cells)}</table:table-row>'


def attributes(numbers: dict[str, int]) -> str:
    return "".join(f' table:number-{name.replace("_", "-")}="{number}"' for name, number in numbers.items())


def sheet(*elements: str, name: str = "표", style: str = "ta1") -> str:
    return f'<table:table table:name="{name}" table:style-name="{style}">{"".join(elements)}</table:table>'


def ods(path: Path, *sheets: str, automatic: str = "") -> Path:
    return odt(path / "a.ods", "".join(sheets), automatic=automatic, kind="spreadsheet")


def rows_of(path: Path, *elements: str) -> list[str]:
    """The rows of the tables of one sheet, each table ended by an empty one."""
    parsed = read(ods(path, sheet(*elements)))
    return [line for _, text in shown(parsed)[1:] for line in [*text.split("\n"), ""]][:-1]


def test_hidden_sheets_and_blank_ones_are_counted_and_not_read(tmp_path: Path) -> None:
    blank = sheet(row(cell(columns_repeated=16384), rows_repeated=1_048_576), name="빈 표")
    parsed = read(ods(tmp_path, sheet(row(cell("비밀")), style="ta2"), blank, sheet(row(cell("값")), name="끝"), automatic=HIDDEN))
    assert shown(parsed) == [("heading", "끝"), ("table", "값")]
    assert (parsed.blocks[0].page, parsed.page_count, parsed.title) == (3, 3, "제목")


def test_hidden_rows_and_columns_are_not_read_and_folded_or_filtered_ones_are(tmp_path: Path) -> None:
    columns = (
        '<table:table-column/><table:table-column table:number-columns-repeated="2" table:visibility="collapse"/>'
        '<table:table-column-group><table:table-column table:visibility="collapse"/></table:table-column-group>'
    )
    folded = row(cell("접힌 줄"), cell("x", columns_repeated=3), visibility="collapse")
    assert rows_of(
        tmp_path,
        columns,
        f"<table:table-header-rows>{row(cell('이름'), cell('가'), cell('나'), cell('접힌'))}</table:table-header-rows>",
        row(cell("숨은 줄"), visibility="collapse"),
        row(cell("걸러진 줄"), cell(columns_repeated=2), cell("1"), visibility="filter"),
        f"<table:table-row-group>{folded}</table:table-row-group>",
    ) == ["이름 | 접힌", "걸러진 줄 | 1", "접힌 줄 | x"]


def test_merged_cells_keep_their_columns_and_are_said_in_each_row(tmp_path: Path) -> None:
    assert rows_of(
        tmp_path,
        row(cell("구분"), cell("요금", columns_spanned=2), covered(), cell("비고")),
        row(cell("성인", rows_spanned=4), cell("입장"), cell("9,000"), cell("-")),
        row(covered(), cell("숨은"), cell("1"), cell("-"), visibility="collapse"),
        row(covered(), cell("체험"), cell("12,000"), cell("예약")),
        row(covered(), cell(columns_repeated=3)),
        row(cell("끝"), cell("a"), cell("b"), cell("c")),
    ) == ["구분 | 요금 |  | 비고", "성인 | 입장 | 9,000 | -", "성인 | 체험 | 12,000 | 예약", "끝 | a | b | c"]


def test_merged_cells_that_begin_in_a_hidden_row_or_column_are_shown_behind_it(tmp_path: Path) -> None:
    assert rows_of(
        tmp_path,
        '<table:table-column table:visibility="collapse"/>',
        row(cell("2026년 요금표", columns_spanned=5), covered(columns_repeated=4)),
        row(cell("1"), cell("구분"), cell("항목"), cell("금액"), cell("비고")),
        row(cell("2"), cell("성인"), cell("입장"), cell("9,000"), cell("-")),
        row(cell("3"), cell("단체", rows_spanned=3), cell("숨은"), cell("1"), cell("-"), visibility="collapse"),
        row(cell("4"), covered(), cell("체험"), cell("2,000"), cell("-")),
        row(cell("5"), covered(), cell("식사"), cell("5,000"), cell("-")),
        row(cell("6"), cell("숨은", rows_spanned=2), cell(columns_repeated=3), visibility="collapse"),
        row(cell("7"), covered(), cell(columns_repeated=3), visibility="collapse"),
        row(cell("8"), cell(rows_spanned=2), cell("끝", rows_spanned=2), cell("1,000"), cell("-")),
        row(cell("9"), covered(columns_repeated=2), cell("2,000"), cell("-")),
    ) == [
        *("2026년 요금표", "구분 | 항목 | 금액 | 비고", "성인 | 입장 | 9,000 | -"),
        *("단체 | 체험 | 2,000 | -", "단체 | 식사 | 5,000 | -", " | 끝 | 1,000 | -", " | 끝 | 2,000 | -"),
    ]


def test_what_lies_on_a_sheet_stands_below_its_table(tmp_path: Path) -> None:
    def box(text: str, display: str = "always") -> str:
        return f"<draw:frame draw:display='{display}'><draw:text-box><text:p>{text}</text:p></draw:text-box></draw:frame>"

    shapes = f"<table:shapes>{box('환불은 7일 안에')}{box('숨은', 'none')}<draw:frame/></table:shapes>"
    held = cell("요금").replace("</table:table-cell>", f"{box('부가세 포함')}</table:table-cell>")
    hidden = row(held.replace("부가세 포함", "숨은"), visibility="collapse")
    parsed = read(ods(tmp_path, sheet(shapes, hidden, row(held, cell("값"))), sheet(shapes, name="글상자")))
    assert shown(parsed) == [
        *(("heading", "표"), ("table", "요금 | 값"), ("paragraph", "환불은 7일 안에"), ("paragraph", "부가세 포함")),
        *(("heading", "글상자"), ("paragraph", "환불은 7일 안에")),
    ]


def test_cells_and_rows_that_are_written_once_are_read_as_often_as_they_stand_there(tmp_path: Path) -> None:
    assert rows_of(
        tmp_path,
        row(cell("가"), cell("x", columns_repeated=2), cell(columns_repeated=2), cell("끝")),
        row(cell("나"), cell("1"), rows_repeated=2),
        row(cell(), rows_repeated=900_000),
        row(cell("이름"), cell("전화")),
        row(cell("홍길동"), cell("02-123-4567")),
    ) == ["가 | x | x |  |  | 끝", "나 | 1", "나 | 1", "", "이름 | 전화", "홍길동 | 02-123-4567"]


def test_cells_are_read_as_they_are_shown(tmp_path: Path) -> None:
    note = "<office:annotation><text:p>메모</text:p></office:annotation>"
    assert rows_of(
        tmp_path,
        row(
            f'<table:table-cell office:value-type="percentage" office:value="0.1">{note}<text:p>10%</text:p></table:table-cell>',
            "<table:table-cell><text:p>두</text:p><text:p>줄<text:line-break/>셋<text:s/>넷</text:p></table:table-cell>",
            '<table:table-cell office:value-type="date" office:date-value="2026-03-01"/>',
            '<table:table-cell office:value-type="float" office:value="42"/>',
            '<table:table-cell office:value-type="float" office:value="7"><text:p/></table:table-cell>',  # in the format «;;;»
        ),
    ) == ["10% | 두 줄 셋 넷 | 2026-03-01 | 42"]


def test_tables_elsewhere_in_the_file_are_no_sheets(tmp_path: Path) -> None:
    inner = f"<table:table-cell>{sheet(row(cell('안'), cell('글')), name='안')}</table:table-cell>"
    linked = f"<table:dde-links><table:dde-link>{sheet(row(cell('딴 데')))}</table:dde-link></table:dde-links>"
    parsed = read(ods(tmp_path, sheet(row(cell("밖"), inner), row(cell("끝"))), linked))
    assert shown(parsed) == [("heading", "표"), ("table", "밖 | 안 글\n끝")]


@pytest.mark.parametrize(
    "element",
    [
        row(cell("글"), rows_repeated=1_000_000_000),
        row(cell("글", columns_repeated=1_001)),
        row(cell(columns_repeated=16_000), cell("글")),
        row(*(cell("글", columns_repeated=100) for _ in range(10)), rows_repeated=1_001),
    ],
)
def test_far_too_many_cells_are_refused(element: str, tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="larger than 200,000 rows, 1,000 columns or 1,000,000 cells"):
        read(ods(tmp_path, sheet(element)))


def test_blank_cells_that_are_said_to_cover_a_sheet_take_no_memory(tmp_path: Path) -> None:
    blanks = row(cell(columns_repeated=16_384, rows_spanned=1_000_000, columns_spanned=1_000), rows_repeated=100)
    hidden = '<table:table-column table:number-columns-repeated="16384" table:visibility="collapse"/>'
    assert rows_of(tmp_path, row(cell("처음")), blanks * 1_000, hidden * 1_000) == ["처음"]


def test_rows_below_many_columns_are_let_go_at_once(tmp_path: Path) -> None:
    assert rows_of(tmp_path, "<table:table-column/>" * 200_000, "<table:table-row/>" * 150_000, row(cell("끝"))) == ["끝"]


def test_a_long_text_that_is_said_to_fill_a_row_is_refused_before_it_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = ods(tmp_path, sheet(row(cell("글" * 10_000, columns_repeated=1_000))))
    monkeypatch.setattr(sheets, "add_sheet", lambda *given: list(given[3]))  # nothing is added, so nothing else can refuse it
    with pytest.raises(UnreadableDocument, match="longer than the 9,999,999 characters"):
        read(path, max_chars=9_999_999)


def test_what_is_protected_or_broken_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnreadableDocument, match="protected with a password"):
        read(odt(tmp_path / "a.ods", "", kind="spreadsheet", **{"META-INF/manifest.xml": encrypted("content.xml")}))
    with pytest.raises(UnreadableDocument, match=r"damaged, incomplete or not an OpenDocument spreadsheet \(\.ods\)"):
        read(ods(tmp_path, sheet(row(cell("글"), rows_repeated=1).replace('="1"', '="viele"'))))
