"""Characters that are no text: they separate lines, drive terminals, or are halves of others."""

import re
import unicodedata
from typing import Final

DRIVES_A_TERMINAL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""C0 without tab and newline, DEL, C1 and bidirectional overrides."""

TURNS_TEXT: Final = re.compile("[\u202a-\u202e\u2066-\u2069]")
"""Bidirectional overrides: behind one, «gpj.exe» is shown as «exe.jpg»."""


def is_control(character: str) -> bool:
    """Whether no name holds it: control characters, line and paragraph separators, and halves of a surrogate pair."""
    return unicodedata.category(character) in {"Cc", "Cs", "Zl", "Zp"}
