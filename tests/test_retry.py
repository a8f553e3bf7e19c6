"""Decisions about trying again, and the circuit breaker."""

import asyncio
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from protostar.errors import InvalidInput, ModelRejected, ModelUnavailable, RateLimited, RedisUnavailable
from protostar.retry import MAX_RETRY_AFTER, Breaker, decide, parse_retry_after

NOW = datetime(2026, 3, 1, 12, 0, 0, tzinfo=UTC)


@pytest.mark.parametrize("error", [InvalidInput(), ModelRejected(retry_after=3), ValueError(), KeyboardInterrupt()])
def test_gives_up_what_is_not_retryable(error):
    assert decide(error, 1) is None


@pytest.mark.parametrize(("attempt", "longest"), [(1, 2.0), (2, 4.0), (3, 8.0), (8, 256.0), (9, 300.0), (5_000, 300.0)])
def test_waits_a_random_part_of_a_doubling_time(attempt, longest):
    assert decide(ModelUnavailable(), attempt, random=lambda: 1.0) == longest
    assert decide(ModelUnavailable(), attempt, random=lambda: 0.25) == longest / 4
    assert decide(RateLimited(), attempt, random=lambda: 0.0) == 0.0


@pytest.mark.parametrize(("asked", "waited"), [(7.5, 7.5), (0, 0), (-4, 0), (1e12, MAX_RETRY_AFTER)])
def test_retry_after_wins_within_bounds(asked, waited):
    assert decide(ModelUnavailable(retry_after=asked), 9, cap=1.0) == waited


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("120", 120.0),
        (" 3 ", 3.0),
        ("1.5", 1.5),
        ("-5", 0.0),
        ("9" * 5000, MAX_RETRY_AFTER),
        ("١٢", None),  # digits, but not of ASCII
        ("nan", None),
        ("inf", None),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0.0),
        (format_datetime(NOW + timedelta(days=900), usegmt=True), MAX_RETRY_AFTER),
        ("Sunday, 01-Mar-26 12:01:00 GMT", 60.0),  # RFC 850
        ("Sun Mar  1 12:01:00 2026", 60.0),  # asctime
        ("Sun, 01 Mar 2026 25:61:00 GMT", None),
        ("Sun, 01 Mar 99999999999999999999 12:00:00 GMT", None),
    ],
)
def test_reads_retry_after(header, seconds):
    assert parse_retry_after(header, NOW) == seconds


@given(st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,6} [0-9:]{1,10} ?[A-Z0-9+-]{0,6}"))
def test_no_header_breaks_the_reader(header):
    seconds = parse_retry_after(header, NOW)
    assert seconds is None or 0 <= seconds <= MAX_RETRY_AFTER


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def breaker(clock):
    return Breaker("redis", RedisUnavailable, threshold=3, interval=10.0, clock=clock, random=lambda: 0.5)


async def call(breaker, error=None):
    async with breaker:
        if error is not None:
            raise error


async def fail(breaker, times=1, error=None):
    for _ in range(times):
        with pytest.raises(RedisUnavailable):
            await call(breaker, error or RedisUnavailable("gone"))


async def test_opens_after_consecutive_failures_and_refuses_at_once(breaker, clock):
    await fail(breaker, 2)
    assert breaker.state == "closed"
    await fail(breaker)
    assert breaker.state == "open"
    clock.now += 4
    with pytest.raises(RedisUnavailable) as caught:
        await call(breaker, AssertionError("the call must not be made"))
    assert caught.value.retry_after == 6.0
    assert "redis" in str(caught.value)


async def test_an_answer_in_between_starts_the_count_anew(breaker):
    await fail(breaker, 2)
    await call(breaker)
    await fail(breaker, 2)
    assert breaker.state == "closed"


async def test_only_an_absence_counts(breaker):
    for error in (InvalidInput(), KeyError(), asyncio.CancelledError()):
        for _ in range(3):
            with pytest.raises(type(error)):
                await call(breaker, error)
    assert breaker.state == "closed"
    await fail(breaker, 2)
    with pytest.raises(InvalidInput):  # a refusal is an answer
        await call(breaker, InvalidInput())
    await fail(breaker, 2)
    assert breaker.state == "closed"


async def test_a_good_probe_closes_and_a_bad_one_opens(breaker, clock):
    await fail(breaker, 3)
    clock.now += 10
    assert breaker.state == "half_open"
    await fail(breaker)
    assert breaker.state == "open"
    clock.now += 10
    await call(breaker)
    assert breaker.state == "closed"
    await fail(breaker, 2)
    assert breaker.state == "closed"


async def test_lets_one_probe_through_at_a_time(breaker, clock):
    await fail(breaker, 3)
    clock.now += 10
    answered = asyncio.Event()
    inside = asyncio.Event()

    async def probe():
        async with breaker:
            inside.set()
            await answered.wait()

    async with asyncio.TaskGroup() as group:
        group.create_task(probe())
        await inside.wait()
        for taken, wait in ((0, 0.5), (4, 4), (30, 10)):  # a slow model's probe is not asked about twice a second
            clock.now += taken
            with pytest.raises(RedisUnavailable) as caught:
                await call(breaker, AssertionError("the call must not be made"))
            assert caught.value.retry_after == wait
        answered.set()
    await call(breaker)
    assert breaker.state == "closed"


async def test_a_cancelled_probe_makes_room_for_another(breaker, clock):
    await fail(breaker, 3)
    clock.now += 10
    with pytest.raises(asyncio.CancelledError):
        await call(breaker, asyncio.CancelledError())
    assert breaker.state == "half_open"
    await call(breaker)
    assert breaker.state == "closed"


async def test_a_call_from_before_does_not_take_the_place_of_the_probe(breaker, clock):
    straggle, probed = asyncio.Event(), asyncio.Event()
    inside = asyncio.Event()

    async def straggler():
        async with breaker:
            await straggle.wait()
            raise RedisUnavailable

    async def probe():
        async with breaker:
            inside.set()
            await probed.wait()

    late = asyncio.create_task(straggler())
    await asyncio.sleep(0)
    await fail(breaker, 3)
    clock.now += 10
    first = asyncio.create_task(probe())
    await inside.wait()
    straggle.set()
    with pytest.raises(RedisUnavailable):
        await late
    assert breaker.state == "half_open"  # nobody else is kept out for longer by it
    with pytest.raises(RedisUnavailable):
        await call(breaker, AssertionError("a second probe"))
    probed.set()
    await first
    assert breaker.state == "closed"


@pytest.mark.parametrize(("asked", "seconds"), [(40, 40), (86_400, 60)])
async def test_stays_open_as_long_as_it_was_asked_to_but_no_hour(breaker, clock, asked, seconds):
    await fail(breaker, 3, RedisUnavailable(retry_after=asked))
    clock.now += seconds - 1
    assert breaker.state == "open"
    clock.now += 1
    assert breaker.state == "half_open"


async def test_the_log_is_told_once_of_an_absence_however_often_it_is_tried(breaker, clock):
    with capture_logs() as logs:
        await fail(breaker, 3)
        for _ in range(5):
            clock.now += 11
            await fail(breaker)
        clock.now += 11
        await call(breaker)
        await fail(breaker, 3)
    assert [entry["event"] for entry in logs] == ["breaker_opened", "breaker_closed", "breaker_opened"]


@pytest.mark.parametrize(("draw", "seconds"), [(0.0, 5.0), (1.0, 15.0)])
async def test_processes_do_not_probe_in_step(clock, draw, seconds):
    breaker = Breaker("redis", RedisUnavailable, threshold=1, interval=10.0, clock=clock, random=lambda: draw)
    await fail(breaker)
    clock.now += seconds - 0.1
    assert breaker.state == "open"
    clock.now += 0.2
    assert breaker.state == "half_open"
