"""Medians over rounds, and the tables that are printed."""

import json
import statistics
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench.ingest import STAGES
from bench.measure import BESIDE, PRODUCT
from bench.stack import REPOSITORY
from bench.upload import LIMIT_MIB

RESULTS: Final = REPOSITORY / "bench" / "results"


def median(rounds: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """The median of each figure, in the shape of one round."""
    found: dict[str, Any] = {}
    for name in rounds[0]:
        values = [figures[name] for figures in rounds if name in figures]
        found[name] = median(values) if isinstance(values[0], Mapping) else statistics.median(values)
    return found


class Report:
    def __init__(self, console: Console) -> None:
        self._console = console

    def start(self, figures: Mapping[str, Any]) -> None:
        idle = figures["idle_pss_mib"]
        parts = ", ".join(f"{role} {idle[role]:.0f}" for role in PRODUCT if role in idle)
        self._console.print(f"First start to ready {figures['ready_seconds']:.1f} s; idle {idle['all']:.0f} MiB PSS ({parts})")

    def upload(self, figures: Mapping[str, Any], size: int) -> None:
        table = _table(f"Upload of {size / 1024**3:.3g} GiB", "", "API grows by MiB", "MB/s", "API CPU s/GiB")
        for way in ("raw_upload", "raw_download", "form_upload", "form_download"):
            growth, speed = figures[f"{way}_growth_mib"], figures[f"{way}_mb_per_s"]
            table.add_row(
                way.replace("_", " "), f"{growth:.1f} (< {LIMIT_MIB})", f"{speed:.0f}", f"{figures[f'{way}_api_cpu_s_per_gib']:.2f}"
            )
        self._console.print(table)

    def ingest(self, by_size: Mapping[str, Mapping[str, Any]]) -> None:
        table = _table("Ingest, 8 uploads at once", "", *by_size)

        def row(name: str, show: Any) -> None:
            table.add_row(name, *(show(figures) for figures in by_size.values()))

        row("documents, chunks", lambda f: f"{f['documents']:.0f}, {f['chunks']:.0f}")
        row("documents/s until ready", lambda f: f"{f['documents_per_s']:.1f}")
        row("chunks/s", lambda f: f"{f['chunks_per_s']:.0f}")
        row("seconds of all uploads", lambda f: f"{f['upload_seconds']:.2f}")
        row("CPU s per 1,000 chunks", lambda f: f"{f['cpu_s_per_1000_chunks']:.2f}")
        row("  of it until ready", lambda f: f"{f['cpu_s_per_1000_chunks_until_ready']:.2f}")
        for role in PRODUCT:
            row(f"  {role}", lambda f, role=role: f"{f['cpu_s_per_1000_chunks_by_role'][role]:.3f}")
        for role in BESIDE:
            row(f"beside: {role}", lambda f, role=role: f"{f['cpu_s_per_1000_chunks_by_role'][role]:.2f}")
        row("peak PSS MiB, all", lambda f: f"{f['peak_pss_mib']['all']:.0f}")
        for role in PRODUCT:
            row(f"  {role} (RSS of its largest process)", lambda f, role=role: _memory(f, role))
        row("time in " + ", ".join(STAGES), _shares)
        row("cores taken by other programs", lambda f: f"{f['cpu_of_others']:.2f}")
        self._console.print(table)

    def plain(self, title: str, figures: Mapping[str, Any]) -> None:
        table = _table(title, "", "")
        for name, value in figures.items():
            table.add_row(name.replace("_", " "), f"{value:.2f}" if isinstance(value, float) else str(value))
        self._console.print(table)

    def beside(
        self, ingest: Mapping[str, Any], search: Mapping[str, Any], answers: Mapping[str, Any], others: Mapping[str, Any]
    ) -> None:
        """The product and the alternatives of the same run."""
        table = _table("Beside the alternatives", "", "Protostar", *others)

        def row(name: str, ours: float, get: Callable[[Mapping[str, Any]], float]) -> None:
            table.add_row(name, f"{ours:.1f}", *(f"{get(figures):.1f}" for figures in others.values()))

        row("documents/s until searchable", ingest["documents_per_s"], lambda f: f["ingest"]["documents_per_s"])
        cpu = ingest["cpu_s_per_1000_chunks"] * ingest["chunks"] / 1000
        row("CPU s of it", cpu, lambda f: f["ingest"]["cpu_s"])
        for callers in (1, 16):
            for name, ours, part in (
                ("search p50 ms", search, "search"),
                ("first token above the model's ms", answers, "answers"),
                ("whole answers/s", answers, "answers"),
            ):
                key = f"c{callers}_" + {"se": "p50_ms", "fi": "overhead_ms", "wh": "per_s"}[name[:2]]
                row(f"{name}, {callers} at once", ours[key], lambda f, part=part, key=key: f[part][key])
        self._console.print(table)

    def latency(self, title: str, figures: Mapping[str, Any], rows: Mapping[str, str]) -> None:
        """`rows`: name of a figure without its number of callers → what it is called."""
        table = _table(title, "", "1 caller", "16 callers")
        for name, label in rows.items():
            values = [figures.get(f"c{callers}_{name}") for callers in (1, 16)]
            table.add_row(label, *(f"{value:.2f}" if value is not None else "" for value in values))
        self._console.print(table)


def _table(title: str, first: str, *columns: str) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column(first)
    for column in columns:
        table.add_column(column, justify="right")
    return table


def _memory(figures: Mapping[str, Any], role: str) -> str:
    return f"{figures['peak_pss_mib'].get(role, 0):.0f} ({figures['peak_rss_mib'].get(role, 0):.0f})"


def _shares(figures: Mapping[str, Any]) -> str:
    shares = figures["stage_shares"]
    return ", ".join(f"{shares[stage]:.0%}" for stage in STAGES)


def write(result: Mapping[str, Any], kind: str) -> Path:
    """Keep a result as a file of its own."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{kind}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}.json"
    path.write_text(json.dumps(result, indent=2, ensure_ascii=False, default=str) + "\n", encoding="utf-8")
    return path
