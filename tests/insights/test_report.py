import csv
import io
from datetime import UTC, datetime
from uuid import uuid4

import pytest

from protostar.insights.report import as_csv
from protostar.insights.schemas import Cluster, NearestDocument, Unanswered


def table(*questions: str) -> list[list[str]]:
    at = datetime(2026, 11, 1, tzinfo=UTC)
    items = [
        Cluster(
            question=question, size=3, not_found=2, disliked=1, examples=["=1+1", "예, 둘"], conversations=[uuid4()],
            documents=[NearestDocument(id=uuid4(), title="@SUM(A1)")], last_asked=at,
        )
        for question in questions
    ]  # fmt: skip
    written = as_csv(Unanswered(items=items, looked_at=3, more=False))
    assert written.startswith("\ufeff")
    return list(csv.reader(io.StringIO(written[1:])))


def test_the_table_says_what_the_report_says() -> None:
    header, row = table('주차장은 "무료"인가요, 아닌가요?\n급합니다')
    assert header == ["question", "times", "not_found", "disliked", "last_asked", "examples", "nearest_documents"]
    assert row[:5] == ['주차장은 "무료"인가요, 아닌가요?\n급합니다', "3", "2", "1", "2026-11-01T00:00:00+00:00"]
    assert row[5:] == ["'=1+1\n예, 둘", "'@SUM(A1)"]


@pytest.mark.parametrize(
    "question", ["=HYPERLINK(1)", "+1", "-1+2", "@x", "\t=1", "\r=1", " =1", "\n=1", "|x", "%0a=1", "\x00=1", "＝1+1"]
)
def test_nothing_that_a_visitor_wrote_is_a_formula(question: str) -> None:
    assert table(question)[1][0].startswith("'")


@pytest.mark.parametrize(("question", "shown"), [("a;=1+1", "a;'=1+1"), ("a\t @x", "a\t' @x"), (";+1;-1", ";'+1;'-1")])
def test_nor_where_lists_are_parted_otherwise(question: str, shown: str) -> None:
    assert table(question)[1][0] == shown


@pytest.mark.parametrize("question", ["plain", "5 = 5?", "a; b", "a-b", "수식 =1"])
def test_ordinary_questions_stay_as_they_are(question: str) -> None:
    assert table(question)[1][0] == question
