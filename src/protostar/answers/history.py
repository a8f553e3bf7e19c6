"""The conversation so far, as much of it as a prompt may carry."""

import re
from collections.abc import Sequence
from typing import Final

from protostar.answers.models import AnswerRow
from protostar.llm.prompts import Turn
from protostar.retrieval.reading.courtesy import without

WHOLE_TURNS: Final = 2
WHOLE_CHARS: Final = 1_500  # of one recent answer
OLDER_CHARS: Final = 3_000  # of all summaries together
UNSUMMARIZED_CHARS: Final = 300

_LEANT_ON: Final = 3  # questions
_SHORT: Final = 40  # characters
# «보증금은요?», «그럼 언제까지요?», «and on Sundays?». Not «환불 규정은?», which may as well be about something else.
_LEANS: Final = re.compile(
    r"[은는]요[\s?？!.]*$|^\s*(?:그럼|그러면|그건|그거|거기)|^\s*(?:and|what about|how about)\b", re.IGNORECASE
)


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


def leans(question: str) -> bool:
    """Whether it seems to name only what differs from the question before it."""
    question = without(question).strip(" ,.!~")
    return len(question) <= _SHORT and _LEANS.search(question) is not None


def in_context(question: str, earlier: Sequence[str]) -> str:
    """The question after the one before it, and after what that one leans on. `earlier`: at least one question, the latest last."""
    before: list[str] = []
    for asked in earlier[: -_LEANT_ON - 1 : -1]:
        before.insert(0, asked)
        if not leans(asked):
            break
    return "\n".join([*before, question])


def _cut(text: str, characters: int) -> str:
    return text if len(text) <= characters else text[:characters].rstrip() + " …"
