"""The visitor's token: signed for one conversation, for a while."""

from datetime import timedelta
from uuid import UUID

import pytest

from protostar.access.visitor import VisitorTokens
from protostar.errors import Forbidden

SPACE, CONVERSATION, OTHER = UUID(int=1), UUID(int=2), UUID(int=3)


def tokens(secret: bytes = b"secret", ttl: timedelta = timedelta(hours=1)) -> VisitorTokens:
    async def read() -> bytes:
        return secret

    return VisitorTokens(read, ttl)


async def test_a_token_is_good_for_its_conversation() -> None:
    await tokens().verify(await tokens().sign(SPACE, CONVERSATION), SPACE, CONVERSATION)


@pytest.mark.parametrize(("space", "conversation"), [(SPACE, OTHER), (OTHER, CONVERSATION), (CONVERSATION, SPACE)])
async def test_a_token_is_good_for_nothing_else(space: UUID, conversation: UUID) -> None:
    token = await tokens().sign(SPACE, CONVERSATION)
    with pytest.raises(Forbidden, match="another conversation"):
        await tokens().verify(token, space, conversation)


async def test_a_token_runs_out() -> None:
    token = await tokens(ttl=timedelta(seconds=-2)).sign(SPACE, CONVERSATION)
    with pytest.raises(Forbidden, match="expired"):
        await tokens().verify(token, SPACE, CONVERSATION)


@pytest.mark.parametrize("token", ["", "=", "A", "é", "not base64!", "A" * 40, "A" * 200])
async def test_what_was_never_signed_is_refused(token: str) -> None:
    with pytest.raises(Forbidden, match="not one of ours"):
        await tokens().verify(token, SPACE, CONVERSATION)


async def test_another_installation_signs_otherwise() -> None:
    token = await tokens(b"another secret").sign(SPACE, CONVERSATION)
    with pytest.raises(Forbidden, match="not one of ours"):
        await tokens().verify(token, SPACE, CONVERSATION)
