"""Sets of questions as they are read."""

import csv
from pathlib import Path

import pytest

from protostar.cli.evaluation.questions import Question, Source, read, read_questions, sample
from protostar.errors import InvalidInput

ARTICLE = "# Lamp\n\nIt burns for nine hours.\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "lamps"
    folder.mkdir()
    (folder / "articles.jsonl").write_text('{"id": "a", "title": "Lamp", "text": "# Lamp\\n\\nIt burns for nine hours.\\n"}\n')
    (folder / "corpus.jsonl").write_text('{"id": "a#0", "doc": "a", "title": " The\\nlamp ", "text": "It burns for nine hours."}\n')
    (folder / "queries.jsonl").write_text(
        '{"question": "How long?", "relevant": ["a#0"], "doc": "a", "start": 21, "end": 31}\n'
        '{"question": "Without a span?", "relevant": ["a#0"]}\n'
        '{"question": "Without an answer?", "relevant": []}\n'
    )
    return folder


def test_a_paragraph_becomes_a_document_under_its_title(folder: Path) -> None:
    found = read(folder, "paragraphs")

    assert found.name == "lamps"
    assert found.sources == [Source("a#0", "# The lamp\n\nIt burns for nine hours.\n")]
    assert found.questions == [Question("How long?", frozenset(["a#0"])), Question("Without a span?", frozenset(["a#0"]))]


def test_an_article_is_loaded_as_it_is(folder: Path) -> None:
    found = read(folder, "articles")

    assert found.sources == [Source("a", ARTICLE)]
    assert found.questions == [Question("How long?", frozenset(["a"]), (21, 31))]
    assert ARTICLE[21:31] == "nine hours"


def test_strangers_need_no_answer(folder: Path) -> None:
    assert read_questions(folder) == ["How long?", "Without a span?", "Without an answer?"]


def test_strangers_of_a_csv_need_no_document(tmp_path: Path) -> None:
    (tmp_path / "strange.csv").write_text('question\n"Who, then?"\n\nWhere?\n')
    assert read_questions(tmp_path / "strange.csv") == ["Who, then?", "Where?"]
    (tmp_path / "strange.csv").write_text("question,document\nWho?,\nWhere?,x.md\n")
    assert read_questions(tmp_path / "strange.csv") == ["Who?", "Where?"]


@pytest.mark.parametrize(
    ("file", "text", "reason"),
    [
        ("queries.jsonl", '{"question": "q"}\n', "queries.jsonl, line 1: relevant is missing."),
        ("queries.jsonl", "{\n", "queries.jsonl, line 1: "),
        ("queries.jsonl", '{"question": "q", "relevant": ["b"]}\n', "lamps: there is no document b."),
        ("queries.jsonl", "", "lamps: there are no questions."),
        ("corpus.jsonl", '{"id": "a#0"}\n', "corpus.jsonl, line 1: title, text is missing."),
    ],
)
def test_a_damaged_set_names_the_place(folder: Path, file: str, text: str, reason: str) -> None:
    (folder / file).write_text(text)
    with pytest.raises(InvalidInput) as caught:
        read(folder, "paragraphs")
    assert reason in str(caught.value)


def test_articles_need_spans(folder: Path) -> None:
    (folder / "queries.jsonl").write_text('{"question": "q", "relevant": ["a#0"]}\n')
    with pytest.raises(InvalidInput, match="No question of lamps says where in an article"):
        read(folder, "articles")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"frage,dokument\na,b\n", "must name the columns question and document"),
        (b"question,document\n,x\n", "there are no questions"),
        (b"question,document\nWho, then?,a.pdf\n", "line 2: more cells than the first line names"),
        (b"question,document\n" + b"x" * 200_000 + b",a.pdf\n", "cannot be read as CSV: field larger than field limit"),
    ],
)
def test_a_csv_that_cannot_be_used(tmp_path: Path, content: bytes, reason: str) -> None:
    csv.field_size_limit(131_072)  # Python's own, which a parser's process raises
    (tmp_path / "own.csv").write_bytes(content)
    with pytest.raises(InvalidInput, match=reason):
        read(tmp_path / "own.csv", "paragraphs")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp949"])
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_csv_as_excel_writes_it_in_any_country(tmp_path: Path, encoding: str, separator: str) -> None:
    rows = (("question", "document"), ("가격은 얼마인가요?", "가격.pdf"), ('"여는 시간, 닫는 시간; 둘 다"', "안내.md"))
    (tmp_path / "own.csv").write_bytes("\r\n".join(separator.join(row) for row in rows).encode(encoding))
    assert read(tmp_path / "own.csv", "paragraphs").questions == [
        Question("가격은 얼마인가요?", frozenset(["가격.pdf"])),
        Question("여는 시간, 닫는 시간; 둘 다", frozenset(["안내.md"])),
    ]


def test_a_sample_keeps_the_order_and_follows_its_seed() -> None:
    items = list(range(1000))
    assert sample(items, 50, 1) == sorted(sample(items, 50, 1))
    assert len(set(sample(items, 50, 1))) == 50
    assert sample(items, 50, 1) != sample(items, 50, 2)
    assert sample(items, None, 1) == sample(items, 1000, 1) == items
