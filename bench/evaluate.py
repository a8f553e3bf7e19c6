"""Evaluate the search on public questions and hold it to `floors.json`: `make eval`, or `python -m bench.evaluate --help`.

    --what ranking     where the right passage stands, by keywords alone
    --what refusals    what is refused, without a chat model, of a set's own questions and of the other sets' in its language
    --what together    what is found and wrongly refused where all sets lie in one space, in both languages
    --what visitors    what is answered, by quotes, of what visitors of small organisations ask (bench/organisations); with the
                       vectors of a real model as well where `make eval-models` has installed it
    --what held-out    the same of organisations by whose questions nothing was chosen
    --what slips       what is found and refused of questions as people type them: with a slip, without blanks, with remarks …
    --what minilm      ranking and refusals with the vectors of a real model, which knows English and no Korean (`make eval-models`)
    --what smollm2     refusals and citations, of English answers by a real chat model, which is very small (likewise); a
                       question takes it about a quarter of a minute, so it wants `--sample 40`

It runs `protostar eval` against a `protostar serve` of its own in a temporary folder. The sets lie in PROTOSTAR_EVAL_DIR
(../shared/eval).
"""

import argparse
import asyncio
import csv
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from random import Random
from statistics import fmean
from typing import Any

from bench import visitors
from bench.report import write
from bench.sets import LANGUAGES, SETS, SetsMissing
from bench.sets import folders as set_folders
from bench.slips import CHANGES, Change
from bench.stack import REPOSITORY, environment, free_port
from protostar.cli.evaluation.questions import read, read_questions, sample
from protostar.cli.evaluation.report import show

FLOORS = REPOSITORY / "bench" / "floors.json"

_REAL_MODELS = REPOSITORY / "bench" / "real_models"
_PROTOSTAR = (sys.executable, "-P", "-m", "protostar")
_START_SECONDS = 120.0

Report = dict[str, Any]
Environment = Mapping[str, str]
Checks = list[tuple[str, bool | None]]
"""What was held to a floor, and whether it was held; None where it was not looked at."""


class EvaluationError(Exception):
    """Nothing could be measured; `str(error)` says why."""


def main() -> int:
    options, rest = _options()
    course = _COURSES[options.what]
    signal.signal(signal.SIGTERM, lambda number, _frame: sys.exit(128 + number))  # and what was started is stopped
    try:
        checks = course([] if options.what in _WITHOUT_SETS else set_folders(options.sets), rest)
    except (EvaluationError, SetsMissing) as error:
        print(error, file=sys.stderr)
        return 2
    for verdict, outcome in (("held", True), ("MISSED", False), ("not checked", None)):
        if named := [check for check, result in checks if result is outcome]:
            print(f"Floors {verdict}: {'; '.join(named)}")
    return int(any(result is False for _, result in checks))


def _options() -> tuple[argparse.Namespace, list[str]]:
    parser = argparse.ArgumentParser(
        prog="python -m bench.evaluate",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
        epilog="Other options go to `protostar eval`.",
    )
    parser.add_argument("--what", choices=_COURSES, default="ranking")
    parser.add_argument("--sets", type=lambda text: text.split(","), default=SETS, help=f"some of {','.join(SETS)}")
    return parser.parse_known_args()


def _floors(kind: str) -> dict[str, dict[str, float]]:
    return json.loads(FLOORS.read_bytes()).get(kind, {})


# -- what is measured


def _ranking(folders: Sequence[Path], rest: Sequence[str]) -> Checks:
    """A sample must leave the floor within its interval."""
    with _server() as client:
        report = _evaluate(client, folders, "--mode", "keyword", *rest)
    _keep(report, "eval")
    bound = "value" if report["options"]["sample"] is None else "high"
    results = _figures(report)
    return [
        (f"{name} {figure} {floor:.3f}", results[name][figure][bound] >= floor if name in results else None)
        for name, wanted in _floors(report["options"]["task"]).items()
        for figure, floor in wanted.items()
    ]


def _refusals(folders: Sequence[Path], rest: Sequence[str]) -> Checks:
    with _server() as client:
        report = _evaluate_with_strangers(client, folders, "--mode", "keyword", *rest)
    _keep(report, "eval-refusals")
    return _refused(report)


def _refused(report: Report, limit: str = "wrongly_refused") -> Checks:
    """In the mean of the sets. `limit`: which floor holds what is refused wrongly."""
    figures = _figures(report).values()
    mean = {name: fmean(each[name]["value"] for each in figures) for name in ("refused", "wrongly_refused")}
    print(f"In the mean {mean['refused']:.3f} refused, {mean['wrongly_refused']:.3f} wrongly.")
    least, most = _floors("refusals")["least"]["refused"], _floors("refusals")["most"][limit]
    return [
        (f"refused {least:.2f} in the mean", mean["refused"] >= least),
        (f"wrongly refused {most:.2f} in the mean", mean["wrongly_refused"] <= most),
    ]


def _slips(folders: Sequence[Path], rest: Sequence[str]) -> Checks:
    """Questions as they are and changed, with strangers' questions changed likewise."""
    sets: dict[str, list[Report]] = {}
    with tempfile.TemporaryDirectory(prefix="protostar-eval-") as name, _server() as client:
        for folder in folders:
            strangers = _strangers(folder, Path(name) / folder.name)
            changes = CHANGES[next(at for at, language in enumerate(LANGUAGES) if folder.name in language)]
            for kind, change in {"as asked": _as_asked, **changes}.items():
                asked = _changed(folder, Path(name) / f"{folder.name}, {kind}", change)
                others = _changed(strangers, Path(name) / f"strangers to {asked.name}", change)
                report = _evaluate(client, [asked], "--refusals", str(others), "--mode", "keyword", *rest)
                sets.setdefault(kind, []).extend(report["sets"])
    _keep({"sets": [each for reports in sets.values() for each in reports]}, "eval-slips")
    checks: Checks = []
    for kind, reports in sets.items():
        print(f"{kind}:")
        limit = kind if kind in _floors("refusals")["most"] else "wrongly_refused"
        checks += [(f"{kind}: {check}", outcome) for check, outcome in _refused({"sets": reports}, limit)]
    return checks


def _changed(folder: Path, made: Path, change: Change) -> Path:
    """The set with its questions changed, the same way each time."""
    made.mkdir()
    for file in folder.iterdir():
        (made / file.name).symlink_to(file)
    (made / "queries.jsonl").unlink()
    random = Random(0)
    with (made / "queries.jsonl").open("w", encoding="utf-8") as file:
        for line in (folder / "queries.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            file.write(json.dumps(row | {"question": change(row["question"], random)}) + "\n")
    return made


def _as_asked(question: str, _random: Random) -> str:
    return question


def _together(folders: Sequence[Path], rest: Sequence[str]) -> Checks:
    with tempfile.TemporaryDirectory(prefix="protostar-eval-") as name, _server() as client:
        documents = Path(name) / "documents"
        documents.mkdir()
        asked = [_laid_beside(folder, documents, Path(name)) for folder in folders]
        print(f"Loading {len(list(documents.iterdir()))} documents into one space.", file=sys.stderr)
        taken = subprocess.run([*_PROTOSTAR, "ingest", str(documents)], env=client, capture_output=True, text=True, check=False)
        if taken.returncode != 0:
            raise EvaluationError(f"`protostar ingest` ended with status {taken.returncode}:\n{taken.stderr[-3000:]}")
        report = _evaluate(client, asked, "--mode", "keyword", "--answers", *rest)
    _keep(report, "eval-together")
    most = _floors("refusals")["most"]["wrongly_refused"]
    wrongly = {name: figures["wrongly_refused"]["value"] for name, figures in _figures(report).items()}
    return [(f"{name} wrongly refused {most:.2f}", share <= most) for name, share in wrongly.items()]


def _laid_beside(folder: Path, documents: Path, made: Path) -> Path:
    """The set's questions as a CSV, each with one document that answers it; those are put beside what is there."""
    dataset = read(folder, "paragraphs")
    names = {source.id: f"{folder.name}-{number}.md" for number, source in enumerate(dataset.sources)}
    for source in dataset.sources:
        (documents / names[source.id]).write_text(source.text, encoding="utf-8")
    with (made / f"{folder.name}.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["question", "document"])
        rows.writerows([question.text, names[min(question.gold)]] for question in dataset.questions)
    return made / f"{folder.name}.csv"


def _visitors(group: str) -> Checks:
    def measured(more: Environment | None = None) -> dict[str, dict[str, float]]:
        with _server(more) as client:
            return asyncio.run(visitors.measure(client["PROTOSTAR_URL"], client["PROTOSTAR_KEY"], group))

    found = {"by keywords": measured()}
    if _python("minilm").exists():
        with _real_model("minilm") as url:
            found["with vectors"] = measured(_asking("EMBEDDING", url, "minilm", DIMENSIONS=384, QUERY_TIMEOUT=60))
    for name, languages in found.items():
        for language, figures in languages.items():
            print(
                f"{language}, {name}:",
                *(f"  {figure} {value:.3f}".rstrip("0").rstrip(".") for figure, value in figures.items()),
                sep="\n",
            )
    print(f"Written to {write(found, f'eval-visitors-{group}')}")
    return [
        (f"{language} {figure} {least:.2f}", found["by keywords"][language][figure] >= least)
        for language, wanted in _floors(f"visitors, {group}").items()
        for figure, least in wanted.items()
    ]


def _minilm(folders: Sequence[Path], rest: Sequence[str]) -> Checks:
    """What the vectors may lose against keywords alone; a floor below nothing is what they have to win."""
    with _real_model("minilm") as url, _server(_asking("EMBEDDING", url, "minilm", DIMENSIONS=384, QUERY_TIMEOUT=60)) as client:
        by_keyword = _evaluate(client, folders, "--mode", "keyword", *rest)
        by_both = _evaluate_with_strangers(client, folders, "--mode", "hybrid", *rest)
    for mode, report in (("keyword", by_keyword), ("hybrid", by_both)):
        print(f"By {mode}:")
        _keep(report, f"eval-minilm-{mode}")
    if degraded := [each["set"] for each in by_both["sets"] if each["degraded"]]:
        raise EvaluationError(f"The model did not answer each search of {', '.join(degraded)}: these figures say nothing.")
    keyword, hybrid = _figures(by_keyword), _figures(by_both)
    checks: Checks = []
    for name, wanted in _floors("minilm").items():
        for figure, most in wanted.items():
            lost = keyword[name][figure]["value"] - hybrid[name][figure]["value"] if name in keyword else None
            checks.append((f"{name} loses {most:.3f} {figure} at most", None if lost is None else lost <= most))
    return checks + _refused(by_both)


def _smollm2(folders: Sequence[Path], rest: Sequence[str]) -> Checks:
    """Nothing is held: what so small a model writes is no measure of others."""
    english = [folder for folder in folders if folder.name in LANGUAGES[1]]
    # It answers one at a time, reads about 150 tokens a second, and repeats itself to the end that it is given.
    patience = {"CONCURRENCY": 1, "FIRST_TOKEN_TIMEOUT": 120, "CONTEXT_CHARS": 4_000, "MAX_ANSWER_TOKENS": 200}
    with _real_model("smollm2") as url, _server(_asking("CHAT", url, "smollm2", **patience)) as client:
        report = _evaluate_with_strangers(client, english, "--mode", "keyword", "--answers", "--concurrency", "1", *rest)
    _keep(report, "eval-smollm2")
    return [(check, None) for check, _ in _refused(report)]


def _evaluate_with_strangers(client: Environment, folders: Sequence[Path], *options: str) -> Report:
    sets: list[Report] = []
    with tempfile.TemporaryDirectory(prefix="protostar-eval-") as name:
        for folder in folders:
            strangers = _strangers(folder, Path(name) / folder.name)
            sets += _evaluate(client, [folder], "--refusals", str(strangers), *options)["sets"]
    return {"sets": sets}


def _strangers(folder: Path, made: Path) -> Path:
    """A set of questions, as many of each other set in the same language, as these lie beside it."""
    others = next(language for language in LANGUAGES if folder.name in language)
    asked = [read_questions(folder.parent / name) for name in others if name != folder.name]
    count = min(map(len, asked))
    made.mkdir()
    with (made / "queries.jsonl").open("w", encoding="utf-8") as file:
        file.writelines(json.dumps({"question": text}) + "\n" for each in asked for text in sample(each, count, seed=0))
    return made


def _evaluate(client: Environment, folders: Sequence[Path], *options: str) -> Report:
    command = [*_PROTOSTAR, "eval", *map(str, folders), *options, "--json"]
    done = subprocess.run(command, env=client, stdout=subprocess.PIPE, check=False)
    if done.returncode != 0:
        raise EvaluationError(f"`protostar eval` ended with status {done.returncode}.")
    return json.loads(done.stdout)


def _keep(report: Report, kind: str) -> None:
    show(report)
    print(f"Written to {write(report, kind)}")


def _figures(report: Report) -> dict[str, dict[str, dict[str, float]]]:
    return {each["set"]: each["figures"] for each in report["sets"]}


# -- what it is measured on


@contextmanager
def _server(more: Environment | None = None) -> Generator[Environment]:
    """The environment of a client of a server that is stopped and removed at the end. `more`: settings of the server."""
    with tempfile.TemporaryDirectory(prefix="protostar-eval-") as name:
        data = Path(name) / "data"
        settings = {"PROTOSTAR_DATA_DIR": str(data), "PROTOSTAR_PORT": "0", "PROTOSTAR_LOG_FORMAT": "json", **(more or {})}
        with _running([*_PROTOSTAR, "serve"], Path(name), environment(settings)) as process:
            # It writes address and key when everything is ready.
            _wait(process, Path(name), (data / "local.json").exists)
            local = json.loads((data / "local.json").read_bytes())
            yield environment({"PROTOSTAR_URL": local["url"], "PROTOSTAR_KEY": local["key"]})


def _python(model: str) -> Path:
    return _REAL_MODELS / ".venvs" / model / "bin" / "python"


@contextmanager
def _real_model(name: str) -> Generator[str]:
    """The base URL of a model server."""
    python = _python(name)
    if not python.exists():
        raise EvaluationError("The model is not installed: run `make eval-models`.")
    port = free_port()

    def listens() -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return True
        return False

    with tempfile.TemporaryDirectory(prefix="protostar-eval-") as folder:
        command = [str(python), str(_REAL_MODELS / f"{name}.py"), str(port)]
        with _running(command, Path(folder), os.environ) as process:
            _wait(process, Path(folder), listens)
            yield f"http://127.0.0.1:{port}/v1"


def _asking(group: str, url: str, model: str, **more: int) -> Environment:
    """Settings of a Protostar that asks that model."""
    settings = {"BASE_URL": url, "MODEL": model, **more}
    return {f"PROTOSTAR_{group}_{name}": str(value) for name, value in settings.items()}


@contextmanager
def _running(command: Sequence[str], folder: Path, variables: Environment) -> Generator[subprocess.Popen[bytes]]:
    """In a session of its own, so that Ctrl-C reaches this program alone, which then stops it in order."""
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=log, stderr=log, start_new_session=True)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def _wait(process: subprocess.Popen[bytes], folder: Path, ready: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not ready():
        if process.poll() is not None or time.monotonic() > deadline:
            log = (folder / "log").read_text(errors="replace")
            raise EvaluationError(f"{process.args} did not start:\n{log[-3000:]}")
        time.sleep(0.1)


_COURSES: Mapping[str, Callable[[Sequence[Path], Sequence[str]], Checks]] = {
    "ranking": _ranking,
    "refusals": _refusals,
    "together": _together,
    "slips": _slips,
    "visitors": lambda _folders, _rest: _visitors("known"),
    "held-out": lambda _folders, _rest: _visitors("held_out"),
    "minilm": _minilm,
    "smollm2": _smollm2,
}

_WITHOUT_SETS = ("visitors", "held-out")

if __name__ == "__main__":
    sys.exit(main())
