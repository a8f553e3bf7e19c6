"""What `protostar eval` reads: a folder of JSON lines with documents and questions, or a CSV of questions.

A folder holds `articles.jsonl` (whole documents: `id`, `title`, `text`), `corpus.jsonl` (their paragraphs: the same fields) and
`queries.jsonl` (`question`, `relevant`: ids of paragraphs; where the answer is a span of an article also `doc`, `start`, `end`).
"""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any, Literal, TypeVar

from protostar.errors import InvalidInput
from protostar.knowledge.parse.csv import delimiter_of
from protostar.knowledge.parse.text.charset import decode

Task = Literal["paragraphs", "articles"]
Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Source:
    """A document to be loaded, as Markdown."""

    id: str
    text: str


@dataclass(frozen=True, slots=True)
class Question:
    """`gold`: the documents that hold the answer, any of them. `span`: where in the gold article, in code points."""

    text: str
    gold: frozenset[str]
    span: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """Without `sources` the questions are about documents that are there already, and `gold` holds names of theirs."""

    name: str
    questions: Sequence[Question]
    sources: Sequence[Source] = ()


def read(path: Path, task: Task) -> Dataset:
    """Raises InvalidInput that names the file, and the line where there is one."""
    if path.suffix.lower() == ".csv":
        rows = _csv(path, "question", "document")
        return Dataset(path.stem, [Question(row["question"], frozenset([row["document"]])) for row in rows])
    if not path.is_dir():
        raise InvalidInput(f"{path} is neither a folder with a set of questions nor a CSV file.")
    name = path.resolve().name
    return _paragraphs(path, name) if task == "paragraphs" else _articles(path, name)


def read_questions(path: Path) -> list[str]:
    """The questions alone, for asking them where they have no answer. Raises InvalidInput."""
    if path.suffix.lower() == ".csv":
        return [row["question"] for row in _csv(path, "question")]
    return [row["question"] for row in _rows(path / "queries.jsonl", "question")]


def sample(items: Sequence[Item], count: int | None, seed: int) -> list[Item]:
    """`count` of the items in their order, the same for the same seed; all where there are no more."""
    if count is None or count >= len(items):
        return list(items)
    chosen = Random(seed).sample(range(len(items)), count)  # noqa: S311 - drawn for statistics
    return [items[index] for index in sorted(chosen)]


def _paragraphs(folder: Path, name: str) -> Dataset:
    sources = [
        Source(row["id"], f"# {' '.join(row['title'].split())}\n\n{row['text']}\n")
        for row in _rows(folder / "corpus.jsonl", "id", "title", "text")
    ]
    questions = [
        Question(row["question"], frozenset(row["relevant"]))
        for row in _rows(folder / "queries.jsonl", "question", "relevant")
        if row["relevant"]
    ]
    return _checked(name, questions, sources)


def _articles(folder: Path, name: str) -> Dataset:
    sources = [Source(row["id"], row["text"]) for row in _rows(folder / "articles.jsonl", "id", "text")]
    questions = [
        Question(row["question"], frozenset([row["doc"]]), (row["start"], row["end"]))
        for row in _rows(folder / "queries.jsonl", "question")
        if {"doc", "start", "end"} <= row.keys()
    ]
    if not questions:
        raise InvalidInput(f"No question of {name} says where in an article its answer stands: evaluate its paragraphs.")
    return _checked(name, questions, sources)


def _checked(name: str, questions: Sequence[Question], sources: Sequence[Source]) -> Dataset:
    unknown = set[str]().union(*(question.gold for question in questions)) - {source.id for source in sources}
    if unknown or not questions:
        raise InvalidInput(f"{name}: " + (f"there is no document {min(unknown)}." if unknown else "there are no questions."))
    return Dataset(name, questions, sources)


def _csv(path: Path, *columns: str) -> list[dict[str, str]]:
    """The rows that have all of these columns filled; others are left out.

    Excel writes it in the encoding and with the separator of its country: CP949 in Korea, semicolons in Germany.
    """
    try:
        text, _encoding = decode(path.read_bytes())
        reader = csv.DictReader(StringIO(text, newline=""), delimiter=delimiter_of(text))
        if not set(columns) <= set(reader.fieldnames or ()):
            raise InvalidInput(f"{path}: the first line must name the column{'s' * (len(columns) > 1)} {' and '.join(columns)}.")
        rows = [_cells(path, reader.line_num, row, columns) for row in reader]
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error
    except csv.Error as error:
        raise InvalidInput(f"{path} cannot be read as CSV: {error}") from error
    if not (filled := [row for row in rows if all(row.values())]):
        raise InvalidInput(f"{path}: there are no questions.")
    return filled


def _cells(path: Path, line: int, row: dict[str | Any, Any], columns: Sequence[str]) -> dict[str, str]:
    if any(row.get(None) or ()):
        raise InvalidInput(
            f"{path}, line {line}: more cells than the first line names; a cell that holds the separator needs quotes."
        )
    return {column: (row[column] or "").strip() for column in columns}


def _rows(path: Path, *fields: str) -> Iterator[dict[str, Any]]:
    number = 0
    try:
        with path.open(encoding="utf-8") as lines:
            for number, line in enumerate(lines, start=1):
                row = json.loads(line)
                if missing := [field for field in fields if field not in row]:
                    raise InvalidInput(f"{path}, line {number}: {', '.join(missing)} is missing.")
                yield row
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError) as error:
        raise InvalidInput(f"{path}, line {number}: {error}") from error
