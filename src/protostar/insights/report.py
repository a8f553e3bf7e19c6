"""The report of unanswered questions as CSV, for spreadsheets that people open."""

import csv
import io
import re

from protostar.insights.schemas import Unanswered

_BOM = "\ufeff"  # without it Excel reads UTF-8 as the system's charset
# Where a cell begins, also one of a spreadsheet whose lists are parted by semicolons or tabs.
_FORMULA = re.compile(r"(^|[;\t])(?=[\s\x00]*[=+\-@|%＝＋－＠])|^(?=[\t\r\n])")


def as_csv(report: Unanswered) -> str:
    """RFC 4180 with a byte order mark. What a spreadsheet would run is made text by an apostrophe: visitors wrote it."""
    written = io.StringIO()
    lines = csv.writer(written)
    lines.writerow(["question", "times", "not_found", "disliked", "last_asked", "examples", "nearest_documents"])
    for cluster in report.items:
        figures = [cluster.size, cluster.not_found, cluster.disliked, cluster.last_asked.isoformat(timespec="seconds")]
        examples, documents = "\n".join(cluster.examples), "\n".join(document.title for document in cluster.documents)
        lines.writerow([_text(cluster.question), *figures, _text(examples), _text(documents)])
    return _BOM + written.getvalue()


def _text(value: str) -> str:
    return _FORMULA.sub(r"\g<0>'", value)
