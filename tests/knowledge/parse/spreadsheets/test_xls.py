"""Workbooks of Excel 97 to 2003: what the other one does not show, and broken ones."""

import random
import re
import struct
from pathlib import Path

import pytest
from tests.knowledge.parse.support import FILES, read, shown

from protostar.errors import UnreadableDocument

PRICES = FILES / "prices-ko.xls"
BEGIN_OF_WORKBOOK = b"\x09\x08\x10\x00\x00\x06\x05\x00"
FILE_PASS = b"\x2f\x00"
COLUMN_INFO = b"\x7d\x00\x0c\x00"
SHEET = re.compile(rb"\x85\x00.\x00(?=....[\x00-\x02]\x00)", re.DOTALL)


PRICE_LIST = """\
구분 | 항목 | 요금 | 할인율 | 기간
성인 | 입장 | 12,000원 | 10% | 2026-03-01
성인 | 체험 | 25,000원 | 15% | 2026-12-31
어린이 | 입장 | 6,000원 | 0%
어린이 | 체험 | 12,500원 | 5% | 2026-05-05 09:30
단체 | 입장 | 9,000원 | 20%"""
FOLDED = """\
행1 | 1 | 1 | 끝 | 링크
행2 | 2 | 4 | 끝 | 줄 바꿈
행3 | 3 | 9 | 끝 |  | TRUE
행4 | 4 | 16 | 끝 |  | 30:05
행5 | 5 | 25 | 끝
행6 | 6 | 36 | 끝 |  | 13:05
행7 | 7 | 49 | 끝 |  | 1234567.891
행8 | 8 | 64 | 끝
행9 | 9 | 81 | 끝
행10 | 10 | 100 | 끝"""


def test_cells_are_read_as_they_are_shown_and_hidden_ones_are_not() -> None:
    parsed = read(PRICES)
    assert [(block.page, text) for block, (_, text) in zip(parsed.blocks, shown(parsed), strict=True)] == [
        (1, "요금표"),
        (1, PRICE_LIST),
        (1, "다른 표\n이름 | 전화 |  | 넓은 칸\n홍길동 | 02-123-4567 |  | 넓은 칸"),
        (3, "묶음"),
        (3, FOLDED),
        (5, "멀리"),
        (5, "시작\n끝\n더 끝"),
        (6, "거름"),
        (6, "지역 | 값\n부산 | 0\n서울 | 1\n부산 | 2\n서울 | 3\n부산 | 4\n서울 | 5"),
    ]
    assert parsed.page_count == 6


def test_a_password_is_said(tmp_path: Path) -> None:
    content = bytearray(PRICES.read_bytes())
    at = content.index(BEGIN_OF_WORKBOOK) + 4 + content[content.index(BEGIN_OF_WORKBOOK) + 2]
    content[at : at + 2] = FILE_PASS
    (tmp_path / "a.xls").write_bytes(content)
    with pytest.raises(UnreadableDocument, match="protected with a password"):
        read(tmp_path / "a.xls")


def test_what_xlrd_remarks_on_a_sheet_is_no_error(tmp_path: Path) -> None:
    content = bytearray(PRICES.read_bytes())
    at = content.index(COLUMN_INFO) + len(COLUMN_INFO)
    content[at : at + 4] = struct.pack("<HH", 0, 300)
    (tmp_path / "a.xls").write_bytes(content)
    assert PRICE_LIST in read(tmp_path / "a.xls").text


def test_a_sheet_that_is_named_many_times_is_read_once(tmp_path: Path) -> None:
    content = bytearray(PRICES.read_bytes())
    places = [found.end() for found in SHEET.finditer(content)]
    for at in places:
        content[at : at + 4] = content[places[0] : places[0] + 4]
    (tmp_path / "a.xls").write_bytes(content)
    assert read(tmp_path / "a.xls").text.count(PRICE_LIST) == 1


@pytest.mark.parametrize("changed", [1, 10, 40])
def test_changed_bytes_are_an_error_or_some_text(changed: int, tmp_path: Path) -> None:
    chance = random.Random(changed)
    original, path = PRICES.read_bytes(), tmp_path / "a.xls"
    for _ in range(100):
        content = bytearray(original)
        for _ in range(changed):
            content[chance.randrange(512, len(content))] = chance.randrange(256)
        path.write_bytes(content)
        try:
            read(path)
        except UnreadableDocument as error:
            assert str(error).startswith(("The file is damaged, incomplete or not an Excel workbook (.xls)", "No text"))  # noqa: PT017
