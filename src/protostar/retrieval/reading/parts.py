"""The questions of a message that asks several things at once: one passage hardly answers all of them."""

import re
from typing import Final

from protostar.knowledge.tokens import terms
from protostar.retrieval.extracts import sentences
from protostar.retrieval.reading.courtesy import PAUSE, SAID, asks

_MOST: Final = 3
_LONGEST: Final = 500  # characters of a message
_QUOTES: Final = re.compile(r"[?？][\"'”’」』]+\Z")  # somebody else's question


def questions(text: str) -> list[str]:
    """Two or three that stand side by side, without courtesies; none where there is one alone, or something is told beside them.

    What is told beside questions is mostly what they are about: «My dog ate grapes. What shall I do? Is it dangerous?».
    """
    if len(text) > _LONGEST:
        return []
    said = [part[start:end] for part in PAUSE.split(text) for start, end in sentences(part)]
    asked = [sentence for sentence in said if terms(SAID.sub(" ", sentence))]
    return asked if 2 <= len(asked) <= _MOST and all(asks(each) and not _QUOTES.search(each) for each in asked) else []
