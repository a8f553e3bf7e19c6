"""Questions and answers over HTTP, with the stand-in model server that can be told to misbehave."""

import asyncio
import time
from contextlib import AsyncExitStack
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest
from tests.support.asking import Asking
from tests.support.model_server import StandIn
from tests.support.sse import SentEvent, read_events, text_of
from tests.support.waiting import wait_until

from protostar.llm import prompts

ASK_KEY: dict[str, Any] = {"role": "ask", "name": "page", "origins": ["https://shop.example"]}
QUESTION = "백업 파일은 며칠 동안 보관합니까?"
NEAR = "Can an external company move our backup tapes to another city?"


async def stream(asking: Asking, question: str = QUESTION, **headers: str) -> list[SentEvent]:
    async with asking.http.post("/v1/answers", json={"question": question, "stream": True}, headers=headers) as response:
        assert response.status == 200, await response.text()
        return [event async for event in read_events(response)]


async def resumed(asking: Asking, answer_id: str, last: str | None) -> list[SentEvent]:
    headers = {"Last-Event-ID": last} if last is not None else {}
    async with asking.http.get(f"/v1/answers/{answer_id}/events", headers=headers) as response:
        assert response.status == 200, await response.text()
        return [event async for event in read_events(response)]


async def stored_text(asking: Asking, citation: dict[str, Any]) -> str:
    path = f"/v1/documents/{citation['document_id']}/text?version={citation['version']}"
    async with asking.http.get(path) as response:
        assert response.content_type == "text/plain"
        return (await response.read()).decode()


async def test_a_streamed_answer_cites_what_the_stored_text_says(asking: Asking) -> None:
    events = await stream(asking)
    assert (events[0].name, events[-1].name) == ("start", "done")
    assert {event.name for event in events[1:-1]} == {"delta"}
    assert len({event.id for event in events}) == len(events)
    answer = events[-1].data["answer"]
    assert answer["text"] == text_of(events)
    assert answer["id"] == events[0].data["answer_id"]
    assert answer["degraded"] == []
    assert answer["usage"]["completion_tokens"] > 0
    assert answer["citations"]
    for citation in answer["citations"]:
        assert f"[{citation['marker']}]" in answer["text"]
        text = await stored_text(asking, citation)
        assert citation["quote"] == text[citation["start"] : citation["end"]]
    assert "30일" in "".join(citation["quote"] for citation in answer["citations"])


async def test_one_answer_does_not_take_the_places_of_all(asking: Asking, stand_in: StandIn) -> None:
    stand_in.behave(delay=0.2)
    async with AsyncExitStack() as open_, asyncio.timeout(30):
        asked = asking.http.post("/v1/answers", json={"question": "How long are backups kept, for many?", "stream": True})
        first = read_events(await open_.enter_async_context(asked))
        id_ = (await anext(first)).data["answer_id"]
        read = [open_.enter_async_context(asking.http.get(f"/v1/answers/{id_}/events")) for _ in range(40)]
        more = await asyncio.gather(*read)
        refused = [response for response in more if response.status != 200]
        assert [(response.status, response.headers["Retry-After"]) for response in refused] == [(503, "5")] * 9
        assert (await refused[0].json())["code"] == "unavailable"
        stand_in.behave()
        assert [event.name async for event in first][-1] == "done"
    assert (await resumed(asking, id_, None))[-1].name == "done"


async def test_the_whole_answer_at_once_is_the_same_and_can_be_read_back(asking: Asking) -> None:
    answer = await asking.ask("How long are backups kept?")
    async with asking.http.get(f"/v1/answers/{answer['id']}") as response:
        assert await response.json() == answer
    async with asking.http.get(f"/v1/conversations/{answer['conversation_id']}") as response:
        assert (await response.json())["answers"] == [answer]


async def test_a_title_is_not_said_again_as_the_first_of_its_headings(asking: Asking) -> None:
    answer = await asking.ask("How many days are backups kept?")
    async with asking.http.post("/v1/search", json={"query": "backups"}) as response:
        hits = (await response.json())["hits"]
    async with asking.http.get(f"/v1/answers/{answer['id']}/retrieved") as response:
        retrieved = (await response.json())["retrieved"]

    for places in (answer["citations"], hits, retrieved):
        assert places
        assert any(place["heading_path"] for place in places)
        assert all(place["document_title"] not in place["heading_path"] for place in places)


async def test_what_was_found_is_kept_for_the_owner_alone(asking: Asking) -> None:
    question = "How long are backups kept, once more?"
    answer, cached = await asking.ask(question), await asking.ask(question)
    assert (answer["cached"], cached["cached"]) == (False, True)
    async with asking.http.post("/v1/search", json={"query": question, "top_k": 8}) as response:
        hits = (await response.json())["hits"]
    for id_ in (answer["id"], cached["id"]):
        async with asking.http.get(f"/v1/answers/{id_}/retrieved") as response:
            retrieved = (await response.json())["retrieved"]
        assert [(each["document_id"], each["start"], each["end"]) for each in retrieved] == [
            (hit["document_id"], hit["start"], hit["end"]) for hit in hits
        ]
        for each, hit in zip(retrieved, hits, strict=True):
            for name in ("keyword", "vector", "score"):
                assert each[name] == pytest.approx(hit[name], abs=1e-4)
    async with asking.http.post(f"/v1/spaces/{asking.space_id}/keys", json=ASK_KEY) as response:
        key = (await response.json())["key"]
    headers = {"Authorization": f"Bearer {key}", "Origin": ASK_KEY["origins"][0]}
    async with asking.http.post("/v1/answers", json={"question": question}, headers=headers) as response:
        headers["Protostar-Visitor"] = response.headers["Protostar-Visitor"]
        id_ = (await response.json())["id"]
    async with asking.http.get(f"/v1/answers/{id_}/retrieved", headers=headers) as response:
        assert response.status == 403


async def test_what_an_owner_asks_uses_up_no_tokens_of_the_visitors(asking: Asking) -> None:
    body = {"settings": {"limits": {"tokens": 1}}}
    async with asking.http.patch(f"/v1/spaces/{asking.space_id}", json=body) as response:
        assert response.status == 200
    async with asking.http.post(f"/v1/spaces/{asking.space_id}/keys", json=ASK_KEY) as response:
        key = (await response.json())["key"]
    headers = {"Authorization": f"Bearer {key}", "Origin": ASK_KEY["origins"][0]}
    assert (await asking.ask(QUESTION))["usage"]["completion_tokens"] > 0
    statuses: list[int] = []
    for number in range(2):
        async with asking.http.post("/v1/answers", json={"question": f"{QUESTION} {number}"}, headers=headers) as response:
            statuses.append(response.status)
    assert statuses == [200, 429]


async def test_what_a_model_wrote_yesterday_is_no_answer_of_today(
    asking: Asking, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    question = "백업 파일은 오늘부터 며칠 동안 보관하나요?"
    for day in (date(2026, 11, 28), date(2026, 11, 29)):
        monkeypatch.setattr(prompts, "today", lambda day=day: day)
        assert [(await asking.ask(question))["cached"] for _ in range(2)] == [False, True]
        assert day.isoformat() in stand_in.counts.last_chat["messages"][0]["content"]


async def test_the_same_question_is_answered_from_the_cache_until_the_documents_change(asking: Asking, tmp_path: Any) -> None:
    first, second = await asking.ask(QUESTION), await asking.ask(f"  {QUESTION.upper()}  ")
    assert (first["cached"], second["cached"]) == (False, True)
    assert (second["text"], second["citations"]) == (first["text"], first["citations"])
    (tmp_path / "new.md").write_text("# 소식\n\n백업 파일은 이제 60일 동안 보관합니다.\n")
    await asking.upload(tmp_path / "new.md")
    assert (await asking.ask(QUESTION))["cached"] is False


async def test_a_question_that_the_documents_do_not_answer_is_told_so_without_a_model(asking: Asking, stand_in: StandIn) -> None:
    calls = stand_in.counts.chat_calls
    answer = await asking.ask("화성 탐사선의 착륙 지점은 어디인가?")
    assert answer["found"] is False
    assert answer["citations"] == []
    assert "찾지 못했습니다" in answer["text"]
    assert stand_in.counts.chat_calls == calls


@pytest.mark.parametrize(
    "says",
    [
        *("NONE", "NONE. Tapes stay [1].", "Tapes stay here [1].", "Found nothing about tapes [1].", "FOUND\nTapes stay here."),
        *("FOUND\n[1]", "FOUND\nNONE [1]", "FOUND\nThe documents do not say anything about this [1]."),
    ],
)
async def test_what_comes_nearest_is_quoted_where_the_model_does_not_say_that_it_answers(
    asking: Asking, stand_in: StandIn, says: str
) -> None:
    stand_in.behave(answer=says)
    events = await stream(asking, f"{NEAR} Asked for {says!r}.")
    answer = events[-1].data["answer"]
    assert (answer["found"], answer["model"], answer["degraded"]) == (False, None, [])
    assert text_of(events) == answer["text"]
    assert answer["text"].startswith("I found no clear answer to this in the documents. What comes closest:\n\n")
    for citation in answer["citations"]:
        assert f"{citation['quote']} [{citation['marker']}]" in answer["text"]
        assert citation["quote"] == (await stored_text(asking, citation))[citation["start"] : citation["end"]]
    assert 1 <= len(answer["citations"]) <= 2


async def test_what_the_model_finds_in_what_comes_nearest_is_the_answer(asking: Asking, stand_in: StandIn) -> None:
    stand_in.behave(answer="FOUND\n\nThey stay in this building [1].")
    events = await stream(asking, NEAR)
    answer = events[-1].data["answer"]
    assert (answer["found"], answer["text"], answer["degraded"]) == (True, "They stay in this building [1].", [])
    assert answer["model"] is not None
    assert [event.name for event in events if event.name == "reset"] == []
    assert [citation["marker"] for citation in answer["citations"]] == [1]
    assert "only FOUND" in stand_in.counts.last_chat["messages"][0]["content"]
    stand_in.behave()
    await asking.ask("How long are backups kept on the disks?")
    assert "FOUND" not in stand_in.counts.last_chat["messages"][0]["content"]


async def test_what_a_model_writes_after_it_has_declined_is_not_waited_for(asking: Asking, stand_in: StandIn) -> None:
    stand_in.behave(answer="NONE\n" + "but then again " * 1_000, delay=0.01)
    abandoned = stand_in.counts.abandoned
    answer = await asking.ask(f"{NEAR} At once.")
    assert (answer["found"], answer["degraded"]) == (False, [])
    await wait_until(lambda: stand_in.counts.abandoned > abandoned)


@pytest.mark.parametrize("says", ["", "FOUND", "<think>so so so"])
async def test_a_model_that_says_nothing_has_not_declined(asking: Asking, stand_in: StandIn, says: str) -> None:
    stand_in.behave(answer=says)
    question = f"{NEAR} Said {says!r}."
    assert (await asking.ask(question))["degraded"] == ["no_chat_model"]
    assert (await asking.ask(question))["cached"] is False


async def test_what_a_model_thinks_is_shown_once_at_most_and_taken_back(asking: Asking, stand_in: StandIn) -> None:
    thought = "Passage [2] says so.\n</think>\n\n"
    stand_in.behave(answer=f"{thought}They are kept for a month [1].")
    first = await stream(asking, "How long are backups kept, first?")
    stand_in.behave(answer=f"{thought}FOUND\nThey stay in this building [1].")
    second = await stream(asking, f"{NEAR} With a thought.")
    stand_in.behave()
    assert [[event.name for event in events].count("reset") for events in (first, second)] == [1, 0]
    answers = [events[-1].data["answer"] for events in (first, second)]
    assert [answer["text"] for answer in answers] == ["They are kept for a month [1].", "They stay in this building [1]."]
    assert [text_of(events) for events in (first, second)] == [answer["text"] for answer in answers]
    assert [[citation["marker"] for citation in answer["citations"]] for answer in answers] == [[1], [1]]
    assert await asking.ask("How long are backups kept, and where?")  # the model of all tests learns that it no longer thinks


async def test_a_model_that_fails_leaves_what_comes_nearest(asking: Asking, stand_in: StandIn) -> None:
    stand_in.behave(answer="FOUND\nThey stay in this building [1].", cut="abort")
    events = await stream(asking, NEAR)
    answer = events[-1].data["answer"]
    assert (answer["found"], answer["degraded"]) == (False, ["no_chat_model"])
    assert text_of(events) == answer["text"]
    assert answer["text"].startswith("I found no clear answer")


async def test_what_comes_near_the_question_before_is_not_shown_for_another(asking: Asking) -> None:
    near = await asking.ask(NEAR)
    assert near["citations"]
    answer = await asking.ask("화성 탐사선의 착륙 지점은 어디인가?", conversation_id=near["conversation_id"])
    assert (answer["found"], answer["citations"]) == (False, [])


@pytest.mark.parametrize(
    ("said", "reply"),
    [
        ("안녕하세요!", "안녕하세요. 무엇이 궁금하신가요?"),
        ("hi there", "Hello. What would you like to know?"),
        ("네 감사합니다 ㅎㅎ", "네, 더 궁금한 점이 있으면 언제든 물어보세요."),
        ("thanks!", "You are welcome. If there is anything else, just ask."),
        ("누구세요?", "저는 등록된 문서에서 답을 찾아, 그 근거와 함께 보여 드립니다. 무엇이 궁금하신가요?"),
    ],
)
async def test_who_asks_nothing_of_the_documents_is_not_refused(asking: Asking, stand_in: StandIn, said: str, reply: str) -> None:
    calls = stand_in.counts.chat_calls
    answer = await asking.ask(said)
    assert (answer["text"], answer["found"], answer["citations"], answer["degraded"]) == (reply, True, [], [])
    async with asking.http.get(f"/v1/answers/{answer['id']}/retrieved") as response:
        assert (await response.json())["retrieved"] is None
    assert stand_in.counts.chat_calls == calls


async def test_the_owner_greets_and_says_what_to_ask(asking: Asking) -> None:
    settings = {
        "greeting": "한빛도서관입니다. 무엇을 도와드릴까요?",
        "starter_questions": ["몇 시에 여나요?", "반납은 어디에 하나요?"],
    }
    async with asking.http.patch(f"/v1/spaces/{asking.space_id}", json={"settings": settings}) as response:
        assert response.status == 200
    try:
        assert (await asking.ask("안녕하세요"))["text"] == settings["greeting"]
        assert (await asking.ask("hello"))["text"] == "Hello. What would you like to know?"
        assert (await asking.ask("뭘 물어볼 수 있나요?"))["text"].endswith("\n\n- 몇 시에 여나요?\n- 반납은 어디에 하나요?")
    finally:
        async with asking.http.patch(
            f"/v1/spaces/{asking.space_id}", json={"settings": {"greeting": "", "starter_questions": []}}
        ) as response:
            assert response.status == 200


async def test_a_follow_up_leans_on_the_question_before_the_thanks(asking: Asking) -> None:
    first = await asking.ask(QUESTION)
    thanks = await asking.ask("감사합니다!", conversation_id=first["conversation_id"])
    assert thanks["citations"] == []
    answer = await asking.ask("그럼 며칠이요?", conversation_id=first["conversation_id"])
    assert answer["citations"][0]["heading_path"][-1] == "2.1 백업"


async def test_each_question_of_a_message_is_answered(asking: Asking, stand_in: StandIn, tmp_path: Path) -> None:
    (tmp_path / "pool.md").write_text(
        "# 수영장\n\n수영모는 매점에서 3천 원에 팝니다.\n\n## 주차\n\n지하 주차장은 두 시간 무료입니다.\n"
    )
    await asking.upload(tmp_path / "pool.md")
    stand_in.behave(only="chat", status=503)
    answer = await asking.ask(f"수영모는 어디에서 파나요? 그리고 {QUESTION}")
    quotes = [citation["quote"] for citation in answer["citations"]]
    assert "매점" in quotes[0]
    assert any("30일" in quote for quote in quotes[1:])
    assert [citation["marker"] for citation in answer["citations"]] == list(range(1, len(quotes) + 1))
    async with asking.http.get(f"/v1/answers/{answer['id']}/retrieved") as response:
        retrieved = (await response.json())["retrieved"]
    for citation in answer["citations"]:
        assert any(
            each["document_id"] == citation["document_id"] and each["start"] <= citation["start"] < each["end"]
            for each in retrieved
        )
    stand_in.behave()
    await asking.ask(f"수영모는 어디에서 파나요? 그리고 {QUESTION}")
    prompt = stand_in.counts.last_chat["messages"][-1]["content"]
    assert "매점" in prompt
    assert "30일 동안" in prompt


async def test_a_question_that_leans_on_the_one_beside_it_leans_on_none_before(asking: Asking, searched: list[str]) -> None:
    before = "레디스가 내려가면 작업은 어디에 쌓이나요?"
    first = await asking.ask(before)
    await asking.ask(f"{QUESTION} 압축은요?", conversation_id=first["conversation_id"])
    assert {QUESTION, "압축은요?"} <= set(searched)
    assert f"{before}\n압축은요?" not in searched


async def test_a_question_of_no_language_is_answered_in_that_of_what_it_finds(asking: Asking, tmp_path: Any) -> None:
    (tmp_path / "errors.md").write_text("# 오류\n\nERR-1042 오류는 저장 공간이 부족하다는 뜻입니다.\n")
    await asking.upload(tmp_path / "errors.md")
    assert (await asking.ask("ERR-1042"))["text"].startswith("문서에 따르면")


async def test_remarks_beside_a_question_do_not_refuse_it(asking: Asking, stand_in: StandIn) -> None:
    remark = "My boss keeps nagging me and honestly nobody upstairs would tell him anything."
    question = f"{remark} How long are the backup files kept on disk? Cheers mate"
    answer = await asking.ask(question)
    assert answer["found"]
    assert stand_in.counts.last_chat["messages"][-1]["content"].endswith(question)


async def test_keys_of_a_keyboard_that_was_set_to_latin_letters_are_read_as_hangul(asking: Asking, stand_in: StandIn) -> None:
    typed = "qordjq vkdlfdms auclf ehddks qhrhksgkqslRk?"
    answer = await asking.ask(typed)
    assert answer["question"] == typed
    assert "30일" in "".join(citation["quote"] for citation in answer["citations"])
    prompt = stand_in.counts.last_chat["messages"]
    assert prompt[-1]["content"].endswith(QUESTION)
    assert "한국어" in prompt[0]["content"]


@pytest.mark.parametrize(
    "fault",
    [
        {"status": 503},
        {"status": 429, "retry_after": 60},
        {"status": 401},
        {"disconnect": True},
        {"hang": "headers"},
        {"cut": "abort"},
        {"cut": "end"},
        {"hang": "mid_stream"},
        {"malformed": True},
    ],
    ids=str,
)
async def test_a_failing_chat_model_costs_the_wording_and_not_the_answer(
    asking: Asking, stand_in: StandIn, fault: dict[str, Any]
) -> None:
    """Whatever it does, the reader ends with a whole answer that quotes the documents, and is told."""
    stand_in.behave(only="chat", **fault)
    events = await stream(asking)
    answer = events[-1].data["answer"]
    assert events[-1].name == "done"
    assert answer["degraded"] == ["no_chat_model"]
    assert text_of(events) == answer["text"]
    assert answer["citations"]
    for citation in answer["citations"]:
        text = await stored_text(asking, citation)
        assert citation["quote"] == text[citation["start"] : citation["end"]]


async def test_without_the_embedding_model_keywords_answer(asking: Asking, stand_in: StandIn) -> None:
    stand_in.behave(only="embeddings", status=503)
    answer = await asking.ask(QUESTION)
    assert answer["degraded"] == ["no_embeddings"]
    assert "30일" in "".join(citation["quote"] for citation in answer["citations"])


async def test_degraded_answers_are_not_cached(asking: Asking, stand_in: StandIn) -> None:
    stand_in.behave(only="chat", status=503)
    assert (await asking.ask(QUESTION))["degraded"] == ["no_chat_model"]
    again = await asking.ask(QUESTION)
    assert again["cached"] is False


async def test_a_lost_connection_goes_on_with_the_next_event(asking: Asking, stand_in: StandIn) -> None:
    stand_in.behave(delay=0.02, tokens=30)
    seen: list[SentEvent] = []
    async with asking.http.post("/v1/answers", json={"question": QUESTION, "stream": True}) as response:
        async for event in read_events(response):
            seen.append(event)
            if len(seen) == 5:
                break
    rest = await resumed(asking, seen[0].data["answer_id"], seen[-1].id)
    assert "reset" not in [event.name for event in rest]
    assert rest[-1].name == "done"
    assert text_of(seen + rest) == rest[-1].data["answer"]["text"]
    assert not {event.id for event in seen} & {event.id for event in rest}


async def test_a_client_that_leaves_finds_the_whole_answer_later(asking: Asking, stand_in: StandIn) -> None:
    stand_in.behave(delay=0.02, tokens=20)
    async with asking.http.post("/v1/answers", json={"question": QUESTION, "stream": True}) as response:
        start = await anext(read_events(response))

    async def done() -> Any:
        async with asking.http.get(f"/v1/answers/{start.data['answer_id']}") as polled:
            answer = await polled.json()
        return answer["state"] == "done" and answer

    answer = await wait_until(done)
    assert answer["text"]
    replayed = await resumed(asking, answer["id"], None)
    assert [replayed[0].name, replayed[-1].name] == ["start", "done"]
    assert text_of(replayed) == answer["text"]


async def test_an_id_that_is_gone_begins_anew(asking: Asking) -> None:
    answer = await asking.ask(QUESTION)
    events = await resumed(asking, answer["id"], "999999-3")
    assert events[0].name == "reset"
    assert text_of(events) == answer["text"]
    assert events[-1].name == "done"


async def test_the_same_idempotency_key_is_the_same_answer(asking: Asking, stand_in: StandIn) -> None:
    stand_in.behave(delay=0.02, tokens=20)
    key = {"Idempotency-Key": uuid4().hex}
    calls = stand_in.counts.chat_calls
    first, second = await asyncio.gather(stream(asking, **key), stream(asking, **key))
    assert first[-1].data["answer"]["id"] == second[-1].data["answer"]["id"]
    assert text_of(first) == text_of(second) == first[-1].data["answer"]["text"]
    assert stand_in.counts.chat_calls == calls + 1
    async with asking.http.post("/v1/answers", json={"question": "another"}, headers=key) as response:
        assert (response.status, (await response.json())["code"]) == (422, "key_reused")


async def test_a_follow_up_that_names_only_the_difference_is_about_the_same(
    asking: Asking, stand_in: StandIn, tmp_path: Path
) -> None:
    rows = (
        "| 장비 | 대여료 | 보증금 |",
        "| --- | --- | --- |",
        "| 빔프로젝터 | 7,000원 | 50,000원 |",
        "| 앰프 | 5,000원 | 30,000원 |",
    )
    (tmp_path / "장비.md").write_text("# 장비 대여\n\n" + "\n".join(rows), encoding="utf-8")
    (tmp_path / "입주.md").write_text("# 입주 보증금\n\n입주 보증금은 200만원이며 보증금은 퇴거할 때 돌려줍니다.", encoding="utf-8")
    for name in ("장비.md", "입주.md"):
        await asking.upload(tmp_path / name)
    stand_in.behave(only="chat", status=503)
    first = await asking.ask("앰프 대여료는 얼마인가요?")
    second = await asking.ask("보증금은요?", conversation_id=first["conversation_id"])
    assert "앰프 | 5,000원 | 30,000원" in second["citations"][0]["quote"]


async def test_turns_are_in_the_order_of_their_questions_whatever_the_clocks_of_those_who_were_asked(
    asking: Asking, stand_in: StandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of two APIs, the clock of one may be ahead; or one clock is put back."""
    with monkeypatch.context() as ahead:
        ahead.setattr("protostar.ids.time", SimpleNamespace(time_ns=lambda: time.time_ns() + 86_400 * 10**9))
        first = await asking.ask(QUESTION)
    second = await asking.ask("그럼 몇 시에 백업하나요?", conversation_id=first["conversation_id"])
    assert second["id"] < first["id"]
    assert stand_in.counts.last_chat is not None
    assert QUESTION in {message["content"] for message in stand_in.counts.last_chat["messages"]}
    async with asking.http.get(f"/v1/conversations/{first['conversation_id']}") as response:
        answers = (await response.json())["answers"]
    assert [answer["id"] for answer in answers] == [first["id"], second["id"]]


async def test_follow_ups_carry_the_conversation_and_its_size_stays_bounded(asking: Asking, stand_in: StandIn) -> None:
    stand_in.behave(answer="백업 파일은 30일 동안 보관합니다. [1]")  # too short to be summarized: the last call is the answer's
    first = await asking.ask(QUESTION)
    conversation = first["conversation_id"]
    sizes = []
    for number in range(8):
        answer = await asking.ask(f"{QUESTION} 그리고 백업은 몇 시에 합니까? {number}", conversation_id=conversation)
        assert answer["conversation_id"] == conversation
        assert answer["cached"] is False
        assert stand_in.counts.last_chat is not None
        sizes.append(sum(len(message["content"]) for message in stand_in.counts.last_chat["messages"]))
    contents = [message["content"] for message in stand_in.counts.last_chat["messages"]]
    assert any(f"{number}" in contents[-2] or f"{number}" in contents[-3] for number in (6,))
    assert sizes[-1] < sizes[0] + 6_000


async def test_long_turns_of_a_conversation_enter_later_prompts_as_their_summaries(asking: Asking, stand_in: StandIn) -> None:
    long = "백업 파일은 30일 동안 보관합니다. [1] " + "백업은 매일 새벽 3시에 합니다. [1] " * 40
    stand_in.behave(answer=long)
    first = await asking.ask(QUESTION)
    conversation = first["conversation_id"]
    assert len(first["text"]) > 600
    await asking.ask(f"{QUESTION} 하나", conversation_id=conversation)
    stand_in.behave(answer="요약: 백업은 새벽 3시, 보관은 30일.")

    async def summarized() -> bool:
        """Both long turns: the last call of the model is the next answer's."""
        async with asking.http.get("/v1/jobs", params={"kind": "message.summarize"}) as response:
            states = [job["state"] for job in (await response.json())["items"]]
        return len(states) > 1 and set(states) == {"succeeded"}

    await asking.ask(f"{QUESTION} 둘", conversation_id=conversation)
    await wait_until(summarized)
    await asking.ask(f"{QUESTION} 셋", conversation_id=conversation)
    assert stand_in.counts.last_chat is not None
    written = [message["content"] for message in stand_in.counts.last_chat["messages"] if message["role"] == "assistant"]
    assert [text.startswith("요약: ") for text in written] == [True, False, True]  # the oldest by its summary, two as they were


async def test_another_conversation_or_none_is_not_found(asking: Asking) -> None:
    async with asking.http.post("/v1/answers", json={"question": "x", "conversation_id": str(uuid4())}) as response:
        assert response.status == 404


@pytest.mark.parametrize(
    ("said", "found", "degraded"),
    [
        ("Backups are kept for ever.", True, ["no_citations"]),
        ("Backups are kept for ever. [99]", True, ["no_citations"]),
        ("The documents do not say anything about this.", False, []),
        ("**The documents do not say anything about this**, alas.", False, []),
        ("문서에서 이 질문에 대한 내용을 찾지 못했습니다.", False, []),
        ("The documents do not say anything about this. They only say how long. [1]", True, []),
    ],
)
async def test_an_answer_that_cites_nothing_says_so_or_is_none(
    said: str, found: bool, degraded: list[str], asking: Asking, stand_in: StandIn
) -> None:
    stand_in.behave(answer=said)
    answer = await asking.ask("How long are backups kept?")
    assert (answer["found"], answer["degraded"], bool(answer["citations"])) == (found, degraded, found and not degraded)


async def test_an_answer_that_is_cut_off_says_so_and_is_not_kept_for_others(asking: Asking, stand_in: StandIn) -> None:
    stand_in.behave(tokens=1_500)
    for _ in range(2):
        answer = await asking.ask("How long are backups kept?")
        assert answer["degraded"] == ["incomplete"]
        assert answer["cached"] is False
    assert answer["citations"]
