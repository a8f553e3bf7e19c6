"""Clients leave, come back, and ask for the same thing twice at once."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import suppress

import asyncpg
import pytest
from tests.drills.clients import LOST_CONNECTION, Question
from tests.drills.course import Drill, Drills
from tests.drills.storage import Bucket
from tests.support.databases import named
from tests.support.sse import read_events

pytestmark = [pytest.mark.drill, pytest.mark.timeout(400)]

MiB = 1024 * 1024


async def test_clients_leave_in_the_middle_of_uploads(drills: Drills, bucket: Bucket) -> None:
    """Nothing of them stays: no row, no object, no multipart upload."""
    async with drills.drill(bucket.settings(bucket.endpoint)) as drill:
        await drill.ready()
        before = len(bucket.keys())
        leaving = [asyncio.create_task(_leave_while_uploading(drill, number)) for number in range(6)]
        await asyncio.gather(*leaving)
        await drill.in_flight()
        await drill.heal()
        uploaded = len(drill.clients.uploads)
        assert bucket.unfinished() == []
        assert len(bucket.keys("documents/")) == uploaded + 1, before
        assert await _rows(drill, "select count(*) from documents") == uploaded + 1


async def _leave_while_uploading(drill: Drill, number: int) -> None:
    async def endless() -> AsyncGenerator[bytes]:
        for _ in range(20):  # past the size of a part, so that some of it has been sent on
            yield b"words and more words\n" * (MiB // 21)
        await asyncio.sleep(0.2 * number)
        raise ConnectionAbortedError

    with suppress(*LOST_CONNECTION):
        async with drill.clients.http.post(f"{drill.clients.url()}/v1/documents?filename=left-{number}.md", data=endless()):
            pass


async def test_clients_leave_in_the_middle_of_answers(drills: Drills) -> None:
    """Their answers are written to the end all the same, and read on from where they left."""
    async with drills.drill(apis=2) as drill:
        await drill.ready()
        questions = [Question(number) for number in range(10)]
        drill.clients.questions += questions
        await asyncio.gather(*(_leave_while_reading(drill, question) for question in questions))
        drill.clients.resume(questions)
        counts = await drill.heal()
        assert counts.resets == counts.chats_again == 0, counts


async def _leave_while_reading(drill: Drill, question: Question) -> None:
    async with drill.clients.asked(question) as response:
        async for event in read_events(response):
            question.take(event)
            if len(question.text) > 50:
                return


async def test_the_same_upload_twice_at_once(drills: Drills) -> None:
    async with drills.drill(apis=2) as drill:
        await drill.ready()
        drill.clients.upload(range(5), at_once=10)
        drill.clients.upload(range(5), at_once=10)
        await drill.clients.finished()
        ids = [upload.id for upload in drill.clients.uploads]
        assert ids[:5] == ids[5:]
        del drill.clients.uploads[5:]
        await drill.heal()
        assert await _rows(drill, "select count(*) from documents where filename like 'drill%'") == 5
        objects = [path for path in (drill.installation.objects / "documents").iterdir() if path.is_file()]
        assert len(objects) == 6  # with the guide


async def test_the_same_question_twice_at_once(drills: Drills) -> None:
    """Both hear the same answer, which is written once, wherever they ask."""
    async with drills.drill(apis=2) as drill:
        await drill.ready()
        drill.clients.ask(range(5))
        drill.clients.ask(range(5))
        counts = await drill.heal()
        ids = [question.answer_id for question in drill.clients.questions]
        assert ids[:5] == ids[5:]
        assert counts.chats_again == 0


async def _rows(drill: Drill, query: str) -> int:
    connection = await asyncpg.connect(named(drill.postgres.url, drill.database))
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close()
