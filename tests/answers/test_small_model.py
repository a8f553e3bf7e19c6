"""A chat model with little room: the prompts of everything that asks it keep to PROTOSTAR_CHAT_CONTEXT_CHARS."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from tests.support.asking import Asking
from tests.support.databases import copied
from tests.support.model_server import StandIn
from tests.support.stack import running_stack, settings_for
from tests.support.waiting import wait_until

ROOM = 1_500
LINE = "Backups number {} of the warehouse are kept for {} days in the cellar of the old town hall. "


@pytest.fixture
async def small(
    postgres_url: str, template: str, redis_url: str, model_server: tuple[StandIn, str], tmp_path: Path
) -> AsyncGenerator[Asking]:
    async with copied(postgres_url) as url:
        chat = {"base_url": model_server[1], "model": "m", "context_chars": ROOM}
        settings = settings_for(url, f"{redis_url}?db=3", tmp_path / "data", chat=chat, worker={"poll": 0.1})
        async with running_stack(settings) as stack:
            yield Asking(stack.http, "")


async def test_summaries_and_follow_ups_keep_to_the_models_room(small: Asking, stand_in: StandIn, tmp_path: Path) -> None:
    (tmp_path / "long.md").write_text("\n\n".join(LINE.format(number, number + 10) * 4 for number in range(40)))
    await small.upload(tmp_path / "long.md")

    def asked() -> list[str]:
        assert stand_in.counts.last_chat is not None
        return [message["content"] for message in stand_in.counts.last_chat["messages"]]

    _rules, material = asked()
    assert ROOM / 2 < len(material) < ROOM + 100
    stand_in.behave(answer="They are kept for a long time in the cellar. [1] " * 60)
    question = "How long are the backups of the warehouse kept in the cellar?"
    first = await small.ask(question)
    stand_in.behave(answer="Yes. [1]")  # too short to be summarized: the last call is the answer's
    await small.ask(f"{question} {'And really? ' * 100}", conversation_id=first["conversation_id"])

    async def summarized() -> bool:
        async with small.http.get("/v1/jobs", params={"kind": "message.summarize"}) as response:
            return [job["state"] for job in (await response.json())["items"]] == ["succeeded"]

    await wait_until(summarized)
    await small.ask(question, conversation_id=first["conversation_id"])
    _rules, *rest = asked()
    assert len(rest) > 1
    assert sum(map(len, rest)) < ROOM + 500  # fences, headings, the question
