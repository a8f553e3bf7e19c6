"""Answers that survive: the process that takes a question writes it at once, under a lease; anyone else can take over.

The question, its answer's row and its job are one transaction. Whoever lost the connection reads on from this process, from Redis,
or, once the answer is done, from PostgreSQL.
"""

import asyncio
import hashlib
import random
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterable
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias
from uuid import UUID

import structlog
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from protostar.access.repository import AccessRepository
from protostar.access.visitor import Visitor, VisitorTokens
from protostar.answers.admission import Admission, Admit
from protostar.answers.context import SpaceRead
from protostar.answers.draft import Draft, show, to_row
from protostar.answers.events import Event, Feed, Recorder, parse_id
from protostar.answers.models import AnswerRow, ConversationRow
from protostar.answers.records import Records
from protostar.answers.repository import AnswerRepository
from protostar.answers.resume import Resume
from protostar.answers.schemas import Answer, Ask
from protostar.answers.writer import First, Writer
from protostar.concurrency import ConcurrencyLimit
from protostar.config import AnswerSettings
from protostar.db.errors import is_there_already
from protostar.db.patience import again, patiently, promptly
from protostar.db.session import Database
from protostar.errors import (
    AnswerCancelled,
    DatabaseUnavailable,
    KeyReused,
    LeaseLost,
    NotFound,
    ProtostarError,
    Unavailable,
)
from protostar.ids import new_id
from protostar.jobs.leases import Leases
from protostar.jobs.model import Job, State
from protostar.jobs.repository import Enqueue, JobRepository, starting
from protostar.jobs.worker import process_name
from protostar.problems import error_of, problem
from protostar.redis.client import RedisClient

log = structlog.get_logger()

WRITE: Final = "answer.write"
_GIVE_UP: Final = timedelta(hours=1)
_READERS: Final = 32  # of one answer, in one process
_ANSWERED: Final = 5.0  # seconds, after which one of them will have read it to its end

_Begun: TypeAlias = tuple[AnswerRow, Job | None, Visitor, First | None]
"""The row of an answer, its job where it is written here, whose conversation it is, and what was read of the space for a first."""


@dataclass(frozen=True, slots=True)
class Taken:
    """A question that was taken in. `visitor`: whose conversation it is; None where its owner reads.

    `fence`: of this process, where it writes the answer; else 0.
    """

    answer: AnswerRow
    visitor: Visitor | None = None
    fence: int = 0


class Answers:
    def __init__(
        self,
        database: Database,
        redis: RedisClient | None,
        writer: Writer,
        visitors: VisitorTokens,
        recorder: Recorder,
        settings: AnswerSettings,
        *,
        limit: int,
    ) -> None:
        """`limit`: answers that this process writes at once."""
        self._places = ConcurrencyLimit(limit, "As many answers as this server writes at once are under way.")
        self.records = Records(database, visitors)
        self._database = database
        self._writer = writer
        self._visitors = visitors
        self._settings = settings
        self._leases = Leases(database, settings.lease)
        self._recorder = recorder
        self._feeds: dict[UUID, Feed] = {}
        self._readers = Counter[UUID]()
        self._ended = False
        self._resume = Resume(database, redis, self._feeds.get, lambda: self._ended)
        self._running: set[asyncio.Task[None]] = set()

    @asynccontextmanager
    async def running(self, grace: timedelta, stopping: asyncio.Event) -> AsyncGenerator["Answers"]:
        """Leases are kept inside the block. Once `stopping` is set, at its end at the latest, answers get the grace time; then they
        go back to the queue, and their streams end."""
        keeper = asyncio.create_task(self._leases.keep())
        draining = asyncio.create_task(self._drain(grace, stopping))
        try:
            yield self
        finally:
            stopping.set()
            await draining
            await _give_up(self._running)  # what was still being taken in when the others ended
            keeper.cancel()
            await asyncio.gather(keeper, return_exceptions=True)

    async def _drain(self, grace: timedelta, stopping: asyncio.Event) -> None:
        await stopping.wait()
        clock = asyncio.get_running_loop().time
        until = clock() + grace.total_seconds()
        while self._running and clock() < until:
            await asyncio.wait(set(self._running), timeout=until - clock())
        self._ended = True
        await _give_up(self._running)

    # -- taking a question

    async def ask(
        self, space_id: UUID, body: Ask, idempotency_key: str | None, visitor: Visitor, admit: Admit | None = None
    ) -> Taken:
        """Take a question in and begin to answer it; a repeated one joins the answer that it has, and `admit` is not asked.

        Raises Unavailable while as many answers as may be are under way, and what `admit` does.
        """
        self._places.enter()
        admission = Admission(admit)
        taken: Taken | None = None
        task: asyncio.Task[None] | None = None
        try:
            taken, task = await self._ask(space_id, body, idempotency_key, visitor, admission)
            return taken
        finally:
            if task is None:
                self._places.leave()
            if taken is None:
                await admission.give_back()

    async def _ask(
        self, space_id: UUID, body: Ask, key: str | None, visitor: Visitor, admission: Admission
    ) -> tuple[Taken, asyncio.Task[None] | None]:
        """The question, and what is done for it now, which keeps its place."""
        id_ = new_id()
        # What is one statement needs no transaction around it.
        begin = self._database.autocommit if key is None and not admission.is_needed else self._database.transaction

        async def take() -> _Begun:
            async with begin() as session:
                return await self._take(session, id_, space_id, body, key, visitor, admission)

        try:
            with self._writer.precedence.beginning():
                async with promptly():
                    row, job, visitor, first = await again(take)
        except DatabaseUnavailable:
            if body.conversation_id is None and (draft := await self._writer.recall(space_id, body.question)) is not None:
                return self._say_again(visitor, body, draft, key)
            raise
        except IntegrityError as error:
            if not is_there_already(error):
                raise
            row, job, visitor, first = await self._came_through(space_id, id_, visitor)
        if job is None:
            return Taken(row, visitor), None
        feed = self._feeds[row.id] = Feed(row.id, job.fence)
        task = self._go_on(self._run(job, row, feed, first))
        self._leases.hold(job, task)
        return Taken(row, visitor, job.fence), task

    def _go_on(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Do it whether or not somebody waits for it; its place is free when it has ended."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        task.add_done_callback(lambda _done: self._places.leave())
        return task

    async def _take(
        self,
        session: AsyncSession,
        id_: UUID,
        space_id: UUID,
        body: Ask,
        key: str | None,
        visitor: Visitor,
        admission: Admission,
    ) -> _Begun:
        repository = AnswerRepository(session)
        mark = self._writer.mark()
        if key is not None and (earlier := await self._earlier(session, space_id, body, key, id_)) is not None:
            return earlier, None, await self._whose(session, earlier, visitor), None
        await admission(session)
        first = body.conversation_id is None
        ahead = self._writer.look_ahead(space_id, body.question) if first else None
        # Should another process have to write it: a visitor waits, so it goes before everything else.
        args = {"answer_id": str(id_), "by_visitor": admission.is_needed}
        enqueue = Enqueue(WRITE, space_id, args, priority=10, give_up_after=_GIVE_UP)
        starts = starting(enqueue, owner=process_name(), lease=self._leases.lease)
        conversation = ConversationRow(id=body.conversation_id or new_id(), space_id=space_id, visitor_id=visitor.id)
        values = {"id": id_, "space_id": space_id, "question": body.question, "job_id": starts["job_id"]}
        row = AnswerRow(conversation_id=conversation.id, **values)
        taken = await repository.take(row, conversation, starts, first=first)
        if taken is None:
            raise NotFound("There is no conversation with that id.")
        row.created_at, conversation.visitor_id, fence, version, settings, corrected = taken
        job = Job(starts["job_id"], space_id, WRITE, enqueue.args, 1, fence)
        read = First(SpaceRead(version, settings, mark, has_corrections=corrected), ahead) if first else None
        return row, job, self._owner(conversation, visitor), read

    async def _came_through(self, space_id: UUID, id_: UUID, visitor: Visitor) -> _Begun:
        """A question whose commit came through, though the connection broke before this process heard so. Its job is here."""
        row = await self.records.get(space_id, id_)
        async with self._database.transaction() as session:
            visitor = await self._whose(session, row, visitor)
            held = await JobRepository(session).get(row.job_id) if row.job_id is not None else None
        if held is None or held.lease_owner != process_name():
            return row, None, visitor, None
        return row, Job(held.id, space_id, WRITE, held.args, held.attempt, held.fence), visitor, None

    async def _whose(self, session: AsyncSession, row: AnswerRow, visitor: Visitor) -> Visitor:
        return self._owner(await AnswerRepository(session).conversation(row.space_id, row.conversation_id), visitor)

    def _owner(self, conversation: ConversationRow | None, visitor: Visitor) -> Visitor:
        """Whose the conversation is: mostly the visitor who asks, but a business backend asks in anybody's."""
        if conversation is None or conversation.visitor_id in (None, visitor.id):
            return visitor
        return self._visitors.anonymous(conversation.space_id, conversation.visitor_id)

    @staticmethod
    async def _earlier(session: AsyncSession, space_id: UUID, body: Ask, key: str, id_: UUID) -> AnswerRow | None:
        """The answer that this Idempotency-Key stands for already; where there is none, it stands for `id_` from now on."""
        hash_ = hashlib.sha256(f"{body.conversation_id}\n{body.question}".encode()).digest()
        taken = await AccessRepository(session).remember(space_id, f"answers:{key}", hash_, id_)
        if taken.request_hash != hash_:
            raise KeyReused("This Idempotency-Key was used for another question; choose a new one for a new request.")
        return await AnswerRepository(session).get(space_id, taken.resource_id) if taken.resource_id != id_ else None

    # -- answering without PostgreSQL

    def _say_again(self, visitor: Visitor, body: Ask, draft: Draft, key: str | None) -> tuple[Taken, asyncio.Task[None]]:
        """Give an answer that is cached, and save it as one of its own when PostgreSQL is back."""
        now = datetime.now(UTC)
        values = {"id": new_id(), "space_id": visitor.space_id, "conversation_id": new_id(), "question": body.question}
        values |= {"created_at": now, "finished_at": now, **to_row(draft)}
        row = AnswerRow(**values)
        feed = self._feeds[row.id] = Feed(row.id, 0)
        feed.publish("delta", {"text": draft.text})
        feed.publish("done", {"answer": show(row).model_dump(mode="json")})
        feed.close()
        return Taken(row, visitor), self._go_on(self._keep(values, visitor, body, key))

    async def _keep(self, values: dict[str, Any], visitor: Visitor, body: Ask, key: str | None) -> None:
        async def write() -> None:
            row = AnswerRow(**values)
            async with self._database.transaction() as session:
                if key is None or await self._earlier(session, row.space_id, body, key, row.id) is None:
                    conversation = ConversationRow(id=row.conversation_id, space_id=row.space_id, visitor_id=visitor.id)
                    await self._writer.keep(session, row, conversation)

        try:
            await patiently(write)
        except (asyncio.CancelledError, ProtostarError, SQLAlchemyError) as error:  # whoever asked has the answer all the same
            log.warning("answer_not_kept", answer=str(values["id"]), error=str(error) or "this process stops")
        finally:
            self._feeds.pop(values["id"], None)

    async def _start(self, taken: Taken) -> dict[str, str | None]:
        return {
            "answer_id": str(taken.answer.id),
            "conversation_id": str(taken.answer.conversation_id),
            "visitor_token": await self.visitor_token(taken) if taken.visitor is not None else None,
        }

    async def visitor_token(self, taken: Taken) -> str:
        """What lets the visitor who asked read the conversation back."""
        assert taken.visitor is not None  # noqa: S101 - whoever asks is one
        return await self._visitors.sign(self._visitors.renewed(taken.visitor))

    async def _run(self, job: Job, row: AnswerRow, feed: Feed, first: First | None) -> None:
        """Write the answer; whatever happens, it is finished, failed with a reason, or another's to finish."""
        async with self._recorder.recording(feed):
            await self._write_or_fail(job, row, feed, first)

    async def _write_or_fail(self, job: Job, row: AnswerRow, feed: Feed, first: First | None) -> None:
        try:
            await self._write(job, row, feed, first)
        except asyncio.CancelledError:
            await self._release(job, row, feed)
        except LeaseLost:
            log.warning("answer_taken_over", answer=str(row.id))
        except TimeoutError:
            seconds = self._settings.deadline.total_seconds()
            await self._fail(job, row, feed, Unavailable(f"The answer was not finished within {seconds:g} seconds."))
        except ProtostarError as error:
            await self._fail(job, row, feed, error)
        except Exception:  # the last error of a request: it is told to whoever asked, and logged
            log.exception("answer_raised", answer=str(row.id))
            await self._fail(job, row, feed, ProtostarError())
        finally:
            self._leases.drop(job)
            self._feeds.pop(row.id, None)
            feed.close()

    async def _write(self, job: Job, row: AnswerRow, feed: Feed, first: First | None) -> None:
        """Dependencies that go away in the middle cost a new beginning; the lease or the deadline ends the patience."""
        wait = 0.25
        async with asyncio.timeout(self._settings.deadline.total_seconds()):
            while True:
                try:
                    await self._writer.write(job, row, feed, first)
                except Unavailable as error:
                    log.warning("answer_waits_for_dependency", answer=str(row.id), error=str(error))
                    feed.reset()
                    first = None
                    await asyncio.sleep(error.retry_after or wait * random.uniform(0.5, 1))  # noqa: S311
                    wait = min(5, wait * 2)
                else:
                    return

    async def _fail(self, job: Job, row: AnswerRow, feed: Feed, error: ProtostarError) -> None:
        await self._end(row, feed, error, lambda jobs: jobs.fail(job, error=error.told, code=error.code, final=True))

    async def _release(self, job: Job, row: AnswerRow, feed: Feed) -> None:
        """Give the job back at the process's end, let go of it where another has it already, or end it as was asked for."""
        await self._end(row, feed, AnswerCancelled(), lambda jobs: jobs.release(job))

    async def _end(
        self, row: AnswerRow, feed: Feed, error: ProtostarError, end: Callable[[JobRepository], Awaitable[State | None]]
    ) -> None:
        """End the job; where nobody goes on with it then, the answer has failed with this error."""
        details = problem(error)
        with suppress(DatabaseUnavailable):  # then the lease runs out and a worker answers
            async with self._database.transaction() as session:
                if await end(JobRepository(session)) in (None, "queued"):
                    return
                await AnswerRepository(session).finish(row.id, {"state": "failed", "error": details})
            self._writer.count_failed()
            feed.publish("error", {"problem": details})

    # -- following an answer

    async def finished(self, taken: Taken) -> Answer:
        """The answer once it is done. Raises ProtostarError when it failed."""
        async with aclosing(await self.events(taken)) as told:
            async for events in told:
                for event in events:
                    if event.name == "done":
                        return Answer.model_validate(event.data["answer"])
                    if event.name == "error":
                        raise error_of(event.data["problem"])
        raise Unavailable(
            "The answer cannot be waited for here any more. Send the question again, with the same Idempotency-Key.", retry_after=1
        )

    async def events(self, taken: Taken, last_id: str | None = None) -> AsyncGenerator[list[Event]]:
        """Every event after `last_id`, from the best source there is, across a change of the writing process; see Resume.

        Raises Unavailable for more readers of one answer than anybody has tabs: each takes a place, which others need to ask.
        """
        events = self._events(taken, last_id)
        await anext(events)  # it has its place, and gives it back however it ends
        return events

    async def _events(self, taken: Taken, last_id: str | None) -> AsyncGenerator[list[Event]]:
        id_ = taken.answer.id
        self._readers[id_] += 1
        try:
            if self._readers[id_] > _READERS:
                raise Unavailable("As many as this server lets read one answer at once are reading it.", retry_after=_ANSWERED)
            yield []
            position = parse_id(last_id) if last_id else None
            if position is None:
                yield [Event.of("start", await patiently(lambda: self._start(taken)), taken.fence, 0)]
                position = (taken.fence, 0) if taken.fence else None
            async for events in self._resume.events(taken.answer, position):
                yield events
        finally:
            self._readers[id_] -= 1
            if not self._readers[id_]:
                del self._readers[id_]


async def _give_up(tasks: Iterable[asyncio.Task[None]]) -> None:
    """They give their jobs back."""
    if late := list(tasks):
        for task in late:
            task.cancel()
        await asyncio.wait(late, timeout=5)
