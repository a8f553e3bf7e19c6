"""Words of a question that its space does not have, and words of the space that may be meant by them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

# Ids of terms are hashes, and in a large space some of them are taken by chance, by words of a few chunks.
_CHUNKS_FOR_ONE: Final = 20_000


@dataclass(frozen=True, slots=True, eq=False)
class Unknown:
    """`text[start:end]`, and the words that may be meant, each with the ids of its terms."""

    start: int
    end: int
    candidates: Mapping[str, Sequence[int]]

    def meant(self, counts: Mapping[int, int], chunks: int) -> str | None:
        """The commonest candidate; None where a space of so many `chunks` has none. `counts`: how many of them hold each term."""
        held = {word: min(counts.get(id_, 0) for id_ in ids) for word, ids in self.candidates.items()}
        best = max(held, key=lambda word: (held[word], -len(word), word), default="")
        return best if best and held[best] > chunks // _CHUNKS_FOR_ONE else None

    def overlaps(self, other: "Unknown") -> bool:
        return self.start < other.end and other.start < self.end


def replaced(text: str, meant: Mapping[Unknown, str]) -> str:
    """The text with what is meant in place of each word. None may overlap another."""
    for unknown, word in sorted(meant.items(), key=lambda each: each[0].start, reverse=True):
        text = text[: unknown.start] + word + text[unknown.end :]
    return text
