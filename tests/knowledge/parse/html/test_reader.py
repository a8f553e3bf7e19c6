from pathlib import Path

import pytest
from tests.knowledge.parse.html.pages import parse

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse.html import reader


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


def test_what_closes_nothing_makes_nothing_less_deep() -> None:
    with pytest.raises(UnreadableDocument, match="nested too deeply"):
        parse("<div></x>" * 6_000)
    assert parse("<div><b></div></b>" * 6_000 + "flat").text == "flat"


def test_drawings_close_their_elements_themselves() -> None:
    assert parse("<p>Sales<svg>" + "<path d='M0 0'/>" * 6_000 + "</svg>").text == "Sales"
    with pytest.raises(UnreadableDocument, match="nested too deeply"):
        parse("<path/>" * 6_000)


@pytest.mark.parametrize(
    "page",
    [
        "<div>" * 4_000 + "<header>x</header>" * 2_000,
        "<div class=menu>x" * 4_000,
        "<div class=comments><a>x</a>" * 4_000,
        "<ul>" * 3_000 + "<li>x" * 2_000,
        "<div class=menu>" * 4_500 + "<b></b>" * 100_000 + "x",
        "<main>" + "<header>" * 4_500 + "<b></b>" * 100_000 + "x",
        "<a href=#d></a>" + "<span role=tabpanel hidden>" * 4_500 + "<b></b>" * 100_000 + "x",
        ("<div onclick=x>q" * 2_000 + "<button>q</button><div>x") * 2 + "<b></b>" * 100_000,
        "<p><b>x</b></p><div>" * 2_400 + "<p>" + "<b>" * 2_000 + "<i></i>" * 100_000 + "x",
        "<span>Q" * 4_500 + "<b></b>" * 100_000 + "x",
        "<div><button>Q</button><div hidden>x</div></div>" * 20_000 + "<p>x",
        "<a href=#d></a>" + "<dialog id=d>" * 4_500 + "<b></b>" * 100_000 + "x" * 500,
        "<div role=tab id=a>" * 2_400 + "word " * 120_000 + "<div role=tabpanel aria-labelledby=a>x",
        "<div class=lineno>" * 4_500 + "1 2 " * 200_000 + "x",
        "<header><h1>" + "<a href=x>abcdefgh</a>" * 40_000 + "</h1></header><p>x",
        "<article>" * 4_500 + "<b></b>" * 250_000 + "x",
        "<h1>" + "<p>" * 150_000 + "x",
        "<h1><sup>" + "<p> " * 150_000 + "x",
        "<div> " + "word " * 100_000 + "<b></b>" * 200_000 + "x",
        "<p>x<math alttext='{\\displaystyle" + " " * 200_000 + "x'></math>",
    ],
)
@pytest.mark.timeout(20)  # seconds, of which it needs one or two
def test_judging_nested_parts_takes_no_longer_than_reading_them(page: str) -> None:
    assert "x" in parse(page).text


@pytest.mark.parametrize(
    "head", ['<?xml version="1.0" encoding="euc-jp"?><html>', '<meta http-equiv=Content-Type content="text/html; charset=EUC-JP">']
)
def test_the_charset_that_a_page_declares(tmp_path: Path, head: str) -> None:
    path = tmp_path / "page.html"
    path.write_bytes(f"{head}<p>これは日本語のページです。".encode("euc-jp"))
    assert reader.read(path, 1000).text == "これは日本語のページです。"
