"""`protostar eval`: how well the passages and answers to questions with known sources are found, over the ordinary API."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from protostar.cli.client import ApiClient
from protostar.cli.display import write_json
from protostar.cli.evaluation.answers import measure_answers
from protostar.cli.evaluation.comparison import compared, earlier_report
from protostar.cli.evaluation.library import open_library
from protostar.cli.evaluation.measures import figure
from protostar.cli.evaluation.model import Json, Options
from protostar.cli.evaluation.questions import Dataset, read, read_questions, sample
from protostar.cli.evaluation.report import show
from protostar.cli.evaluation.searches import measure_searches


async def evaluate(client: ApiClient, paths: Sequence[Path], options: Options, *, compare: Path | None, as_json: bool) -> int:
    """Print the figures of each set; returns the exit code. Raises InvalidInput before anything is loaded."""
    earlier = await asyncio.to_thread(earlier_report, compare) if compare is not None else None
    report = await report_on(client, paths, options)
    if earlier is not None:
        report["comparison"] = compared(earlier, report)
    if as_json:
        write_json(report)
    else:
        show(report)
    return 0


async def report_on(client: ApiClient, paths: Sequence[Path], options: Options) -> Json:
    """`{options, sets: [{set, documents, questions, degraded, seconds, figures: {name: {value, low, high}}}]}`; see `evaluate`."""
    datasets = [await asyncio.to_thread(read, path, options.task) for path in paths]
    strangers = await asyncio.to_thread(read_questions, options.refusals) if options.refusals is not None else []
    return {
        "options": {name: str(value) if isinstance(value, Path) else value for name, value in asdict(options).items()},
        "sets": [await _evaluate(client, dataset, strangers, options) for dataset in datasets],
    }


async def _evaluate(client: ApiClient, dataset: Dataset, strangers: Sequence[str], options: Options) -> Json:
    started = time.monotonic()
    async with open_library(client, dataset, options) as (library, questions):
        loaded = time.monotonic()
        asked = sample(questions, options.sample, options.seed)
        degraded = Counter[str]()
        values = await measure_searches(library, asked, options, degraded)
        searched = time.monotonic()
        if options.answers or strangers:
            values |= await measure_answers(library, asked, sample(strangers, options.sample, options.seed), options)
        answered = time.monotonic()
    return {
        "set": dataset.name,
        "documents": len(library.names),
        "questions": len(asked),
        "degraded": dict(degraded),
        "seconds": {"loading": loaded - started, "searching": searched - loaded, "answering": answered - searched},
        "figures": {name: asdict(figure(each, options.seed)) for name, each in values.items() if each},
    }
