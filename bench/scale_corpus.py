"""A large space made of real sentences: chunks recombined from the public sets, with the product's own terms and weights.

A chunk is a few neighbouring sentences of one article, some of others, and a handful of made-up words with a long tail, as
names and numbers have. Vectors are no model's: each term of the text adds its weight to a few of 64 latent places that its
hash picks, and each dimension is a sum of three of these, as the vectors of models, too, have fewer degrees of freedom than
dimensions. A question lies half way between its own words and those of its gold passage, as with a model that understands
both. Figures of vectors say how the index behaves, not how well a model finds.
"""

import json
import math
import random
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from protostar.db.vectors import SparseVector
from protostar.ids import new_id
from protostar.knowledge import tokens
from protostar.knowledge.rows import text_hash
from protostar.retrieval.extracts import sentences

CHUNKS_PER_DOCUMENT = 20

_TARGET = 700  # characters, as the product's chunks
_NEIGHBOURS = 3
_TAIL = 4  # made-up words of a chunk
_LATENT = 64
_PLACES = 4  # of the latent ones that one term adds to


@dataclass(frozen=True, slots=True)
class Question:
    text: str
    gold: str


@dataclass(frozen=True, slots=True)
class Row:
    """A chunk as the product would store it, and its vector."""

    text: str
    text_hash: UUID
    terms: list[int]
    weights: list[float]
    counted: list[int]
    vector: list[float]


class Source:
    """Sentences by article, in every language of the sets, with the terms of each."""

    def __init__(self, sets: Iterable[Path], dimensions: int) -> None:
        self._spread = _spread(dimensions)
        self._articles: list[list[tuple[str, list[str]]]] = []
        for folder in sets:
            for line in (folder / "articles.jsonl").open(encoding="utf-8"):
                text = json.loads(line)["text"]
                found = [text[start:end] for start, end in sentences(text) if 20 <= end - start <= 300]
                if len(found) >= _NEIGHBOURS:
                    self._articles.append([(sentence, tokens.terms(sentence)) for sentence in found])
        self._sizes = [len(article) for article in self._articles]

    def rows(self, count: int, seed: str) -> Iterator[Row]:
        numbers = random.Random(seed)
        # An article is taken as often as it is long: each sentence comes up equally often.
        chosen = numbers.choices(range(len(self._articles)), self._sizes, k=count)
        for at in chosen:
            texts: list[str] = []
            terms: list[str] = []
            length = 0
            while length < _TARGET:
                article = self._articles[at] if not texts else self._articles[numbers.randrange(len(self._articles))]
                first = numbers.randrange(len(article))
                for sentence, its_terms in article[first : first + _NEIGHBOURS]:
                    texts.append(sentence)
                    terms += its_terms
                    length += len(sentence) + 1
            tail = [_name(numbers) for _ in range(_TAIL)]
            yield self._row(" ".join([*texts, *tail]), terms + tail)

    def vector(self, terms: Sequence[str]) -> list[float]:
        return _projected(tokens.weights(terms), self._spread)

    def question_vector(self, question: Question) -> list[float]:
        own, gold = self.vector(tokens.terms(question.text)), self.vector(tokens.terms(question.gold))
        return _unit([one + other for one, other in zip(own, gold, strict=True)])

    def _row(self, text: str, terms: list[str]) -> Row:
        weights = tokens.weights(terms)
        ids = sorted(weights)
        vector = _projected(weights, self._spread)
        return Row(text, UUID(bytes=text_hash(text)), ids, [weights[id_] for id_ in ids], tokens.counted(terms, weights), vector)


def questions(sets: Iterable[Path], count: int, seed: str = "questions") -> list[Question]:
    """Real questions of every set by turns, each with the passage that answers it."""
    numbers = random.Random(seed)
    by_set: list[list[Question]] = []
    for folder in sets:
        corpus = {row["id"]: row["text"] for row in map(json.loads, (folder / "corpus.jsonl").open(encoding="utf-8"))}
        asked = [json.loads(line) for line in (folder / "queries.jsonl").open(encoding="utf-8")]
        numbers.shuffle(asked)
        by_set.append([Question(each["question"], corpus[each["relevant"][0]]) for each in asked])
    found: list[Question] = []
    while len(found) < count:
        found += [each.pop() for each in by_set if each]
    return found[:count]


def records(
    source: Source, space_id: UUID, chunks: int, seed: str
) -> Iterator[tuple[UUID, list[tuple], list[tuple], Mapping[int, int]]]:
    """(document, its rows of `chunks`, (text hash, vector) of each, what is counted in how many of them), document by document."""
    rows = source.rows(chunks, seed)
    for first in range(0, chunks, CHUNKS_PER_DOCUMENT):
        document = new_id()
        lines, vectors = [], []
        frequencies: Counter[int] = Counter()
        at = 0
        for ordinal in range(min(CHUNKS_PER_DOCUMENT, chunks - first)):
            row = next(rows)
            end = at + len(row.text)
            hashes = tokens.space_terms(space_id, row.terms)
            lines.append(
                (
                    document,
                    1,
                    ordinal,
                    space_id,
                    at,
                    end,
                    None,
                    [],
                    row.text,
                    row.text_hash,
                    SparseVector(row.terms, row.weights),
                    hashes,
                )
            )
            vectors.append((row.text_hash, row.vector))
            frequencies.update(row.counted)
            at = end + 2
        yield document, lines, vectors, frequencies


def _name(numbers: random.Random) -> str:
    """Few of them often, most of them once or twice."""
    rank = int(2_000_000 ** numbers.random())
    return "".join(chr(97 + (rank * 7 + shift * shift + rank // 26**shift) % 26) for shift in range(7)) + str(rank % 97)


_Spread = list[tuple[int, int, int]]


def _spread(dimensions: int) -> _Spread:
    """For each dimension two latent places to add and one to take away."""
    numbers = random.Random("spread")
    return [(numbers.randrange(_LATENT), numbers.randrange(_LATENT), numbers.randrange(_LATENT)) for _ in range(dimensions)]


def _projected(weights: Mapping[int, float], spread: _Spread) -> list[float]:
    latent = [0.0] * _LATENT
    for term, weight in weights.items():
        number = term * 2_654_435_761
        for at in range(_PLACES):
            part = number >> (8 * at)
            latent[part & 63] += weight if part & 64 else -weight
    return _unit([latent[one] + latent[two] - latent[three] for one, two, three in spread])


def _unit(vector: list[float]) -> list[float]:
    length = math.sqrt(math.fsum(value * value for value in vector)) or 1.0
    return [value / length for value in vector]
