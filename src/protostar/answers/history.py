"""The conversation so far, as much of it as a prompt may carry."""

from collections.abc import Sequence
from typing import Final

from protostar.answers.models import AnswerRow
from protostar.llm.prompts import Turn

WHOLE_TURNS: Final = 2
WHOLE_CHARS: Final = 1_500  # of one recent answer
OLDER_CHARS: Final = 3_000  # of all summaries together
UNSUMMARIZED_CHARS: Final = 300


def history(turns: Sequence[AnswerRow], room: int) -> list[Turn]:
    """The latest turns whole, of older ones their summaries, oldest first; `room` characters at most, however many there are."""
    share = room // 3  # so that the latest one always fits
    older = OLDER_CHARS
    kept: list[Turn] = []
    for age, turn in enumerate(reversed(turns)):
        if age < WHOLE_TURNS:
            known = Turn(_cut(turn.question, share), _cut(turn.shown_text, min(WHOLE_CHARS, share)))
        else:
            known = Turn(_cut(turn.question, UNSUMMARIZED_CHARS), turn.summary or _cut(turn.shown_text, UNSUMMARIZED_CHARS))
            older -= length(known)
        room -= length(known)
        if min(room, older) < 0:
            break
        kept.append(known)
    return kept[::-1]


def length(*turns: Turn) -> int:
    return sum(len(turn.question) + len(turn.answer) for turn in turns)


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[:characters].rstrip() + " …"
