"""Draws the plots of docs/performance.md from a result of `make bench`: `python -m bench.plots [RESULT.json]`.

Small SVG by hand: bars with their figures, readable on light and dark pages. No library.
"""

import json
import sys
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from bench.report import RESULTS
from bench.stack import REPOSITORY

CORPUS = "200 × 8 KiB + 10 × 190 KiB"
_WIDTH, _BAR, _GAP, _LABEL = 640, 22, 10, 150
_NAMES = {"protostar": "Protostar", "langchain": "LangChain app", "llamaindex": "LlamaIndex app"}


def bars(title: str, values: Mapping[str, float], unit: str) -> str:
    """One bar a value; the longest fills the width."""
    most = max(values.values()) or 1
    lines = [f'<text x="0" y="16" class="title">{escape(title)}</text>']
    for row, (name, value) in enumerate(values.items()):
        top = 30 + row * (_BAR + _GAP)
        length = max(2, value / most * (_WIDTH - _LABEL - 110))
        kind = "ours" if name == "protostar" else "theirs"
        lines += [
            f'<text x="0" y="{top + 15}">{escape(_NAMES.get(name, name))}</text>',
            f'<rect x="{_LABEL}" y="{top}" width="{length:.0f}" height="{_BAR}" rx="3" class="{kind}"/>',
            f'<text x="{_LABEL + length + 8:.0f}" y="{top + 15}">{value:,.1f} {escape(unit)}</text>',
        ]
    height = 34 + len(values) * (_BAR + _GAP)
    style = (
        "text{font:13px system-ui,sans-serif;fill:#1f2937}.title{font-weight:600}.ours{fill:#4f46e5}.theirs{fill:#9ca3af}"
        "@media(prefers-color-scheme:dark){text{fill:#e5e7eb}.ours{fill:#818cf8}.theirs{fill:#6b7280}}"
    )
    body = "\n".join(lines)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">'
    return f"{head}\n<title>{escape(title)}</title>\n<style>{style}</style>\n{body}\n</svg>\n"


def draw(result: Mapping[str, Any], folder: Path) -> Sequence[Path]:
    """Write the plots that the result has figures for."""
    figures = result["medians"]
    others: Mapping[str, Any] = figures.get("alternatives", {})
    ingest = figures["ingest"][CORPUS]
    plots = {
        "ingest": ("Documents searchable per second, 8 uploads at once (more is better)", "documents/s"),
        "answers": ("Whole streamed answers per second, 16 callers (more is better)", "answers/s"),
        "first-token": ("First token above the model's own, 16 callers, median (less is better)", "ms"),
    }
    values = {
        "ingest": {"protostar": ingest["documents_per_s"]}
        | {name: each["ingest"]["documents_per_s"] for name, each in others.items()},
        "answers": {"protostar": figures["answers"]["c16_per_s"]}
        | {name: each["answers"]["c16_per_s"] for name, each in others.items()},
        "first-token": {"protostar": figures["answers"]["c16_overhead_ms"]}
        | {name: each["answers"]["c16_overhead_ms"] for name, each in others.items()},
    }
    folder.mkdir(parents=True, exist_ok=True)
    written: list[Path] = []
    for name, (title, unit) in plots.items():
        path = folder / f"{name}.svg"
        path.write_text(bars(title, values[name], unit), encoding="utf-8")
        written.append(path)
    return written


if __name__ == "__main__":
    results = sorted(RESULTS.glob("bench-*.json"))
    chosen = Path(sys.argv[1]) if len(sys.argv) > 1 else results[-1]
    for path in draw(json.loads(chosen.read_text(encoding="utf-8")), REPOSITORY / "docs" / "performance"):
        print(path.relative_to(REPOSITORY))
