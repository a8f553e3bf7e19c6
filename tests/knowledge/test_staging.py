"""What is staged of a version, and by whom: attempts that end half way, and others that come in between."""

from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import text
from tests.support.chunks import store
from tests.support.stack import settings_for
from tests.support.streams import chunks, collect

from protostar.config import S3Settings
from protostar.db.session import Database
from protostar.documents.kinds import index
from protostar.errors import LeaseLost
from protostar.ids import new_id
from protostar.jobs.bell import Bell
from protostar.jobs.context import JobContext
from protostar.jobs.model import Job
from protostar.jobs.repository import JobRepository
from protostar.jobs.service import Jobs
from protostar.knowledge.chunking import Chunk
from protostar.knowledge.parse.process.client import Batch, ParseResult, ParseServer
from protostar.knowledge.pipeline import Pipeline
from protostar.knowledge.repository import KnowledgeRepository
from protostar.knowledge.rows import Owner, Rows, text_hash
from protostar.knowledge.vectors import Vectors
from protostar.objects.store import open_object_store
from protostar.redis.announcements import Announcements
from protostar.telemetry import Metrics

Meanwhile = Callable[[int], Awaitable[None]]
"""What happens when so many passages are read."""

SIZES = (2, 3, 1)  # of the batches
BEGUN = "insert into documents (id, space_id, title, filename, latest_version) values (:id, :space, 'Title', 'f.md', 1)"
UNREAD = """
    insert into document_versions (document_id, version, filename, media_type, object_key, size, sha256, job_id)
    values (:id, 1, 'f.md', 'text/markdown', :key, :size, :sha256, :id)"""


async def nothing(_passages: int) -> None:
    return None


def batches(owner: Owner, sizes: Sequence[int], word: str = "passage") -> list[Batch]:
    rows = Rows(owner)
    made = list[Batch]()
    for size in sizes:
        texts = [f"{word} {len(made)} {n}" for n in range(size)]
        encoded = [rows.row(Chunk(0, len(each)), each, text_hash(each), {}) for each in texts]
        made.append(Batch(b"".join(encoded), [UUID(bytes=text_hash(each)) for each in texts], texts))
    return made


class Reading:
    """A parser that cuts every file into batches of these sizes. `word`: what it says it has read."""

    def __init__(self, sizes: Sequence[int], word: str, before: Meanwhile) -> None:
        self._sizes = sizes
        self._word = word
        self._before = before

    async def parse(self, _path: Path, owner: Owner, *, work_dir: Path, **_kind: Any) -> ParseResult:
        await self._before(0)
        made = batches(owner, self._sizes, self._word)

        class Result(ParseResult):
            def batches(self) -> Iterator[Batch]:
                return iter(made)

        result = Result(work_dir, None, None, 0, None, len(self._word), "", sum(self._sizes), {}, [], [])
        result.text_path.write_text(self._word)
        return result


class Watched(JobContext):
    meanwhile: Meanwhile = staticmethod(nothing)

    async def show(self, stage: str, done: int, total: int | None) -> None:
        await self.meanwhile(done)


class Staging:
    """A document whose only version is still to be read."""

    def __init__(self, database: Database, url: str, folder: Path, owner: Owner) -> None:
        self.database = database
        self.owner = owner
        self.settings = settings_for(url, None, folder)
        self.objects = open_object_store(folder.as_uri(), S3Settings())
        self.jobs = Jobs(Bell(None), max_attempts=5)

    async def claim(self) -> Job:
        async with self.database.transaction() as session:
            await self.jobs.enqueue(session, index(self.owner.space_id, self.owner.document_id, 1))
            kinds, lease = ["document.index"], timedelta(minutes=1)
            (job,) = await JobRepository(session).claim(kinds, limit=1, owner="test", lease=lease)
        return job

    async def index(
        self,
        job: Job,
        sizes: Sequence[int] = SIZES,
        *,
        meanwhile: Meanwhile = nothing,
        before: Meanwhile = nothing,
        word: str = "passage",
        embedder: Any = None,
    ) -> None:
        """Read it under this job."""
        parser = cast("ParseServer", Reading(sizes, word, before))
        context = Watched(job, self.database, None)
        context.meanwhile = meanwhile
        pipeline = Pipeline(self.database, self.objects, parser, embedder, self.jobs, Announcements(None), self.settings, Metrics())
        await pipeline.index(context)

    async def steal(self, _passages: int = 0) -> Job:
        """Let another worker have the job."""
        async with self.database.transaction() as session:
            lost = "state = 'queued', lease_owner = null, lease_until = null"
            await session.execute(text(f"update jobs set {lost} where kind = 'document.index'"))
        return await self.claim()

    async def execute(self, statement: str) -> Any:
        async with self.database.transaction() as session:
            return await session.execute(text(statement), {"id": self.owner.document_id})

    async def staged(self) -> list[str]:
        return list((await self.execute("select text from chunks where document_id = :id order by ordinal")).scalars())

    async def version(self) -> tuple[str, str | None]:
        """Its status and its text's key."""
        row = (await self.execute("select status, text_key from document_versions where document_id = :id")).one()
        return row[0], row[1]


@pytest.fixture
async def staging(database: Database, database_url: str, tmp_path: Path, space_id: UUID) -> Staging:
    staging = Staging(database, database_url, tmp_path, Owner(space_id, new_id(), 1))
    stored = await staging.objects.put(f"documents/{staging.owner.document_id}", chunks(b"# Text"), limit=100)
    values = {"id": staging.owner.document_id, "space": space_id, **{name: getattr(stored, name) for name in stored.__slots__}}
    async with database.transaction() as session:
        await session.execute(text(BEGUN), values)
        await session.execute(text(UNREAD), values)
    return staging


@pytest.mark.parametrize("sizes", [(4,), SIZES])
async def test_what_an_attempt_before_has_staged_is_replaced(staging: Staging, sizes: tuple[int, ...]) -> None:
    async with staging.database.transaction() as session:
        for each in batches(staging.owner, [3, 3], "old"):
            await KnowledgeRepository(session).stage(each.rows)
    await staging.index(await staging.claim(), sizes)
    assert await staging.staged() == [each for batch in batches(staging.owner, sizes) for each in batch.texts]
    assert (await staging.version())[0] == "ready"


async def test_a_version_that_is_read_already_stays_as_it_is(staging: Staging) -> None:
    await staging.index(await staging.claim())
    before = await staging.staged(), await staging.version()
    await staging.index(await staging.claim(), word="again")
    assert (await staging.staged(), await staging.version()) == before


@pytest.mark.parametrize("is_there", [True, False])
async def test_a_vector_that_went_before_the_switch_is_made_anew(staging: Staging, is_there: bool) -> None:
    """It was there when the passages were read; then the last document that had its text was erased."""
    vectors = Vectors(staging.database)
    model_id = await vectors.model_id("m", 2)

    class Embedding:
        async def add(self, space_id: UUID, texts: Mapping[UUID, str]) -> int:
            await vectors.add(space_id, model_id, [(hash_, [1.0, 0.0]) for hash_ in texts if is_there or hash_ != max(texts)])
            return model_id

    await staging.index(await staging.claim(), embedder=Embedding())
    embed = "select count(*) from jobs where kind = 'document.embed'"
    assert (await staging.execute(embed)).scalar_one() == (0 if is_there else 1)


async def test_who_has_lost_the_job_stages_nothing_more(staging: Staging) -> None:
    async def lose(passages: int) -> None:
        if passages == sum(SIZES[:2]):
            await staging.steal()

    with pytest.raises(LeaseLost):
        await staging.index(await staging.claim(), meanwhile=lose)
    assert await staging.staged() == batches(staging.owner, SIZES)[0].texts
    assert (await staging.version())[0] == "processing"


async def test_what_a_late_attempt_has_read_does_not_take_the_place_of_its_successors_text(staging: Staging) -> None:
    async def another(_passages: int) -> None:
        await staging.index(await staging.steal(), word="right")

    with pytest.raises(LeaseLost):
        await staging.index(await staging.claim(), before=another, word="late")
    status, key = await staging.version()
    assert status == "ready"
    assert key is not None
    assert await collect(staging.objects.read(key)) == b"right"
    assert {each.split()[0] for each in await staging.staged()} == {"right"}


@pytest.mark.parametrize(
    ("change", "status"),
    [("current_version = 2, latest_version = 2", "failed"), ("deleted_at = now(), erase_at = now()", "queued")],
)
async def test_what_is_not_wanted_any_more_when_it_is_read_leaves_nothing_staged(
    staging: Staging, change: str, status: str
) -> None:
    """A newer version answers by then, or the document is deleted; should that be taken back, it is read anew."""

    async def meanwhile(passages: int) -> None:
        if passages == sum(SIZES):
            await staging.execute(f"update documents set {change} where id = :id")

    await staging.index(await staging.claim(), meanwhile=meanwhile)
    assert (await staging.staged(), await staging.version()) == ([], (status, None))
    assert (await staging.execute("select state from jobs where kind = 'document.index'")).scalar_one() == "succeeded"


async def test_what_is_staged_for_the_next_version_is_not_purged_with_the_old_ones(database: Database, space_id: UUID) -> None:
    id_ = await store(database, space_id, ["old", "older"])
    columns = "filename, media_type, object_key, size, sha256, job_id"
    following = f"""
        insert into document_versions (document_id, version, {columns})
        select document_id, n, {columns} from document_versions, generate_series(2, 3) n"""
    async with database.transaction() as session:
        await session.execute(text(following))
        for version in (2, 3):
            for each in batches(Owner(space_id, id_, version), [1]):
                await KnowledgeRepository(session).stage(each.rows)
        await session.execute(text("update documents set current_version = 2"))
        repository = KnowledgeRepository(session)
        assert [await repository.purge_chunks(space_id, id_) for _ in range(2)] == [2, 0]
        assert list((await session.execute(text("select version from chunks order by version"))).scalars()) == [2, 3]


async def test_more_changes_than_are_folded_at_once_are_folded(database: Database, space_id: UUID) -> None:
    changes = (
        "insert into term_deltas (space_id, sign, terms, counts) select :space, 1, '{1,2}', '{1,1}' from generate_series(1, 501)"
    )
    back = "insert into term_deltas (space_id, sign, terms, counts) values (:space, -1, '{2}', '{501}')"
    async with database.transaction() as session:
        await session.execute(text(changes), {"space": space_id})
        repository = KnowledgeRepository(session)
        assert await repository.fold_terms(space_id)
        await session.execute(text(back), {"space": space_id})
        assert not await repository.fold_terms(space_id)
        known = (await session.execute(text("select term, count from term_frequencies"))).all()
    assert [tuple(row) for row in known] == [(1, 501)], "what is in no passage any more is forgotten"
