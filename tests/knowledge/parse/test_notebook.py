"""Jupyter notebooks: what the small real files do not show."""

import json
from pathlib import Path

import pytest
from tests.knowledge.parse.support import read, shown, write

from protostar.errors import UnreadableDocument


def test_old_notebooks_errors_and_pictures(tmp_path: Path) -> None:
    outputs = [
        {"output_type": "pyerr", "ename": "ValueError", "evalue": "bad", "traceback": ["\x1b[31mno\x1b[0m"]},
        {"output_type": "display_data", "png": "iVBOR", "text": ["<matplotlib.Figure>"]},
        {"output_type": "stream", "text": "\x1b[1mbold\x1b[0m"},
    ]
    cells = [
        {"cell_type": "heading", "level": 2, "source": "제목"},
        {"cell_type": "code", "input": ["a\n", "b"], "outputs": outputs},
        {"cell_type": "raw", "source": "raw"},
    ]
    parsed = read(write(tmp_path / "a.ipynb", json.dumps({"worksheets": [{"cells": cells}]})))
    assert shown(parsed) == [
        ("heading", "제목"),
        ("code", "a\nb"),
        ("code", "ValueError: bad"),
        ("code", "bold"),
        ("paragraph", "raw"),
    ]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "5",
        '"cells"',
        "{}",
        '{"cells": 5}',
        '{"cells": [5]}',
        '{"cells": [{"source": {}, "cell_type": 1}]}',
        '{"cells": [{"source": "a", "cell_type": "heading", "level": 1e999}]}',
        "[" * 100_000,
    ],
)
def test_what_is_no_notebook(tmp_path: Path, content: str) -> None:
    with pytest.raises(UnreadableDocument):
        read(write(tmp_path / "a.ipynb", content))
