"""What visitors ask of the documents of small organisations, and how much of it is answered by a quote that holds the answer.

`organisations/<group>/<language>-<name>/` holds documents as such organisations write them, and `questions.jsonl` what their
visitors ask in their own words: `q`, its `kind`, `answers` (each stands in one document, and any of them answers), for a cell of a
table also its `row`, which has to be quoted with it, and `after`, the question before one that leans on it. All of it was written
for this by people who did not know how passages are found. Decisions were made on the `known` ones; nothing was ever chosen by the
`held_out` ones, which say what those decisions are worth elsewhere. Pairs of questions are asked in one message besides.
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import aiohttp

from bench.load import at_once
from bench.stack import is_idle, until

_ORGANISATIONS: Final = Path(__file__).with_name("organisations")
_UNANSWERABLE: Final = "unanswerable"
_AT_ONCE: Final = 4
_STRANGERS: Final = 10  # every so many of another organisation's questions is asked as well
_STRANGER: Final = "stranger"
_PAIR: Final = "pair"
_AND: Final = {"ko": "그리고", "en": "And"}

Question = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Organisation:
    name: str
    documents: Sequence[Path]
    questions: Sequence[Question]

    @property
    def language(self) -> str:
        return self.name[:2]


@dataclass(frozen=True, slots=True)
class _Asked:
    """`held`: of each quote of the answer, whether it holds what was asked for; of each of a pair, whether any quote does."""

    kind: str
    found: bool
    held: Sequence[bool]
    characters: int


def organisations(group: str) -> list[Organisation]:
    return [_organisation(each) for each in sorted((_ORGANISATIONS / group).iterdir())]


def _organisation(folder: Path) -> Organisation:
    lines = (folder / "questions.jsonl").read_text(encoding="utf-8").splitlines()
    return Organisation(folder.name, sorted(folder.glob("*.md")), [json.loads(line) for line in lines])


def holds(text: str, question: Question) -> bool:
    """Whether a text holds what was asked for: one of the answers, and in one line with its row where it has one."""
    row = question.get("row", "")
    return any(
        _plain(row) in line and any(_plain(answer) in line for answer in question["answers"])
        for line in map(_plain, text.split("\n") if row else [text])
    )


def _plain(text: str) -> str:
    return " ".join(text.replace("**", "").split())


async def measure(url: str, key: str, group: str) -> dict[str, dict[str, float]]:
    """The figures of each language, asked of a server: a space for each organisation of the group, its visitors' questions, and
    strangers'."""
    found = organisations(group)
    async with aiohttp.ClientSession(url, headers={"Authorization": f"Bearer {key}"}) as http:
        asked = [(each.language, await _visited(http, each, _strangers(each, found))) for each in found]
    languages = sorted({language for language, _ in asked})
    return {language: _figures([each for of, all_ in asked if of == language for each in all_]) for language in languages}


def _alone(organisation: Organisation) -> list[Question]:
    """Those that the documents answer, and that lean on no other."""
    return [each for each in organisation.questions if each["kind"] != _UNANSWERABLE and "after" not in each]


def _strangers(organisation: Organisation, all_: Iterable[Organisation]) -> list[Question]:
    others = [other for other in all_ if other.language == organisation.language and other is not organisation]
    alone = [each for other in others for each in _alone(other)]
    return [{"q": each["q"], "kind": _STRANGER, "answers": []} for each in alone[::_STRANGERS]]


def _pairs(organisation: Organisation) -> list[Question]:
    """Two questions in one message, each of which is asked once."""
    alone = _alone(organisation)
    half = len(alone) // 2
    return [
        {"q": f"{_asked(one)} {_AND[organisation.language]} {_asked(other)}", "kind": _PAIR, "of": (one, other)}
        for one, other in zip(alone[:half], alone[half:], strict=False)
    ]


def _asked(question: Question) -> str:
    return question["q"].rstrip(" .?!~ㅠ") + "?"


async def _visited(http: aiohttp.ClientSession, organisation: Organisation, strangers: Sequence[Question]) -> list[_Asked]:
    space = (await _json(http, "POST", "/v1/spaces", json={"name": organisation.name}))["id"]
    headers = {"Protostar-Space": space}
    for document in organisation.documents:
        upload = {"params": {"filename": document.name}, "data": document.read_bytes()}
        await _json(http, "POST", "/v1/documents", headers=headers | {"Content-Type": "text/markdown"}, **upload)
    await until(partial(is_idle, partial(_json, http)), 300, "the last job ends")

    async def ask(question: Question) -> _Asked:
        conversation: dict[str, str] = {}
        for text in (question["after"], question["q"]) if "after" in question else (question["q"],):
            answer = await _json(http, "POST", "/v1/answers", headers=headers, json={"question": text, **conversation})
            conversation = {"conversation_id": answer["conversation_id"]}
        quotes = [citation["quote"] for citation in answer["citations"]]
        if "of" in question:
            held = [any(holds(quote, each) for quote in quotes) for each in question["of"]]
        else:
            held = [holds(quote, question) for quote in quotes]
        return _Asked(question["kind"], answer["found"], held, len(answer["text"]))

    return await at_once(_AT_ONCE, [*organisation.questions, *strangers, *_pairs(organisation)], ask)


async def _json(http: aiohttp.ClientSession, method: str, path: str, **request: Any) -> Any:
    async with http.request(method, path, **request) as response:
        response.raise_for_status()
        return await response.json()


def _figures(asked: Sequence[_Asked]) -> dict[str, float]:
    """Shares: of the visitors' questions that the documents answer, and of those that they do not."""

    def share(of: Sequence[_Asked], what: Callable[[_Asked], bool]) -> float:
        return fmean(map(what, of))

    own = [each for each in asked if each.kind not in (_UNANSWERABLE, _STRANGER, _PAIR)]
    figures = {
        "questions": float(len(own)),
        "right": share(own, lambda each: each.found and any(each.held)),
        "right by the first quote": share(own, lambda each: each.found and each.held[0]),
        "not sure, but right": share(own, lambda each: not each.found and any(each.held)),
        "wrong": share(own, lambda each: each.found and not any(each.held)),
        "characters of an answer": fmean(each.characters for each in own if each.found),
    }
    pairs = [each for each in asked if each.kind == _PAIR]
    figures["both of two right"] = share(pairs, lambda each: each.found and all(each.held))
    figures["one of two right"] = share(pairs, lambda each: each.found and sum(each.held) == 1)
    for kind, name in ((_UNANSWERABLE, "unanswerable refused"), (_STRANGER, "strangers refused")):
        figures[name] = share([each for each in asked if each.kind == kind], lambda each: not each.found)
    for kind in sorted({each.kind for each in own}):
        figures[f"{kind} right"] = share([each for each in own if each.kind == kind], lambda each: each.found and any(each.held))
    return figures
