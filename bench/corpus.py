"""Documents made up from word lists: the same on every machine, half of them Korean, half English.

Each has a subject of its own (favourite words, names that nobody else has), sections three levels deep, paragraphs, lists, tables
and code, with numbers, dates, versions, part numbers and identifiers as manuals have them. Sizes are bytes of UTF-8.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle, islice

from bench import words
from bench.words import Language

SEED = 20_250_101


@dataclass(frozen=True, slots=True)
class Document:
    filename: str
    text: str
    sentences: Sequence[str]
    """Of its paragraphs: what somebody might ask about."""


def documents(count: int, size: int, kind: str = "manual") -> Iterator[Document]:
    """`count` Markdown documents of about `size` bytes, by turns Korean and English. `kind` goes into names and seeds."""
    for number in range(count):
        language, code = ((words.KOREAN, "ko"), (words.ENGLISH, "en"))[number % 2]
        yield _Author(language, f"{SEED}-{kind}-{number}").write(f"{kind}-{number:04}-{code}.md", size)


def questions(corpus: Sequence[Document], count: int, seed: str) -> list[tuple[str, Document]]:
    """Sentences of the documents and where they stand; another seed gives others, `count` of them different."""
    source = random.Random(f"{SEED}-{seed}")
    chosen: dict[str, Document] = {}
    for document in islice(cycle(source.sample(corpus, len(corpus))), 20 * count):
        chosen[source.choice(document.sentences)] = document
        if len(chosen) == count:
            break
    return list(chosen.items())


class _Author:
    """Writes one document: the favourite words come first in the lists and are taken more often, as in any text (Zipf)."""

    def __init__(self, language: Language, seed: str) -> None:
        self._random = random.Random(seed)
        self._language = language
        self._nouns = self._random.sample(language.nouns, len(language.nouns))
        self._weights = [1 / (rank + 3) for rank in range(len(self._nouns))]
        self._names = [self._new_name() for _ in range(12)]
        self._sentences: list[str] = []

    def write(self, filename: str, size: int) -> Document:
        parts = [f"# {self._title()}", self._paragraph()]
        written = sum(len(part.encode()) + 2 for part in parts)
        section = 0
        while written < size:
            section += 1
            self._names[self._random.randrange(len(self._names))] = self._new_name()
            for part in self._section(section):
                parts.append(part)
                written += len(part.encode()) + 2
                if written >= size:
                    break
        return Document(filename, "\n\n".join(parts) + "\n", tuple(self._sentences))

    def _section(self, number: int) -> Iterator[str]:
        yield f"{'##' if number % 3 == 1 else '###'} {number}. {self._title()}"
        yield self._paragraph()
        extra = self._random.choice((self._list, self._table, self._code, self._paragraph))
        yield extra()
        yield self._paragraph()

    def _title(self) -> str:
        return f"{self._random.choice(self._language.qualities)} {self._noun()} {self._random.choice(self._names)}"

    def _paragraph(self) -> str:
        sentences = [self._sentence() for _ in range(self._random.randint(3, 6))]
        self._sentences += sentences
        return " ".join(sentences)

    def _list(self) -> str:
        numbered = self._random.random() < 0.4
        return "\n".join(
            f"{n}. {self._sentence()}" if numbered else f"- {self._sentence()}" for n in range(1, self._random.randint(4, 8))
        )

    def _table(self) -> str:
        head = [self._noun() for _ in range(4)]
        rows = [
            [self._noun(), self._part(), str(self._number()), self._random.choice(self._names)]
            for _ in range(self._random.randint(4, 9))
        ]
        lines = [head, ["---"] * 4, *rows]
        return "\n".join("| " + " | ".join(cells) + " |" for cells in lines)

    def _code(self) -> str:
        return f"```\n{self._filled(self._random.choice(words.CODE))}\n```"

    def _sentence(self) -> str:
        sentence = self._filled(self._random.choice(self._language.sentences))
        return sentence[0].upper() + sentence[1:]

    def _filled(self, template: str) -> str:
        """Each field of the template is filled by itself, so that one named twice differs."""
        pieces = template.split("{")
        filled = [pieces[0]]
        for piece in pieces[1:]:
            field, _, rest = piece.partition("}")
            name, _, particle = field.partition(":")
            value = self._value(name)
            filled.append(value + words.fitting(particle, value) + rest)
        return "".join(filled)

    def _value(self, name: str) -> str:
        makers: dict[str, Callable[[], str]] = {
            "noun": self._noun,
            "verb": lambda: self._random.choice(self._language.verbs),
            "quality": lambda: self._random.choice(self._language.qualities),
            "name": lambda: self._random.choice(self._names),
            "number": lambda: str(self._number()),
            "date": self._date,
            "part": self._part,
            "identifier": self._identifier,
            "version": lambda: ".".join(str(self._random.randint(0, 20)) for _ in range(3)),
            "sentence": self._sentence,
        }
        return makers[name]()

    def _noun(self) -> str:
        return self._random.choices(self._nouns, self._weights)[0]

    def _new_name(self) -> str:
        return "".join(self._random.choices(self._language.syllables, k=self._random.randint(2, 4))).title()

    def _number(self) -> int:
        return round(10 ** self._random.uniform(0, 4))

    def _date(self) -> str:
        return self._language.date.format(
            year=self._random.randint(1995, 2025), month=self._random.randint(1, 12), day=self._random.randint(1, 28)
        )

    def _part(self) -> str:
        letters = "".join(self._random.choices("ABCDEFGHKLMNPRSTX", k=2))
        return f"{letters}-{self._random.randint(100, 9999)}-{self._random.choice('ABC')}"

    def _identifier(self) -> str:
        return "_".join(self._random.choices(words.ENGLISH.nouns, k=self._random.randint(2, 3)))
