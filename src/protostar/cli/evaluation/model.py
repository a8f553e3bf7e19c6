"""What an evaluation is asked for."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protostar.cli.evaluation.questions import Task

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Options:
    """`refusals`: a set whose questions have no answer in the one that is evaluated."""

    task: Task = "paragraphs"
    mode: str = "hybrid"
    sample: int | None = None
    seed: int = 0
    refusals: Path | None = None
    answers: bool = False
    keep: bool = False
    concurrency: int = 8
