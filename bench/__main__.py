"""Measure the product: `make bench`, or `python -m bench --help`. Linux only: it reads /proc.

Everything runs on this machine in a temporary folder: `protostar serve` with its embedded servers, a stand-in model server, and
this program as the client. They share the cores, so CPU seconds tell more than wall times on a small or busy machine. The part
`alternatives` measures what `make bench-alternatives` has installed, round by round beside the product.
"""

import argparse
import asyncio
import os
import platform
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import uvloop
from pydantic import ByteSize, TypeAdapter, ValidationError
from rich.console import Console

from bench import answers, beside, ingest, install, large, search, upload
from bench.corpus import documents
from bench.load import BenchError
from bench.report import Report, median, write
from bench.stack import REPOSITORY, Stack, running_stack

PARTS = ("upload", "ingest", "search", "answers", "large", "install", "alternatives")
CORPUS = "200 × 8 KiB + 10 × 190 KiB"

_SEARCH_ROWS = {
    "p50_ms": "p50 ms",
    "p95_ms": "p95 ms",
    "p99_ms": "p99 ms",
    "per_s": "searches/s",
    "api_cpu_ms": "CPU ms each: API",
    "postgres_cpu_ms": "  PostgreSQL",
    "models_cpu_ms": "  beside: models",
    "client_cpu_ms": "  beside: client",
    "found": "share that found the passage",
    "cpu_of_others": "cores taken by other programs",
}
_ANSWER_ROWS = {
    "first_token_p50_ms": "first token p50 ms",
    "first_token_p95_ms": "first token p95 ms",
    "model_first_token_ms": "  p50 of the model alone",
    "overhead_ms": "  p50 above the model's own",
    "per_s": "whole answers/s",
    "api_cpu_ms": "CPU ms each: API",
    "postgres_cpu_ms": "  PostgreSQL",
    "redis_cpu_ms": "  Redis",
    "worker_cpu_ms": "  worker",
    "models_cpu_ms": "  beside: models",
    "client_cpu_ms": "  beside: client",
    "cpu_of_others": "cores taken by other programs",
}


def main() -> int:
    options = _options()
    if not Path("/proc/self/smaps_rollup").exists():
        print("The benchmark reads /proc and runs on Linux alone.", file=sys.stderr)
        return 2
    console = Console(width=None if sys.stdout.isatty() else 100)
    try:
        result = uvloop.run(_measure(options, console))
    except BenchError as error:
        console.print(str(error), *getattr(error, "__notes__", ()), sep="\n", markup=False, highlight=False)
        return 1
    except asyncio.CancelledError:
        return 130
    console.print(f"Written to {write(result, 'bench')}")
    return _verdict(result, console)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "parts", nargs="*", choices=[*PARTS, []], metavar="PART", help=f"{', '.join(PARTS)}; all but install where none is named"
    )
    parser.add_argument("--rounds", type=int, default=3, help="each figure is the median over so many (3)")
    parser.add_argument("--size", type=_size, default=_size("2GiB"), help="of the large upload (2GiB)")
    parser.add_argument("--quick", action="store_true", help="one round of little: shows that it works, measures nothing well")
    options = parser.parse_args()
    options.parts, options.rounds = options.parts or [part for part in PARTS if part != "install"], max(1, options.rounds)
    options.documents, options.requests = ((200, 10), 200) if not options.quick else ((40, 2), 40)
    if options.quick:
        options.rounds, options.size = 1, min(options.size, _size("128MiB"))
    return options


def _size(text: str) -> int:
    try:
        return TypeAdapter(ByteSize).validate_python(text)
    except ValidationError:
        raise argparse.ArgumentTypeError(f"{text} is no size like 512MiB or 2GiB") from None


async def _measure(options: argparse.Namespace, console: Console) -> dict[str, Any]:
    report = Report(console)
    async with running_stack(max_upload_bytes=options.size + 1024 * 1024) as stack:
        report.start(stack.started)
        rounds = [await _round(stack, options, number, console) for number in range(1, options.rounds + 1)]
        if "large" in options.parts:
            rounds[0]["large"] = await large.measure(stack)
    if "install" in options.parts:
        rounds[0]["install"] = await asyncio.to_thread(install.measure)
    figures = median(rounds)
    _show(figures, options, report)
    return {"machine": _machine(), "options": vars(options), "start": stack.started, "medians": figures, "rounds": rounds}


def _show(figures: dict[str, Any], options: argparse.Namespace, report: Report) -> None:
    if "upload" in figures:
        report.upload(figures["upload"], options.size)
    if "ingest" in figures:
        report.ingest(figures["ingest"])
    if "alternatives" in figures:
        report.beside(figures["ingest"][CORPUS], figures["search"], figures["answers"], figures["alternatives"])
    for part in ("large", "install"):
        if part in figures:
            report.plain(part, figures[part])
    if "search" in figures:
        found = figures["search"]
        alone = f"the stand-in alone embeds in {found['model_p50_ms']:.1f} ms, the SQL alone takes {found['sql_p50_ms']:.1f} ms"
        report.latency(f"Search, hybrid, top {search.TOP_K}; {alone}", found, _SEARCH_ROWS)
    if "answers" in figures:
        report.latency("Streamed answers", figures["answers"], _ANSWER_ROWS)


async def _round(stack: Stack, options: argparse.Namespace, number: int, console: Console) -> dict[str, Any]:
    """Each round has a space of its own, so that nothing is reused from the one before."""
    console.print(f"Round {number} of {options.rounds} …", style="dim")
    found: dict[str, Any] = {}
    if "upload" in options.parts:
        found["upload"] = await upload.measure(stack, options.size, number)
    if not {"ingest", "search", "answers", "alternatives"} & set(options.parts):
        return found
    counts = zip(options.documents, (8 * 1024, 190 * 1024), ("manual", "handbook"), strict=True)
    corpus = [document for count, size, kind in counts for document in documents(count, size, kind)]
    space = await stack.new_space(f"round {number}")
    found["ingest"] = {CORPUS: await ingest.measure(stack, corpus, space)}
    if "search" in options.parts:
        found["search"] = await search.measure(stack, corpus, space, options.requests, f"search-{number}")
    if "answers" in options.parts:
        found["answers"] = await answers.measure(stack, corpus, space, options.requests // 2, f"answers-{number}")
    if "alternatives" in options.parts:
        names = beside.installed()
        found["alternatives"] = {name: await beside.measure(name, stack, corpus, options.requests, number) for name in names}
    return found


def _machine() -> dict[str, Any]:
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=REPOSITORY, capture_output=True, text=True, check=False)
    names = [
        line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")
    ]
    return {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": commit.stdout.strip(),
        "cores": os.cpu_count(),
        "processor": names[0] if names else platform.machine(),
        "memory_gib": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3, 1),
        "system": platform.platform(),
        "python": platform.python_version(),
        "load": os.getloadavg(),
    }


def _verdict(result: dict[str, Any], console: Console) -> int:
    """1 where the API process grew too much in any round."""
    growths = [
        value for figures in result["rounds"] for name, value in figures.get("upload", {}).items() if name.endswith("_growth_mib")
    ]
    if growths and max(growths) >= upload.LIMIT_MIB:
        console.print(f"[red]The API process grew by {max(growths):.0f} MiB; less than {upload.LIMIT_MIB} are allowed.[/red]")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
