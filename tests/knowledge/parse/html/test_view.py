import pytest
from tests.knowledge.parse.html.pages import texts

from protostar.knowledge.parse.html import measure

TEXT = "<p>" + "Refunds are made within seven days. " * 20 + "</p>"
STORY = "Refunds are made within seven days. " * 20
LINKS = "<ul><li><a>Home</a><li><a>Products</a><li><a>About us</a></ul>"
QUESTION = "<button class=NAME aria-expanded=false aria-controls=c>When?</button><div id=c hidden>On Mondays.</div>"
PAIR = "<section><button>QUESTION</button><div>ANSWER</div></section>"
PAIRS = PAIR.replace("QUESTION", "When?").replace("ANSWER", "On Mondays.") + PAIR.replace("QUESTION", "Where?").replace(
    "ANSWER", "At the door."
)


def rest(html: str) -> str:
    """What is read of a page beside the story that it holds."""
    return "|".join(text for text in texts(html.replace("STORY", TEXT)) if text != STORY.strip())


@pytest.mark.parametrize(
    "page",
    [
        f"<div class=top-menu>{LINKS}</div>STORY",
        f"<div id=gnb>{LINKS}</div>STORY",
        f"<div id=header><h1><a href=/><img alt=Shop></a></h1><h2>All of the menus of this site</h2>{LINKS}</div>STORY",
        "STORY<div class=satisfaction>Did this page help you?<label><input type=radio>Yes</label></div>",
        f"<div role=navigation>{LINKS}</div>STORY",
        f"<table class=left_menu><tr><td>{LINKS}</table>STORY",
        "<p role=banner>Shop</p>STORY<div role=contentinfo>Address</div>",
        "<div class='breadcrumb'><a>Home</a> &gt; Help</div>STORY",
        "<div class=navheader><table><tr><th>2. Help<tr><td>Prev</table></div>STORY",
        f"<table><tr><td><table><tr><td>{LINKS}</table><td>STORY</table>",
        "<div id=cookie-notice>We use cookies.<a>OK</a></div>STORY",
        "<div role=dialog>Subscribe!</div><dialog>Welcome!</dialog>STORY",
        "STORY<div class=sns_share><a>Facebook</a><a>Kakao</a></div>",
        "STORY<div class=relatedPosts><h3>See also</h3><a href=1>A post on something else</a></div>",
        "STORY<section class=comments-area><h2>2 comments</h2><p>hong: Great!" + TEXT + "</section>",
        "STORY<div class=newsletter>Subscribe now<input><button>OK</button></div>",
        "STORY<div id=footer>Shop Inc., 1 Main Street</div>",
        "<main>STORY</main><p>An advertisement</p>",
        "<div role=main>STORY</div><div class=column><p>Popular this week</div>",
        "<main>STORY<aside><a>Other pages</a></aside></main>",
        "<article><p hidden>Draft</p><h1>&nbsp;</h1>STORY</article><article>Teaser</article>",
        "STORY<p hidden>Draft</p><p style='color: red; display:none'>Draft</p><div popover>Tip</div>",
        f"STORY<a href=#m aria-controls=m>Menu</a><div hidden id=m>{LINKS}</div>".replace(">Menu<", "><"),
        f"<button aria-expanded=false aria-controls=m>Open the menu</button><div id=m class=menu>{LINKS}</div>STORY",
        "<button class=navbar-toggler aria-expanded=false>Open the menu</button>STORY",
        "STORY<a href=#login></a><div id=login hidden><form><label>Password</label><input></form></div>",
        "STORY<div id=p1 style='display:none'><p>Sale!<a onclick=\"hide('p1')\"></a></div>",
        "STORY<div><button>Copy</button><div hidden>Copied</div></div><div><button>Copy</button><div hidden>Copied</div></div>",
        "STORY<div><button>A</button><button>B</button><p hidden>Draft</p></div><div><button>C</button><p hidden>1</p></div>",
        f"<section><button>Menu</button><div>{LINKS}</div></section><section><button>Shop</button>{LINKS}</section>STORY".replace(
            "<ul>", "<ul hidden>"
        ),
        "STORY<section><button>Play</button><div>00:00</div></section><section><button>Mute</button><div>50</div></section>".replace(
            "<div>", "<div hidden>"
        ),
        "STORY<p style='visibility : hidden'>Draft</p><p style='display/**/:/* a */none'>Draft</p>",
        "STORY<p style='color: red; text-decoration: underline line-through'>Draft</p>",
        "STORY<s>Draft</s><span style='TEXT-DECORATION-LINE:line-through'>Draft</span>",
        "<i aria-hidden=true>expand_more</i>STORY<button>Copy</button>",
        "<a class=skip href=#main>Skip to the text</a>STORY",
    ],
)
def test_what_surrounds_a_text_is_left_out(page: str) -> None:
    assert rest(page) == ""


@pytest.mark.parametrize(
    ("page", "kept"),
    [
        ("<header><h1>Refunds</h1><p>By the shop</p></header>STORY", "Refunds|By the shop"),
        ("<header><h1><a href=/>Shop</a></h1></header>STORY", ""),
        ("<header><h1>Refunds</h1></header><main>STORY</main>", "Refunds"),
        ("<main><header><h1>Refunds</h1></header>STORY</main>", "Refunds"),
        ("<div hidden><h1>Draft</h1></div><main>STORY</main>", ""),
        ("<h1>Town</h1><p>Sign in</p><article><h2>Refunds</h2>STORY</article><p>Town Inc.</p>", "Town|Refunds"),
        ("<h1>Town</h1><p>Sign in</p><article><h2>Refunds</h2></article>STORY", "Town|Sign in|Refunds"),
        ("<h2>Town</h2><article><h2>Refunds</h2>STORY</article><article><h2>Fees</h2></article>", "Town|Refunds|Fees"),
        ("<main>STORY<aside>Only with a receipt.</aside></main>", "Only with a receipt."),
        ("STORY<aside class='admonition note'>Only with a receipt.</aside>", "Only with a receipt."),
        ("STORY<aside epub:type=footnote>Only with a receipt.</aside>", "Only with a receipt."),
        ("STORY<blockquote>Keep it.<footer>The owner</footer></blockquote>", "Keep it.|The owner"),
        ("<article><header><h1><a href=1>Refunds</a></h1><a>Shop</a></header>STORY</article>", "Refunds|Shop"),
        (
            "<div class=header><h1>Refunds</h1><a href=1>Home</a> <a href=2>All of our questions</a></div>STORY",
            "Refunds|Home All of our questions",
        ),
        ("<div class=header><div><a>org.junit</a></div><h2>Class Category</h2></div>STORY", "org.junit|Class Category"),
        ("<div class='page skip-nav-fixed'>STORY</div>", ""),
        ("STORY<ul class=cafe-menu>" + "<li><a>Americano 4,500</a>" * 30 + "</ul>", "\n".join(["- Americano 4,500"] * 30)),
        ("<main>STORY<aside class=panel>Only with a receipt.</aside></main>", "Only with a receipt."),
        ("STORY<div class=related-box><table><tr><td><a>List</a></table></div>", "List"),
        ("STORY<table class=related><tr><th>Kind<tr><td><a>Priority queue</a></table>", "Kind\nPriority queue"),
        ("<script>" + "x" * 9_000 + "</script><div class=nav><script>" + "y" * 9_000 + f"</script>{LINKS}</div>STORY", ""),
        ("STORY<table><tr><td><a>List</a><tr><td><a>Queue</a></table>", "List\nQueue"),
        ("STORY<pre>3</pre><p class=gutter>500</p>", "3|500"),
        ("<main>Loading</main>STORY", "Loading"),
        (f"<div class=toc>{LINKS}</div>", "- Home\n- Products\n- About us"),
        ("STORY<div class=menu><p>Americano 4,500<p>Latte 5,000</div>", "Americano 4,500|Latte 5,000"),
        ("STORY<section id=cookies><h2>Cookies</h2><p>We <a>set</a> two.</section>", "Cookies|We set two."),
        ("STORY<div id=cookies><h2>Cookies</h2><p>We <a>set</a> two.</div>", "Cookies|We set two."),
        ("STORY<ul class=shareholders><li><a>Report of 2025</a></ul>", "- Report of 2025"),
        ("STORY<div class=section id=comments><h2>Comments</h2>Start with #.</div>", "Comments|Start with #."),
        ("STORY<table><tr><th>Related<tr><td class=comments>None</table>", "Related\nNone"),
        ("<div class=comments>STORY</div><p>Forum</p>", "Forum"),
        ("STORY<dl><dt>When?<dd style='display:none'>On Mondays.</dl>", "When?\nOn Mondays."),
        ("STORY<div class=faq><p>When?<p style='display:none'>On Mondays.</div>", "When?|On Mondays."),
        ("STORY<p aria-controls=a1>When?</p><div id=a1 hidden>On Mondays.</div>", "When?|On Mondays."),
        (
            "STORY<a href=\"JavaScript:toggle('a1')\">When?</a><div id=a1 style='display:none'>On Mondays.</div>",
            "When?|On Mondays.",
        ),
        ("STORY<p hidden=until-found>On Mondays.</p>", "On Mondays."),
        (
            "STORY<a href=#d>More</a><div role=dialog id=d>" + "On Mondays. " * 60 + "</div>",
            "More|" + ("On Mondays. " * 60).strip(),
        ),
        ("<div style='display:none'>On Mondays.</div><script src=app.js></script>", "On Mondays."),
        (
            "<nav>Menu</nav><div><main hidden><h1>Refunds</h1><p hidden>Draft</p>On Mondays.</main></div><script></script>",
            "Refunds|On Mondays.",
        ),
        ("<body style='visibility:hidden' onload='show()'>On Mondays.", "On Mondays."),
        ("<body hidden>On Mondays.", "On Mondays."),
        ("<p style='visibility:hidden'>Draft<b style='visibility: visible'>On Mondays.</b></p>STORY", "DraftOn Mondays."),
        ("<p style='backface-visibility: hidden'>On Mondays.</p>STORY", "On Mondays."),
        (f"STORY<div class=accordion>{QUESTION.replace('NAME', 'accordion-header')}</div>", "When?\nOn Mondays."),
        (f"STORY<div class=faq>{QUESTION.replace('NAME', 'faq-head')}</div>", "When?\nOn Mondays."),
        ("STORY<div class=card-header><a href=#c>When?</a></div><div id=c>On Mondays.</div>", "When?|On Mondays."),
        ("STORY<div class=head><a data-toggle=collapse href=#c>When?</a></div><p id=c>On Mondays.</p>", "When?\nOn Mondays."),
        ("STORY<button class=q>When?</button><div class=answer>On Mondays.</div>", "When?\nOn Mondays."),
        (f"STORY{PAIRS}", "When?\nOn Mondays.|Where?\nAt the door."),
        (f"STORY{PAIRS.replace('<div>', '<div style=display:none>')}", "When?\nOn Mondays.|Where?\nAt the door."),
        (
            f"STORY{PAIRS.replace('<button>', '<div class=head><a href=#>').replace('</button>', '</a><i></i></div>')}",
            "When?\nOn Mondays.|Where?\nAt the door.",
        ),
        (
            f"STORY{PAIRS.replace('<button>', '<p onclick=open()>').replace('</button>', '</p>').replace('<div>', '<div hidden>')}",
            "When?\nOn Mondays.|Where?\nAt the door.",
        ),
        ("STORY<p>Ask <a href=#>us</a></p><p hidden>Draft</p><p>Or <a href=#>them</a></p><p hidden>Draft</p>", "Ask us|Or them"),
        ("<nav>Only</nav><footer>furniture</footer>", "Only|furniture"),
    ],
)
def test_what_belongs_to_a_text_is_kept(page: str, kept: str) -> None:
    assert rest(page) == kept


@pytest.mark.parametrize(
    "html",
    [
        "<p hidden>Draft</p>",
        "<nav>Menu</nav><div style='display:none'>Draft</div>",
        "<div hidden>Draft</div><p style='visibility:hidden'>Draft</p>",
        "<nav>Menu</nav><p hidden>Draft</p><del>Draft</del><dialog>Draft</dialog><script></script>",
        f"<nav>{STORY}</nav><div hidden>Draft</div><script></script>",
        "<div role=dialog style='display:none'>Draft</div>",
        "<main hidden>Draft</main><p>Refunds</p>",
    ],
)
def test_what_is_hidden_is_not_read_though_nothing_else_is_there(html: str) -> None:
    assert "Draft" not in "".join(texts(html))


def test_scripts_of_a_page_show_what_is_merely_invisible() -> None:
    story = "<div class=loading>Loading</div><div style='visibility: hidden; animation-name: none'>Hours</div><p hidden>Draft</p>"
    assert texts(story + "<script></script>") == ["Loading", "Hours"]
    assert texts(story) == texts(story + "<script></script>", is_whole=False) == ["Loading"]
    main = f"<p>Notes on it</p><main style='visibility:hidden'>{TEXT}</main>"
    assert texts(main + "<script></script>") == [STORY.strip()]
    assert texts(main) == ["Notes on it"]


@pytest.mark.parametrize(
    ("style", "is_read"),
    [("overflow: visible", False), ("backface-visibility: visible", False), ("color: red; VISIBILITY : visible", True)],
)
def test_what_is_visible_within_what_is_not_is_read(style: str, is_read: bool) -> None:
    page = f"<p>Fees</p><div style='visibility:hidden'><p style='{style}'>Draft</p></div>"
    assert texts(page) == ["Fees", "Draft"][: 1 + is_read]


def test_what_cannot_be_judged_any_more_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(measure, "_READINGS", -1)
    page = "<p>Fees</p><div style='visibility:hidden'><p style='visibility:visible'>Free</p></div><p hidden>Draft</p>"
    assert texts(page) == ["Fees", "Free"]


@pytest.mark.parametrize("html", ["<div hidden>Draft</div><script></script>", "<body hidden>Draft", "<main hidden>Draft</main>"])
def test_no_script_shows_what_is_hidden_in_a_part_of_a_document(html: str) -> None:
    assert texts(html, is_whole=False) == []
    assert texts("<nav>Menu</nav><footer>Address</footer>", is_whole=False) == ["Menu", "Address"]


@pytest.mark.parametrize(
    ("html", "text"),
    [
        ("<h2>설치<a class=headerlink href=#x>¶</a></h2>a", ["설치", "a"]),
        ("<h2>역사<span class=mw-editsection>[<a>편집</a>]</span></h2>a", ["역사", "a"]),
        ("제4대 국왕이다.<sup><a href=#cite_note-1>[1]</a></sup> 500명<a href=#fn1><sup>2</sup></a>", ["제4대 국왕이다. 500명"]),
        ("표 <a href=#t1>1</a>과 <a href=#b>B</a>, 별표<a href=#s>*</a>", ["표 1과 B, 별표*"]),
        ("<pre>a <a href=#x>+=</a> b</pre><code><a href=#or>||</a></code>, <a href=#and><code>&&</code></a>", ["a += b", "||, &&"]),
        ("Under subsection <a href=#b>(b)</a>.<sup><a href=#n1>(1)</a></sup>", ["Under subsection (b)."]),
        ("<ol><li>출처.<a href=#fnref1>↩︎</a></ol>", ["1. 출처."]),
        ("<p><span class=lineno>12</span> 번째 <span class=lineno>줄</span></p>", ["번째 줄"]),
    ],
)
def test_links_that_are_only_marks(html: str, text: list[str]) -> None:
    assert texts(html) == text
