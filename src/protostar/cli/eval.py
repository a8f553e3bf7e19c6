"""`protostar eval`: how well the passages and answers to questions with known sources are found, over the ordinary API."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, replace
from operator import itemgetter
from pathlib import Path, PurePath
from typing import Any, TypeVar

import aiohttp
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from protostar.cli.client import ApiClient
from protostar.cli.display import Column, note, stderr, stdout, table, write_json
from protostar.cli.measures import RANKING, Figure, figure, holds_within, measure, verdicts
from protostar.cli.questions import Dataset, Question, Source, Task, read, read_questions, sample
from protostar.errors import InvalidInput

Json = dict[str, Any]
Item = TypeVar("Item")
Result = TypeVar("Result")

_TOP_K = 50  # hits, so that ten documents are among them although some have many passages
_BUDGET = 4000  # characters that a prompt might hold
_WITHIN = f"within_{_BUDGET}"
_POLL = 0.5
_COMPARED = ("task", "mode", "sample", "seed")


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


async def evaluate(client: ApiClient, paths: Sequence[Path], options: Options, *, compare: Path | None, as_json: bool) -> int:
    """Print the figures of each set; returns the exit code. Raises InvalidInput before anything is loaded."""
    earlier = await asyncio.to_thread(_earlier, compare) if compare is not None else None
    report = await report_on(client, paths, options)
    if earlier is not None:
        report["comparison"] = _compare(earlier, report)
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


def show(report: Json) -> None:
    """Print a report as tables."""
    sets: list[Json] = report["sets"]
    names = list(dict.fromkeys(name for each in sets for name in each["figures"]))
    for group in ([name for name in names if name in RANKING], [name for name in names if name not in RANKING]):
        if group:
            columns = (Column("set", 9), Column("asked", 5, right=True), *(Column(_title(name), 14) for name in group))
            rows = [(each["set"], each["questions"], *(_cell(each["figures"].get(name)) for name in group)) for each in sets]
            table(columns, rows)
            stdout().print()
    note("Each figure is followed by its 95 % interval.")
    for each in sets:
        seconds = ", ".join(f"{name} {value:.0f} s" for name, value in each["seconds"].items())
        note(f"{each['set']}: {each['documents']} documents; {seconds}.")
        for reason, searches in each["degraded"].items():
            note(f"{each['set']}: {searches} of {each['questions']} searches were degraded: {reason}.")
    _show_comparison(report.get("comparison"))


def _show_comparison(comparison: list[Json] | None) -> None:
    if comparison is None:
        return
    changes = [each for each in comparison if each["verdict"] != "same"]
    for each in changes:
        before, after = _cell(each["before"]), _cell(each["after"])
        stdout().print(f"{each['verdict']}: {each['set']} {_title(each['figure'])} {before} → {after}")
    if not changes:
        stdout().print(f"{len(comparison)} figures compared: nothing is better or worse beyond the intervals.")


# -- one set


async def _evaluate(client: ApiClient, dataset: Dataset, strangers: Sequence[str], options: Options) -> Json:
    started = time.monotonic()
    async with _library(client, dataset, options) as (library, questions):
        loaded = time.monotonic()
        asked = sample(questions, options.sample, options.seed)
        degraded = Counter[str]()
        values = await _search(library, asked, options, degraded)
        searched = time.monotonic()
        if options.answers or strangers:
            values |= await _answers(library, asked, sample(strangers, options.sample, options.seed), options)
        answered = time.monotonic()
    return {
        "set": dataset.name,
        "documents": len(library.names),
        "questions": len(asked),
        "degraded": dict(degraded),
        "seconds": {"loading": loaded - started, "searching": searched - loaded, "answering": answered - searched},
        "figures": {name: asdict(figure(each, options.seed)) for name, each in values.items() if each},
    }


async def _search(
    library: Library, questions: Sequence[Question], options: Options, degraded: Counter[str]
) -> dict[str, list[float]]:
    """The measures of each question, by measure. `degraded` counts the searches by what they had to do without."""

    async def one(question: Question) -> dict[str, float]:
        body = {"query": question.text, "top_k": _TOP_K, "mode": options.mode}
        found = await library.client.post("/v1/search", body)
        hits = found["hits"]
        degraded.update(found["degraded"])
        return _of_span(library, question, question.span, hits) if question.span else _of_documents(library, question, hits)

    measured = await _each("searching", questions, one, options.concurrency)
    return {name: [each[name] for each in measured] for name in measured[0]}


def _of_documents(library: Library, question: Question, hits: Sequence[Json]) -> dict[str, float]:
    ranking = list(dict.fromkeys(_name(library, hit) for hit in hits))
    return measure(ranking, question.gold)


def _of_span(library: Library, question: Question, span: tuple[int, int], hits: Sequence[Json]) -> dict[str, float]:
    """Right is the hit that holds the whole span; passages are disjoint, so it is one at most."""
    places = [_place(library, question, hit, hit["text"]) for hit in hits]
    ranking = ["gold" if holds_within([place], span, len(hit["text"])) else str(rank)
               for rank, (place, hit) in enumerate(zip(places, hits, strict=True))]  # fmt: skip
    return {**measure(ranking, {"gold"}), _WITHIN: float(holds_within(places, span, _BUDGET))}


def _place(library: Library, question: Question, passage: Json, text: str) -> tuple[int, int]:
    """Where the passage stands in the question's article, or, of another one, somewhere before it.

    The service normalises what it reads, so offsets may have moved: the text itself is looked for where they do not fit.
    """
    name, start = _name(library, passage), passage["start"]
    if name in question.gold:
        article = library.texts[name]
        found = start if article.startswith(text, start) else article.find(text)
        if found >= 0:
            return found, found + len(text)
    return -len(text) - 1, -1


def _name(library: Library, passage: Json) -> str:
    return library.names.get(passage["document_id"], passage["document_id"])


# -- answers


async def _answers(
    library: Library, questions: Sequence[Question], strangers: Sequence[str], options: Options
) -> dict[str, list[float]]:
    async def one(question: str) -> Json:
        return await library.client.post("/v1/answers", {"question": question})

    own = await _each("answering", [question.text for question in questions], one, options.concurrency)
    values = {"wrongly_refused": [float(not answer["found"]) for answer in own]}
    if strangers:
        others = await _each("asking what is not there", strangers, one, options.concurrency)
        values["refused"] = [float(not answer["found"]) for answer in others]
    if options.answers:
        texts = await _texts(library.client, own, options.concurrency)
        pairs = [(question, answer) for question, answer in zip(questions, own, strict=True) if answer["found"]]
        values["citations_resolve"] = [float(_resolves(answer, texts)) for _, answer in pairs]
        values["gold_cited"] = [float(_cites_gold(library, question, answer)) for question, answer in pairs]
    return values


async def _texts(client: ApiClient, answers: Sequence[Json], at_once: int) -> dict[tuple[str, int], str]:
    """The stored text of each version that is cited."""

    async def one(version: tuple[str, int]) -> str:
        parts = [part async for part in client.download(f"/v1/documents/{version[0]}/text", {"version": version[1]})]
        return b"".join(parts).decode("utf-8")

    versions = sorted({_version(citation) for answer in answers for citation in answer["citations"]})
    return dict(zip(versions, await _each("reading what was cited", versions, one, at_once), strict=True))


def _version(citation: Json) -> tuple[str, int]:
    return citation["document_id"], citation["version"]


def _resolves(answer: Json, texts: Mapping[tuple[str, int], str]) -> bool:
    """Whether there are citations, and each one's quote is the stored text at its place."""
    citations: list[Json] = answer["citations"]
    exact = (each["quote"] == texts[_version(each)][each["start"] : each["end"]] for each in citations)
    return bool(citations) and all(exact)


def _cites_gold(library: Library, question: Question, answer: Json) -> bool:
    """Whether a citation is of a gold document; where the answer is a span, whether one overlaps it."""
    if question.span is None:
        return any(_name(library, citation) in question.gold for citation in answer["citations"])
    places = [_place(library, question, citation, citation["quote"]) for citation in answer["citations"]]
    return any(start < question.span[1] and question.span[0] < end for start, end in places)


# -- documents


@asynccontextmanager
async def _library(client: ApiClient, dataset: Dataset, options: Options) -> AsyncGenerator[tuple[Library, Sequence[Question]]]:
    """The set's documents, ready, and its questions about them."""
    if not dataset.sources:
        yield await _existing(client, dataset)
        return
    space = await client.post("/v1/spaces", {"name": f"Evaluation of {dataset.name}"})
    try:
        key = await client.post(f"/v1/spaces/{space['id']}/keys", {"role": "manage", "name": "evaluation"})
        async with client.with_key(key["key"]) as inside:
            names = await _load(inside, dataset, options.concurrency)
            texts = {source.id: source.text for source in dataset.sources} if options.task == "articles" else {}
            yield Library(inside, names, texts), dataset.questions
    finally:
        if options.keep:
            note(f"Kept: the space {space['id']} with {dataset.name}.")
        else:
            await client.delete(f"/v1/spaces/{space['id']}")


async def _existing(client: ApiClient, dataset: Dataset) -> tuple[Library, Sequence[Question]]:
    """Raises InvalidInput for a name that no document has, or several."""
    page = await client.page("/v1/documents", {"status": "ready"}, 1_000_000)
    ids: dict[str, set[str]] = {}
    # A file name outdoes a title, and most with its folders.
    names_of: Sequence[Callable[[Json], str]] = (itemgetter("title"), _without_folders, itemgetter("filename"))
    for name_of in names_of:
        so_called: dict[str, set[str]] = {}
        for document in page["items"]:
            so_called.setdefault(name_of(document), set()).add(document["id"])
        ids |= so_called
    for name in sorted({name for question in dataset.questions for name in question.gold}):
        if len(ids.get(name, ())) != 1:
            raise InvalidInput(
                f"{len(ids[name])} documents are called {name}." if name in ids else f"No document is called {name}."
            )
    questions = [
        replace(question, gold=frozenset().union(*(ids[name] for name in question.gold))) for question in dataset.questions
    ]
    names = {document["id"]: document["id"] for document in page["items"]}
    return Library(client, names, {}), questions


def _without_folders(document: Json) -> str:
    return PurePath(document["filename"]).name


async def _load(client: ApiClient, dataset: Dataset, at_once: int) -> dict[str, str]:
    """Upload every source and wait until it can be found; document id → the source's id."""

    async def one(numbered: tuple[int, Source]) -> str:
        number, source = numbered

        def form() -> aiohttp.FormData:
            form = aiohttp.FormData(quote_fields=False)
            form.add_field("file", source.text.encode(), filename=f"{number:06}.md", content_type="text/markdown")
            return form

        _, document = await client.send_form("POST", "/v1/documents", form)
        return document["id"]

    ids = await _each(f"loading {dataset.name}", list(enumerate(dataset.sources)), one, at_once)
    await _until_ready(client, len(ids))
    await _until_counted(client)
    return {id_: source.id for id_, source in zip(ids, dataset.sources, strict=True)}


async def _until_counted(client: ApiClient) -> None:
    """Rankings rest on how many passages hold a term, and those of new documents are counted a moment later."""
    while True:
        pages = [await client.page("/v1/jobs", {"kind": "terms.fold", "state": state}, 1) for state in ("queued", "running")]
        if not any(page["items"] for page in pages):
            return
        await asyncio.sleep(_POLL)


async def _until_ready(client: ApiClient, total: int) -> None:
    """Raises InvalidInput for a document that could not be read."""

    async def count(status: str, limit: int) -> int:
        return len((await client.page("/v1/documents", {"status": status}, limit))["items"])

    with _bar("indexing", total) as show_done:
        while True:
            waiting = [await count(status, 200) for status in ("queued", "processing")]
            show_done(total - sum(waiting))
            # One that went back to the queue between the two looks was in neither.
            if not any(waiting) and await count("ready", total) + await count("failed", total) >= total:
                break
            await asyncio.sleep(_POLL)
    failed = (await client.page("/v1/documents", {"status": "failed"}, 1))["items"]
    if failed:
        raise InvalidInput(f"{failed[0]['filename']} could not be read: {failed[0]['error']}")


# -- comparing


def _earlier(path: Path) -> Json:
    try:
        report = json.loads(path.read_bytes())
        _figures(report)
    except OSError as error:
        raise InvalidInput(f"{path} cannot be read: {error.strerror}.") from error
    except (ValueError, TypeError, KeyError) as error:
        raise InvalidInput(f"{path} is not what `protostar eval --json` prints.") from error
    return report


def _compare(earlier: Json, report: Json) -> list[Json]:
    different = [name for name in _COMPARED if earlier["options"].get(name) != report["options"][name]]
    if different:
        note(f"The earlier run was another one: {', '.join(different)} differ.")
    before, after = _figures(earlier), _figures(report)
    return [
        {"set": name, "figure": each, "before": asdict(before[name][each]), "after": asdict(after[name][each]), "verdict": verdict}
        for name in after
        for each, verdict in verdicts(before.get(name, {}), after[name]).items()
    ]


def _figures(report: Json) -> dict[str, dict[str, Figure]]:
    return {each["set"]: {name: Figure(**value) for name, value in each["figures"].items()} for each in report["sets"]}


# -- showing


async def _each(what: str, items: Sequence[Item], one: Callable[[Item], Awaitable[Result]], at_once: int) -> list[Result]:
    """`one` of each item, in their order, so many at once. Raises the first error."""
    results: dict[int, Result] = {}
    left = iter(enumerate(items))

    async def work(show_done: Callable[[int], None]) -> None:
        for number, item in left:
            results[number] = await one(item)
            show_done(len(results))

    try:
        with _bar(what, len(items)) as show_done:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(at_once):
                    tasks.create_task(work(show_done))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [results[number] for number in range(len(items))]


@contextmanager
def _bar(what: str, total: int) -> Generator[Callable[[int], None]]:
    """On a terminal a bar that moves; elsewhere nothing."""
    columns = TextColumn("{task.description}", markup=False), BarColumn(bar_width=None), MofNCompleteColumn()
    with Progress(*columns, console=stderr(), transient=True, disable=not stderr().is_terminal) as progress:
        bar = progress.add_task(what, total=total)
        yield lambda done: progress.update(bar, completed=done)


def _title(name: str) -> str:
    return name.replace("_", " ")


def _cell(value: Json | None) -> str:
    return "" if value is None else "{value:.3f} {low:.3f}–{high:.3f}".format(**value).replace("0.", ".")
