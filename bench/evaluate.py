"""Evaluate the search on public questions and hold it to `floors.json`: `make eval`, or `python -m bench.evaluate --help`.

It runs `protostar eval` against a `protostar serve` of its own in a temporary folder, or against the server of PROTOSTAR_URL and
PROTOSTAR_KEY where both are set. The sets lie in PROTOSTAR_EVAL_DIR (../shared/eval).
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.report import write
from protostar.cli.eval import show

HERE = Path(__file__).resolve().parent
SETS = ("korquad", "autoragko", "ssis", "squad", "ordqa", "scifact")

_PROGRAM = (sys.executable, "-P", "-m", "protostar")
_START_SECONDS = 120.0


class EvaluationError(Exception):
    """Nothing could be measured; `str(error)` says why."""


def main() -> int:
    options, rest = _options()
    try:
        report = _report(_folders(options.sets), rest)
    except EvaluationError as error:
        print(error, file=sys.stderr)
        return 2
    show(report)
    print(f"Written to {write(report, 'eval')}")
    return _check(report)


def _options() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="python -m bench.evaluate", description=__doc__, allow_abbrev=False, epilog="Other options go to `protostar eval`."
    )
    parser.add_argument("--sets", type=lambda text: text.split(","), default=list(SETS), help=f"some of {','.join(SETS)}")
    return parser.parse_known_args()


def _folders(names: Sequence[str]) -> list[Path]:
    """Absolute, because the command runs elsewhere."""
    root = Path(os.environ.get("PROTOSTAR_EVAL_DIR") or HERE.parent.parent / "shared" / "eval").resolve()
    missing = [name for name in names if not (root / name / "queries.jsonl").exists()]
    if missing:
        raise EvaluationError(
            f"The sets {', '.join(missing)} are not in {root}: set PROTOSTAR_EVAL_DIR to the folder that holds them."
        )
    return [root / name for name in names]


def _report(folders: Sequence[Path], rest: Sequence[str]) -> dict[str, Any]:
    command = [*_PROGRAM, "eval", *map(str, folders), "--mode", "keyword", *rest, "--json"]
    with _server() as environment:
        done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise EvaluationError(f"`protostar eval` ended with status {done.returncode}.")
    return json.loads(done.stdout)


@contextmanager
def _server() -> Iterator[dict[str, str]]:
    """The environment of a client: of the server that is given, else of one that is stopped and removed at the end."""
    if {"PROTOSTAR_URL", "PROTOSTAR_KEY"} <= os.environ.keys():
        yield dict(os.environ)
        return
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PROTOSTAR_")}
    with tempfile.TemporaryDirectory(prefix="protostar-eval-") as name:
        folder = Path(name)
        settings = {**clean, "PROTOSTAR_DATA_DIR": str(folder / "data"), "PROTOSTAR_PORT": "0", "PROTOSTAR_LOG_FORMAT": "json"}
        with (folder / "log").open("wb") as log:
            # In a session of its own, so that Ctrl-C reaches this program alone, which then stops it in order.
            process = subprocess.Popen(
                [*_PROGRAM, "serve"], cwd=folder, env=settings, stdout=log, stderr=log, start_new_session=True
            )
        try:
            local = _local(folder, process)
            yield {**clean, "PROTOSTAR_URL": local["url"], "PROTOSTAR_KEY": local["key"]}
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def _local(folder: Path, process: subprocess.Popen[bytes]) -> dict[str, str]:
    """Address and key, which `serve` writes when everything is ready."""
    deadline = time.monotonic() + _START_SECONDS
    while not (local := folder / "data" / "local.json").exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise EvaluationError("`protostar serve` did not start:\n" + (folder / "log").read_text(errors="replace")[-3000:])
        time.sleep(0.1)
    return json.loads(local.read_bytes())


def _check(report: dict[str, Any]) -> int:
    """1 where a figure lies below its floor. A sample must leave the floor within its interval."""
    floors = json.loads((HERE / "floors.json").read_bytes()).get(report["options"]["task"], {})
    bound = "value" if report["options"]["sample"] is None else "high"
    results = {each["set"]: each["figures"] for each in report["sets"]}
    checks = [
        (f"{name} {figure} {floor:.3f}", results[name][figure][bound] >= floor if name in results else None)
        for name, wanted in floors.items()
        for figure, floor in wanted.items()
    ]
    for verdict, outcome in (("held", True), ("MISSED", False), ("not checked", None)):
        if named := [check for check, result in checks if result is outcome]:
            print(f"Floors {verdict}: {'; '.join(named)}")
    return int(any(result is False for _, result in checks))


if __name__ == "__main__":
    sys.exit(main())
