"""Answers and conversations as they are kept: for whoever asked, and for the owner."""

from collections.abc import Sequence
from uuid import UUID

from protostar.access.visitor import Visitor, VisitorTokens
from protostar.answers.corrections import owners_views
from protostar.answers.draft import show
from protostar.answers.listing import Filters, conversations
from protostar.answers.models import AnswerRow
from protostar.answers.repository import AnswerRepository
from protostar.answers.schemas import Answer, Conversation, ConversationInfo, Feedback
from protostar.db.session import Database
from protostar.errors import Forbidden, NotFound, VisitorNeeded


class Records:
    def __init__(self, database: Database, visitors: VisitorTokens) -> None:
        self._database = database
        self._visitors = visitors

    async def get(self, space_id: UUID, id_: UUID) -> AnswerRow:
        async with self._database.transaction() as session:
            row = await AnswerRepository(session).get(space_id, id_)
        if row is None:
            raise NotFound("There is no answer with that id.")
        return row

    async def show(self, row: AnswerRow, *, to_owner: bool) -> Answer:
        async with self._database.transaction() as session:
            views = await owners_views(session, [row] if to_owner else [])
        return show(row, correction=views.get(row.id))

    async def conversations(
        self, space_id: UUID, filters: Filters, *, before: UUID | None, limit: int
    ) -> Sequence[ConversationInfo]:
        async with self._database.transaction() as session:
            rows = await conversations(session, space_id, filters, before=before, limit=limit)
        return [ConversationInfo.model_validate(row) for row in rows]

    async def citing(self, space_id: UUID, document_id: UUID, *, limit: int) -> Sequence[AnswerRow]:
        """The latest answers that cite a document, newest first."""
        async with self._database.transaction() as session:
            return await AnswerRepository(session).citing(space_id, document_id, limit=limit)

    async def conversation(self, space_id: UUID, id_: UUID, *, to_owner: bool) -> Conversation:
        async with self._database.transaction() as session:
            repository = AnswerRepository(session)
            row = await repository.conversation(space_id, id_)
            if row is None:
                raise NotFound("There is no conversation with that id.")
            turns = await repository.turns(id_)
            views = await owners_views(session, turns if to_owner else [])
        shown = [show(turn, correction=views.get(turn.id)) for turn in turns]
        visitor_id = row.visitor_id if to_owner else None
        return Conversation(id=row.id, visitor_id=visitor_id, created_at=row.created_at, answers=shown)

    async def space_of(self, conversation_id: UUID) -> UUID | None:
        """Whose the conversation is: for an admin alone, who may see every space."""
        async with self._database.transaction() as session:
            return await AnswerRepository(session).space_of(conversation_id)

    async def rate(self, row: AnswerRow, feedback: Feedback) -> None:
        """Keep what the visitor thinks of the answer now, in place of what was kept before."""
        reason = feedback.reason or None if feedback.rating is not None else None
        async with self._database.transaction() as session:
            await AnswerRepository(session).rate(row.id, feedback.rating, reason)

    async def check_visitor(self, token: str | None, space_id: UUID, conversation_id: UUID) -> Visitor:
        """The visitor of the token. Raises NotFound where the conversation is gone, and Forbidden where it is another's."""
        if token is None:
            raise VisitorNeeded("This conversation is a visitor's: send their token in the header «Protostar-Visitor».")
        visitor = await self._visitors.read(token, space_id)
        async with self._database.transaction() as session:
            conversation = await AnswerRepository(session).conversation(space_id, conversation_id)
        if conversation is None:
            raise NotFound("There is no conversation with that id.")
        if conversation.visitor_id != visitor.id:
            raise Forbidden("The visitor token belongs to another visitor.")
        return visitor
