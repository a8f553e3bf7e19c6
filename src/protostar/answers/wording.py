"""Answers that no model writes: the documents' own words, what comes near, and replies to small talk."""

from typing import Final

from protostar.answers.context import AnswerContext
from protostar.answers.draft import Draft
from protostar.answers.extractive import MOST_QUOTES, quote_answer
from protostar.answers.finding import Findings
from protostar.llm import prompts
from protostar.llm.prompts import Language, SmallTalk, language_of

# Quotes: of what comes near, of each question of several, and of all of them together.
_MOST_NEAR: Final = 2
_MOST_OF_A_PART: Final = 2
_MOST_OF_ALL: Final = 1


def reply_to(talk: SmallTalk, said: str, context: AnswerContext) -> str:
    """The owner's own greeting where it is in the same language; who asks what to ask gets the owner's starter questions.

    What has no words, as 👍, is replied to in the language of the question before.
    """
    greeting = context.space.greeting
    language = language_of(said, context.turns[-1].question if context.turns else greeting)
    if talk == "greeting" and greeting and language_of(greeting) == language:
        return greeting
    starters = [f"- {question}" for question in context.space.starter_questions] if talk == "about" else []
    return "\n".join([prompts.small_talk(talk, language), *([""] if starters else []), *starters])


def quoted(findings: Findings, language: Language, draft: Draft) -> list[str]:
    """Pieces of the answer in the documents' own words, its citations in `draft`; or what comes near one, said to be no more."""
    answering, relevance = findings.answering, findings.relevance
    if answering[1:]:
        most = [_MOST_OF_ALL if each is findings.whole else _MOST_OF_A_PART for each in answering]
    else:
        most = [MOST_QUOTES if relevance.answerable else _MOST_NEAR if relevance.near else 0]
    asked = ((each.query, each.passages, quotes) for each, quotes in zip(answering, most, strict=True))
    pieces, draft.citations = quote_answer(asked)
    draft.found = relevance.answerable and bool(pieces)
    if pieces and not draft.found:
        pieces.insert(0, f"{prompts.nothing_sure(language)}\n\n")
    return pieces or [prompts.not_found(language)]
