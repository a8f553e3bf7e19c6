"""Hangul documents in their binary format, as Hangul writes them. What it has in common with HWPX is tested in test_hwpx.py."""

import struct
import zlib
from contextlib import suppress
from pathlib import Path

import pytest
from tests.knowledge.parse.hangul.hwp_files import box, cell, compound, control, hwp, listed, para, record, section, string, table
from tests.knowledge.parse.support import read, shown

from protostar.errors import UnreadableDocument

NOTE = control(18, "atno", struct.pack("<IH6x", 1, 1))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.hwp"


def test_headings_by_outline_and_by_style(path: Path) -> None:
    parsed = read(
        hwp(
            path,
            para("규정집", style="title"),
            para("총칙", shape="outline1", style="outline"),
            para("목적", shape="outline2"),
            para("이 규정은 휴가를 정한다.", style="renamed"),
            para("부칙", shape="outline1"),
            para("세칙", style="heading"),
            para("English", style="english"),
            title="사내 규정",
        )
    )
    assert parsed.title == "사내 규정"
    assert [(block.kind, block.heading_path) for block in parsed.blocks] == [
        ("heading", ("규정집",)),
        ("heading", ("규정집", "1. 총칙")),
        ("heading", ("규정집", "1. 총칙", "가. 목적")),
        ("paragraph", ("규정집", "1. 총칙", "가. 목적")),
        ("heading", ("규정집", "2. 부칙")),
        ("heading", ("규정집", "2. 부칙", "세칙")),
        ("heading", ("규정집", "2. 부칙", "English")),
    ]


def test_lists_have_the_markers_that_are_shown(path: Path) -> None:
    shapes = ("article", "clause", "clause", "article", "clause", "bullet", "undefined")
    parsed = read(hwp(path, *(para(f"항목 {number}", shape=shape) for number, shape in enumerate(shapes))))
    assert shown(parsed) == [
        ("list", "제3조 항목 0\n  3-① 항목 1\n  3-② 항목 2\n제4조 항목 3\n  4-① 항목 4\n- 항목 5\n  1.1. 항목 6")
    ]


def test_numberings_before_levels_had_starts(path: Path) -> None:
    numbering = b"".join(struct.pack("<IHHi", 0xC, 0, 50, -1) + string("^1)") for _ in range(7)) + bytes(2)
    content = (
        record(23, 1, numbering) + record(25, 1, struct.pack("<I26xH14x", 2 << 23, 1)) + record(26, 1, string("") + string(""))
    )
    parsed = read(hwp(path, para("하나"), para("둘"), properties=0, DocInfo=content))
    assert shown(parsed) == [("list", "1) 하나\n2) 둘")]


def test_control_characters(path: Path) -> None:
    tab = "\t\u07e8\0\ud800\udc00\0\0\t"  # what it carries may look like a character outside the first plane
    link = control(3, "%hlk", bytes(5) + string("https://example.com"))
    end = "\x04klh%\0\0\x04"
    parsed = read(
        hwp(
            path,
            para(f"가\x1e나\x1f다{tab}라\n마 per\x18tinent \U0001f600"),
            para("여기를 ", link, "보십시오", end, "."),
            para("차례\x08klhM\0\0\x08 표식", control(22, "bokm")),
            para("글" * 3_000),
        )
    )
    assert [text for _, text in shown(parsed)] == [
        "가 나 다\t라\n마 pertinent \U0001f600",
        "여기를 보십시오.",
        "차례 표식",
        "글" * 3_000,
    ]


def test_formulas_and_drawn_characters(path: Path) -> None:
    formula = control(11, "eqed", bytes(42), lambda level: record(88, level, bytes(4) + string("{a} over {b}") + bytes(20)))
    art = control(
        11, "gso ", bytes(42), lambda level: record(76, level, bytes(200)) + record(90, level + 1, bytes(32) + string("큰 글자"))
    )
    above = control(23, "tdut", string("본말") + string("덧말") + bytes(20))
    parsed = read(hwp(path, para("식 ", formula), para(art), para(control(23, "tcps", string("12") + bytes(4)), above)))
    assert [text for _, text in shown(parsed)] == ["식 {a} over {b}", "큰 글자", "12본말"]


def test_remarks_page_headers_and_memos_are_left_out(path: Path) -> None:
    hidden = control(23, "tcmt", b"", listed(para("숨은 설명")))
    top = control(16, "head", bytes(8), listed(para("머리말")))
    bottom = control(16, "foot", bytes(8), listed(para("꼬리말")))

    def last(level: int) -> bytes:
        """Master pages and memos lie below the last paragraph."""
        memos = record(93, level + 1, bytes(4)) + listed(para("메모"))(level + 2)
        return para("끝")(level) + listed(para("바탕쪽"))(level + 1) + memos

    assert [text for _, text in shown(read(hwp(path, para(hidden, top, bottom, "보이는 글"), last)))] == ["보이는 글", "끝"]


def test_merged_cells_keep_the_columns_in_line(path: Path) -> None:
    number = control(18, "atno", struct.pack("<IH6x", 4, 7))
    grid = table(
        *(cell("구분", 0, 0), cell("직급", 1, 0), cell("금액", 2, 0)),
        *(cell("기본", 0, 1, rows=2), cell("사원", 1, 1), cell("100원", 2, 1)),
        *(cell("대리", 1, 2), cell("150원", 2, 2)),
        *(cell("합계", 0, 3, columns=2), cell("250원", 2, 3)),
        caption=para("표 ", number, ". 수당"),
    )
    assert shown(read(hwp(path, para("앞 ", grid, "뒤")))) == [
        ("paragraph", "앞"),
        ("paragraph", "표 7. 수당"),
        ("table", "구분 | 직급 | 금액\n기본 | 사원 | 100원\n기본 | 대리 | 150원\n합계 |  | 250원"),
        ("paragraph", "뒤"),
    ]


def test_tables_within_tables_and_frames(path: Path) -> None:
    inner = table(cell("a", 0, 0), cell("b", 1, 0), cell("c", 0, 1), cell("d", 1, 1))
    frame = table(cell(para("틀의 글 ", inner), 0, 0))
    outer = table(cell("왼쪽", 0, 0), cell(para("안에 ", inner), 1, 0))
    assert shown(read(hwp(path, para(frame), para(outer)))) == [
        ("paragraph", "틀의 글"),
        ("table", "a | b\nc | d"),
        ("table", "왼쪽 | 안에 a b c d"),
    ]


def test_text_boxes_and_captions_are_paragraphs(path: Path) -> None:
    drawing = box(para("상자 글"), para("둘째"), caption=para("그림 설명"))
    assert [text for _, text in shown(read(hwp(path, para("본문", drawing))))] == ["본문", "그림 설명", "상자 글", "둘째"]


def test_notes_stand_at_the_end(path: Path) -> None:
    foot = control(17, "fn  ", bytes(8), listed(para(NOTE, " 각주의 글")))
    end = control(17, "en  ", bytes(8), listed(para("미주의 글")))
    parsed = read(
        hwp(
            path,
            para("제목", shape="outline1"),
            para("문장", foot, "이 이어진다."),
            para(table(cell(para("칸", end), 0, 0), cell("둘", 1, 0))),
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


def test_sections_are_read_by_their_numbers_also_uncompressed(path: Path) -> None:
    parts = {f"BodyText/Section{number}": section(para(f"{number}번", shape="outline1")) for number in (10, 2, 0)}
    parsed = read(hwp(path, properties=0, **parts))
    assert [text for _, text in shown(parsed)] == ["1. 0번", "2. 2번", "3. 10번"]


def test_the_binary_format_under_the_name_of_the_open_one(tmp_path: Path) -> None:
    assert read(hwp(tmp_path / "a.hwpx", para("글"))).text == "글"
    with pytest.raises(UnreadableDocument, match=r"let its name end in \.hwp"):
        read(hwp(tmp_path / "a.docx", para("글")))


# -- what cannot be read


@pytest.mark.parametrize(
    ("properties", "said"),
    [
        (0x2, "protected with a password"),
        (0x4, "for distribution only"),
        (0x10, "protected by a certificate or DRM"),
        (0x100, "protected by a certificate or DRM"),
        (0x400, "protected by a certificate or DRM"),
    ],
)
def test_protection_is_named(path: Path, properties: int, said: str) -> None:
    noise = {"DocInfo": b"\xa5noise" * 100, "BodyText/Section0": None}
    with pytest.raises(UnreadableDocument, match=said):
        read(hwp(path, properties=1 | properties, **noise))


def test_the_format_of_the_nineties_is_named(path: Path) -> None:
    path.write_bytes(b"HWP Document File V3.00 \x1a\1\2\3\4\5" + bytes(1000))
    with pytest.raises(UnreadableDocument, match=r"Hangul 97 or older; save it as HWPX or PDF"):
        read(path)


def test_other_compound_files_and_missing_streams(path: Path) -> None:
    damaged = r"damaged, incomplete or not a Hangul document \(\.hwp\)"
    for streams in ({"WordDocument": b"\xec\xa5" * 500}, {"FileHeader": b"Hangul" * 50}, {"FileHeader": b"HWP Document File"}):
        with pytest.raises(UnreadableDocument, match=damaged):
            read(compound(path, streams))
    with pytest.raises(UnreadableDocument, match=damaged):
        read(hwp(path, para("글"), DocInfo=None))
    with pytest.raises(UnreadableDocument, match="No text was found"):
        read(hwp(path, **{"BodyText/Section0": None}))
    assert read(hwp(path, para("글"), **{"\x05HwpSummaryInformation": None})).title is None


@pytest.mark.parametrize(
    "content",
    [
        b"\1\2\3",
        struct.pack("<I", 66 | 4000 << 20) + b"short",
        struct.pack("<II", 66 | 0xFFF << 20, 0xFFFFFFF0) + b"short",
        record(66, 0, b"short"),
        para(control(18, "atno"))(0),
        para(table(lambda level: record(72, level, bytes(4))))(0),
    ],
)
def test_records_that_are_too_short(path: Path, content: bytes) -> None:
    with pytest.raises(UnreadableDocument, match="damaged, incomplete"):
        read(hwp(path, properties=0, **{"BodyText/Section0": content}))


def test_records_without_what_belongs_above_them(path: Path) -> None:
    content = para("먼저")(700) + record(71, 1, b" lbt") + para("글")(0) + control(11, "tbl ")[1](1) + listed(para("x"))(1)
    assert read(hwp(path, properties=0, **{"BodyText/Section0": content})).text == "먼저\n\n글"


def test_tables_nested_as_deeply_as_is_read_and_deeper(path: Path) -> None:
    def nested(levels: int) -> bytes:
        inner = para("가장 안쪽")
        for _ in range(levels):
            inner = para(table(cell(inner, 0, 0), cell("옆", 1, 0)))
        return inner(0)

    assert "가장 안쪽" in read(hwp(path, properties=0, **{"BodyText/Section0": nested(31)})).text
    with pytest.raises(UnreadableDocument, match="nested too deeply"):
        read(hwp(path, properties=0, **{"BodyText/Section0": nested(33)}))


def test_a_stream_that_inflates_too_well_is_not_inflated_to_its_end(path: Path) -> None:
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    bomb = b"".join(deflate.compress(bytes(1024 * 1024)) for _ in range(300)) + deflate.flush()
    for size in (len(bomb), len(bomb) // 20):
        with pytest.raises(UnreadableDocument, match="unpacks to far more than its size"):
            read(hwp(path, **{"BodyText/Section0": bomb[:size]}))


def test_a_truncated_stream(path: Path) -> None:
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    whole = deflate.compress(section(para("글" * 500))) + deflate.flush()
    with pytest.raises(UnreadableDocument, match="damaged, incomplete"):
        read(hwp(path, **{"BodyText/Section0": whole[:-20]}))


@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_a_truncated_file(path: Path, share: float) -> None:
    content = hwp(path, para("글" * 5_000), properties=0).read_bytes()
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UnreadableDocument, match="damaged, incomplete"):
        read(path)


def test_a_summary_that_claims_to_have_more_than_it_has(path: Path) -> None:
    summary = struct.pack("<44xI", 48) + struct.pack("<8I", 0, 0xFFFFFFFF, 3, 16, 2, 24, 0x101E, 0xFFFFFFFF)
    assert read(hwp(path, para("글"), **{"\x05HwpSummaryInformation": summary})).title is None
    with pytest.raises(UnreadableDocument, match="damaged, incomplete"):
        read(hwp(path, para("글"), **{"\x05HwpSummaryInformation": summary[:-4]}))


def test_chains_of_sectors_that_go_round(path: Path) -> None:
    content = hwp(path, para("글" * 5_000), properties=0).read_bytes()
    count = (len(content) - 512) // 512
    for sector in range(count):
        path.write_bytes(content[:-512] + struct.pack("<128I", *[sector] * 128))
        with pytest.raises(UnreadableDocument, match="damaged, incomplete"):
            read(path)


def test_any_flipped_byte_is_an_error_or_some_text(path: Path) -> None:
    grid = table(cell("a", 0, 0, columns=2), cell("b", 0, 1, rows=2), cell("c", 1, 1))
    content = hwp(path, para("총칙", shape="outline1"), para("글", grid), para(box(para("상자"))), properties=0).read_bytes()
    for place in range(0, len(content), 5):
        broken = bytearray(content)
        broken[place] ^= 0xFF
        path.write_bytes(broken)
        with suppress(UnreadableDocument):
            read(path)


@pytest.mark.parametrize(
    "content", [b"garbage", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"x" * 5_000]
)
def test_garbage_under_a_good_name(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with pytest.raises(UnreadableDocument, match="damaged, incomplete or not a"):
        read(path)
