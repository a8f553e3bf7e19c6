"""What the tests of HTML share."""

from tests.knowledge.parse.support import check, shown

from protostar.knowledge.parse.html.reader import add_html
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.text.builder import TextBuilder


def parse(html: str, *, below: int = 0, is_whole: bool = True) -> ParsedText:
    builder = TextBuilder(1_000_000)
    title = add_html(builder, html, below=below, is_whole=is_whole)
    parsed = builder.build(title=title)
    check(parsed)
    return parsed


def texts(html: str, *, is_whole: bool = True) -> list[str]:
    """The texts of the blocks."""
    return [text for _, text in shown(parse(html, is_whole=is_whole))]
