"""What searches for the questions find."""

from collections import Counter
from collections.abc import Sequence

from protostar.cli.evaluation.concurrent import map_concurrently
from protostar.cli.evaluation.library import Library
from protostar.cli.evaluation.measures import holds_within, measure
from protostar.cli.evaluation.model import Json, Options
from protostar.cli.evaluation.questions import Question

_TOP_K = 50  # hits, so that ten documents are among them although some have many passages
_BUDGET = 4000  # characters that a prompt might hold
_WITHIN = f"within_{_BUDGET}"


async def measure_searches(
    library: Library, questions: Sequence[Question], options: Options, degraded: Counter[str]
) -> dict[str, list[float]]:
    """The measures of each question, by measure. `degraded` counts the searches by what they had to do without."""

    async def one(question: Question) -> dict[str, float]:
        body = {"query": question.text, "top_k": _TOP_K, "mode": options.mode}
        found = await library.client.post("/v1/search", body)
        hits = found["hits"]
        degraded.update(found["degraded"])
        return _of_span(library, question, question.span, hits) if question.span else _of_documents(library, question, hits)

    measured = await map_concurrently("searching", questions, one, options.concurrency)
    return {name: [each[name] for each in measured] for name in measured[0]}


def _of_documents(library: Library, question: Question, hits: Sequence[Json]) -> dict[str, float]:
    ranking = list(dict.fromkeys(library.name_of(hit) for hit in hits))
    return measure(ranking, question.gold)


def _of_span(library: Library, question: Question, span: tuple[int, int], hits: Sequence[Json]) -> dict[str, float]:
    """Right is the hit that holds the whole span; passages are disjoint, so it is one at most."""
    places = [library.place_of(question, hit, hit["text"]) for hit in hits]
    ranking = ["gold" if holds_within([place], span, len(hit["text"])) else str(rank)
               for rank, (place, hit) in enumerate(zip(places, hits, strict=True))]  # fmt: skip
    return {**measure(ranking, {"gold"}), _WITHIN: float(holds_within(places, span, _BUDGET))}
