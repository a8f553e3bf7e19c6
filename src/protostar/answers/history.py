"""The conversation so far, as much of it as a prompt may carry."""

from collections.abc import Sequence
from typing import Final

from protostar.answers.models import AnswerRow

WHOLE_TURNS: Final = 2
WHOLE_CHARS: Final = 1_500  # of one recent answer
OLDER_CHARS: Final = 3_000  # of all summaries together
UNSUMMARIZED_CHARS: Final = 300


def history(turns: Sequence[AnswerRow]) -> list[tuple[str, str]]:
    """(question, answer) of the latest turns whole, of older ones their summaries, oldest first.

    However long the conversation is, this stays below about 15,000 characters.
    """
    recent = [(turn.question, _cut(turn.shown_text, WHOLE_CHARS)) for turn in turns[-WHOLE_TURNS:]]
    older: list[tuple[str, str]] = []
    left = OLDER_CHARS
    for turn in reversed(turns[:-WHOLE_TURNS]):
        question, answer = _cut(turn.question, UNSUMMARIZED_CHARS), turn.summary or _cut(turn.shown_text, UNSUMMARIZED_CHARS)
        left -= len(question) + len(answer)
        if left < 0:
            break
        older.append((question, answer))
    return older[::-1] + recent


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[:characters].rstrip() + " …"
