"""RTF: what the small real files do not show."""

from pathlib import Path

import pytest
from tests.knowledge.parse.support import read, shown, write

from protostar.errors import UnreadableDocument


def test_the_code_page_of_the_file_applies_to_escaped_and_to_raw_bytes(tmp_path: Path) -> None:
    korean = "백업 파일".encode("cp949")
    escaped = "".join(f"\\'{byte:02x}" for byte in korean).encode()
    for body in (escaped, korean):
        content = b"{\\rtf1\\ansi\\ansicpg949{\\fonttbl{\\f0\\fcharset129 Batang;}}\\f0 " + body + b"\\par}"
        assert shown(read(write(tmp_path / "a.rtf", content))) == [("paragraph", "백업 파일")]


def test_a_font_without_a_character_set_does_not_take_that_of_the_next(tmp_path: Path) -> None:
    for fonts in (
        b"{\\f0\\fswiss Helvetica;}{\\f1\\fnil\\fcharset129 Gulim;}",
        b"\\f0\\fswiss Helvetica;\\f1\\fnil\n\\fcharset129 Gulim;",
    ):
        content = rb"{\rtf1\ansi{\fonttbl" + fonts + rb"}\f1 \'b9\'e9\'be\'f7\par}"
        assert read(write(tmp_path / "a.rtf", content)).text == "백업"


def test_surrogate_pairs_are_one_character(tmp_path: Path) -> None:
    parsed = read(write(tmp_path / "a.rtf", rb"{\rtf1\uc1 \u-10179?\u-8704? smile\par}"))
    assert parsed.text == "😀 smile"


def test_headings_of_word_become_headings(tmp_path: Path) -> None:
    styles = rb"{\stylesheet{\s0 Normal;}{\s15\ql\sbasedon0 heading 1;}{\s2 heading 2;}}"
    body = rb"\pard\s15 One\par\pard\s0 text\par\pard\s2 Two\par\pard\s0 more|text\par"
    parsed = read(write(tmp_path / "a.rtf", b"{\\rtf1" + styles + body + b"}"))
    assert shown(parsed) == [("heading", "One"), ("paragraph", "text"), ("heading", "Two"), ("paragraph", "more|text")]
    assert parsed.blocks[-1].heading_path == ("One", "Two")


def test_hidden_and_deleted_text_is_none(tmp_path: Path) -> None:
    body = rb"{\b Within }{\deleted\revauthdel1 7}{\revised 14} days{\v , inside only}{\v0 .}{\v a\v0 b}{\viewkind4 c}\par"
    assert read(write(tmp_path / "a.rtf", rb"{\rtf1 " + body + b"}")).text == "Within 14 days.bc"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (rb"a \v1 x\v0 b \v x {\b x}\'b0\u8364?\endash\plain c", "a b c"),
        (rb"{\strike 10,000 }{\striked1 x}{\strike x{\strike0 8,}\striked0 x}000\striked0 {\striked x\plain 0}", "8,0000"),
        (rb"{\v x {x \{x\} x} x}a\~b{\v x\par x}c \\v d", "a b\n\nc \\v d"),
        (rb"{\v {\*\unknown x\plain x} x}{\vern a}\viewkind4 b{\footnote \v x\v0 c}", "ab\n\nc"),
        (rb"\v x\cell\v0 a\cell b\cell\row\pard", " | a | b"),
        (rb"{\stylesheet{\s1\v heading 1;}}\s1 a\par", "a"),
    ],
)
def test_characters_that_are_hidden_or_struck_anywhere_are_none(tmp_path: Path, body: bytes, text: str) -> None:
    assert read(write(tmp_path / "a.rtf", rb"{\rtf1 " + body + b"}")).text.replace("\xa0", " ") == text


CELLS = rb"\trowd\cellx1\cellx2\pard\intbl "
NESTED = rb"in 1\nestcell in 2\nestcell{\*\nesttableprops\trowd\nestrow}{\nonesttables\par}"


@pytest.mark.parametrize(
    ("body", "blocks"),
    [
        (
            CELLS + rb"a\par b\cell c\par\par d\cell\row" + CELLS + rb"{{\pard\intbl 1\par}\cell}{2\cell}{\trowd\row}\pard e\par",
            [("table", "a b | c d\n1 | 2"), ("paragraph", "e")],
        ),
        (
            CELLS + rb"a\cell " + NESTED + rb"c\cell\row\pard" + CELLS + rb"d\cell\row\pard\par" + CELLS + rb"e\cell f\cell\row",
            [("table", "a | in 1 in 2 c\nd"), ("table", "e | f")],
        ),
        (
            CELLS + rb"\s2 a\par " + NESTED + rb"c\cell\row" + CELLS + rb"\s3 b\cell\row\pard",
            [("heading", "a"), ("paragraph", "in 1"), ("paragraph", "in 2"), ("paragraph", "c"), ("heading", "b")],
        ),
        (CELLS + rb"a\par b", [("paragraph", "a"), ("paragraph", "b")]),
        (
            rb"{\listtext\pard\plain \u8226\'95\tab}a\par{\pntext 1.\tab}b\line c\par{\listtext\s2 1.\tab}d\par\tab e\par",
            [("list", "- a\n1. b\nc"), ("heading", "1. d"), ("paragraph", "e")],
        ),
        (rb"{\pard\outlinelevel1\b a\par}{\pard b\par}", [("heading", "a"), ("paragraph", "b")]),
        (
            rb"10{\super 6} m\super 2\nosupersub  5{\super th} H{\sub 2}O{\super 3\plain 4}",
            [("paragraph", "10⁶ m² 5th H2O³4")],
        ),
        (
            rb"a {\shp{\*\shpinst{\sp{\sn x}{\sv 1}}{\shptxt \pard\plain box\par 2}}{\shprslt old}}b\par c {\shp{\shptxt last}}d",
            [*(("paragraph", text) for text in ("a b", "box", "2", "c d", "last"))],
        ),
    ],
)
def test_what_paragraphs_and_cells_are(tmp_path: Path, body: bytes, blocks: list[tuple[str, str]]) -> None:
    styles = rb"{\stylesheet{\s1\outlinelevel0 Subtitle;}{\s2\snext1 Title;}{\s3 heading 1;}}"
    parsed = read(write(tmp_path / "a.rtf", rb"{\rtf1" + styles + body + b"}"))
    assert shown(parsed) == blocks


def test_footnotes_stand_behind_the_text(tmp_path: Path) -> None:
    note = rb"{\super \chftn{\*\footnote \chftn\pard\plain {\i Annex \{B\}}.}}"
    body = rb"{\rtf1 See below" + note + rb", and here" + note.replace(rb"\*", b"").replace(b"B", b"C") + rb".\par Next\par}"
    assert read(write(tmp_path / "a.rtf", body)).text.split("\n\n") == ["See below, and here.", "Next", "Annex {B}.", "Annex {C}."]
    damaged = read(write(tmp_path / "a.rtf", rb"{\rtf1 text" + rb"{\footnote x" * 20_000 + b"}"))
    assert damaged.text == "text"


@pytest.mark.parametrize("content", [rb"{\rtf1 cut off in the middle", b"plain text"])
def test_broken_rtf(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(UnreadableDocument, match="not an RTF document"):
        read(write(tmp_path / "a.rtf", content))
