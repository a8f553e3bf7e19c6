"""Statements about conversations, answers and their corrections."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from sqlalchemy import Row, Uuid, bindparam, column, delete, exists, func, select, text, tuple_, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from protostar.answers.models import AnswerRow, ConversationRow, CorrectionDocumentRow, CorrectionRow
from protostar.ids import first_id, made_at
from protostar.jobs.model import Job
from protostar.jobs.repository import STARTING
from protostar.knowledge.kinds import SUMMARIZE_TURN
from protostar.knowledge.tokens import space_terms, term_id, terms

# One statement: question, conversation, job, and what is to be known of the space.
_TAKE = f"""
    with conversation as ({{conversation}}), job as ({STARTING.format(source="from conversation")})
    insert into answers (id, space_id, conversation_id, question, job_id)
    select :id, :space_id, conversation.id, :question, :job_id from conversation
    returning created_at, (select visitor_id from conversation), (select fence from job),
        (select knowledge_version from spaces where id = :space_id), (select settings from spaces where id = :space_id),
        exists (select from corrections where space_id = :space_id)"""
_NEW = "insert into conversations (id, space_id, visitor_id) values (:conversation_id, :space_id, :visitor_id)"
_TAKE_FIRST = text(_TAKE.format(conversation=f"{_NEW} returning id, visitor_id"))
# Whoever erases it is waited for, as the reference to it would.
_OLD = "select id, visitor_id from conversations where id = :conversation_id and space_id = :space_id for key share"
_TAKE_NEXT = text(_TAKE.format(conversation=_OLD))

# The end of an answer's job, where nobody has to be told of the answer.
_END = text("""
    update jobs set state = 'succeeded', lease_owner = null, lease_until = null, finished_at = now(), progress = null
    where id = :ended_job and fence = :fence and state = 'running' and not exists (
        select from webhooks where webhooks.space_id = :ended_in and 'answer.completed' = any(events))
    returning id""")
_ENDED = _END.columns(column("id", Uuid)).cte("ended")
_ANSWERS = AnswerRow.metadata.tables["answers"]
# Made once: to make it for each answer took longer than to execute it. The other parameters are columns by their names.
_SAVE = (
    update(_ANSWERS)
    .where(_ANSWERS.c.id == bindparam("ended"), exists(select(_ENDED.c.id)))
    .values(finished_at=func.now())
    .returning(_ANSWERS.c.id)
)
_OF_VISITOR = text("""
    select id from conversations where space_id = :space_id and visitor_id = :visitor_id and created_at < :before
    order by id limit :limit for update""")
# Looked up for each by itself: a join with the answers would begin with those of all that have expired, for each hundred anew.
_EXPIRED = """
    select id from conversations c where {which}
        and greatest(created_at, (select max(a.created_at) from answers a where a.conversation_id = c.id)) < :at"""
# A conversation that somebody is adding to at this moment has not expired.
_LOCK_EXPIRED = text(
    _EXPIRED.format(which="space_id = :space_id and id < :before") + " order by id limit :limit for update skip locked"
)
_STILL_EXPIRED = text(_EXPIRED.format(which="id = any(:ids)"))
# Who writes or summarises one of the answers loses its job by that; and a model server's words about it may stand in one's error.
_FORGET_JOBS = text("""
    with erased as (select id, job_id from answers where conversation_id = any(:ids))
    delete from jobs where id in (
        select job_id from erased
        union all
        select jobs.id from jobs join erased on dedupe_key = :summarize || ':' || erased.id where state in ('queued', 'running')
        union all
        select jobs.id from jobs join erased on args ->> 'answer_id' = erased.id::text
        where state in ('dead', 'failed') and kind = :summarize)""")
# A request that is sent again under its key is a new one then.
_FORGET_KEYS = text("""
    delete from idempotency_keys
    where space_id = :space_id and resource_id in (select id from answers where conversation_id = any(:ids))""")
_LOOKED_THROUGH: Final = 10_000
_SPACE = text("select knowledge_version, settings from spaces where id = :id")
_FENCE = text("select fence from jobs where id = :id")
_WRITTEN_UNDER = text("select exists (select from jobs where id = :id and fence = :fence and state = 'running')")

# Of the correction's own space alone: an archive may name any.
RELIED_ON: Final = """
    correction_documents r join corrections k on k.answer_id = r.answer_id
    left join documents d on d.id = r.document_id and d.space_id = k.space_id and d.deleted_at is null"""
CHANGED: Final = "(d.id is null or d.current_version <> r.version)"
_OF_SENSE = text(f"""
    select c.answer_id, c.text, a.question, a.citations from corrections c join answers a on a.id = c.answer_id
    where c.space_id = :space_id and c.sense = :sense
        and not exists (select from {RELIED_ON} where r.answer_id = c.answer_id and {CHANGED})
    order by c.updated_at desc limit 20""")
_CORRECTION_DOCUMENTS = text(f"""
    select r.answer_id, r.document_id, d.title, r.version, {CHANGED} as changed from {RELIED_ON}
    where r.answer_id = any(:answer_ids) order by d.title, r.document_id""")


class AnswerRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def take(
        self, answer: AnswerRow, conversation: ConversationRow, job: dict[str, Any], *, first: bool
    ) -> tuple[datetime, UUID | None, int, int, dict[str, Any], bool] | None:
        """Insert the answer, its job that runs here (see `starting`) and, for a `first` question, its conversation.

        Returns (created_at, the conversation's visitor, fence, knowledge version, settings, whether any answer of the space is
        corrected); None where the space has no such conversation.
        """
        values = {name: getattr(answer, name) for name in ("id", "space_id", "conversation_id", "question")}
        if first:
            values["visitor_id"] = conversation.visitor_id
        row = (await self._session.execute(_TAKE_FIRST if first else _TAKE_NEXT, values | job)).one_or_none()
        return (row[0], row[1], row[2], row[3], row[4], row[5]) if row is not None else None

    async def save(self, answer: AnswerRow, job: Job, values: dict[str, Any]) -> bool:
        """End the answer and its job in one statement.

        False, and nothing is done, where a webhook wants to hear of it, or the job is not ours.
        """
        key = {"ended": answer.id, "ended_job": job.id, "fence": job.fence, "ended_in": answer.space_id}
        connection = await self._session.connection()
        return (await connection.execute(_SAVE, key | values)).scalar_one_or_none() is not None

    async def add(self, answer: AnswerRow, conversation: ConversationRow | None) -> AnswerRow:
        """Add the answer, and its conversation where that is new."""
        if conversation is not None:
            self._session.add(conversation)
            await self._session.flush()
        self._session.add(answer)
        await self._session.flush()
        await self._session.refresh(answer)
        return answer

    async def get(self, space_id: UUID, id_: UUID, *, keep: bool = False) -> AnswerRow | None:
        """`keep`: nobody can delete it until the transaction ends."""
        query = select(AnswerRow).where(AnswerRow.id == id_, AnswerRow.space_id == space_id)
        query = query.with_for_update(read=True, key_share=True, of=AnswerRow) if keep else query
        return (await self._session.execute(query)).scalar_one_or_none()

    async def by_id(self, id_: UUID) -> AnswerRow | None:
        return await self._session.get(AnswerRow, id_)

    async def conversation(self, space_id: UUID, id_: UUID) -> ConversationRow | None:
        query = select(ConversationRow).where(ConversationRow.id == id_, ConversationRow.space_id == space_id)
        return (await self._session.execute(query)).scalar_one_or_none()

    async def space_of(self, conversation_id: UUID) -> UUID | None:
        query = select(ConversationRow.space_id).where(ConversationRow.id == conversation_id)
        return (await self._session.execute(query)).scalar_one_or_none()

    async def lock_conversation(self, space_id: UUID, id_: UUID) -> bool:
        """Let no question be added to the conversation until the transaction ends; whether there is one."""
        mine = select(ConversationRow.id).where(ConversationRow.id == id_, ConversationRow.space_id == space_id)
        return (await self._session.execute(mine.with_for_update())).scalar_one_or_none() is not None

    async def lock_some_of_visitor(self, space_id: UUID, visitor_id: UUID, before: UUID, limit: int) -> Sequence[UUID]:
        """The same of a visitor's oldest conversations that were begun before `before` was, by PostgreSQL's clock."""
        values = {"space_id": space_id, "visitor_id": visitor_id, "before": made_at(before), "limit": limit}
        return (await self._session.scalars(_OF_VISITOR, values)).all()

    async def lock_some_expired(self, space_id: UUID, at: datetime, limit: int) -> Sequence[UUID]:
        """The same of the oldest conversations that nothing was added to since `at`."""
        values = {"space_id": space_id, "before": first_id(at), "at": at, "limit": limit}
        ids = (await self._session.scalars(_LOCK_EXPIRED, values)).all()
        # One that was added to after the statement had begun does not look so to it.
        return (await self._session.scalars(_STILL_EXPIRED, {"ids": ids, "at": at})).all()

    async def erase_conversations(self, space_id: UUID, ids: Sequence[UUID]) -> None:
        """Conversations that are locked, with their answers, those being written too, and corrections."""
        # Jobs before answers: so does who ends one.
        await self._session.execute(_FORGET_JOBS, {"ids": ids, "summarize": SUMMARIZE_TURN})
        await self._session.execute(_FORGET_KEYS, {"space_id": space_id, "ids": ids})
        await self._session.execute(delete(ConversationRow).where(ConversationRow.id.in_(ids)))

    async def turns(self, conversation_id: UUID, *, before: AnswerRow | None = None, limit: int = 200) -> Sequence[AnswerRow]:
        """The conversation's latest `limit` answers, of those that were asked `before` another, oldest first.

        By PostgreSQL's clock: ids are made by those of the processes that were asked.
        """
        order = tuple_(AnswerRow.created_at, AnswerRow.id)
        query = select(AnswerRow).where(AnswerRow.conversation_id == conversation_id)
        query = query.where(order < tuple_(before.created_at, before.id)) if before is not None else query
        query = query.order_by(AnswerRow.created_at.desc(), AnswerRow.id.desc()).limit(limit)
        return list((await self._session.scalars(query)).all())[::-1]

    async def citing(self, space_id: UUID, document_id: UUID, *, limit: int) -> Sequence[AnswerRow]:
        """Of the latest answers those that cite a document, newest first."""
        latest = select(AnswerRow.id).where(AnswerRow.space_id == space_id, AnswerRow.found.is_(True))
        latest = latest.order_by(AnswerRow.id.desc()).limit(_LOOKED_THROUGH).subquery()
        query = select(AnswerRow).join(latest, latest.c.id == AnswerRow.id).where(AnswerRow.citations.contains(_cites(document_id)))
        return (await self._session.scalars(query.order_by(AnswerRow.id.desc()).limit(limit))).all()

    async def finish(self, id_: UUID, values: dict[str, Any]) -> None:
        await self._session.execute(update(AnswerRow).where(AnswerRow.id == id_).values(finished_at=func.now(), **values))

    async def reopen(self, id_: UUID) -> None:
        """A failed answer is being written again."""
        again = update(AnswerRow).where(AnswerRow.id == id_, AnswerRow.state == "failed")
        await self._session.execute(again.values(state="running", error=None, finished_at=None))

    async def rate(self, id_: UUID, rating: str | None, reason: str | None) -> None:
        await self._session.execute(update(AnswerRow).where(AnswerRow.id == id_).values(rating=rating, rating_reason=reason))

    async def renew(self, row: AnswerRow, terms: Sequence[int]) -> AnswerRow:
        """The answer with its correction as that is now; its summary is yet to be made of it."""
        await self._session.execute(update(AnswerRow).where(AnswerRow.id == row.id).values(terms=terms, summary=None))
        await self._session.refresh(row)
        return row

    async def space(self, id_: UUID) -> tuple[int, dict[str, Any]]:
        """(knowledge_version, settings) of a space."""
        row = (await self._session.execute(_SPACE, {"id": id_})).one()
        return row.knowledge_version, row.settings

    async def job_fence(self, job_id: UUID) -> int | None:
        """The fence of an answer's job: who writes it; None where the job is gone."""
        return (await self._session.execute(_FENCE, {"id": job_id})).scalar_one_or_none()

    async def is_written_under(self, job_id: UUID, fence: int) -> bool:
        """Whether the holder of this fence may go on writing."""
        return bool((await self._session.execute(_WRITTEN_UNDER, {"id": job_id, "fence": fence})).scalar_one())


class CorrectionRepository:
    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def put(self, row: CorrectionRow, documents: Mapping[UUID, int]) -> None:
        """`documents`: those that it relies on, and their versions."""
        values = {"answer_id": row.answer_id, "space_id": row.space_id, "sense": row.sense, "text": row.text}
        changed = {"sense": row.sense, "text": row.text, "updated_at": func.now()}
        put = insert(CorrectionRow).values(**values).on_conflict_do_update(index_elements=[CorrectionRow.answer_id], set_=changed)
        await self._session.execute(put)
        await self._session.execute(delete(CorrectionDocumentRow).where(CorrectionDocumentRow.answer_id == row.answer_id))
        named = [CorrectionDocumentRow(answer_id=row.answer_id, document_id=id_, version=n) for id_, n in documents.items()]
        self._session.add_all(named)
        await self._session.flush()

    async def delete(self, answer_id: UUID) -> bool:
        """Whether there was one."""
        gone = delete(CorrectionRow).where(CorrectionRow.answer_id == answer_id).returning(CorrectionRow.answer_id)
        return (await self._session.execute(gone)).scalar_one_or_none() is not None

    async def of_sense(self, space_id: UUID, sense: UUID) -> Sequence[Row[Any]]:
        """(answer_id, text, question, citations) of the corrections that may answer a question, without the stale ones."""
        return (await self._session.execute(_OF_SENSE, {"space_id": space_id, "sense": sense})).all()

    async def documents(self, answer_ids: Sequence[UUID]) -> Sequence[Row[Any]]:
        """(answer_id, document_id, title, version, changed) of what corrections rely on; no title where it is deleted."""
        return (await self._session.execute(_CORRECTION_DOCUMENTS, {"answer_ids": answer_ids})).all()


def answer_terms(space_id: UUID, *texts: str) -> list[int]:
    """What an answer is found by."""
    return sorted(set(space_terms(space_id, {term_id(term) for each in texts for term in terms(each)})))


def _cites(document_id: UUID) -> list[dict[str, str]]:
    return [{"document_id": str(document_id)}]
