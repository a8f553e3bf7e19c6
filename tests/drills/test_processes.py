"""A worker, the API, or both are killed, stopped, or frozen past their leases."""

import asyncio
import signal

import pytest
from tests.drills.course import Drill, Drills
from tests.drills.processes import SETTINGS

pytestmark = [pytest.mark.drill, pytest.mark.timeout(400)]

ENDED = {0, -signal.SIGTERM}
"""uvicorn shuts down in order, and then lets the signal have its way."""

PAST_THE_LEASE = 2.5 * float(SETTINGS["WORKER_LEASE"])


async def test_nothing_breaks(drills: Drills) -> None:
    async with drills.drill(apis=2) as drill:
        await drill.ready()
        await drill.in_flight()
        counts = await drill.heal()
        assert counts.again == counts.chats_again == counts.resets == 0, counts


async def test_kill_9_of_the_worker(drills: Drills) -> None:
    async with drills.drill() as drill:
        await drill.ready()
        await drill.in_flight()
        (worker,) = drill.installation.workers
        await worker.kill()
        await worker.up()
        await drill.heal(kills=1, leftovers=True)


async def test_kill_9_of_an_api(drills: Drills) -> None:
    """Its answers are taken over by the worker, and its clients read on at the other API."""
    async with drills.drill(apis=2) as drill:
        await drill.ready()
        await drill.in_flight()
        await drill.installation.apis[0].kill()
        await drill.heal(leftovers=True)
        assert taken_over(drill) == {"succeeded"}
        assert {question.resets for question in drill.clients.questions} == {0, 1}


async def test_kill_9_of_both(drills: Drills) -> None:
    async with drills.drill() as drill:
        await drill.ready()
        await drill.in_flight()
        await asyncio.gather(*(process.kill() for process in drill.installation.processes))
        await drill.installation.up()
        await drill.heal(kills=1, leftovers=True)


async def test_sigterm_of_the_worker(drills: Drills) -> None:
    """What it does not finish within its grace it gives back, without spending an attempt."""
    async with drills.drill({"WORKER_GRACE": "0.1"}) as drill:
        await drill.ready()
        await drill.in_flight()
        (worker,) = drill.installation.workers
        assert await worker.terminate() == 0
        assert '"job_lease_expired"' not in worker.printed()
        await worker.up()
        await drill.heal(kills=1)
        assert '"job_lease_expired"' not in worker.printed(), "a lease was kept"


async def test_sigterm_of_an_api(drills: Drills) -> None:
    """Answers that it does not finish within its grace are given back, and need not wait for their leases."""
    async with drills.drill({"WORKER_GRACE": "1", "ANSWER_LEASE": "60"}, apis=2) as drill:
        await drill.ready()
        await drill.in_flight()
        assert await drill.installation.apis[0].terminate() in ENDED
        counts = await drill.heal()
        assert counts.seconds < 40, "somebody waited for a lease"


async def test_sigterm_of_both(drills: Drills) -> None:
    async with drills.drill() as drill:
        await drill.ready()
        await drill.in_flight()
        assert set(await asyncio.gather(*(process.terminate() for process in drill.installation.processes))) <= ENDED
        await drill.installation.up()
        await drill.heal(kills=1)


async def test_a_worker_frozen_past_its_leases(drills: Drills) -> None:
    """The other takes over; the one that wakes writes nothing."""
    async with drills.drill(workers=2) as drill:
        await drill.ready()
        await drill.in_flight()
        frozen, other = drill.installation.workers
        frozen.freeze()
        await asyncio.sleep(PAST_THE_LEASE)
        assert '"job_lease_expired"' in other.printed()
        frozen.thaw()
        await drill.heal(kills=1)


async def test_an_api_frozen_past_its_leases(drills: Drills) -> None:
    """The worker takes its answers over; when it wakes, it writes nothing, and who still reads from it reads the worker's."""
    async with drills.drill(apis=2) as drill:
        await drill.ready()
        await drill.in_flight()
        frozen = drill.installation.apis[0]
        frozen.freeze()
        await asyncio.sleep(PAST_THE_LEASE)
        frozen.thaw()
        await drill.heal()
        assert taken_over(drill) == {"succeeded"}
        assert {question.resets for question in drill.clients.questions} == {0, 1}


async def test_both_frozen_past_their_leases(drills: Drills) -> None:
    """Half of everything stands still; the other half takes all of it over, and what wakes writes nothing."""
    async with drills.drill(apis=2, workers=2) as drill:
        await drill.ready()
        await drill.in_flight()
        frozen = [drill.installation.apis[0], drill.installation.workers[0]]
        for process in frozen:
            process.freeze()
        await asyncio.sleep(PAST_THE_LEASE)
        for process in frozen:
            process.thaw()
        await drill.heal(kills=1)
        assert taken_over(drill) == {"succeeded"}
        assert {question.resets for question in drill.clients.questions} == {0, 1}


def taken_over(drill: Drill) -> set[str]:
    """How the answers ended that workers wrote."""
    return {
        event["outcome"]
        for worker in drill.installation.workers
        for event in worker.events()
        if event["event"] == "job_ended" and event["kind"] == "answer.write"
    }
