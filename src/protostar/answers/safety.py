"""What of a model's text reaches a reader: words. Nothing that a browser would load, run or send somewhere by itself.

A document can tell the model to write an image or a link whose address carries what the model has seen. So an address stays only
where a passage of the prompt holds it, letter by letter; an image becomes a link; a tag is no tag any more. Every construct that
matters begins within one word (a run without white space), so words are looked at one by one, as soon as they are whole.

Fenced code is left as it is, where it is beyond doubt for every reader of Markdown that it is fenced code: fences at the margin,
and nothing before that some reader could take for the beginning or the end of one.
"""

import html
import re
from collections.abc import Iterable, Iterator
from typing import Final

_BODY: Final = r"[^\s<>()\[\]]*(?:\([^\s<>()\[\]]*\)[^\s<>()\[\]]*)*"
# The last one takes the page's own scheme, and some readers of Markdown make a link of it.
_BEGINNING: Final = r"(?:[a-z][a-z0-9+.-]{1,31}://|www\.|mailto:|(?<![\w:/])//(?=[^\s/.]{1,63}\.))"
_BEGINS: Final = re.compile(_BEGINNING, re.IGNORECASE)
_ADDRESS: Final = re.compile(f"{_BEGINNING}{_BODY}", re.IGNORECASE)
_MAY_HOLD_ADDRESS: Final = re.compile(r"//|www\.|mailto:", re.IGNORECASE)
_MAIL: Final = re.compile(r"[\w.+-]{1,64}@[a-z0-9-]{1,63}(?:\.[a-z0-9-]{1,63})+", re.IGNORECASE | re.ASCII)
_LINK: Final = re.compile(r"(?:https?://|mailto:)", re.IGNORECASE)
_PUNCTUATION: Final = ".,;:!?'\"*_~`)}»”’…"
_MERE_PUNCTUATION: Final = re.compile(r"[.,;:!?'\"*_~`)\]}>]*")

_CONSTRUCT: Final = re.compile(
    rf"""
    \]\(<?(?P<target>{_BODY})>?\)      # of a link or an image
    | (?P<target_begun>\]\()
    | (?P<definition>\]:)              # of a link's target, elsewhere
    | (?P<image>!(?=\[))
    | (?<!\\)<(?P<auto>(?:https?://|mailto:){_BODY})>
    | (?P<tag><(?=[a-z/!?]))
    | (?P<address>{_ADDRESS.pattern})
    """,
    re.IGNORECASE | re.VERBOSE,
)
_MAY_HOLD_CONSTRUCT: Final = re.compile(r"[\\&<\]!:]|//|www", re.IGNORECASE)  # also one that is escaped or encoded
_TARGET: Final = re.compile(rf"\]\(<?({_BODY})>?\)")
_ESCAPED: Final = re.compile(r"\\([!-/:-@\[-`{-~])")
_FENCE: Final = re.compile(r"(`{3,}|~{3,})[\w+#.-]{0,40}")
_DOUBTFUL: Final = re.compile(r"`{3}|~{3}|\$\$")

_BLANK: Final = re.compile(r"\s")
_NO_ASCII: Final = re.compile(r"[^\x00-\x7f\s]+")
_LONGEST_WORD: Final = 4_000
# What ends a line for some readers and not for others.
_BLANKS: Final = dict.fromkeys(map(ord, "\v\f\x1c\x1d\x1e\x1f\x85\u2028\u2029"), " ") | {ord("\r"): None, 0: None}


def addresses(texts: Iterable[str]) -> frozenset[str]:
    """Every address that stands in the texts: URLs, and mail addresses as `mailto:`."""
    found: set[str] = set()
    for text in texts:
        # Most texts have none, and to see that by the expressions takes longer than anything else about them.
        if _MAY_HOLD_ADDRESS.search(text):
            for match in _ADDRESS.finditer(text):
                found.update(_readings(match[0]))
        if "@" in text:
            found.update(f"mailto:{match[0]}" for match in _MAIL.finditer(text))
    return frozenset(found - {""})


def _readings(address: str) -> Iterator[str]:
    """An address as it stands, and without what may belong to the sentence: punctuation, a Korean particle."""
    yield address
    yield address.rstrip(_PUNCTUATION)
    yield re.split(r"[^\x00-\x7f]", address, maxsplit=1)[0].rstrip(_PUNCTUATION)


def _beginnings(text: str) -> list[str]:
    """How each address in the text begins, which may be within what would be another one by itself."""
    return [match[0] for address in _ADDRESS.findall(text) if (match := _BEGINS.match(address))]


class SafeText:
    """Makes one text safe as it arrives. `known`: the addresses that may stay; `removed`: what stands in place of another one.

    What comes out depends on the text alone, never on how it was split.
    """

    def __init__(self, known: frozenset[str], removed: str) -> None:
        self._known = known
        self._removed = removed
        self._held = ""  # the beginning of a word
        self._indent: int | None = 0  # columns before the word, where only blanks are before it on its line
        self._fence = ""
        self._in_doubt = False

    def feed(self, piece: str) -> str:
        """Text to show now; the last word waits for its end."""
        text, at, shown = self._held + piece.translate(_BLANKS), 0, ""
        for blank in _BLANK.finditer(text):
            begun, rest = self._begun(text[at : blank.start()])
            shown += begun + self._word(rest, blank[0]) + blank[0]
            self._after(blank[0])
            at = blank.end()
        begun, self._held = self._begun(text[at:])
        return shown + begun

    def flush(self) -> str:
        """The rest, no more text being to come."""
        rest, self._held = self._held, ""
        return self._word(rest, "")

    def _begun(self, word: str) -> tuple[str, str]:
        """What can be shown of a word before its end is there, and what has to wait for it."""
        shown = ""
        while True:
            if plain := _NO_ASCII.match(word):  # nothing begins with these
                shown, word = shown + plain[0], word[plain.end() :]
                self._indent = None
            if len(word) < _LONGEST_WORD:
                return shown, word
            # The blank parts what may belong together.
            shown, word = shown + self._word(word[:_LONGEST_WORD], "x") + " ", word[_LONGEST_WORD:]

    def _after(self, blank: str) -> None:
        if blank == "\n":
            self._indent = 0
        elif self._indent is not None:
            self._indent += 1 if blank == " " else 4

    def _word(self, word: str, following: str) -> str:
        """The word as it may be shown. `following`: the character after it, "" at the end of the text."""
        if not word:
            return ""
        indent, self._indent = self._indent, None
        ends_line = following in ("\n", "")
        if self._fence:
            if indent is None or not _DOUBTFUL.match(word):
                return word
            closes = word.startswith(self._fence) and not word.strip(self._fence[0]) and indent < 4 and ends_line
            self._fence = ""
            if closes:
                return word
        elif indent == 0 and ends_line and not self._in_doubt and (fence := _FENCE.fullmatch(word)):
            self._fence = fence[1]
            return word
        self._in_doubt |= _DOUBTFUL.search(word) is not None
        return self._neutral(word)

    def _neutral(self, word: str) -> str:
        if not _MAY_HOLD_CONSTRUCT.search(word):
            return word
        plain = html.unescape(_ESCAPED.sub(r"\1", word))
        if plain != word and _beginnings(plain) != _beginnings(word):
            return self._removed  # some readers look for addresses after they have decoded the text
        return _CONSTRUCT.sub(self._replaced, word)

    def _replaced(self, match: re.Match[str]) -> str:
        match match.lastgroup:
            case "target":
                target = match["target"]
                return f"]({target})" if _LINK.match(target) and target in self._known else "]"
            case "target_begun":
                return "] ("
            case "definition":
                return "] :"
            case "image":
                return ""
            case "auto":
                return match[0] if match["auto"] in self._known else self._removed
            case "tag":
                return "< "
            case _:
                return self._address(match)

    def _address(self, match: re.Match[str]) -> str:
        found = match[0]
        known = next((reading for reading in _readings(found) if reading in self._known), None)
        rest = found[len(known) :] if known is not None else ""
        if known is None or _ADDRESS.search(rest):  # a Korean word is no end of an address for everybody, and another one follows
            return self._removed
        following = match.string[match.end() :]
        is_text = "[" in match.string[: match.start()] and (link := _TARGET.match(following)) is not None and link[1] in self._known
        if is_text or _MERE_PUNCTUATION.fullmatch(rest + following):
            return known + rest
        # More follows. It is parted from the address: a reader might take it along, and send it.
        return (f"<{known}>" if _LINK.match(known) else f"{known} ") + rest
