"""Models that need no server and always say the same: for tests, and for trying the service out."""
# ruff: noqa: ASYNC109 - the time belongs to the seam (see base)

import math
import re
from collections import Counter
from collections.abc import AsyncGenerator, Iterable, Sequence
from functools import lru_cache
from typing import Final
from zlib import crc32

from protostar.errors import ProtostarError
from protostar.llm.base import ChatDelta, Health, InputType, Message, Usage
from protostar.llm.fluency import EXAMINATION

Scripted = str | ProtostarError | Sequence[str | ProtostarError]
"""What one call does: answer with a text, fail at once, or stream the texts and then fail."""

_PASSAGE: Final = re.compile(r"^\[(\d+)\][ \t]*(.*?)(?=^\[\d+\]|\Z)", re.MULTILINE | re.DOTALL)
_FENCE: Final = re.compile(r"^</?passage .*>$", re.MULTILINE)
_SENTENCE: Final = re.compile(r"(?<=[.!?。])\s+|\n+")
_TOKEN: Final = re.compile(r"\s*\S+(?:\s+\Z)?|\s+\Z")
_HANGUL: Final = re.compile(r"[가-힣]")


class FakeChatModel:
    """Quotes the numbered passages of the prompt, or follows a script.

    `calls` holds the messages of every call.
    """

    def __init__(self, script: Iterable[Scripted] = (), *, name: str = "fake-chat") -> None:
        """The calls take from `script` in turn; those after its end quote the prompt."""
        self.name = name
        self.calls: list[list[Message]] = []
        self._script = list(script)

    @property
    def health(self) -> Health:
        return "ok"

    async def stream(
        self, messages: Sequence[Message], *, max_tokens: int, timeout: float | None = None
    ) -> AsyncGenerator[ChatDelta]:
        del timeout  # it answers at once
        self.calls.append(list(messages))
        scripted = self._script.pop(0) if self._script else quote([message.content for message in messages])
        parts = [scripted] if isinstance(scripted, str | ProtostarError) else scripted
        written = 0
        for part in parts:
            if isinstance(part, ProtostarError):
                raise part
            for token in tokens(part)[: max_tokens - written]:
                written += 1
                yield ChatDelta(token)
        asked = sum(len(tokens(message.content)) for message in messages)
        yield ChatDelta(usage=Usage(asked, written), finish_reason="length" if written >= max_tokens else "stop")


class FakeEmbeddingModel:
    """Hashes character 3-grams and words, so texts that share them are near each other.

    `embedded` counts how often each text was embedded.
    """

    def __init__(self, dimensions: int = 256, *, failures: Iterable[ProtostarError] = (), name: str = "fake-embedding") -> None:
        """The first calls raise `failures` in turn."""
        self.name = name
        self.dimensions = dimensions
        self.embedded: Counter[str] = Counter()
        self._failures = list(failures)

    @property
    def health(self) -> Health:
        return "ok"

    async def embed(self, texts: Sequence[str], *, input_type: InputType, timeout: float) -> list[list[float]]:
        del input_type, timeout
        if self._failures:
            raise self._failures.pop(0)
        self.embedded.update(texts)
        return [hashed(understood(text), self.dimensions) for text in texts]


def tokens(text: str) -> list[str]:
    """Words with the white space around them; joined they are `text`."""
    return _TOKEN.findall(text)


def quote(contents: Sequence[str], *, passages: int = 3) -> str:
    """An answer in the language of the last content: a sentence of each of its first passages, with its `[n]`.

    It is the first one; of a passage between fences, as real prompts have them, the one nearest to the last line.

    A passage begins at a line `[n] …`; its first line counts as a heading when others follow. Without passages it is the first
    sentence of the last content.
    """
    last = contents[-1] if contents else ""
    found = [(match[1], match[2]) for match in _PASSAGE.finditer("\n".join(contents))][:passages]
    if not found:
        return _first_sentence(_FENCE.sub("", last))
    question = last.strip().rpartition("\n")[2]
    opening = "문서에 따르면 다음과 같습니다." if _HANGUL.search(last) else "The documents say this."
    return "\n".join([opening, *(f"{_sentence(passage, question)} [{number}]" for number, passage in found)])


def _body(passage: str) -> str:
    heading, _, body = _FENCE.sub("", passage).strip().partition("\n")
    return body if body.strip() else heading


def _first_sentence(text: str) -> str:
    return next((part.strip() for part in _SENTENCE.split(text) if part.strip()), "")[:200]


def _sentence(passage: str, question: str) -> str:
    if not _FENCE.search(passage):
        return _first_sentence(_body(passage))
    asked = _pairs(question)
    parts = [part.strip() for part in _SENTENCE.split(_body(passage)) if part.strip()]
    return max(parts, key=lambda part: len(asked & _pairs(part)), default="")[:200]


def _pairs(text: str) -> set[str]:
    return {text[at : at + 2] for at in range(len(text) - 1)}


def understood(text: str) -> str:
    """What makes hashes pass for a model that knows its languages: they are examined in paraphrases."""
    return next((pairs[text] for pairs in EXAMINATION.values() if text in pairs), text)


def hashed(text: str, dimensions: int) -> list[float]:
    """A vector of length 1 (0 for an empty text) from the hashes of the text's character 3-grams and words."""
    vector = [0.0] * dimensions
    padded = f" {text.lower()} "
    for gram in [padded[i : i + 3] for i in range(len(padded) - 2)] + padded.split():
        hash_ = _crc32(gram)
        vector[hash_ % dimensions] += 1.0 if hash_ >> 31 else -1.0
    norm = math.sqrt(math.fsum(value * value for value in vector))
    return [value / norm for value in vector] if norm else vector


@lru_cache(maxsize=1 << 16)
def _crc32(gram: str) -> int:
    return crc32(gram.encode("utf-8", "replace"))
