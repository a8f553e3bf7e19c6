"""CSV and TSV: one row is one line."""

import csv
import io
from collections import Counter
from pathlib import Path

from protostar.knowledge.parse.failures import damaged
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.charset import decode
from protostar.knowledge.parse.text.normalise import clean
from protostar.knowledge.parse.text.tables import add_table

_DELIMITERS = ",;\t|"
_SAMPLE_CHARS = 16 * 1024


def read(path: Path, max_chars: int) -> ParsedText:
    text, encoding = decode(path.read_bytes())
    builder = TextBuilder(max_chars)
    add_csv(builder, text)
    return builder.build(encoding=encoding)


def add_csv(builder: TextBuilder, text: str) -> None:
    """Add a table to a larger document."""
    text = clean(text)
    # The limit is global to the module, so it only grows. The default refuses cells above 128 KiB.
    csv.field_size_limit(max(csv.field_size_limit(), len(text) + 1))
    with damaged("a CSV table", csv.Error):
        add_table(builder, csv.reader(io.StringIO(text), delimiter=delimiter_of(text)))


def delimiter_of(text: str) -> str:
    """The character that cuts the most rows into the same number of cells, of its beginning."""
    sample = text[:_SAMPLE_CHARS]
    if len(sample) == _SAMPLE_CHARS:
        sample = sample[: sample.rfind("\n") + 1] or sample
    best, best_rows = ",", 0
    for delimiter in _DELIMITERS:
        widths = Counter(len(row) for row in csv.reader(io.StringIO(sample), delimiter=delimiter) if len(row) > 1)
        rows = max(widths.values(), default=0)
        if rows > best_rows:
            best, best_rows = delimiter, rows
    return best
