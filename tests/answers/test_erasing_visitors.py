"""Everything of one visitor is found and erased, also what is on its way at that moment; what a space does not keep expires."""

import asyncio
import os
import re
import signal
import sys
import time
from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from sqlalchemy import text
from structlog.testing import capture_logs
from tests.api.tenant import ORIGIN, Answered, Tenant, idle_tenant, new_tenant, send
from tests.api.test_visitor_limits import identity
from tests.support.model_server import StandIn
from tests.support.sse import read_events
from tests.support.stack import running_stack, running_worker, settings_for
from tests.support.traces import traces
from tests.support.waiting import wait_until

from protostar.answers.erasure import ERASE_VISITOR, Erasure
from protostar.answers.repository import _LOCK_EXPIRED, AnswerRepository  # pyright: ignore[reportPrivateUsage]
from protostar.cache import Cache
from protostar.config import Settings
from protostar.db.session import Database
from protostar.ids import first_id, made_at
from protostar.jobs.bell import Bell
from protostar.jobs.model import Change, Job, State
from protostar.jobs.service import Jobs
from protostar.redis.announcements import Announcements

MARK = "zeppelin"  # always the same: how a question is read depends on its words
LIMITS = {"asks_per_visitor_day": 100}
LONG = "Backups are kept for 30 days, and nobody may change that without asking the two people who look after them. " * 4


class Shop:
    """A space with a page that asks."""

    def __init__(self, tenant: Tenant, key: str) -> None:
        self.tenant = tenant
        self.key = key
        self.settings = tenant.stack.settings

    @property
    def database_url(self) -> str:
        assert self.settings.database_url is not None
        return self.settings.database_url.get_secret_value()

    async def enter(self, token: str | None = None, **body: Any) -> str:
        async with self.tenant.visitor(self.key, token=token) as visitor:
            entered = await send(visitor, "POST", "/v1/visitors", json=body)
        assert entered.status == 201, entered.json
        return entered.json["visitor_token"]

    async def sent(self, token: str, method: str, path: str, **options: Any) -> Answered:
        async with self.tenant.visitor(self.key, token=token) as visitor:
            return await send(visitor, method, path, **options)

    async def ask(self, token: str, question: str, **more: Any) -> Any:
        asked = await self.sent(token, "POST", "/v1/answers", json={"question": question, **more})
        assert asked.status == 200, asked.json
        return asked.json

    async def erase(self, **who: str) -> int:
        erased = await self.tenant.call("POST", "/v1/visitors/erase", json=who)
        assert erased.status == 200, erased.json
        return erased.json["conversations"]

    async def found(self, **who: str) -> list[str]:
        """The first questions of a visitor's conversations."""
        visitor = await self.tenant.call("POST", "/v1/visitors/find", json=who)
        assert visitor.status == 200, visitor.json
        listed = await self.tenant.get("/v1/conversations", params={"visitor": visitor.json["visitor_id"]})
        assert {each["visitor_id"] for each in listed["items"]} <= {visitor.json["visitor_id"]}
        return sorted(each["question"] for each in listed["items"])

    async def jobs(self, kind: str) -> list[Any]:
        return (await self.tenant.get("/v1/jobs", params={"kind": kind}))["items"]

    async def execute(self, statement: str, *values: Any) -> None:
        connection = await asyncpg.connect(self.database_url)
        await connection.execute(statement, *values)
        await connection.close()


@pytest.fixture
def settings(database_url: str, redis_url: str, model_server: tuple[StandIn, str], tmp_path: Path) -> Settings:
    chat = {"base_url": model_server[1], "model": "m"}
    worker = {"poll": 0.1, "lease": 1}
    return settings_for(database_url, f"{redis_url}?db=6", tmp_path, answer={"lease": 1}, worker=worker, chat=chat, limit=LIMITS)


@pytest.fixture
async def shop(settings: Settings, stand_in: StandIn) -> AsyncGenerator[Shop]:
    async with running_stack(settings) as stack, new_tenant(stack) as tenant:
        await tenant.file("guide-en.md")
        stand_in.counts = type(stand_in.counts)()
        yield Shop(tenant, (await tenant.make_key("ask", origins=[ORIGIN]))["key"])


@pytest.fixture
async def idle(settings: Settings, stand_in: StandIn) -> AsyncGenerator[Shop]:
    """Without a worker, and without documents."""
    async with idle_tenant(settings) as tenant:
        yield Shop(tenant, (await tenant.make_key("ask", origins=[ORIGIN]))["key"])


async def test_nothing_of_a_visitor_is_left(shop: Shop, stand_in: StandIn) -> None:
    one, other = await shop.enter(), await shop.enter()
    kept = await shop.ask(other, "How long are backups kept?")
    stand_in.behave(answer=f"{LONG} [1] {MARK}")
    first = await shop.ask(one, f"How long are backups kept, says {MARK}?")
    await shop.ask(one, f"And where are they kept, {MARK}?")
    # The words of a model server that refuses to summarise the first turn hold some of it.
    stand_in.behave(status=503, message=f"No: {MARK}", only="chat")
    headers = {"Idempotency-Key": f"{MARK}-0123456789"}
    following = {"question": f"Why, {MARK}?", "conversation_id": first["conversation_id"]}
    assert (await shop.sent(one, "POST", "/v1/answers", json=following, headers=headers)).status == 200
    path = f"/v1/answers/{first['id']}"
    assert (await shop.sent(one, "POST", f"{path}/feedback", json={"rating": "down", "reason": f"I am {MARK}"})).status == 204
    assert (await shop.tenant.call("PUT", f"{path}/correction", json={"text": f"For 45 days, {MARK}."})).status == 200

    async def refused() -> bool:
        return any(MARK in (job["error"] or "") for job in await shop.jobs("message.summarize"))

    await wait_until(refused, 20)
    expected = {"answers", "corrections", "idempotency_keys", "jobs"}
    assert await traces(shop.database_url, MARK) == expected
    assert len(await shop.found(visitor_token=one)) == 2

    assert await shop.erase(visitor_token=one) == 2

    assert await traces(shop.database_url, MARK) == set()
    assert await shop.found(visitor_token=one) == []
    for each in (path, f"{path}/events", f"/v1/conversations/{first['conversation_id']}"):
        assert (await shop.sent(one, "GET", each)).status == 404
    assert (await shop.sent(one, "POST", "/v1/answers", json=following)).status == 404
    assert await shop.found(visitor_token=other) == [kept["question"]]
    # The token is nobody's but the visitor's, who may begin anew.
    stand_in.behave()
    await shop.ask(one, "How long are backups kept?")
    assert [await shop.erase(visitor_token=one) for _ in range(2)] == [1, 0]
    assert (await shop.sent(other, "GET", f"/v1/answers/{kept['id']}")).status == 200


async def test_what_an_api_whose_clock_is_ahead_took_in_is_erased_too(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    token = await shop.enter()
    ahead = SimpleNamespace(time_ns=lambda: time.time_ns() + 3600 * 10**9)
    with monkeypatch.context() as patched:
        patched.setattr("protostar.ids.time", ahead)
        asked = await shop.ask(token, "How long are backups kept?")
    assert made_at(UUID(asked["conversation_id"])) > datetime.now(UTC) + timedelta(minutes=50)

    assert await shop.erase(visitor_token=token) == 1
    assert await shop.found(visitor_token=token) == []


async def test_who_signed_in_is_found_by_name_on_every_device(shop: Shop) -> None:
    secret = (await shop.tenant.call("POST", f"/v1/spaces/{shop.tenant.id}/identity-secret")).json["secret"]
    before = await shop.enter()
    await shop.ask(before, "How long are backups kept?")
    devices = [
        await shop.enter(before, identity=identity(secret, "customer-42")),
        await shop.enter(identity=identity(secret, "customer-42")),
    ]
    for number, token in enumerate(devices):
        await shop.ask(token, f"What is device {number}?")
    neighbour = await shop.enter(identity=identity(secret, "customer-43"))
    await shop.ask(neighbour, "What is mine?")

    questions = ["How long are backups kept?", "What is device 0?", "What is device 1?"]
    assert await shop.found(subject="customer-42") == await shop.found(visitor_token=devices[1]) == questions
    assert await shop.found(visitor_token=before) == []  # it was taken along
    async with new_tenant(shop.tenant.stack) as tenant:
        assert await Shop(tenant, "").erase(subject="customer-42") == 0
        foreign = await tenant.call("POST", "/v1/visitors/erase", json={"visitor_token": devices[0]})
        assert (foreign.status, foreign.json["code"]) == (422, "invalid_input")
        assert foreign.json["detail"] == "visitor_token: it is not one that this space has given out."
    assert await shop.erase(subject="customer-42") == 3
    assert await shop.found(subject="customer-42") == []
    assert await shop.found(subject="customer-43") == ["What is mine?"]


@pytest.mark.parametrize(
    "who",
    [{}, {"subject": "a", "visitor_id": str(uuid4())}, {"subject": ""}, {"visitor_id": "a"}, {"name": "a"}, {"subject": "\ud800"}],
)
async def test_a_visitor_is_named_by_one_thing(idle: Shop, who: dict[str, str]) -> None:
    for path in ("find", "erase"):
        assert (await idle.tenant.call("POST", f"/v1/visitors/{path}", json=who)).status == 422


async def test_an_answer_that_is_being_written_is_erased(shop: Shop, stand_in: StandIn) -> None:
    token = await shop.enter()
    stand_in.behave(delay=0.2, answer=f"{MARK} " * 200)
    body = {"question": f"How long are backups kept, {MARK}?", "stream": True}
    async with asyncio.timeout(30), shop.tenant.visitor(shop.key, token=token) as visitor:
        async with visitor.post("/v1/answers", json=body) as response:
            events = read_events(response)
            start = await anext(events)
            assert (await anext(events)).name == "delta"
            assert await traces(shop.database_url, start.data["answer_id"]) == {"answers", "jobs"}
            assert await shop.erase(visitor_token=token) == 1
            *_, last = [event async for event in events]
    assert last.name == "error", last
    assert last.data["problem"]["status"] == 404
    assert await traces(shop.database_url, MARK) == await traces(shop.database_url, start.data["answer_id"]) == set()
    assert (await shop.sent(token, "GET", f"/v1/answers/{start.data['answer_id']}/events")).status == 404


@pytest.mark.parametrize("is_running", [True, False])
async def test_an_answer_that_another_process_writes_anew_is_erased(idle: Shop, stand_in: StandIn, *, is_running: bool) -> None:
    token = await idle.enter()
    async with running_worker(idle.settings):
        await idle.tenant.file("guide-en.md")
    stand_in.behave(hang="first_token", about=MARK)
    question = {"question": f"How long are backups kept, {MARK}?"}
    asking = asyncio.create_task(idle.sent(token, "POST", "/v1/answers", json=question))

    async def is_written(attempt: int) -> bool:
        return [(job["state"], job["attempt"]) for job in await idle.jobs("answer.write")] == [("running", attempt)]

    await wait_until(lambda: is_written(1))
    # As if the process that wrote it were gone.
    lost = "update jobs set state = 'queued', fence = nextval('job_fence'), lease_owner = null, lease_until = null"
    await idle.execute(f"{lost} where kind = 'answer.write'")
    with capture_logs() as logs:

        def outcomes() -> list[str]:
            return [line["outcome"] for line in logs if line["event"] == "job_ended"]

        if is_running:
            async with running_worker(idle.settings):
                await wait_until(lambda: is_written(2), 20)
                assert await idle.erase(visitor_token=token) == 1
                await wait_until(lambda: "lost" in outcomes(), 20)
        else:
            assert await idle.erase(visitor_token=token) == 1
            async with running_worker(idle.settings):
                await idle.tenant.document("kiwi.md", "# Kiwi\n\nThere are 27 kiwis.")
            assert "lost" not in outcomes()  # it was not begun, though it would have come before the document
    assert (await asking).status == 404
    assert await traces(idle.database_url, MARK) == set()


async def test_a_turn_that_is_being_summarised_is_erased(idle: Shop, stand_in: StandIn) -> None:
    """With what a model server might yet say about it: that would stand in the job's error."""
    token = await idle.enter()
    async with running_worker(idle.settings):
        await idle.tenant.file("guide-en.md")
    stand_in.behave(answer=f"{LONG} [1]")
    first = await idle.ask(token, "How long are backups kept?")
    await idle.ask(token, "And where are they kept?", conversation_id=first["conversation_id"])
    stand_in.behave(hang="first_token", only="chat", about=LONG.strip())
    with capture_logs() as logs:
        async with running_worker(idle.settings, kinds=frozenset({"message.summarize"})):

            async def is_running() -> bool:
                return [job["state"] for job in await idle.jobs("message.summarize")] == ["running"]

            await wait_until(is_running, 20)
            assert await idle.erase(visitor_token=token) == 1
            assert await idle.jobs("message.summarize") == []
            await wait_until(lambda: "lost" in [line["outcome"] for line in logs if line["event"] == "job_ended"], 20)


async def test_a_question_that_is_being_taken_in_is_erased_later(idle: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    take, taken, goes_on = AnswerRepository.take, asyncio.Event(), asyncio.Event()

    async def held(self: AnswerRepository, *args: Any, **how: Any) -> Any:
        result = await take(self, *args, **how)
        taken.set()
        await goes_on.wait()
        return result

    monkeypatch.setattr(AnswerRepository, "take", held)
    token = await idle.enter()
    asking = asyncio.create_task(idle.ask(token, "How many kiwis?"))
    await taken.wait()
    assert await idle.erase(visitor_token=token) == 0  # it is not there for anybody
    goes_on.set()
    await asking
    assert await idle.found(visitor_token=token) == ["How many kiwis?"]
    visitor_id = (await idle.tenant.call("POST", "/v1/visitors/find", json={"visitor_token": token})).json["visitor_id"]
    later = datetime.now(UTC) + timedelta(minutes=2)
    await add_conversation(idle, later, "What is asked later?", visitor_id=UUID(visitor_id))

    (job,) = await idle.jobs("visitor.erase")
    assert job["state"] == "queued"
    cancelled = await idle.tenant.call("POST", f"/v1/jobs/{job['id']}/cancel")
    assert (cancelled.status, cancelled.json["code"]) == (409, "conflict")
    await idle.execute("update jobs set run_at = now() where kind = 'visitor.erase'")
    async with running_worker(idle.settings):

        async def done() -> bool:
            return (await idle.jobs("visitor.erase"))[0]["state"] == "succeeded"

        await wait_until(done, 20)
    assert await idle.found(visitor_token=token) == ["What is asked later?"]


async def test_what_dies_in_between_is_finished_by_the_job(idle: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("protostar.answers.erasure._AT_ONCE", 1)
    token = await idle.enter()
    questions = [f"How many kiwis? {number}" for number in range(3)]
    for question in questions:
        await idle.ask(token, question)
    erase, erased = AnswerRepository.erase_conversations, 0

    async def dies(self: AnswerRepository, *args: Any) -> None:
        nonlocal erased
        erased += 1
        if erased == 2:
            raise RuntimeError
        await erase(self, *args)

    monkeypatch.setattr(AnswerRepository, "erase_conversations", dies)
    assert (await idle.tenant.call("POST", "/v1/visitors/erase", json={"visitor_token": token})).status == 500
    assert await idle.found(visitor_token=token) == questions[1:]
    # A job that has died is followed by another.
    await idle.execute("update jobs set run_at = now(), max_attempts = 1 where kind = 'visitor.erase'")
    erased = 1
    async with running_worker(idle.settings):

        async def states() -> list[str]:
            return [job["state"] for job in await idle.jobs("visitor.erase")]

        async def are(*expected: str) -> bool:
            return await states() == list(expected)

        await wait_until(lambda: are("queued", "dead"), 20)
        await idle.execute("update jobs set run_at = now() where kind = 'visitor.erase'")
        await wait_until(lambda: are("succeeded", "dead"), 20)
    assert await idle.found(visitor_token=token) == []


@pytest.mark.parametrize(("state", "again"), [("dead", 1), ("failed", 1), ("queued", 0)])
async def test_what_was_promised_is_tried_without_end(database: Database, space_id: UUID, state: State, again: int) -> None:
    jobs = Jobs(Bell(None), max_attempts=5)
    erasure = Erasure(database, Cache(None), Announcements(None), jobs, cache_ttl=timedelta(hours=1))
    args = {"visitor_id": str(uuid4()), "before": str(uuid4())}
    async with database.transaction() as session:
        await erasure.follow(session, Change(Job(uuid4(), space_id, ERASE_VISITOR, args, 5, 1), state, "It fails."))
        found = await session.execute(text("select space_id, args from jobs where run_at > now() + interval '50 minutes'"))
        assert [tuple(row) for row in found] == [(space_id, args)] * again


# -- what is kept for a time


async def add_conversation(
    shop: Shop,
    begun: datetime,
    question: str,
    *,
    visitor_id: UUID | None = None,
    went_on: datetime | None = None,
    space_id: str = "",
) -> None:
    connection = await asyncpg.connect(shop.database_url)
    ids = [UUID(int=first_id(at).int + uuid4().int % 2**64) for at in (begun, begun, went_on or begun)]
    space = UUID(space_id or shop.tenant.id)
    insert = "insert into conversations (id, space_id, visitor_id, created_at) values ($1, $2, $3, $4)"
    await connection.execute(insert, ids[0], space, visitor_id, begun)
    insert = "insert into answers (id, space_id, conversation_id, question, state, created_at) values ($1, $2, $3, $4, 'done', $5)"
    await connection.execute(insert, ids[1], space, ids[0], question, begun)
    if went_on is not None:
        await connection.execute(insert, ids[2], space, ids[0], question, went_on)
    await connection.close()


def ago(days: float) -> datetime:
    return datetime.now(UTC) - timedelta(days=days)


async def expired(shop: Shop) -> None:
    await shop.execute("delete from job_slots; delete from jobs where kind = 'conversations.expire'")
    async with running_worker(shop.settings):

        async def done() -> bool:
            connection = await asyncpg.connect(shop.database_url)
            state = await connection.fetchval("select state from jobs where kind = 'conversations.expire'")
            await connection.close()
            return state == "succeeded"

        await wait_until(done, 20)


async def questions_of(tenant: Tenant) -> list[str]:
    return sorted(each["question"] for each in (await tenant.get("/v1/conversations"))["items"])


async def test_what_a_space_does_not_keep_is_erased(idle: Shop) -> None:
    async with new_tenant(idle.tenant.stack) as forgetful:
        for space_id in (idle.tenant.id, forgetful.id):
            await add_conversation(idle, ago(31), "old", space_id=space_id)
            await add_conversation(idle, ago(40), "old, and went on", went_on=ago(29), space_id=space_id)
            await add_conversation(idle, ago(29), "new", space_id=space_id)
        await expired(idle)
        assert await questions_of(forgetful) == ["new", "old", "old, and went on"]
        settings = {"keep_conversations_days": 30}
        changed = await forgetful.call("PATCH", f"/v1/spaces/{forgetful.id}", json={"settings": settings})
        assert changed.json["settings"]["keep_conversations_days"] == 30
        before = changed.json["knowledge_version"]
        await expired(idle)
        assert await questions_of(forgetful) == ["new", "old, and went on"]
        # No answer is cached for as long: those that are cached go on being given.
        assert (await forgetful.get(f"/v1/spaces/{forgetful.id}"))["knowledge_version"] == before
        assert await questions_of(idle.tenant) == ["new", "old", "old, and went on"]
        for days in (0, -1, 36_501, 1.5):
            refused = await forgetful.call(
                "PATCH", f"/v1/spaces/{forgetful.id}", json={"settings": {"keep_conversations_days": days}}
            )
            assert refused.status == 422


async def test_what_may_be_cached_for_longer_than_it_is_kept_is_void(settings: Settings) -> None:
    long = settings.model_copy(update={"answer": settings.answer.model_copy(update={"cache_ttl": timedelta(days=31)})})
    async with idle_tenant(long) as tenant:
        shop = Shop(tenant, "")
        changed = await tenant.call("PATCH", f"/v1/spaces/{tenant.id}", json={"settings": {"keep_conversations_days": 30}})
        await expired(shop)
        assert (await tenant.get(f"/v1/spaces/{tenant.id}"))["knowledge_version"] == changed.json["knowledge_version"]
        await add_conversation(shop, ago(31), "old")
        await expired(shop)
        assert (await tenant.get(f"/v1/spaces/{tenant.id}"))["knowledge_version"] > changed.json["knowledge_version"]


async def test_many_are_erased_some_at_a_time_and_none_that_goes_on_meanwhile(idle: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """The one that a question is added to at that moment is left alone, also where the question is committed after a first look."""
    monkeypatch.setattr("protostar.answers.erasure._AT_ONCE", 2)
    await idle.tenant.call("PATCH", f"/v1/spaces/{idle.tenant.id}", json={"settings": {"keep_conversations_days": 1}})
    for number in range(5):
        await add_conversation(idle, ago(9 - number), f"{number}")
    listed = (await idle.tenant.get("/v1/conversations"))["items"]
    going_on = next(each["id"] for each in listed if each["question"] == "3")
    connection = await asyncpg.connect(idle.database_url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute("select from conversations where id = $1 for key share", UUID(going_on))
    await expired(idle)
    assert await questions_of(idle.tenant) == ["3"]
    await transaction.rollback()
    await connection.close()

    lock = AnswerRepository.lock_some_expired

    async def added_to(self: AnswerRepository, *args: Any, **how: Any) -> Any:
        scalars = self._session.scalars

        async def after_a_look(*statement: Any) -> Any:
            found = await scalars(*statement)
            monkeypatch.setattr(self._session, "scalars", scalars)
            values = (UUID(int=first_id(ago(0)).int), UUID(idle.tenant.id), UUID(going_on))
            # It holds no lock on the conversation any more, as if it had committed just before it was locked.
            await idle.execute(
                "set session_replication_role = replica; insert into answers (id, space_id, conversation_id, question)"
                f" values ('{values[0]}', '{values[1]}', '{values[2]}', 'went on')"
            )
            return found

        monkeypatch.setattr(self._session, "scalars", after_a_look)
        return await lock(self, *args, **how)

    monkeypatch.setattr(AnswerRepository, "lock_some_expired", added_to)
    await expired(idle)
    assert await questions_of(idle.tenant) == ["3"]


async def test_of_many_that_have_expired_some_are_found_without_going_through_all(database: Database, database_url: str) -> None:
    connection = await asyncpg.connect(database_url)
    await connection.execute("""
        insert into conversations (id, space_id, created_at)
        select (lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0') || substr(md5(at::text), 13))::uuid, spaces.id, at
        from spaces, generate_series(now() - interval '60 days', now() - interval '40 days', interval '86 seconds') at;
        insert into answers (id, space_id, conversation_id, question, created_at)
        select id, space_id, id, 'How many kiwis?', created_at from conversations;
        analyze""")
    space_id = await connection.fetchval("select id from spaces")
    await connection.close()
    async with database.transaction() as session:
        values = {"space_id": space_id, "before": first_id(ago(30)), "at": ago(30), "limit": 100}
        plan = (await session.scalars(text(f"explain analyze {_LOCK_EXPIRED.text}"), values)).all()
    assert any("rows=100.00" in line for line in plan), plan
    assert not any(int(count) > 100 for line in plan for count in re.findall(r"Rows Removed by Filter: (\d+)", line)), plan


async def test_a_worker_that_is_killed_in_between_is_followed_by_another(idle: Shop) -> None:
    async with new_tenant(idle.tenant.stack) as second:
        for tenant in (idle.tenant, second):
            await tenant.call("PATCH", f"/v1/spaces/{tenant.id}", json={"settings": {"keep_conversations_days": 1}})
            await add_conversation(idle, ago(2), "old", space_id=tenant.id)
        connection = await asyncpg.connect(idle.database_url)
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("select from answers where space_id = $1 for update", UUID(second.id))
        redis_url = idle.settings.redis_url
        assert redis_url is not None
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("PROTOSTAR_")},
            "PROTOSTAR_DATABASE_URL": idle.database_url,
            "PROTOSTAR_REDIS_URL": redis_url.get_secret_value(),
            "PROTOSTAR_DATA_DIR": str(idle.settings.data_dir),
            "PROTOSTAR_WORKER_LEASE": "1",
        }
        command = (sys.executable, "-m", "protostar", "worker", "--kinds", "conversations.expire")
        process = await asyncio.create_subprocess_exec(*command, env=environment, stderr=asyncio.subprocess.DEVNULL)

        async def is_half_done() -> bool:
            waits = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"
            await connection.execute("select pg_stat_clear_snapshot()")
            return await questions_of(idle.tenant) == [] and await connection.fetchval(waits)

        try:
            await wait_until(is_half_done, 60)
        finally:
            process.send_signal(signal.SIGKILL)
            await process.wait()
        await transaction.rollback()
        assert await questions_of(second) == ["old"]
        async with running_worker(idle.settings):
            ended = "select attempt from jobs where kind = 'conversations.expire' and state = 'succeeded'"
            attempt = await wait_until(lambda: connection.fetchval(ended), 30)
        await connection.close()
        assert attempt == 2
        assert await questions_of(second) == []


async def test_the_setting_is_in_the_archive(idle: Shop) -> None:
    await idle.tenant.call("PATCH", f"/v1/spaces/{idle.tenant.id}", json={"settings": {"keep_conversations_days": 30}})
    overview = await idle.tenant.get("/v1/archive")
    assert overview["space"]["settings"]["keep_conversations_days"] == 30
