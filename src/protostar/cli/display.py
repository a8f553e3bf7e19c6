"""What the commands write: tables that survive a narrow terminal, JSON for scripts, notes on standard error.

Without a terminal there is no colour, no animation and no folding: one row is one line.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from protostar.characters import DRIVES_A_TERMINAL

_UNFOLDED = 10_000
_STYLES = {
    "ready": "green", "succeeded": "green", "ok": "green",
    "failed": "red", "dead": "red", "broken": "red",
    "skipped": "yellow", "warning": "yellow", "cancelled": "yellow",
}  # fmt: skip
_DEGRADED = {
    "no_embeddings": "The embedding model did not answer: only keywords were searched.",
    "no_chat_model": "No chat model wrote this: it quotes the best passages.",
    "no_citations": "The model named no source for this: it may be wrong.",
    "incomplete": "This answer is cut off: it had become too long (PROTOSTAR_CHAT_MAX_ANSWER_TOKENS, or the model's own context).",
    "reindex": "The documents were indexed with another embedding model: only keywords were searched. Run `protostar reindex`.",
    "no_redis": "Redis is away: the answer was not cached and could not have been resumed.",
    "stale": "The database is away: the answer rests on what was known a few minutes ago.",
}


@dataclass(frozen=True, slots=True)
class Column:
    """`width`: characters below which the column cannot be read."""

    title: str
    width: int = 6
    right: bool = False


@cache
def stdout() -> Console:
    return _console(stderr=False)


@cache
def stderr() -> Console:
    return _console(stderr=True)


def _console(*, stderr: bool) -> Console:
    console = Console(stderr=stderr, highlight=False, markup=False, emoji=False)
    if not console.is_terminal:
        console.width = _UNFOLDED
    return console


def clean(text: object) -> str:
    """Text of other people without the characters that move a cursor or turn the writing direction."""
    return DRIVES_A_TERMINAL.sub("", str(text))


def one_line(text: object, limit: int = 300) -> str:
    """`text` on one line of at most `limit` characters."""
    line = " ".join(clean(text).split())
    return line if len(line) <= limit else line[: limit - 1] + "…"


def note(sentence: str) -> None:
    """A remark for the person, on standard error."""
    stderr().print(clean(sentence), style="dim")


def complain(sentence: str) -> None:
    """Why something did not work, on standard error."""
    stderr().print(clean(sentence), style="red")


def write_json(value: object) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def table(columns: Sequence[Column], rows: Sequence[Sequence[object]]) -> None:
    """Print rows as a table; where the terminal is too narrow for it, as one small list a row."""
    if sum(column.width + 2 for column in columns) > stdout().width:
        for row in rows:
            record({column.title: value for column, value in zip(columns, row, strict=True)})
            stdout().print()
        return
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for column in columns:
        grid.add_column(column.title, min_width=column.width, justify="right" if column.right else "left", overflow="fold")
    for row in rows:
        grid.add_row(*map(_cell, row))
    stdout().print(grid)


def record(fields: Mapping[str, object]) -> None:
    """Print `name  value` lines, which the terminal itself wraps, so that an id can be copied; None is left out."""
    shown = {name: value for name, value in fields.items() if value is not None}
    width = max(map(len, shown), default=0)
    for name, value in shown.items():
        stdout().print(Text.assemble((name.ljust(width), "dim"), "  ", _cell(value)), soft_wrap=True)


def degradation(reason: str) -> str:
    """An entry of a `degraded` list in plain words."""
    return _DEGRADED.get(reason, f"This is less than it could be: {reason}.")


def moment(stamp: str) -> str:
    """A time of the API, to the minute, as the clock of this machine has it."""
    return datetime.fromisoformat(stamp).astimezone().strftime("%Y-%m-%d %H:%M")


def place(passage: Mapping[str, Any]) -> str:
    """Where in its document a hit or a citation stands: page and headings."""
    page = [f"page {passage['page']}"] if passage.get("page") is not None else []
    path = " › ".join(map(one_line, passage["heading_path"]))
    return " · ".join([one_line(passage["document_title"]), *page, *([path] if path else [])])


def _cell(value: object) -> Text:
    if value is None:
        return Text("")
    if isinstance(value, dict | list):
        value = json.dumps(value, ensure_ascii=False)
    text = clean(value)
    return Text(text, style=_STYLES.get(text, ""))
