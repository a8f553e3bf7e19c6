"""A space of chunks in memory: exact BM25 by the same terms, weights and frequencies as the database's."""

from collections import Counter
from collections.abc import Sequence, Set
from uuid import UUID

from protostar.knowledge.tokens import CHUNKS, terms, weights
from protostar.retrieval.model import Candidate, ChunkId, Passage, Query
from protostar.retrieval.reading.reader import read
from protostar.retrieval.weighting import weigh


class Space:
    def __init__(self, *texts: str) -> None:
        self.texts = texts
        self._weights = [weights(terms(text)) for text in texts]
        self._frequencies = Counter(number for chunk in self._weights for number in chunk) + Counter({CHUNKS: len(texts)})

    async def look(self, term_ids: Set[int]) -> dict[int, int]:
        return {number: count for number in term_ids if (count := self._frequencies[number])}

    def query(self, question: str) -> Query:
        try:
            read(question, self.look).send(None)  # nothing is waited for
        except StopIteration as done:
            reading = done.value
        return weigh(reading.question, reading.counts, words=reading.words, guessed=reading.guessed, synonyms=reading.synonyms)

    def candidates(self, question: str, vectors: Sequence[float | None] | None = None) -> list[Candidate]:
        query = self.query(question)
        return [
            Candidate(
                chunk_id(at),
                sum(query.idf[number] * chunk.get(number, 0.0) for number in query.frequencies),
                vectors[at] if vectors else None,
            )
            for at, chunk in enumerate(self._weights)
        ]

    def passages(self, question: str) -> list[Passage]:
        """Best first; the raw keyword score is the score."""
        found = sorted(self.candidates(question), key=lambda each: -each.keyword)
        return [passage(self.texts[each.id.ordinal], each.id.ordinal, score=each.keyword) for each in found]


def chunk_id(ordinal: int) -> ChunkId:
    return ChunkId(UUID(int=1), 1, ordinal)


def passage(text: str, ordinal: int = 0, *, start: int = 0, score: float = 0.0, heading_path: tuple[str, ...] = ()) -> Passage:
    return Passage(chunk_id(ordinal), "Guide", heading_path, (), (), start, start + len(text), text, score=score, keyword=score)
