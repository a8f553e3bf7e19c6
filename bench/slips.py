"""Questions as people type them: a slip of a finger, blanks left out or misplaced, the keyboard set to Latin letters, and remarks
around them, which were written for this by somebody who did not know how such are left out.
"""

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from random import Random
from string import ascii_lowercase
from typing import Final

from protostar.knowledge.tokens import terms
from protostar.retrieval.reading import keyboard

Change = Callable[[str, Random], str]

_WORD: Final = re.compile(r"[A-Za-z]{4,}|[가-힣]{2,}")
_HANGUL: Final = re.compile("[가-힣]+")
_REMARKS: Final[Mapping[str, list[tuple[str, str]]]] = json.loads(Path(__file__).with_name("remarks.json").read_bytes())


def one_slip(question: str, random: Random) -> str:
    """In one of the words that say something, if it has one."""
    words = [word for word in _WORD.finditer(question) if terms(word[0])]
    if not words:
        return question
    word = random.choice(words)
    is_korean = _HANGUL.match(word[0])
    keys = _slipped(keyboard.keys(word[0]) if is_korean else word[0], random)
    return question[: word.start()] + (keyboard.typed(keys) if is_korean else keys) + question[word.end() :]


def no_blanks(question: str, _random: Random) -> str:
    return question.replace(" ", "")


def blanks_anywhere(question: str, random: Random) -> str:
    """Two of five left out, and one between every twelve syllables of words."""
    kept = "".join("" if char == " " and random.random() < 0.4 else char for char in question)
    return re.sub(r"(?<=[가-힣])(?=[가-힣])", lambda _: " " if random.random() < 0.08 else "", kept)


def latin_keys(question: str, _random: Random) -> str:
    return _HANGUL.sub(lambda word: keyboard.keys(word[0]), question)


def with_remarks(question: str, random: Random) -> str:
    before, after = random.choice(_REMARKS["ko" if _HANGUL.search(question) else "en"])
    return f"{before}{question}{after}"


CHANGES: Final[tuple[Mapping[str, Change], Mapping[str, Change]]] = (
    {
        "one slip": one_slip,
        "no blanks": no_blanks,
        "blanks anywhere": blanks_anywhere,
        "Latin keyboard": latin_keys,
        "remarks": with_remarks,
    },
    {"one slip": one_slip, "remarks": with_remarks},
)
"""Of Korean questions, and of English ones."""


def _slipped(keys: str, random: Random) -> str:
    """One key not hit, hit twice, hit too late, missed for the one beside it, or for any other."""
    at = random.randrange(len(keys))
    before, key, after = keys[:at], keys[at], keys[at + 1 :]
    return random.choice(
        (
            before + after,
            before + key + key + after,
            before + after[:1] + key + after[1:],
            before + random.choice(keyboard.beside(key.lower())) + after,
            before + random.choice(ascii_lowercase) + after,
        )
    )
