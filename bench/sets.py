"""The public sets of questions, in PROTOSTAR_EVAL_DIR or beside the checkout in `shared/eval`."""

import os
from collections.abc import Iterable
from pathlib import Path

from bench.stack import REPOSITORY

LANGUAGES = (("korquad", "autoragko", "ssis"), ("squad", "ordqa", "scifact"))
SETS = [name for language in LANGUAGES for name in language]


class SetsMissing(Exception):
    """`str(error)` says where they were looked for."""


def folders(names: Iterable[str] = SETS) -> list[Path]:
    """Absolute, because commands run elsewhere. Raises SetsMissing."""
    root = Path(os.environ.get("PROTOSTAR_EVAL_DIR") or REPOSITORY.resolve().parent / "shared" / "eval").resolve()
    found = [root / name for name in names]
    if missing := [folder.name for folder in found if not (folder / "queries.jsonl").exists()]:
        raise SetsMissing(f"The sets {', '.join(missing)} are not in {root}: set PROTOSTAR_EVAL_DIR to the folder that holds them.")
    return found
