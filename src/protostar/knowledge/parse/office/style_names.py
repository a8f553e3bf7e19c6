"""What the name of a paragraph's style says: built-in styles are named in English or in the language of the program."""

import re
from typing import Literal

_HEADING = re.compile(r"(?:heading|outline|제목|개요|標題|标题|見出し)\s*([1-9])", re.IGNORECASE)
_TITLE = re.compile(r"(?:title|제목)", re.IGNORECASE)
_CONTENTS = re.compile(r"(?:toc|contents|목차|차례)\s*\d", re.IGNORECASE)
_CODE = re.compile(r"preformatted|code|코드", re.IGNORECASE)
_QUOTE = re.compile(r"quot|인용", re.IGNORECASE)


def level(name: str) -> int | None:
    """The level of the headings in this style; that of a title is 0."""
    if match := _HEADING.fullmatch(name):
        return int(match[1])
    return 0 if _TITLE.fullmatch(name) else None


def kind(name: str) -> Literal["contents", "code", "quote"] | None:
    """`contents`: the lines of a list of contents, which repeats the headings."""
    if _CONTENTS.match(name):
        return "contents"
    if _CODE.search(name):
        return "code"
    return "quote" if _QUOTE.search(name) else None
