"""What a message of a conversation finds: asked by itself, with the question that it leans on, without remarks, or question by
question."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from uuid import UUID

from protostar.answers.history import in_context, leans
from protostar.retrieval.model import Found, Passage, Relevance
from protostar.retrieval.reading.courtesy import question_alone
from protostar.retrieval.reading.keyboard import as_hangul
from protostar.retrieval.reading.parts import questions
from protostar.retrieval.reading.small_talk import small_talk
from protostar.retrieval.service import Retriever


@dataclass(frozen=True, slots=True)
class Findings:
    """`question`: the message as it was meant to be typed. `answering`: what may answer it, at least one; that of the `whole`
    message, where it is among them, is the last. `passages`: the best of each by turns. `degraded`: what was done without.
    """

    question: str
    answering: Sequence[Found]
    whole: Found
    passages: Sequence[Passage]
    degraded: Sequence[str]

    @property
    def relevance(self) -> Relevance:
        return self.answering[0].relevance


class Finder:
    def __init__(self, retriever: Retriever, *, top_k: int) -> None:
        """`top_k`: passages of an answer."""
        self._retriever = retriever
        self._top_k = top_k

    async def search(self, space_id: UUID, question: str) -> Found:
        return await self._retriever.search(space_id, question, top_k=self._top_k, mode="hybrid")

    async def find(self, space_id: UUID, message: str, earlier: Sequence[str], found: Found | None) -> Findings:
        """`earlier`: the messages of the conversation before it; `found`: by the message itself, where that was searched for.

        Where it asks several things, each is asked by itself, then all together, for the second may lean on the first («Is there a
        car park? What does it cost?»), and on nothing before it. Where nothing answers, it is what comes nearest.
        """
        earlier = [text for text in earlier if small_talk(text) is None]
        parts = questions(message)
        asked = [self._ask(space_id, part, [] if at else earlier, None) for at, part in enumerate(parts)]
        *searched, whole = await asyncio.gather(*asked, self._ask(space_id, message, earlier, found))
        searched.append(whole)
        answering = [each for each in searched if each.relevance.answerable]
        answering = answering or [max(searched, key=lambda each: each.relevance.evidence)]
        return Findings(
            # On the wrong keyboard it is no question to a model.
            whole.query.text if whole.query.text == as_hangul(message) else message,
            answering,
            whole,
            _by_turns([each.passages for each in answering]),
            list(dict.fromkeys(reason for each in searched for reason in each.degraded)),
        )

    async def _ask(self, space_id: UUID, question: str, earlier: Sequence[str], found: Found | None) -> Found:
        """A follow-up that finds nothing by itself is asked together with the question before it; one that leans on that is asked
        so at once, and by itself where that finds nothing. At last it is asked without remarks beside it.
        """
        asked = [question, *([in_context(question, earlier)] if earlier else [])]
        if leans(question):
            asked.reverse()
        searched = [found or await self.search(space_id, asked[0])]
        if not searched[0].relevance.answerable and (alone := question_alone(question)):
            asked.append(alone)
        for each in asked[1:]:
            if not searched[-1].relevance.answerable:
                searched.append(await self.search(space_id, each))
        if searched[-1].relevance.answerable:
            return searched[-1]
        # What comes near to the question before is no answer to one that does not lean on it.
        its_own = [each for each, text in zip(searched, asked, strict=True) if "\n" not in text or leans(question)]
        best = max(its_own or searched, key=lambda each: each.relevance.evidence)
        return replace(best, degraded=list(dict.fromkeys(reason for each in searched for reason in each.degraded)))


def _by_turns(found: Sequence[Sequence[Passage]]) -> list[Passage]:
    """The best of each, then the second of each, and so on, none twice."""
    passages = (passage for rank in zip_longest(*found) for passage in rank if passage is not None)
    return list({passage.chunk_id: passage for passage in passages}.values())
