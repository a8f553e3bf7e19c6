"""The owner's list of conversations: what is in it, and what each filter leaves."""

from collections.abc import AsyncGenerator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from tests.support.asking import Asking
from tests.support.model_server import StandIn
from tests.support.stack import ADMIN_KEY, Stack

FILES = Path(__file__).parents[1] / "files"


@dataclass(frozen=True, slots=True)
class Listed:
    """A space with one conversation of each kind, and their ids, oldest first."""

    asking: Asking
    ids: dict[str, str]

    async def get(self, **params: Any) -> list[str]:
        return [item["id"] for item in (await self.page(**params))["items"]]

    async def page(self, **params: Any) -> Any:
        async with self.asking.http.get("/v1/conversations", params=params) as response:
            assert response.status == 200, await response.text()
            return await response.json()

    def named(self, ids: list[str]) -> list[str]:
        names = {id_: name for name, id_ in self.ids.items()}
        return [names[id_] for id_ in ids]


@pytest.fixture(scope="module")
async def listed(answering: Stack, model_server: tuple[StandIn, str]) -> AsyncGenerator[Listed]:
    stand_in = model_server[0]
    stand_in.behave()
    async with answering.http.post("/v1/spaces", json={"name": "listed"}) as response:
        space = await response.json()
    async with answering.client(ADMIN_KEY, **{"Protostar-Space": space["id"]}) as http:
        asking = Asking(http, space["id"])
        await asking.upload(FILES / "guide-ko.md")
        answers = {
            "plain": await asking.ask("백업 파일은 며칠 동안 보관합니까?"),
            "unanswered": await asking.ask("화성 탐사선의 착륙 지점은 어디인가?"),
            "disliked": await asking.ask("백업은 몇 시에 합니까?"),
            "unanswered too": await asking.ask("목성의 위성 가니메데의 지름은?"),
            "corrected": await asking.ask("Where are 100% of the penguins_kept?"),
        }
        stand_in.behave(only="chat", status=503)
        answers["degraded"] = await asking.ask("백업 전에 무엇을 합니까?")
        stand_in.behave()
        await asking.ask("펭귄은 어디에 삽니까?", conversation_id=answers["plain"]["conversation_id"])
        async with http.post(f"/v1/answers/{answers['disliked']['id']}/feedback", json={"rating": "down"}) as response:
            assert response.status == 204
        correction = f"/v1/answers/{answers['corrected']['id']}/correction"
        async with http.put(correction, json={"text": "남극의 수족관에 있습니다.", "documents": []}) as response:
            assert response.status == 200
        yield Listed(asking, {name: answer["conversation_id"] for name, answer in answers.items()})


async def test_the_list_is_newest_first_with_its_first_question_and_flags(listed: Listed) -> None:
    items = {item["id"]: item for item in (await listed.page())["items"]}
    assert listed.named(list(items)) == ["degraded", "corrected", "unanswered too", "disliked", "unanswered", "plain"]
    assert {name: items[id_]["flags"] for name, id_ in listed.ids.items()} == {
        "plain": [],
        "unanswered": ["unanswered"],
        "unanswered too": ["unanswered"],
        "disliked": ["disliked"],
        "corrected": ["corrected"],
        "degraded": ["degraded"],
    }
    plain = items[listed.ids["plain"]]
    assert (plain["question"], plain["turns"]) == ("백업 파일은 며칠 동안 보관합니까?", 2)
    assert plain["last_at"] > items[listed.ids["degraded"]]["created_at"] > plain["created_at"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["unanswered"], ["unanswered too", "unanswered"]),
        (["degraded"], ["degraded"]),
        (["disliked"], ["disliked"]),
        (["corrected"], ["corrected"]),
        (["stale"], []),
        (["disliked", "degraded"], []),
        (["disliked", "disliked"], ["disliked"]),
    ],
)
async def test_each_flag_leaves_what_it_says(listed: Listed, flags: list[str], expected: list[str]) -> None:
    assert listed.named(await listed.get(flag=flags)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("며칠", ["plain"]),
        ("며칠 보관하나요", ["plain"]),
        ("탐사선이", ["unanswered"]),
        ("PENGUINS", ["corrected"]),
        ("수족관", ["corrected"]),  # in the correction
        ("펭귄", ["plain"]),  # in a second question
        ("보관 탐사선", []),
        ("없는낱말", []),
        ("무엇", ["degraded"]),  # nothing but a stop word
        ("_kept", ["corrected"]),
        ("%", ["corrected"]),
        ("\\", []),
    ],
)
async def test_conversations_are_found_by_their_words(listed: Listed, text: str, expected: list[str]) -> None:
    assert listed.named(await listed.get(text=text)) == expected


async def test_the_range_is_of_when_a_conversation_began(listed: Listed) -> None:
    items = (await listed.page())["items"]
    began = {name: next(item["created_at"] for item in items if item["id"] == id_) for name, id_ in listed.ids.items()}
    middle = (datetime.fromisoformat(began["unanswered"]) + timedelta(milliseconds=5)).isoformat()
    assert listed.named(await listed.get(**{"from": middle})) == ["degraded", "corrected", "unanswered too", "disliked"]
    assert listed.named(await listed.get(to=middle)) == ["unanswered", "plain"]
    assert await listed.get(**{"from": (datetime.now(UTC) + timedelta(hours=1)).isoformat()}) == []
    assert await listed.get(to="1969-12-31T00:00:00Z") == []


async def test_pages_follow_one_another_within_the_filters(listed: Listed) -> None:
    first = await listed.page(limit=1, flag="unanswered")
    second = await listed.page(limit=1, flag="unanswered", cursor=first["next_cursor"])
    assert listed.named([item["id"] for item in first["items"] + second["items"]]) == ["unanswered too", "unanswered"]
    assert second["next_cursor"] is None


@pytest.mark.parametrize("params", [{"flag": "odd"}, {"from": "yesterday"}, {"from": "2026-01-01T00:00:00"}, {"text": "x" * 201}])
async def test_filters_that_are_none_are_refused(listed: Listed, params: dict[str, str]) -> None:
    async with listed.asking.http.get("/v1/conversations", params=params) as response:
        assert response.status == 422
