"""The documents that questions are asked about: in a space made for them, or those that are there."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import PurePath

import aiohttp

from protostar.cli.client import ApiClient
from protostar.cli.display import note
from protostar.cli.evaluation.concurrent import bar, map_concurrently
from protostar.cli.evaluation.model import Json, Options
from protostar.cli.evaluation.questions import Dataset, Question, Source
from protostar.errors import InvalidInput

_POLL = 0.5


@dataclass(frozen=True, slots=True)
class Library:
    """The documents of one space. `names`: document id → the name that `gold` uses; `texts`: name → text, of loaded articles."""

    client: ApiClient
    names: Mapping[str, str]
    texts: Mapping[str, str]

    def name_of(self, passage: Json) -> str:
        return self.names.get(passage["document_id"], passage["document_id"])

    def place_of(self, question: Question, passage: Json, text: str) -> tuple[int, int]:
        """Where the passage stands in the question's article, or, of another one, somewhere before it.

        The service normalises what it reads, so offsets may have moved: the text itself is looked for where they do not fit.
        """
        name, start = self.name_of(passage), passage["start"]
        if name in question.gold:
            article = self.texts[name]
            found = start if article.startswith(text, start) else article.find(text)
            if found >= 0:
                return found, found + len(text)
        return -len(text) - 1, -1


@asynccontextmanager
async def open_library(client: ApiClient, dataset: Dataset, options: Options) -> AsyncGenerator[tuple[Library, Sequence[Question]]]:
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

    ids = await map_concurrently(f"loading {dataset.name}", list(enumerate(dataset.sources)), one, at_once)
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

    with bar("indexing", total) as show_done:
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
