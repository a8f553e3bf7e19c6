"""Whatever a model writes, no reader of Markdown loads or runs anything of it, or leads anywhere that the documents do not."""

import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from protostar.answers.safety import SafeText, addresses

KNOWN = addresses(
    ["See https://ok.example/a, [the page](https://ok.example/wiki/X_(y)) or www.ok.example, and write to us@ok.example."]
)
REMOVED = "(link removed)"
LINKED = r"(?:https?://|www\.|(?<![\w:/])//(?=[\w-]+\.))[^\s<]*"


def safe(text: str) -> str:
    safe_text = SafeText(KNOWN, REMOVED)
    return safe_text.feed(text) + safe_text.flush()


def tokens(text: str) -> Iterator[Token]:
    """As a reader that lets HTML through and has all extensions sees it."""
    for token in MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).parse(text):
        yield token
        yield from token.children or []


def dangers(text: str) -> list[str]:
    """Images, HTML, links to elsewhere; and addresses in plain text, which some readers turn into links."""
    found: list[str] = []
    for token in tokens(text):
        target = token.attrGet("href") if token.type == "link_open" else None
        if token.type in ("image", "html_inline", "html_block") or (target is not None and target not in KNOWN):
            found.append(f"{token.type} {token.content} {target}")
        if token.type == "text":
            found += [address for address in re.findall(LINKED, token.content, re.IGNORECASE) if not known(address)]
    return found


def known(address: str) -> bool:
    return any(address.startswith(one) and not re.search(r"[\w/]", address[len(one) :]) for one in KNOWN)


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("Backups are kept for 30 days. [1]", None),
        ("**Bold**, *slanted*, `code`, ~~struck~~, a < b and c > d, AT&T, 3 <5.", None),
        ("1. one\n2. two\n\n- three\n\n> four\n\n| a | b |\n|---|---|\n| 1 | 2 |", None),
        ("백업은 매일 새벽 3시에 합니다. [1][2]", None),
        ("See [the page](https://ok.example/a) [1].", None),
        ("See https://ok.example/a.", None),
        ("(https://ok.example/a)", None),
        ("[https://ok.example/a](https://ok.example/a)", None),
        ("Write to [us](mailto:us@ok.example) or us@ok.example.", None),
        ("https://ok.example/wiki/X_(y)", None),
        ("https://ok.example/a에서 봅니다", "<https://ok.example/a>에서 봅니다"),
        (
            "```html\n<img src=x> https://evil.example\n```\n<img src=x>",
            "```html\n<img src=x> https://evil.example\n```\n< img src=x>",
        ),
        ("![](https://evil.example/?q=secret)", "[]"),
        ("![a](https://ok.example/a)", "[a](https://ok.example/a)"),
        ("[here](https://evil.example/?q=secret)", "[here]"),
        ("[here](javascript:alert(1))", "[here]"),
        ("[here](data:text/html,x)", "[here]"),
        ("[here](/relative)", "[here]"),
        ("[1](https://evil.example)", "[1]"),
        ("[a]( https://evil.example 'title')", f"[a] ( {REMOVED} 'title')"),
        ("[a][b]\n\n[b]: https://evil.example", f"[a][b]\n\n[b] : {REMOVED}"),
        ("![a][b]", "[a][b]"),
        ("https://evil.example/?q=secret", REMOVED),
        ("HTTPS://EVIL.example", REMOVED),
        ("www.evil.example/secret", REMOVED),
        ("https://ok.example/a/secret", REMOVED),
        ("https://ok.example/asecret", REMOVED),
        ("https://ok.example.evil.example", REMOVED),
        ("https\\://evil.example", REMOVED),
        ("https&#58;//evil.example", REMOVED),
        ("<https://evil.example>", REMOVED),
        ("<javascript:alert(1)>", "< javascript:alert(1)>"),
        ("<script>alert(1)</script>", "< script>alert(1)< /script>"),
        ("<!-- x --><?php ?>", "< !-- x -->< ?php ?>"),
        ('<a href="https://evil.example" onclick=x>', f'< a href="{REMOVED} onclick=x>'),
        ("`<img src=x>`", "`< img src=x>`"),
        ("ftp://evil.example/secret", REMOVED),
        ("//evil.example/?q=secret", REMOVED),
        ("see (//evil.example)", f"see ({REMOVED})"),
        ("\\//evil.example", f"\\{REMOVED}"),
        ("/&#47;evil.example", REMOVED),
        ("// a comment, src//x.py and 1//2 // 3.", None),
    ],
)
def test_words_stay_and_what_leads_elsewhere_goes(written: str, shown: str | None) -> None:
    assert safe(written) == (shown if shown is not None else written)
    assert dangers(safe(written)) == []


FRAGMENTS = [
    *("[", "]", "(", ")", "](", "![", "!", "<", ">", "/", ":", "]:", "\\", "`", "``", "```", "~~~", "````", "$$", "*", "-", "1."),
    *(
        " ",
        "  ",
        "    ",
        "\t",
        "\n",
        "\n\n",
        "\r",
        "\u2028",
        "\x0b",
        "\x85",
        ">",
        "|",
        "a",
        "img",
        "script",
        "한국",
        "에서",
        ".",
        ",",
    ),
    *("&#58;", "&lt;", "&amp;", "'", '"', "html", "=", "?", "https", "//", "javascript:x", "<!--", "-->", "<script>"),
    *("https://evil.example/?q=secret", "https://ok.example/a", "www.evil.example", "www.ok.example", "<https://ok.example/a>"),
    *("<img src=x onerror=y>", "mailto:us@ok.example", "mailto:x@evil.example?b=s"),
]
TEXTS = st.lists(st.sampled_from(FRAGMENTS), max_size=25).map("".join)


@given(TEXTS)
@example("\\`<img src=x>`")
@example("- x\n  ```\nfoo <img src=x>\n  ```")
@example("~~~\n```\n~~~\n<img src=x>")
@example("        ```\n<img src=x>\n        ```")
@example("```\nx\n    ```\n```\n<img src=x>")
@example("```\n\r```\r<img src=x>")
@example("<Foo>\n```\n<img src=x>\n```")
@example("[a]\\(https://evil.example)")
@example("https://ok.example/a한국https://evil.example/?q=secret")
@example("\\<https://ok.example/a>1.")
@example("````\n```\n````\n<img src=x>")
@example("https&#58;//mailto:us@ok.example")
@example("https://ok.example/a](<https://ok.example/a>)")
def test_no_combination_of_them_is_a_danger(text: str) -> None:
    assert dangers(safe(text)) == []


@given(TEXTS, st.lists(st.integers(0, 200)))
def test_what_comes_out_depends_on_the_text_alone(text: str, cuts: list[int]) -> None:
    filtered, at, shown = SafeText(KNOWN, REMOVED), 0, ""
    for cut in sorted(cuts):
        shown += filtered.feed(text[at:cut])
        at = max(at, min(cut, len(text)))
    assert shown + filtered.feed(text[at:]) + filtered.flush() == safe(text)


@pytest.mark.parametrize(
    "word", ["a" * 10_000, "<" * 10_000, "한" * 10_000, "a한<" * 4_000, "a" * 3_999 + "<img", "한" * 5_000 + "<img"]
)
def test_a_word_without_end_is_held_back_for_a_while_only(word: str) -> None:
    filtered = SafeText(KNOWN, REMOVED)
    pieces = [filtered.feed(character) for character in word]
    assert len("".join(pieces)) > len(word) - 4_001
    shown = "".join(pieces) + filtered.flush()
    assert shown == safe(word)
    assert dangers(shown) == []
    assert shown.replace(" ", "") == word


def test_a_word_is_shown_as_soon_as_it_is_whole() -> None:
    filtered = SafeText(KNOWN, REMOVED)
    assert [filtered.feed(piece) for piece in ("Backups", " are", " kept", ". [1]")] == ["", "Backups ", "are ", "kept. "]
    assert [filtered.feed(piece) for piece in (" 백업", "은", " 매일")] == ["[1] 백업", "은", " 매일"]
