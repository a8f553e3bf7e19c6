"""What a reasoning model writes before its answer, where its server does not tell the two apart.

Qwen3, DeepSeek-R1 and others begin with `<think>…</think>`; a server with a parser for them sends that in a field of its own.
"""

import re
from typing import Final

_OPENING: Final = "<think>"
_CLOSING: Final = "</think>"
_ENDING: Final = re.compile(rf"{_CLOSING}\s*(?=\S)")


class AnswerAlone:
    """Takes the pieces of a text, and gives those of the answer: all but a thought that it begins with."""

    def __init__(self) -> None:
        self._held: str | None = ""  # None: the answer has begun
        self._thinks = False

    def feed(self, piece: str) -> str:
        if self._held is None or not piece:
            return piece
        held = self._held + piece
        self._held = held
        if not self._thinks:
            begun = held.lstrip()
            if _OPENING.startswith(begun):
                return ""  # it may yet be one
            if not begun.startswith(_OPENING):
                self._held = None
                return held
            self._thinks = True
        if ending := _ENDING.search(held):
            self._held = None
            return held[ending.end() :]
        self._held = _CLOSING if _CLOSING in held else held[-len(_CLOSING) :]
        return ""

    def flush(self) -> str:
        """What was held at the text's end; of a thought that never ended, nothing."""
        held, self._held = self._held or "", None
        return "" if self._thinks else held
