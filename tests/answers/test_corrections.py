"""What the owner says instead of an answer, for whom, and until when."""

from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from tests.support.asking import Asking
from tests.support.model_server import StandIn
from tests.support.sse import read_events, text_of

QUESTION = "백업 파일은 며칠 동안 보관합니까?"
SAME = "백업 파일 며칠 동안 보관하는지 알려 주세요."
CORRECTION = "백업 파일은 45일 동안 보관합니다. 운영팀이 확인했습니다."


async def correct(asking: Asking, answer: dict[str, Any], text: str = CORRECTION, **more: Any) -> dict[str, Any]:
    async with asking.http.put(f"/v1/answers/{answer['id']}/correction", json={"text": text, **more}) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def read(asking: Asking, path: str) -> Any:
    async with asking.http.get(path) as response:
        assert response.status == 200, await response.text()
        return await response.json()


async def test_transcripts_show_the_correction_and_the_owner_the_original_too(asking: Asking) -> None:
    answer = await asking.ask(QUESTION)
    assert (answer["corrected"], answer["correction"]) == (False, None)
    marker = f"[{answer['citations'][0]['marker']}]"
    corrected = await correct(asking, answer, f"{CORRECTION} {marker}")
    assert corrected["text"] == f"{CORRECTION} {marker}"
    assert corrected["corrected"] is True
    assert corrected["citations"] == answer["citations"][:1], "the one whose marker the owner left"
    assert corrected["correction"]["original_text"] == answer["text"]
    assert corrected["correction"]["original_citations"] == answer["citations"]
    cited = {citation["document_id"] for citation in answer["citations"]}
    assert {document["document_id"] for document in corrected["correction"]["documents"]} == cited
    assert corrected["correction"]["stale"] is False
    conversation = await read(asking, f"/v1/conversations/{answer['conversation_id']}")
    assert conversation["answers"] == [corrected] == [await read(asking, f"/v1/answers/{answer['id']}")]
    async with asking.http.get(f"/v1/answers/{answer['id']}/events") as response:
        events = [event async for event in read_events(response)]
    assert text_of(events) == corrected["text"] == events[-1].data["answer"]["text"]
    assert events[-1].data["answer"]["correction"] is None


async def test_questions_that_mean_the_same_get_the_correction(asking: Asking, stand_in: StandIn) -> None:
    answer = await asking.ask(QUESTION)
    await asking.ask(SAME)  # in the cache from now on
    await correct(asking, answer)
    calls = stand_in.counts.chat_calls
    for question in (QUESTION, f"  {QUESTION} ", SAME):
        given = await asking.ask(question)
        assert (given["text"], given["corrected"], given["found"], given["cached"]) == (CORRECTION, True, True, False)
    assert stand_in.counts.chat_calls == calls
    for question in ("로그 파일은 며칠 동안 보관합니까?", "백업 파일은 왜 보관합니까?"):
        assert (await asking.ask(question))["corrected"] is False
    follow_up = await asking.ask(QUESTION, conversation_id=(await asking.ask("서비스의 요금은 얼마입니까?"))["conversation_id"])
    assert follow_up["corrected"] is False


async def test_the_newest_correction_of_the_same_words_wins(asking: Asking) -> None:
    first, second = await asking.ask(QUESTION), await asking.ask(SAME)
    await correct(asking, first, "첫째")
    await correct(asking, second, "둘째")
    assert (await asking.ask(QUESTION))["text"] == "첫째"
    assert (await asking.ask(SAME))["text"] == "둘째"
    await correct(asking, first, "셋째")
    assert (await asking.ask("백업 파일은 며칠 동안 보관해요?"))["text"] == "셋째"


async def test_a_withdrawn_correction_is_no_more(asking: Asking) -> None:
    answer = await asking.ask(QUESTION)
    await correct(asking, answer)
    given = await asking.ask(QUESTION)
    path = f"/v1/answers/{answer['id']}"
    for expected in (204, 404):
        async with asking.http.delete(f"{path}/correction") as response:
            assert response.status == expected
    assert await read(asking, path) == answer
    assert (await asking.ask(QUESTION))["corrected"] is False
    assert (await read(asking, f"/v1/answers/{given['id']}"))["text"] == CORRECTION, "what was said stays said"


async def is_given(asking: Asking) -> bool:
    return (await asking.ask(QUESTION))["corrected"]


async def flags(asking: Asking, answer: dict[str, Any]) -> list[str]:
    listed = (await read(asking, "/v1/conversations"))["items"]
    return next(item["flags"] for item in listed if item["id"] == answer["conversation_id"])


async def test_a_correction_is_stale_once_a_document_that_it_relies_on_has_changed(asking: Asking, tmp_path: Path) -> None:
    answer = await asking.ask(QUESTION)
    document_id = answer["citations"][0]["document_id"]
    await correct(asking, answer, documents=[document_id])
    assert await is_given(asking)
    new = "# 백업\n\n백업 파일은 이제 60일 동안 보관합니다.\n".encode()
    async with asking.http.put(f"/v1/documents/{document_id}/content", params={"filename": "guide.md"}, data=new) as response:
        assert response.status == 202
    await asking.settled(document_id, 2)
    assert not await is_given(asking)
    seen = await read(asking, f"/v1/answers/{answer['id']}")
    assert (seen["text"], seen["correction"]["stale"]) == (CORRECTION, True)
    assert [document["changed"] for document in seen["correction"]["documents"]] == [True]
    assert await flags(asking, answer) == ["corrected", "stale"]
    # Putting it again confirms it.
    again = await correct(asking, answer, documents=[document_id])
    assert again["correction"]["stale"] is False
    assert await is_given(asking)
    async with asking.http.delete(f"/v1/documents/{document_id}") as response:
        assert response.status == 204
    assert not await is_given(asking)
    gone = (await read(asking, f"/v1/answers/{answer['id']}"))["correction"]
    assert (gone["stale"], gone["documents"][0]["title"]) == (True, None)


async def test_the_owner_names_what_a_correction_relies_on(asking: Asking, tmp_path: Path) -> None:
    (tmp_path / "other.md").write_text("# 다른 문서\n\n점심시간은 열두 시입니다.\n")
    other = (await asking.upload(tmp_path / "other.md"))["id"]
    answer = await asking.ask(QUESTION)
    assert [each["document_id"] for each in (await correct(asking, answer, documents=[other]))["correction"]["documents"]] == [
        other
    ]
    assert (await correct(asking, answer, documents=[]))["correction"]["documents"] == []
    for unknown in ([str(uuid4())], [other, str(uuid4())]):
        put = asking.http.put(f"/v1/answers/{answer['id']}/correction", json={"text": "x", "documents": unknown})
        async with put as response:
            assert response.status == 404


async def test_follow_ups_go_on_from_the_correction(asking: Asking, stand_in: StandIn) -> None:
    answer = await asking.ask(QUESTION)
    await correct(asking, answer)
    await asking.ask(f"{QUESTION} 그리고 어디에 보관합니까?", conversation_id=answer["conversation_id"])
    assert stand_in.counts.last_chat is not None
    said = [message["content"] for message in stand_in.counts.last_chat["messages"] if message["role"] == "assistant"]
    assert said == [CORRECTION]


@pytest.mark.parametrize(
    "body", [{}, {"text": " "}, {"text": "x" * 20_001}, {"text": "x", "documents": ["no id"]}, {"text": "x", "y": 1}]
)
async def test_what_corrects_nothing_is_refused(asking: Asking, body: Any) -> None:
    answer = await asking.ask(QUESTION)
    async with asking.http.put(f"/v1/answers/{answer['id']}/correction", json=body) as response:
        assert response.status == 422
    assert (await read(asking, f"/v1/answers/{answer['id']}"))["corrected"] is False


async def test_an_answer_that_is_being_written_cannot_be_corrected(asking: Asking, stand_in: StandIn) -> None:
    stand_in.behave(hang="mid_stream")
    async with asking.http.post("/v1/answers", json={"question": QUESTION, "stream": True}) as response:
        start = await anext(read_events(response))
        path = f"/v1/answers/{start.data['answer_id']}/correction"
        async with asking.http.put(path, json={"text": CORRECTION}) as refused:
            assert (refused.status, (await refused.json())["code"]) == (409, "conflict")
