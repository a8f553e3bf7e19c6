"""Excel: what the small real files do not show."""

from datetime import date, datetime, time, timedelta
from pathlib import Path
from zipfile import ZipFile

import openpyxl
import pytest
from openpyxl.worksheet.filters import AutoFilter
from openpyxl.worksheet.table import Table
from openpyxl.xml.constants import SHEET_MAIN_NS
from tests.knowledge.parse.support import block_with, read, save, shown

from protostar.errors import UnreadableDocument


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


def sheet(path: Path, rows: str, before: str = "", behind: str = "") -> Path:
    """A workbook with a sheet of this XML."""
    whole = f'<?xml version="1.0"?><worksheet xmlns="{SHEET_MAIN_NS}">{before}<sheetData>{rows}</sheetData>{behind}</worksheet>'
    with ZipFile(workbook(path.with_name("empty.xlsx"))) as original, ZipFile(path, "w") as changed:
        for name in original.namelist():
            changed.writestr(name, whole if name == "xl/worksheets/sheet1.xml" else original.read(name))
    return path


def cells(*texts: str) -> str:
    return "".join(f'<c t="inlineStr"><is><t>{text}</t></is></c>' for text in texts)


@pytest.mark.parametrize(
    "row",
    [
        *("r='2' hidden='1'", 'hidden="1"', 'r = "2" hidden\n=\n"true"', 'r="2" spans="' + "1:2 " * 300 + '" hidden="1"'),
        *('a="&gt;>" r="2" hidden="1"', '\nr="2"\nhidden="1"', 'r="2" ht="0" customHeight="1"'),
    ],
)
def test_a_hidden_row_is_not_read_however_it_is_written(row: str, tmp_path: Path) -> None:
    rows = f"<row>{cells('이름', '값')}</row><row {row}>{cells('비밀', '1')}</row><row r='3'>{cells('전화', '2')}</row>"
    assert shown(read(sheet(tmp_path / "a.xlsx", rows)))[1:] == [("table", "이름 | 값\n전화 | 2")]


def test_a_hidden_row_without_a_number_follows_the_one_above_it(tmp_path: Path) -> None:
    rows = f"<row r='5'>{cells('이름', '값')}</row><row hidden='1'>{cells('비밀', '1')}</row><row>{cells('전화', '2')}</row>"
    assert shown(read(sheet(tmp_path / "a.xlsx", rows)))[1:] == [("table", "이름 | 값\n전화 | 2")]


@pytest.mark.parametrize("column", ["min='2' max='2' hidden='true'", 'max = "2" min = "2" width="0" customWidth="1"'])
def test_a_hidden_column_is_not_read_however_it_is_written(column: str, tmp_path: Path) -> None:
    rows = f"<row>{cells('이름', '원가', '값')}</row><row>{cells('전화', '1', '2')}</row>"
    before = f"<cols><col min='9' max='20000' hidden='1'/><col {column}/><col min='2' max='2' width='9'/></cols>"
    assert shown(read(sheet(tmp_path / "a.xlsx", rows, before)))[1:] == [("table", "이름 | 값\n전화 | 2")]


def test_rows_that_are_there_are_seen_where_all_others_are_hidden(tmp_path: Path) -> None:
    before = "<sheetFormatPr defaultRowHeight='15' zeroHeight='1'/>"
    rows = f"<row r='1'>{cells('이름', '값')}</row><row r='2' ht='0'>{cells('전화', '2')}</row>"
    assert shown(read(sheet(tmp_path / "a.xlsx", rows, before)))[1:] == [("table", "이름 | 값\n전화 | 2")]


CHOSEN = "<filterColumn colId='0'><filters><filter val='전화'/></filters></filterColumn>"


@pytest.mark.parametrize(
    ("behind", "is_read"),
    [
        (f"<autoFilter ref='A1:B2'>{CHOSEN}</autoFilter>", True),
        (f"<autoFilter ref='$A$1:$B$2'>{CHOSEN}</autoFilter>", True),
        (f"<autoFilter ref='A:B'>{CHOSEN}</autoFilter>", True),
        ("<autoFilter ref='A1:B2'><filterColumn colId='0' hiddenButton='1'/></autoFilter>", False),
        ("<autoFilter ref='A1:B2'/>", False),
        ("<!-- <filterColumn > -->", False),
        (f"<autoFilter ref='A4:B9'>{CHOSEN}</autoFilter>", False),
        (f"<autoFilter ref='$A$2:$B$9'>{CHOSEN}</autoFilter>", False),
    ],
)
def test_only_what_a_filter_can_leave_out_is_not_hidden(behind: str, is_read: bool, tmp_path: Path) -> None:
    rows = f"<row>{cells('이름', '값')}</row><row hidden='1'>{cells('서울', '1')}</row><row r='3'>{cells('전화', '2')}</row>"
    seen = "이름 | 값\n서울 | 1\n전화 | 2" if is_read else "이름 | 값\n전화 | 2"
    assert shown(read(sheet(tmp_path / "a.xlsx", rows, behind=behind)))[1:] == [("table", seen)]


def test_what_an_advanced_filter_leaves_out_is_read(tmp_path: Path) -> None:
    rows = f"<row>{cells('이름', '값')}</row><row hidden='1'>{cells('서울', '1')}</row>"
    path = sheet(tmp_path / "a.xlsx", rows, "<sheetPr filterMode='1'/>")
    assert shown(read(path))[1:] == [("table", "이름 | 값\n서울 | 1")]


@pytest.mark.parametrize("reference", ["A2:B4", "$A$2:$B$4"])
def test_what_the_filters_of_tables_in_a_sheet_leave_out_is_read(reference: str, tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (["비밀", 0], ["지점", "수량"], ["서울", 1], ["부산", 2], [], ["품목", "값"], ["펜", 3], ["자", 4], ["끝", 5]):
        book.active.append(row)
    for name, place in (("First", reference), ("Second", "A6:B8")):
        table = Table(displayName=name, ref=place.replace("$", ""), autoFilter=AutoFilter(ref=place))
        table.autoFilter.add_filter_column(0, ["서울", "펜"])
        book.active.add_table(table)
    for hidden in (1, 4, 8, 9):
        book.active.row_dimensions[hidden].hidden = True
    book.save(tmp_path / "a.xlsx")
    assert shown(read(tmp_path / "a.xlsx"))[1:] == [
        ("table", "지점 | 수량\n서울 | 1\n부산 | 2"),
        ("table", "품목 | 값\n펜 | 3\n자 | 4"),
    ]


def test_empty_rows_below_all_others_are_not_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protostar.knowledge.parse.spreadsheets.workbook._MOST_BLANKS", 1_000)
    rows = (
        f"<row r='1'>{cells('이름', '값')}</row><row r='3.0'>{cells('전화', '1')}</row><row r='1048575'/><row r='1048576' ht='12'/>"
    )
    assert shown(read(sheet(tmp_path / "a.xlsx", rows)))[1:] == [("table", "이름 | 값\n전화 | 1")]


def test_times_are_shown_without_what_their_format_leaves_out(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.append([date(2026, 3, 1), timedelta(hours=30, minutes=5), timedelta(minutes=-90), "끝"])
    for cell, code in zip(book.active[1], ("yyyy-mm", "[h]:mm", "[h]:mm"), strict=False):
        cell.number_format = code
    book.save(tmp_path / "a.xlsx")
    assert shown(read(tmp_path / "a.xlsx"))[1:] == [("table", "2026-03 | 30:05 | -1:30 | 끝")]


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


def test_merged_cells_that_begin_in_a_hidden_row_or_column_are_shown_behind_it(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    for row in (
        *(("", "요금표", "", "", ""), ("1", "구분", "항목", "금액", "비고"), ("2", "성인", "입장", "9,000", "-")),
        *(("3", "단체", "숨은", "1", "-"), ("4", "", "체험", "2,000", "-"), ("5", "", "식사", "5,000", "-")),
        *(
            ("6", "다른 숨은", "숨은", "2", "-"),
            ("7", "", "숨은", "3", "-"),
            ("8", "끝", "입장", "1,000", "-"),
            ("", "", "x", "y", "z"),
        ),
    ):
        book.active.append([value or None for value in row])
    book.active["A1"] = "2026년 요금표"
    book.active["B1"] = None
    for merged in ("A1:E1", "B4:B6", "B7:B8", "B9:B10"):
        book.active.merge_cells(merged)
    book.active.column_dimensions["A"].hidden = True
    for hidden in (4, 7, 8):
        book.active.row_dimensions[hidden].hidden = True
    assert read(save(book, tmp_path / "a.xlsx")).text.split("\n")[2:] == [
        *("2026년 요금표", "구분 | 항목 | 금액 | 비고", "성인 | 입장 | 9,000 | -"),
        *("단체 | 체험 | 2,000 | -", "단체 | 식사 | 5,000 | -", "끝 | 입장 | 1,000 | -", "끝 | x | y | z"),
    ]


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
