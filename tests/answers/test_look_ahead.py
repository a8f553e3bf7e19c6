"""What a first question needs is looked for while it is being committed, and used where nothing has changed by then."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text
from tests.support.asking import Asking

from protostar.answers.repository import AnswerRepository

FIRST = "백업 파일은 며칠 동안 보관하나요?"
SECOND = "How long are the backup files kept on disk?"


def before_taking(monkeypatch: pytest.MonkeyPatch, action: Callable[[Any], Awaitable[None]]) -> None:
    """Do it with the session in which a question is about to be taken in."""
    take = AnswerRepository.take

    async def taken(self: AnswerRepository, *args: Any, **how: Any) -> Any:
        await action(self._session)
        return await take(self, *args, **how)

    monkeypatch.setattr(AnswerRepository, "take", taken)


async def test_the_search_runs_while_the_question_is_committed(
    asking: Asking, searched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await asking.ask(FIRST)

    async def until_searched(_session: Any) -> None:
        async with asyncio.timeout(10):
            while SECOND not in searched:
                await asyncio.sleep(0.01)

    before_taking(monkeypatch, until_searched)
    answer = await asking.ask(SECOND)
    assert answer["citations"]
    assert searched == [FIRST, SECOND]


async def test_what_was_found_before_the_documents_changed_is_not_used(
    asking: Asking, searched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    await asking.ask(FIRST)

    async def change(session: Any) -> None:
        statement = text("update spaces set knowledge_version = knowledge_version + 1 where id = :id")
        await session.execute(statement, {"id": asking.space_id})

    before_taking(monkeypatch, change)
    assert (await asking.ask(SECOND))["citations"]
    assert searched == [FIRST, SECOND, SECOND]


async def test_a_cached_answer_costs_no_search(asking: Asking, searched: list[str]) -> None:
    await asking.ask(FIRST)
    assert (await asking.ask(FIRST))["cached"] is True
    assert searched == [FIRST]


async def test_a_follow_up_is_not_looked_for_ahead(asking: Asking, searched: list[str]) -> None:
    first = await asking.ask(FIRST)
    await asking.ask("그럼 언제까지요?", conversation_id=first["conversation_id"])
    assert searched == [FIRST, f"{FIRST}\n그럼 언제까지요?"]


async def test_nothing_is_looked_for_where_nothing_is_asked(asking: Asking, searched: list[str]) -> None:
    await asking.ask(FIRST)
    for said in ("안녕하세요", "thanks!", "who are you?"):
        await asking.ask(said)
    assert searched == [FIRST]
