"""The visitor's token: signed for one visitor of one space, for a while."""

from datetime import timedelta
from uuid import UUID

import pytest

from protostar.access.visitor import VisitorTokens
from protostar.errors import VisitorExpired, VisitorRefused

SPACE, OTHER = UUID(int=1), UUID(int=2)


def tokens(secret: bytes = b"secret", ttl: timedelta = timedelta(hours=1)) -> VisitorTokens:
    async def read() -> bytes:
        return secret

    return VisitorTokens(read, ttl)


async def test_a_token_names_its_visitor() -> None:
    for visitor in (tokens().anonymous(SPACE), await tokens().signed_in(SPACE, "ann")):
        assert await tokens().read(await tokens().sign(visitor), SPACE) == visitor


async def test_a_token_is_good_for_no_other_space() -> None:
    token = await tokens().sign(tokens().anonymous(SPACE))
    with pytest.raises(VisitorRefused, match="another space"):
        await tokens().read(token, OTHER)


async def test_a_token_runs_out() -> None:
    late = tokens(ttl=timedelta(seconds=-2))
    with pytest.raises(VisitorExpired, match="has expired"):
        await late.read(await late.sign(late.anonymous(SPACE)), SPACE)


@pytest.mark.parametrize("token", ["", "=", "A", "é", "not base64!", "A" * 40, "A" * 98, "A" * 200])
async def test_what_was_never_signed_is_refused(token: str) -> None:
    with pytest.raises(VisitorRefused, match="not one of ours"):
        await tokens().read(token, SPACE)


async def test_another_installation_signs_otherwise() -> None:
    token = await tokens(b"another secret").sign(tokens().anonymous(SPACE))
    with pytest.raises(VisitorRefused, match="not one of ours"):
        await tokens().read(token, SPACE)


async def test_every_stranger_is_another_one_and_a_person_is_the_same_on_every_device() -> None:
    assert tokens().anonymous(SPACE).id != tokens().anonymous(SPACE).id
    ann = await tokens().signed_in(SPACE, "ann")
    assert ann.id == (await tokens().signed_in(SPACE, "ann")).id
    assert ann.id != (await tokens().signed_in(SPACE, "bob")).id
    assert ann.id != (await tokens().signed_in(OTHER, "ann")).id


async def test_asking_on_prolongs_a_stranger_and_no_signature() -> None:
    early, late = tokens(ttl=timedelta(hours=1)), tokens(ttl=timedelta(hours=2))
    stranger, ann = early.anonymous(SPACE), await early.signed_in(SPACE, "ann")
    assert late.renewed(stranger).expires > stranger.expires
    assert late.renewed(ann) == ann
