"""Visitors of a page: their tokens, what they see first, and how much they may ask."""

from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncSession

from protostar.access.identity import subject_of
from protostar.access.limits import Allowance, GiveBack, Limits, Spent
from protostar.access.visitor import Visitor, VisitorTokens
from protostar.config import LimitSettings
from protostar.db.session import Database
from protostar.errors import Forbidden, InvalidInput, VisitorRefused
from protostar.spaces.models import SpaceRow
from protostar.spaces.schemas import SpaceLimits, SpaceSettings
from protostar.spaces.service import existing
from protostar.visitors.repository import VisitorRepository
from protostar.visitors.schemas import VisitorNamed, Widget


class Visitors:
    def __init__(self, database: Database, tokens: VisitorTokens, limits: Limits, settings: LimitSettings) -> None:
        self.tokens = tokens
        self._database = database
        self._limits = limits
        self._settings = settings

    async def known(self, space_id: UUID, token: str | None) -> Visitor:
        """The visitor of the token; a new one without any. Raises Forbidden."""
        return await self.tokens.read(token, space_id) if token is not None else self.tokens.anonymous(space_id)

    async def enter(self, space_id: UUID, address: str, token: str | None, identity: str | None) -> Visitor:
        """A visitor with a new token; who signs in takes along the conversations so far. Raises Forbidden."""
        await self._limits.knock(space_id, address, "visitors")
        before = await self.known(space_id, token)
        if identity is None:
            return self.tokens.renewed(before)
        async with self._database.transaction() as session:
            secret = (await existing(session, space_id)).identity_secret
            if secret is None:
                raise Forbidden("Visitors of this page cannot sign in: its owner has made no identity secret.")
            visitor = await self.tokens.signed_in(space_id, subject_of(identity, secret, space_id))
            if not before.signed_in:  # of two people on one device neither inherits from the other
                await VisitorRepository(session).adopt(space_id, before.id, visitor.id)
        return visitor

    async def named(self, space_id: UUID, who: VisitorNamed) -> UUID:
        """The id of the visitor, whether or not they have asked anything. Raises InvalidInput for a token of no visitor here."""
        if who.subject is not None:
            return (await self.tokens.signed_in(space_id, who.subject)).id
        if who.visitor_token is not None:
            try:
                return (await self.tokens.holder(who.visitor_token, space_id)).id
            except VisitorRefused as error:
                raise InvalidInput("visitor_token: it is not one that this space has given out.") from error
        assert who.visitor_id is not None  # noqa: S101 - it is named by one of them
        return who.visitor_id

    async def widget(self, space_id: UUID) -> Widget:
        async with self._database.transaction() as session:
            row = await existing(session, space_id)
        settings = SpaceSettings.stored(row.settings)
        return Widget(
            title=settings.title,
            greeting=settings.greeting,
            starter_questions=settings.starter_questions,
            languages=settings.languages,
            theme=settings.theme,
            can_sign_in=row.identity_enabled,
        )

    async def knock(self, space_id: UUID, address: str) -> None:
        """Count a request before anything is looked at. Raises RateLimited."""
        await self._limits.knock(space_id, address)

    async def admit(self, session: AsyncSession, visitor: Visitor, address: str, *, is_question: bool) -> GiveBack:
        """Count a new message against the limits of the visitor's space. Raises RateLimited."""
        allowance = self._allowance(await existing(session, visitor.space_id))
        return await self._limits.ask(visitor, address, allowance, is_question=is_question)

    async def spent(self, space: SpaceRow) -> tuple[Spent, Allowance]:
        """What the visitors of a space have used up today, and what they may."""
        return await self._limits.spent(space.id), self._allowance(space)

    @property
    def usual(self) -> SpaceLimits:
        """What the installation allows where a space sets nothing."""
        every = self._settings
        return SpaceLimits(
            asks_per_visitor=every.asks_per_visitor_day,
            asks_per_signed_in=every.asks_per_signed_in_day,
            asks_per_address=every.asks_per_address_day,
            asks=every.asks_per_space_day,
            tokens=every.tokens_per_space_day,
        )

    def _allowance(self, space: SpaceRow) -> Allowance:
        """What the space sets, else what the installation does. What costs the installation, a space can only lower."""
        own, all_ = SpaceSettings.stored(space.settings).limits, self._settings
        return Allowance(
            asks_per_visitor=all_.asks_per_visitor_day if own.asks_per_visitor is None else own.asks_per_visitor,
            asks_per_signed_in=all_.asks_per_signed_in_day if own.asks_per_signed_in is None else own.asks_per_signed_in,
            asks_per_address=all_.asks_per_address_day if own.asks_per_address is None else own.asks_per_address,
            asks=min(all_.asks_per_space_day, all_.asks_per_space_day if own.asks is None else own.asks),
            tokens=min(all_.tokens_per_space_day, all_.tokens_per_space_day if own.tokens is None else own.tokens),
            can_sign_in=space.identity_enabled,
        )
