"""Rows for COPY, read back by PostgreSQL."""

import io

import asyncpg
from tests.knowledge.parse.support import OWNER

from protostar.db.session import Database
from protostar.db.vectors import SparseVector
from protostar.knowledge.breaks import HeadingBreak, PageBreak, headings_of_stored
from protostar.knowledge.chunking import Chunk
from protostar.knowledge.rows import COLUMNS, HEAD, TAIL, Rows, text_hash
from protostar.knowledge.tokens import space_terms

HEADINGS = (HeadingBreak(0, ("제목", "a > b")), HeadingBreak(4, ("제목", "a > b", '"c"')))


async def test_postgresql_reads_what_was_written(database: Database) -> None:
    rows = Rows(OWNER)
    written = [
        rows.row(
            Chunk(0, 7, ("제목", "a > b"), (PageBreak(0, 3), PageBreak(4, 4), PageBreak(6, 7)), HEADINGS),
            "가나다 café",
            text_hash("x"),
            {999_999_999: 0.5, 7: 2.1875},
        ),
        rows.row(Chunk(7, 8), "😀", text_hash("y"), {}),
    ]
    async with database.driver() as connection:
        await connection.execute("create temporary table copied (like chunks)")
        source = io.BytesIO(HEAD + b"".join(written) + TAIL)
        await connection.copy_to_table("copied", source=source, columns=COLUMNS, format="binary")
        first, second = await connection.fetch("select * from copied order by ordinal")
        await connection.execute("drop table copied")
    assert isinstance(first, asyncpg.Record)
    assert (first["document_id"], first["version"], first["space_id"]) == (OWNER.document_id, OWNER.version, OWNER.space_id)
    assert (first["char_start"], first["char_end"], first["page"]) == (0, 7, 3)
    assert first["page_breaks"] == [4, 4, 6, 7]
    assert headings_of_stored(first["heading_breaks"]) == HEADINGS
    assert (first["heading_path"], first["text"]) == (["제목", "a > b"], "가나다 café")
    assert first["text_hash"].bytes == text_hash("x")
    assert first["weights"] == SparseVector((7, 999_999_999), (2.1875, 0.5))
    assert first["terms"] == space_terms(OWNER.space_id, [7, 999_999_999])
    assert (second["ordinal"], second["heading_path"], second["terms"]) == (1, [], [])
    assert (second["page"], second["page_breaks"], second["heading_breaks"]) == (None, None, None)
    assert (second["text"], second["weights"]) == ("😀", SparseVector((), ()))
