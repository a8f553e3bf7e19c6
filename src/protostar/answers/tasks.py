"""`answer.write`: answers whose process died, written anew by a worker; and what is erased later, see `erasure`."""

from typing import Final
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from protostar.answers.erasure import ERASE_VISITOR, EXPIRE, Erasure
from protostar.answers.events import Feed, Recorder
from protostar.answers.repository import AnswerRepository
from protostar.answers.service import WRITE
from protostar.answers.writer import Writer
from protostar.db.session import Database
from protostar.errors import AnswerCancelled, ProtostarError
from protostar.jobs.context import JobContext
from protostar.jobs.model import Change
from protostar.jobs.registry import Task
from protostar.problems import problem

_PROMISED: Final = "This job erases the rest of what a visitor has asked, and cannot be cancelled."


def tasks(database: Database, writer: Writer, recorder: Recorder, erasure: Erasure) -> list[Task]:
    async def write(context: JobContext) -> None:
        async with database.transaction() as session:
            row = await AnswerRepository(session).by_id(UUID(context.job.args["answer_id"]))
        if row is None or row.state != "running":
            return
        feed = Feed(row.id, context.job.fence)
        async with recorder.recording(feed):
            await writer.write(context.job, row, feed)
            context.finished = True

    async def follow(session: AsyncSession, change: Change) -> None:
        """An answer whose job has ended for good without it says so, until that is tried again."""
        repository, id_ = AnswerRepository(session), UUID(change.job.args["answer_id"])
        if change.state == "queued":
            await repository.reopen(id_)
        else:
            error = AnswerCancelled() if change.state == "cancelled" else ProtostarError(change.error or "")
            await repository.finish(id_, {"state": "failed", "error": problem(error)})
            writer.count_failed()

    return [
        Task(WRITE, write, on_change=follow),
        Task(EXPIRE, erasure.expired),
        Task(ERASE_VISITOR, erasure.visitor_again, on_change=erasure.follow, kept=_PROMISED),
    ]
