"""A model's text on its way to the reader: markers become citations, addresses and tags go, and instructions are not given away."""

import re
from collections.abc import Sequence
from typing import Final

from protostar.answers.citations import Citation, MarkerFilter
from protostar.answers.safety import SafeText, addresses
from protostar.answers.verdict import Verdict
from protostar.errors import ModelRejected
from protostar.llm import prompts
from protostar.llm.base import Message
from protostar.llm.prompts import Language
from protostar.retrieval.model import Passage

_BLANKS: Final = re.compile(r"\s+")
_MARKS: Final = dict.fromkeys(map(ord, "*_`"))  # of Markdown: words that are made bold are the same words


def safe_text(passages: Sequence[Passage], language: Language) -> SafeText:
    """What makes a text safe that was written from these passages."""
    return SafeText(addresses(passage.text for passage in passages), prompts.link_removed(language))


class Reply:
    """One answer of a model, piece by piece. `feed` and `flush` raise ModelRejected where it repeats its instructions.

    `received`: characters that the model wrote, also before it began anew.
    """

    def __init__(self, passages: Sequence[Passage], messages: Sequence[Message], language: Language, *, sure: bool = True) -> None:
        """`sure`: as the messages were made; else what comes before the verdict, and all where it is against, is not shown."""
        self.received = 0
        self._passages = passages
        self._language: Language = language
        self._sure = sure
        self._secrets = [_squeezed(line) for line in prompts.instructions(messages)]
        self._longest = max(map(len, self._secrets), default=0)
        self.restart()

    def restart(self) -> None:
        """What came so far is void."""
        self._verdict = None if self._sure else Verdict()
        self._markers = MarkerFilter(self._passages)
        self._safe = safe_text(self._passages, self._language)
        self._marked = ""
        self._tail = ""  # of it, with single blanks: what a secret may have begun in

    @property
    def dropped(self) -> int:
        """How many markers named no passage."""
        return self._markers.dropped

    @property
    def declined(self) -> bool:
        """Whether the model did not say that the passages answer, when it was to say that first."""
        return self._verdict is not None and self._verdict.answers is False

    def feed(self, piece: str, *, thought: int = 0) -> str:
        """Text to show now. `thought`: characters that the model wrote besides."""
        self.received += len(piece) + thought
        if self._verdict is not None:
            piece = self._verdict.feed(piece)
        return self._safe.feed(self._seen(self._markers.feed(piece)))

    def flush(self) -> str:
        """The rest of the text, at its end."""
        return self._safe.feed(self._seen(self._markers.flush())) + self._safe.flush()

    def citations(self) -> list[Citation]:
        return self._markers.citations(self._marked)

    def _seen(self, text: str) -> str:
        if text:
            self._marked += text
            said = _BLANKS.sub(" ", text.translate(_MARKS))
            said = self._tail + (said.lstrip() if self._tail.endswith(" ") else said)
            if any(secret in said for secret in self._secrets):
                raise ModelRejected("The chat model repeated its instructions instead of answering.")
            self._tail = said[-self._longest :]
        return text


def _squeezed(text: str) -> str:
    return _BLANKS.sub(" ", text.translate(_MARKS)).strip()
