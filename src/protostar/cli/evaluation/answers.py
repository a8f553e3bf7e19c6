"""What the questions are answered."""

from collections.abc import Mapping, Sequence

from protostar.cli.client import ApiClient
from protostar.cli.evaluation.concurrent import map_concurrently
from protostar.cli.evaluation.library import Library
from protostar.cli.evaluation.model import Json, Options
from protostar.cli.evaluation.questions import Question


async def measure_answers(
    library: Library, questions: Sequence[Question], strangers: Sequence[str], options: Options
) -> dict[str, list[float]]:
    async def one(question: str) -> Json:
        return await library.client.post("/v1/answers", {"question": question})

    own = await map_concurrently("answering", [question.text for question in questions], one, options.concurrency)
    values = {"wrongly_refused": [float(not answer["found"]) for answer in own]}
    if strangers:
        others = await map_concurrently("asking what is not there", strangers, one, options.concurrency)
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
    return dict(zip(versions, await map_concurrently("reading what was cited", versions, one, at_once), strict=True))


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
        return any(library.name_of(citation) in question.gold for citation in answer["citations"])
    places = [library.place_of(question, citation, citation["quote"]) for citation in answer["citations"]]
    return any(start < question.span[1] and question.span[0] < end for start, end in places)
