"""What a reasoning model writes before its answer, where its server does not tell the two apart.

Qwen3, DeepSeek-R1 and others begin with `<think>…</think>`; a server with a parser for them sends that in a field of its own.
Where the server's template holds the opening, the text begins within the thought, and only its end tells that it was one.
"""

import re
from dataclasses import replace
from typing import Final, Literal

from protostar.llm.base import ChatDelta

_OPENING: Final = "<think>"
_CLOSING: Final = "</think>"
_ENDING: Final = re.compile(rf"{_CLOSING}\s*(?=\S)")
_UNOPENED: Final = re.compile(rf"\n[ \t]*{_CLOSING}[ \t]*\n")  # on a line of its own, for an answer may mention it
_TAIL: Final = 32  # characters in which such a line may have begun


class AnswerAlone:
    """Takes the pieces of a text, and gives those of the answer: all but a thought that it begins with."""

    def __init__(self, *, thinks: bool = False) -> None:
        """`thinks`: the text is taken to begin within a thought. What turns out to hold no end of one is given at its end."""
        self.thinks = thinks
        """Whether the next text of this model is to be taken so."""
        self.anew = False
        """Whether the text began within a thought that was not taken for one: what was given of it was no answer."""
        self._part: Literal["beginning", "thought", "answer", "only answer"] = "thought" if thinks else "beginning"
        self._taken: list[str] | None = [] if thinks else None  # all of what may be an answer
        self._held: str = ""  # of a beginning all; else what an end may have begun in
        self._untold = 0  # characters of thoughts that no delta has told of yet

    def take(self, delta: ChatDelta, *, ends: bool) -> ChatDelta:
        """The delta with that of its text which is given now, and what was thought until then. `ends`: no text follows."""
        began = self.anew
        text = self.feed(delta.text) + (self.flush(whole=delta.finish_reason != "length") if ends else "")
        self._untold += delta.thought + len(delta.text) - len(text)
        thought = self._untold if text or ends else 0
        self._untold -= thought
        if (text, thought, self.anew) == (delta.text, delta.thought, began):
            return delta
        return replace(delta, text=text, thought=thought, anew=self.anew and not began)

    def feed(self, piece: str) -> str:
        if self._part == "only answer" or not piece:
            return piece
        if self._taken is not None:
            self._taken.append(piece)
        held = self._held + piece
        if self._part == "beginning":
            begun = held.lstrip()
            if _OPENING.startswith(begun):
                self._held = held
                return ""  # it may yet be one
            if not begun.startswith(_OPENING):
                self._part = "answer"
                return self._answering(held, f"\n{held}")
            self._part = "thought"
        return self._answering(piece, held) if self._part == "answer" else self._thinking(held)

    def _answering(self, piece: str, held: str) -> str:
        ending = _UNOPENED.search(held)
        if _OPENING in held[: ending.start() if ending else None]:
            self._part = "only answer"
            return piece
        if ending is None:
            self._held = held[-_TAIL:]
            return piece
        self._part, self.anew, self.thinks = "thought", True, True
        return self._thinking(held[ending.start() :])

    def _thinking(self, held: str) -> str:
        ending = _ENDING.search(held)
        if ending is None:
            self._held = _CLOSING if _CLOSING in held else held[-len(_CLOSING) :]
            return ""
        self._part = "only answer"
        if self._taken is not None:
            self.thinks = not _opens(self._taken)
        return held[ending.end() :]

    def flush(self, *, whole: bool = True) -> str:
        """What was held at the text's end; of a thought that never ended, nothing. `whole`: the text was not cut off."""
        part, self._part = self._part, "only answer"
        if part == "beginning":
            return self._held
        if part == "thought" and self._taken is not None and whole and self._held != _CLOSING and not _opens(self._taken):
            self.thinks = False
            return "".join(self._taken)
        if part == "answer" and _UNOPENED.search(f"{self._held}\n"):
            self.anew = self.thinks = True
        return ""


def _opens(pieces: list[str]) -> bool:
    return "".join(pieces).lstrip().startswith(_OPENING)
