"""The questions of a message that asks several things at once: one passage hardly answers all of them."""

from protostar.knowledge.tokens import terms
from protostar.retrieval.extracts import sentences
from protostar.retrieval.reading.courtesy import ASKS, PAUSE, SAID

_MOST = 3


def questions(text: str) -> list[str]:
    """Two or three that stand side by side, without courtesies; none where there is one alone, or something is told beside them.

    What is told beside questions is mostly what they are about: «My dog ate grapes. What shall I do? Is it dangerous?».
    """
    said = [part[start:end] for part in PAUSE.split(text) for start, end in sentences(part)]
    asked = [sentence for sentence in said if terms(SAID.sub(" ", sentence))]
    return asked if 2 <= len(asked) <= _MOST and all(map(ASKS.search, asked)) else []
