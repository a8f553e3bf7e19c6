"""CSV and TSV: what the small real files do not show."""

from pathlib import Path

import pytest
from tests.knowledge.parse.support import read, shown, write


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_the_delimiter_is_found(tmp_path: Path, delimiter: str, name: str) -> None:
    rows = [["이름", "값"], ["사과, 배; 감", "3"], ["물", "5"]]
    content = "\r\n".join(delimiter.join(f'"{cell}"' for cell in row) for row in rows)
    assert shown(read(write(tmp_path / name, content))) == [("table", "이름 | 값\n사과, 배; 감 | 3\n물 | 5")]


def test_a_single_column_is_a_list_of_lines(tmp_path: Path) -> None:
    assert shown(read(write(tmp_path / "a.csv", "하나\n둘\n\n셋\n"))) == [("table", "하나\n둘\n셋")]


def test_a_cell_may_be_longer_than_the_default_of_the_library(tmp_path: Path) -> None:
    cell = "x" * 300_000
    assert read(write(tmp_path / "a.csv", f"a,b\n{cell},1\n")).text.endswith(f"{cell} | 1")
