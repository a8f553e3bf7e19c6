"""Statements about vectors that stand alone."""

from protostar.db.session import Database
from protostar.knowledge.vectors import Vectors


async def test_a_model_that_is_known_spends_no_id(database: Database) -> None:
    """There are 32,767 of them, and every process and every page of an import asks."""
    vectors = Vectors(database)
    first = await vectors.model_id("one", 8)
    assert {await vectors.model_id("one", 8) for _ in range(5)} == {first}
    assert await vectors.model_id("two", 8) == first + 1
