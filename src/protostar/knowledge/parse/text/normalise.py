"""Done once to every text, before offsets are made: what is stored, chunked and cited is the result."""

import re

# NUL is refused by PostgreSQL, U+FFFE and U+FFFF are not characters, and a BOM inside a text is only left over from joining files.
_UNWANTED = re.compile("[\x00\ufeff\ufffe\uffff]")
_SURROGATE = re.compile("[\ud800-\udfff]")
_FRONT_MATTER = re.compile(
    r"(---|\+\+\+)[ \t]*\n(?=[ \t]*(?:#|[\w\"'.-][^\n:=]*[:=]))((?:.*\n){0,500}?)(?:\1|\.\.\.)[ \t]*(?:\n|\Z)"
)
_TITLE = re.compile(r"^title[ \t]*[:=](.*)$", re.MULTILINE)
_BLANKS = re.compile(r"\s+")


def clean(text: str) -> str:
    """Unix newlines, whole code points, nothing that a database or a browser refuses. Not NFC: the text stays the author's."""
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", "\n")
    if text.isascii():
        return text.replace("\x00", "")
    if _SURROGATE.search(text):
        text = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return _UNWANTED.sub("", text)


def one_line(text: str) -> str:
    """The text with each run of blanks as one space."""
    return _BLANKS.sub(" ", text).strip()


def shortened(text: str, longest: int) -> str:
    """The beginning of a text that is longer than so many characters."""
    return text if len(text) <= longest else text[: longest - 1] + "…"


def split_front_matter(text: str) -> tuple[str, str | None]:
    """Cut YAML or TOML front matter off a cleaned text; returns the rest and the title named there.

    Markdown would read its closing line as the underline of a heading.
    """
    match = _FRONT_MATTER.match(text)
    if match is None:
        return text, None
    title = _TITLE.search(match[2])
    return text[match.end() :], title[1].strip().strip("\"'") or None if title else None
