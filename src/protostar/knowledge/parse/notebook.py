"""Jupyter notebooks: Markdown cells as they are, code cells and their outputs as code."""

import json
import re
from pathlib import Path
from typing import Any

from protostar.knowledge.parse.failures import damaged
from protostar.knowledge.parse.markdown.reader import add_markdown
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.charset import decode

_KIND = "a Jupyter notebook (.ipynb)"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")


def read(path: Path, max_chars: int) -> ParsedText:
    text, encoding = decode(path.read_bytes())
    with damaged(_KIND, ValueError, TypeError, LookupError, RecursionError):
        notebook: Any = json.loads(text)
        # Before version 4 the cells lay in a worksheet.
        cells: list[Any] = list(notebook["cells"] if "cells" in notebook else notebook["worksheets"][0]["cells"])
    del text, notebook
    builder = TextBuilder(max_chars)
    with damaged(_KIND, AttributeError, TypeError, ValueError, OverflowError):
        for cell in cells:
            _add_cell(builder, cell)
    return builder.build(encoding=encoding)


def _add_cell(builder: TextBuilder, cell: Any) -> None:
    source = _joined(cell.get("source", cell.get("input")))
    match cell.get("cell_type"):
        case "markdown":
            add_markdown(builder, source)
        case "heading":
            builder.heading(int(cell.get("level", 1)), source)
        case "code":
            builder.block("code", source)
            for output in cell.get("outputs") or ():
                builder.block("code", _shown(output))
        case _:
            builder.block("paragraph", source)


def _shown(output: Any) -> str:
    """What an output says in words. An object that shows itself as a picture has only its name, `<Figure>`, to say."""
    if output.get("output_type") in {"error", "pyerr"}:
        return f"{output.get('ename')}: {output.get('evalue')}"
    rich = output.get("data", output)
    text = _joined(output.get("text") or rich.get("text/plain"))
    return "" if text.startswith("<") and text.endswith(">") and len(rich) > 1 else _COLOUR.sub("", text)


def _joined(source: Any) -> str:
    return source if isinstance(source, str) else "".join(source or ())
