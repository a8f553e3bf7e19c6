from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.knowledge.parse.support import FILES, block_with, check, read, shown, uncovered

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse.markdown import reader
from protostar.knowledge.parse.markdown.reader import add_markdown, find_blocks
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.normalise import clean
from protostar.knowledge.parse.text.outline import Outline

TOP = "프로토스타 운영 안내서"

LINES = st.sampled_from(
    [
        *(
            "# 하나",
            "## 둘 `code`",
            "### Three #",
            "#",
            "Setext",
            "===",
            "---",
            "***",
            "- 항목",
            "  - nested",
            "1. first",
            "10) tenth",
        ),
        *(
            "> quote",
            ">",
            "```",
            "```python",
            "~~~~",
            "~~~",
            "    indented",
            "\ttab",
            "| a | b |",
            "|---|---|",
            "| 1 | 2 |",
            "a | b",
        ),
        *(
            "<div>",
            "</div>",
            "<!-- open",
            "-->",
            "<pre>",
            "</pre>",
            "text",
            "text  ",
            "한글 문단입니다. 😀",
            "[^1]: note",
            "[x]: /url",
        ),
        *("", "", "", "   ", "\f", "\u2028", "\x85", "\v"),
    ]
)
SOURCES = st.lists(LINES | st.text(max_size=12), max_size=40).map(lambda lines: clean("\n".join(lines)))


def parse(text: str) -> ParsedText:
    return ParsedText(text, list(find_blocks(text, Outline())))


@given(SOURCES)
@settings(max_examples=400)
def test_blocks_hold_the_whole_text_once(text: str) -> None:
    parsed = parse(text)
    check(parsed)
    assert uncovered(parsed) == ""


@given(SOURCES)
@settings(max_examples=400)
def test_segments_do_not_show(text: str) -> None:
    whole = parse(text)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "_SEGMENT", 20)
        patch.setattr(reader, "_LONGEST_BLOCK", 1_000_000)
        assert parse(text) == whole


@given(SOURCES)
@settings(max_examples=200)
def test_cut_blocks_keep_the_promises(text: str) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reader, "_SEGMENT", 10)
        patch.setattr(reader, "_LONGEST_BLOCK", 20)
        parsed = parse(text)
    check(parsed)
    assert uncovered(parsed) == ""


@given(SOURCES)
@settings(max_examples=400)
def test_what_is_shown_keeps_the_promises(text: str) -> None:
    builder = TextBuilder(1_000_000)
    add_markdown(builder, text)
    parsed = builder.build()
    check(parsed)
    assert uncovered(parsed) == ""


@pytest.mark.parametrize("name", ["guide-ko.md", "guide-ko-bom.md"])
def test_the_guide(name: str) -> None:
    parsed = read(name)
    assert parsed.text == (FILES / "guide-ko.md").read_text(encoding="utf-8")
    assert parsed.encoding == "utf-8"
    assert parsed.title == TOP
    assert parsed.page_count is None
    assert uncovered(parsed) == ""
    assert [block.heading_path for block in parsed.blocks if block.kind == "heading"] == [
        (TOP,),
        (TOP, "1. 설치"),
        (TOP, "1. 설치", "1.1 환경 변수"),
        (TOP, "2. 운영"),
        (TOP, "2. 운영", "2.1 백업"),
        (TOP, "2. 운영", "2.2 장애 대응"),
        (TOP, "Setext 제목"),
    ]
    backup = block_with(parsed, "매일 새벽 3시에 데이터베이스를 백업합니다.")
    assert (backup.kind, backup.heading_path, backup.page) == ("paragraph", (TOP, "2. 운영", "2.1 백업"), None)
    assert parsed.text[backup.start : backup.end] == "매일 새벽 3시에 데이터베이스를 백업합니다. 백업 파일은 30일 동안 보관합니다."
    kinds = ["table", "code", "list", "quote", "paragraph"]
    assert [block_with(parsed, words).kind for words in ("REDIS_URL` |", "이것은 제목이 아니다", "압축", "주의", "[^1]: ")] == kinds


def test_windows_line_ends_give_the_same_text_as_unix_ones() -> None:
    crlf, unix = read("crlf.md"), read("guide-en.md")
    assert crlf.text.rstrip() == unix.text.rstrip()
    assert crlf.blocks == unix.blocks


def test_front_matter_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text("---\ntitle: 제목\n---\n\n# Heading\n\nbody", encoding="utf-8")
    parsed = read(path)
    assert parsed.title == "제목"
    assert shown(parsed) == [("heading", "# Heading"), ("paragraph", "body")]


@pytest.mark.parametrize(
    ("line", "title"),
    [
        ("# `pg_dump` **중요**", "pg_dump 중요"),
        ("# [복구](to.md) &amp; more", "복구 & more"),
        ("# plain", "plain"),
        ("two\nlines\n===", "two lines"),
    ],
)
def test_a_heading_path_has_no_marks(line: str, title: str) -> None:
    assert parse(line).blocks[0].heading_path == (title,)


def test_levels_may_be_left_out() -> None:
    blocks = parse("# a\n### b\n## c\n# d\ntext").blocks
    assert [block.heading_path for block in blocks] == [("a",), ("a", "b"), ("a", "c"), ("d",), ("d",)]


def test_a_fence_longer_than_any_segment_stays_whole() -> None:
    code = "# not a heading\n" * 200_000
    parsed = parse(f"# Top\n\n~~~\n{code}~~~~\n\n## After\n\ntext")
    assert [(block.kind, block.heading_path) for block in parsed.blocks] == [
        ("heading", ("Top",)),
        ("code", ("Top",)),
        ("heading", ("Top", "After")),
        ("paragraph", ("Top", "After")),
    ]


def read_text(tmp_path: Path, text: str) -> ParsedText:
    path = tmp_path / "a.md"
    path.write_text(text, encoding="utf-8")
    return read(path)


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("a\n\n<!-- secret\n\nsecret -->\n\nb <!-- secret --> c", [("paragraph", "a"), ("paragraph", "b  c")]),
        ("a\n<!-- secret -->\nb", [("paragraph", "a"), ("paragraph", "b")]),
        ("- a <!-- secret\n  secret -->\n- b", [("list", "- a \n- b")]),
        (
            "`<!-- a -->` and \\<b>\n\n```\n<!-- b -->\n```",
            [("paragraph", "`<!-- a -->` and \\<b>"), ("code", "```\n<!-- b -->\n```")],
        ),
        ("- a <b>b</b>\n\n  ```\n  <b>c</b>\n  ```", [("list", "- a b\n\n  ```\n  <b>c</b>\n  ```")]),
        (
            'a\n\n[//]: # (secret)\n[comment]: <> "secret"\n\n[b]: #c\n\n[d]: /e (f)',
            [("paragraph", t) for t in ("a", "[b]: #c", "[d]: /e (f)")],
        ),
        (
            "2<sup>31</sup> of the 4<sup>th</sup>, H<sub>2</sub>O, `<sup>1</sup>`",
            [("paragraph", "2³¹ of the 4th, H2O, `<sup>1</sup>`")],
        ),
        ("a <!-- b", [("paragraph", "a <!-- b")]),
        (
            "<details>\n<summary>When?</summary>\n\nOn **Mondays**.\n\n</details>",
            [("paragraph", "When?"), ("paragraph", "On **Mondays**.")],
        ),
        (
            "<h2 align=center>Fees</h2>\n\ntext<br>more <kbd>Ctrl</kbd>\n\n## Hours <a name=x></a> {#hours}\n\nSetext {#s}\n---",
            [("heading", "Fees"), ("paragraph", "text\nmore Ctrl"), ("heading", "## Hours"), ("heading", "Setext\n---")],
        ),
        (
            "<table>\n<tr><th>Kind<th>Fee</tr>\n\n<tr><td>A<td>1</tr>\n</table>\n\nx",
            [("table", "Kind | Fee\nA | 1"), ("paragraph", "x")],
        ),
        ("x\n\n<tr><td>B</td><td>2</td></tr>", [("paragraph", "x"), ("table", "B | 2")]),
        ("| a | b |\n|---|---|\n| 1<br>2 | <b>3</b> |", [("table", "| a | b |\n|---|---|\n| 1 2 | 3 |")]),
        ("<Note>\n- **a**\n- <b>b</b>\n</Note>", [("paragraph", "- **a**\n- b")]),
        (
            "a <span hidden>x</span>, <b style='display: none'>x</b>, <i style=visibility:hidden>x</i> b",
            [("paragraph", "a , ,  b")],
        ),
        ("a <del>x</del><s>x</s>b <u style='text-decoration:line-through'>x</u>", [("paragraph", "a b")]),
        ("a <script>x</script> <template>x</template> b <title> c <del>d", [("paragraph", "a   b <title> c d")]),
        ("# Head <span hidden>x</span>", [("heading", "# Head")]),
        ("- a <template>x</template>\n- <span hidden>x\n- b", [("list", "- a \n- \n- b")]),
        ("| a | b |\n|---|---|\n| <span hidden>x</span>1 | <del>x</del>2 |", [("table", "| a | b |\n|---|---|\n| 1 | 2 |")]),
        ("<b title='not hidden'>a</b> <b hidden=until-found>b</b> `<del>`c</del>", [("paragraph", "a b `<del>`c")]),
        ("a <span hidden>x<span>x</span>x`</span>`x</span>b", [("paragraph", "a b")]),
        ("a\n\n<div hidden>\nx\n</div>", [("paragraph", "a")]),
        (
            "a\n\n<div hidden>\n\n## x `</div>`\n\n```\n</div>\n```\n\n- x <div>x</div>\n\n</div>\nb\n\nc",
            [("paragraph", "a"), ("paragraph", "b"), ("paragraph", "c")],
        ),
        ("a\n\n<s>\n\nx\nx</s> `b<`\n\nc", [("paragraph", "a"), ("paragraph", "`b<`"), ("paragraph", "c")]),
        ("<div hidden>\n\na\n\n<p hidden>\n\nb", [("paragraph", "a"), ("paragraph", "b")]),
        (
            "<script>\nwrite('<div hidden>')\n</script>\n\na\n\n<template v-slot:x>\n\nb\n\n</template>\n\n<div>c</div>",
            [("paragraph", "a"), ("paragraph", "b"), ("paragraph", "c")],
        ),
        *(
            (f"# Tokens\n\nFirst\n\n{tag}\n\nthen the prompt.\n\n{end}\n\nlast", [("heading", "# Tokens"), *paragraphs])
            for tag, end, paragraphs in [
                (
                    "<s>",
                    "It ends with `</s>`.",
                    [("paragraph", t) for t in ("First", "then the prompt.", "It ends with `</s>`.", "last")],
                ),
                (
                    "<div class=a hidden>",
                    "```\n</div>\n```",
                    [
                        ("paragraph", "First"),
                        ("paragraph", "then the prompt."),
                        ("code", "```\n</div>\n```"),
                        ("paragraph", "last"),
                    ],
                ),
                (
                    "<del>",
                    "- a\n\n  ```\n  </del>\n  ```",
                    [
                        ("paragraph", "First"),
                        ("paragraph", "then the prompt."),
                        ("list", "- a\n\n  ```\n  </del>\n  ```"),
                        ("paragraph", "last"),
                    ],
                ),
                (
                    "<div hidden>",
                    "<div>b</div>\n\n<div hidden>\n\nx\n\n</div>",
                    [("paragraph", t) for t in ("First", "then the prompt.", "b", "last")],
                ),
            ]
        ),
        (
            "a\n\n<div hidden>\n\n- x\n\n  ```\n  </div>\n  ```\n\nx\n\n</div>\n\nb",
            [("paragraph", "a"), ("paragraph", "b")],
        ),
        *(
            (text, None)
            for text in (
                "Password: <hidden> (ask the administrator).",
                "Run tool <file or hidden directory> --force",
                "Copy it to <folder/hidden> and restart.",
                "Between <title> and </title> stands the name.",
                "Set the flag <style> to bold, and </style> ends it.",
            )
        ),
        ("Show <b hidden={false}>ten</b> and <Badge hidden={false}>", [("paragraph", "Show ten and <Badge hidden={false}>")]),
        ("a <x-note style='display:none'>x</x-note>b", [("paragraph", "a b")]),
        ("a <script>b\nc</script> d", [("paragraph", "a <script>b\nc</script> d")]),
        ("- api_key: <hidden>, rotated\n- b", [("list", "- api_key: <hidden>, rotated\n- b")]),
        ("- [x] <s>do a\n- [ ] do b</s> by Friday", [("list", "- [x] do a\n- [ ] do b by Friday")]),
        ("- <s>do a\n\n  1. b</s>\n- <s>x\n  x</s>c", [("list", "- do a\n\n  1. b\n- c")]),
        ("- <del>a <i hidden>x\n- b</del> c", [("list", "- a \n- b c")]),
        ("- <div hidden>\n\n  x <i hidden>x\n\n  - x\n\n  </div>\n- b", [("list", "- \n- b")]),
        (
            "| a | b | c |\n|---|---|---|\n| <s>10 | 8</s> | `\\|<s>` |\n| <i hidden>x | 9 <!-- x --> | <s>x</s>7 |",
            [("table", "| a | b | c |\n|---|---|---|\n| 10 | 8 | `\\|<s>` |\n| | 9  | 7 |")],
        ),
        ("run `a <dir>` or cp <from> <to>, see <https://example.com>", None),
        ("# <img src=logo.png>\n\n<div>\n\ntext", [("paragraph", "text")]),
    ],
)
def test_html_is_read_as_a_browser_shows_it(tmp_path: Path, text: str, blocks: list[tuple[str, str]] | None) -> None:
    assert shown(read_text(tmp_path, text)) == ([("paragraph", text)] if blocks is None else blocks)


def test_headings_of_both_kinds_nest(tmp_path: Path) -> None:
    parsed = read_text(tmp_path, "# Guide\n\n<h2 id=f>Fees</h2>\n\nfree\n\n## Hours `at` <b>noon</b> {#hours .x}\n\nten")
    assert [block.heading_path for block in parsed.blocks][1::2] == [("Guide", "Fees"), ("Guide", "Hours at noon")]


def test_what_is_hidden_in_a_heading_is_not_in_its_path(tmp_path: Path) -> None:
    parsed = read_text(tmp_path, "# Fees <del>of 2025</del><b hidden>x</b>\n\nfree")
    assert [block.heading_path for block in parsed.blocks] == [("Fees",), ("Fees",)]
    parsed = read_text(tmp_path, "# Settings for <hidden> fields\n\nfree")
    assert shown(parsed)[0] == ("heading", "# Settings for <hidden> fields")
    assert parsed.blocks[1].heading_path == ("Settings for fields",)


def test_comments_longer_than_any_segment(tmp_path: Path) -> None:
    secret = "secret\n\n" * 300_000
    assert shown(read_text(tmp_path, f"a\n\n <!--\n{secret}-->\n\nb")) == [("paragraph", "a"), ("paragraph", "b")]


@pytest.mark.parametrize(
    "text",
    [
        "a <!-- x ",
        "<b>`" * 3 + "` `` ``` ",
        "<a ",
        "<b>x</b>",
        "- <!-- x\n",
        "<p>x</p>\n\n",
        "![[<b>",
        "\\<b",
        "<del>",
        "<b hidden>\n\n",
        "</b><i hidden>",
        "- <s>x <i hidden>\n",
        "- <div hidden><s>\n",
        "<div hidden>\n\n</s>\n\n",
        "a | <s> |\n|---|---|\n",
    ],
)
@pytest.mark.timeout(60)
def test_much_html_takes_no_longer_than_much_text(tmp_path: Path, text: str) -> None:
    read_text(tmp_path, "a" + text * (500_000 // len(text)))


PICTURE = "data:image/png;base64," + "iVBORw0KGgo" * 500


def test_pictures_within_the_text_are_no_text(tmp_path: Path) -> None:
    text = f'a ![Map]({PICTURE} "title")\n\n![][image1] ![Plan][Image2] ![b][c]\n\n[image1]: <{PICTURE}>\n\n[image2]: {PICTURE}'
    assert read_text(tmp_path, text).text.split() == ["a", "Map", "Plan", "![b][c]"]
    assert len(read_text(tmp_path, f"```\n{PICTURE}\n```").text) < 100


def test_pictures_do_not_count_for_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(f"![Map]({PICTURE})", encoding="utf-8")
    assert read(path, max_chars=100).text == "Map"


def test_a_text_above_the_limit_is_refused() -> None:
    with pytest.raises(UnreadableDocument, match="longer than the 100 characters"):
        read("guide-ko.md", max_chars=100)


@pytest.mark.parametrize(
    ("heading", "title"),
    [
        ("## Refunds {#refunds .wide lang=en}", "Refunds"),
        ("## {#if user}", "{#if user}"),
        ("## Loops {#each items as item}", "Loops {#each items as item}"),
    ],
)
def test_a_name_for_links_is_no_part_of_a_heading_and_code_is(heading: str, title: str, tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_text(f"{heading}\n\ntext\n")
    assert [block.heading_path for block in read(path).blocks] == [(title,), (title,)]
