"""Answers without HTTP and without a worker: what is left when one ends, however it does, and whose it is."""

import asyncio
from collections.abc import AsyncGenerator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.support.stack import settings_for
from tests.support.waiting import wait_until

from protostar.answers.composing import Composer
from protostar.answers.context import AnswerContext
from protostar.answers.draft import Draft
from protostar.answers.events import Feed
from protostar.answers.models import AnswerRow
from protostar.answers.repository import AnswerRepository
from protostar.answers.schemas import Ask, CorrectionPut
from protostar.answers.service import Answers, Taken
from protostar.answers.writer import First, Writer
from protostar.cache import Cache
from protostar.errors import DatabaseUnavailable, KeyReused, LeaseLost, NotFound, ProtostarError, Unavailable
from protostar.ids import new_id
from protostar.jobs.model import Job
from protostar.jobs.repository import Enqueue, JobRepository
from protostar.redis.announcements import Announcements
from protostar.resources import Resources, open_resources
from protostar.spaces.schemas import SpaceSettings

QUESTION = "How many kiwis are there?"


class Service:
    """One process that answers."""

    def __init__(self, resources: Resources, answers: Answers, space_id: UUID, stopping: asyncio.Event) -> None:
        self.stopping = stopping
        self.resources = resources
        self.answers = answers
        self.space_id = space_id
        self.visitor = answers._visitors.anonymous(space_id)

    async def ask(self, question: str = QUESTION, *, key: str | None = None, conversation_id: UUID | None = None) -> Taken:
        body = Ask(question=question, conversation_id=conversation_id)
        return await self.answers.ask(self.space_id, body, key, self.visitor)

    async def answered(self, question: str = QUESTION, **how: Any) -> Any:
        answer = await self.answers.finished(await self.ask(question, **how))
        await self.ended()
        return answer

    async def ended(self) -> None:
        await wait_until(lambda: not self.answers._running)

    async def states(self) -> tuple[str, str]:
        """Of the only answer and its job."""
        async with self.resources.database.transaction() as session:
            row = (await session.execute(text("select a.state, j.state from answers a join jobs j on j.id = a.job_id"))).one()
        return row[0], row[1]

    async def execute(self, statement: str) -> Any:
        async with self.resources.database.transaction() as session:
            return await session.execute(text(statement))


@pytest.fixture
async def service(database_url: str, redis_url: str, tmp_path: Path, space_id: UUID) -> AsyncGenerator[Service]:
    settings = settings_for(database_url, f"{redis_url}?db=7", tmp_path, answer={"lease": 0.3}, limit={"answers": 1})
    stopping = asyncio.Event()
    async with open_resources(settings) as resources:
        assert resources.redis is not None
        await resources.redis.run(lambda client: client.flushdb())
        async with resources.answers(resources.access()).running(timedelta(0), stopping) as answers:
            yield Service(resources, answers, space_id, stopping)


@pytest.fixture
def hanging(monkeypatch: pytest.MonkeyPatch) -> None:
    """Answers are begun and never end by themselves."""

    async def hangs(*_args: Any) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(Writer, "write", hangs)


async def test_nothing_is_left_of_what_has_ended(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """One place is all there is, so each is free again when the next one asks."""
    first = await service.answered(key="0123456789abcdef")
    assert (await service.answered(key="0123456789abcdef")).id == first.id
    with pytest.raises(KeyReused):
        await service.ask("What else?", key="0123456789abcdef")
    with pytest.raises(NotFound):
        await service.ask(conversation_id=new_id())
    await service.answered("And where?", conversation_id=first.conversation_id)

    async def fails(*_args: Any) -> None:
        raise ProtostarError("It fails.")

    with monkeypatch.context() as patched:
        patched.setattr(Writer, "write", fails)
        with pytest.raises(ProtostarError, match="It fails"):
            await service.answered()
    await service.ended()
    await service.answered()
    answers = service.answers
    left = answers._feeds, answers._readers, answers._leases._held, service.resources.writer._looking
    assert [len(each) for each in left] == [0, 0, 0, 0]


@pytest.mark.usefixtures("hanging")
async def test_an_answer_is_its_writers_for_as_long_as_it_takes(service: Service) -> None:
    await service.ask()
    lease = "select lease_until from jobs"
    until = (await service.execute(lease)).scalar_one()

    async def renewed() -> bool:
        return (await service.execute(lease)).scalar_one() > until

    await wait_until(renewed)
    assert service.answers._running
    await service.execute("update jobs set state = 'queued', lease_owner = null, lease_until = null")
    await service.ended()
    assert await service.states() == ("running", "queued")


@pytest.mark.usefixtures("hanging")
async def test_an_answer_that_is_given_back_has_not_failed_and_its_readers_are_let_go(service: Service) -> None:
    events = await service.answers.events(await service.ask())
    assert [event.name for event in await anext(events)] == ["start"]
    service.stopping.set()
    async with asyncio.timeout(10):
        assert [told async for told in events] == []
    assert await service.states() == ("running", "queued")


async def test_a_dependency_that_goes_away_in_the_middle_costs_a_new_beginning(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, firsts = Writer.write, list[First | None]()

    async def away_once(self: Writer, job: Job, row: AnswerRow, feed: Feed, first: First | None) -> None:
        firsts.append(first)
        if len(firsts) == 1:
            feed.publish("delta", {"text": "There are"})
            raise Unavailable(retry_after=0.01)
        await write(self, job, row, feed, first)

    monkeypatch.setattr(Writer, "write", away_once)
    told = [event.name async for events in await service.answers.events(await service.ask()) for event in events]
    assert told[:3] == ["start", "delta", "reset"]
    assert told[-1] == "done"
    assert firsts[0] is not None
    assert firsts[1:] == [None], "what was read before it went away may be old"


async def test_a_failure_that_cannot_be_written_leaves_the_answer_to_a_worker(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_args: Any) -> None:
        raise ProtostarError

    async def away(*_args: Any, **_how: Any) -> None:
        raise DatabaseUnavailable

    monkeypatch.setattr(Writer, "write", fails)
    monkeypatch.setattr(JobRepository, "fail", away)
    await service.ask()
    (task,) = service.answers._running
    await asyncio.wait({task})
    assert task.exception() is None
    assert await service.states() == ("running", "running")


async def test_what_was_written_is_saved_once_postgresql_is_back(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """The model is not paid again."""
    save, compose, saves, composed = AnswerRepository.save, Composer.compose, 0, 0

    async def away_once(self: AnswerRepository, *args: Any) -> bool:
        nonlocal saves
        saves += 1
        if saves == 1:
            raise DatabaseUnavailable
        return await save(self, *args)

    async def counted(self: Composer, *args: Any, **how: Any) -> Any:
        nonlocal composed
        composed += 1
        return await compose(self, *args, **how)

    monkeypatch.setattr(AnswerRepository, "save", away_once)
    monkeypatch.setattr(Composer, "compose", counted)
    assert (await service.answered()).state == "done"
    assert (saves, composed) == (2, 1)


@pytest.mark.usefixtures("hanging")
@pytest.mark.parametrize("turns", [0, 1])
@pytest.mark.parametrize("lost", ["fence = nextval('job_fence')", "state = 'queued', lease_owner = null, lease_until = null"])
async def test_who_has_lost_an_answer_saves_nothing(service: Service, turns: int, lost: str) -> None:
    """Also where turns of the conversation are to be summarised with it."""
    taken = await service.ask()
    (held,) = service.answers._leases._held.values()
    await service.execute(f"update jobs set {lost}")
    before = await service.states()
    earlier: Any = [SimpleNamespace(id=new_id(), question=QUESTION, summary=None, shown_text="x" * 301)] * turns
    context = AnswerContext(0, SpaceSettings(), earlier, (), None)
    with pytest.raises(LeaseLost):
        await service.resources.writer._save(held.job, taken.answer, context, Draft("late"))
    assert await service.states() == before
    assert (await service.execute("select count(*) from jobs where kind <> 'answer.write'")).scalar_one() == 0


@pytest.mark.usefixtures("hanging")
async def test_whoever_writes_can_tell_that_another_does(service: Service) -> None:
    await service.ask()
    (held,) = service.answers._leases._held.values()

    async def may_write(fence: int) -> bool:
        async with service.resources.database.transaction() as session:
            return await AnswerRepository(session).is_written_under(held.job.id, fence)

    assert [await may_write(held.job.fence + other) for other in (0, 1)] == [True, False]
    await service.execute("update jobs set state = 'queued', lease_owner = null, lease_until = null")
    assert not await may_write(held.job.fence)


async def test_only_what_a_first_question_got_anew_is_cached(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    put, puts = Cache.put, 0

    async def counted(self: Cache, *args: Any) -> None:
        nonlocal puts
        puts += 1
        await put(self, *args)

    monkeypatch.setattr(Cache, "put", counted)
    first = await service.answered()
    again = await service.answered()
    follow_up = await service.answered(conversation_id=first.conversation_id)
    assert [each.cached for each in (first, again, follow_up)] == [False, True, False]
    assert puts == 1, "what is given from the cache does not stay there for longer"
    await service.resources.corrections().put(service.space_id, first.id, CorrectionPut(text="There are 27."))
    assert (await service.answered()).text == "There are 27."
    assert puts == 1


@pytest.mark.parametrize(
    "taken_by",
    ["state = 'queued', lease_owner = null, lease_until = null", "lease_owner = 'other:1', fence = nextval('job_fence')"],
)
async def test_a_question_whose_commit_came_through_is_not_written_here_where_another_has_it(
    service: Service, monkeypatch: pytest.MonkeyPatch, taken_by: str
) -> None:
    take, takes = AnswerRepository.take, 0

    async def broken_off(self: AnswerRepository, *args: Any, **how: Any) -> Any:
        nonlocal takes
        takes += 1
        if takes == 2:
            await service.execute(f"update jobs set {taken_by}")
        result = await take(self, *args, **how)
        await self._session.execute(text("select pg_terminate_backend(pg_backend_pid())"))
        return result

    monkeypatch.setattr(AnswerRepository, "take", broken_off)
    taken = await service.ask()
    assert (takes, taken.fence) == (2, 0)
    assert not service.answers._running


async def test_nobody_asks_in_a_conversation_of_another_space(service: Service) -> None:
    first = await service.answered()
    other = new_id()
    await service.execute(f"insert into spaces (id, name) values ('{other}', 'other')")
    body = Ask(question=QUESTION, conversation_id=first.conversation_id)
    with pytest.raises(NotFound):
        await service.answers.ask(other, body, None, service.visitor)


@pytest.mark.parametrize("whole", [False, True], ids=["a conversation", "a visitor"])
async def test_what_is_erased_voids_what_is_cached_wherever_that_is(
    service: Service, monkeypatch: pytest.MonkeyPatch, *, whole: bool
) -> None:
    """Also in a Redis that is away, and what another process knows of the space."""
    told: list[tuple[str, ...]] = []
    cleared: list[UUID] = []

    async def tell(_self: Announcements, *what: str) -> None:
        told.append(what)

    async def clear(_self: Cache, space_id: UUID) -> None:
        cleared.append(space_id)

    monkeypatch.setattr(Announcements, "tell", tell)
    monkeypatch.setattr(Cache, "clear", clear)
    version = "select knowledge_version from spaces"
    before = (await service.execute(version)).scalar_one()
    answer, erasure = await service.answered(), service.resources.erasure()
    if whole:
        assert await erasure.visitor(new_id(), service.visitor.id) == 0, "of another space nothing is erased"
        assert await erasure.visitor(service.space_id, service.visitor.id) == 1
    else:
        await erasure.conversation(service.space_id, answer.conversation_id)
    assert (await service.execute(version)).scalar_one() > before
    assert (told, cleared) == ([("knowledge", str(service.space_id))], [service.space_id])


async def test_a_question_that_is_just_added_is_erased_with_its_job(service: Service) -> None:
    """Whoever erases waits until it is there."""
    first = await service.answered()
    database = service.resources.database
    waits = "select exists (select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock')"

    async def is_waiting() -> bool:
        return (await service.execute(waits)).scalar_one()

    async with database.transaction() as session:
        job_id = await JobRepository(session).enqueue(Enqueue("k", service.space_id, {}))
        row = AnswerRow(
            id=new_id(), space_id=service.space_id, conversation_id=first.conversation_id, question=QUESTION, job_id=job_id
        )
        await AnswerRepository(session).add(row, None)
        erasing = asyncio.create_task(service.resources.erasure().conversation(service.space_id, first.conversation_id))
        await wait_until(is_waiting)
    await erasing
    assert (await service.execute("select count(*) from jobs")).scalar_one() == 0
