"""What an evaluation is asked for, and what it is made on."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from protostar.cli.client import ApiClient
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


@dataclass(frozen=True, slots=True)
class Library:
    """The documents of one space. `names`: document id → the name that `gold` uses; `texts`: name → text, of loaded articles."""

    client: ApiClient
    names: Mapping[str, str]
    texts: Mapping[str, str]
