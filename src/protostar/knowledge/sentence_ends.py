"""Full stops that end a sentence, and those that do not: of numbers of items, of dates, of abbreviations."""

import re
from typing import Final

# The stops of a date do not end it («2025. 2. 20.»).
STOP: Final = r"(?P<stop>[.!?…]++[\"'”’)\]]*+)(?!(?<=\d{4}\.)[ \t]+(?:0?[1-9]|1[0-2])\.)\s+|[。！？]+[\"”’」』）]*\s*"
"""A stop with the blanks behind it, as a regular expression; `ends` has the last word."""

_NO_STOP: Final = re.compile(r"(?:^|[\s(*])(?:\d{1,3}|[^\W\d]|[가-하]|Mr|Mrs|Ms|Dr|Prof|St|No|vs|cf|Fig|al|etc|e\.g|i\.e)\.$")
_LONGEST: Final = 8


def ends(text: str, found: re.Match[str]) -> bool:
    """Whether a sentence of the text ends with what STOP found."""
    return found["stop"] != "." or _NO_STOP.search(text, max(0, found.start("stop") - _LONGEST), found.end("stop")) is None
