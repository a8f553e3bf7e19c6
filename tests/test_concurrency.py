"""Who finds no place is told when one will be free, by how fast they have been getting free."""

from contextlib import ExitStack, suppress
from types import SimpleNamespace

import pytest

from protostar.concurrency import ConcurrencyLimit
from protostar.errors import Unavailable


@pytest.fixture
def clock() -> SimpleNamespace:
    return SimpleNamespace(now=100.0)


@pytest.fixture
def places(clock: SimpleNamespace) -> ConcurrencyLimit:
    return ConcurrencyLimit(2, "Full.", clock=lambda: clock.now)


def refused(places: ConcurrencyLimit) -> float | None:
    with pytest.raises(Unavailable, match="Full") as caught:
        places.enter()
    return caught.value.retry_after


def test_a_place_is_free_again_whatever_happens_in_it(places: ConcurrencyLimit) -> None:
    places.enter()
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), places.taken("a"):
            refused(places)
            raise ZeroDivisionError
    places.enter()
    refused(places)


def test_the_wait_follows_the_measured_rate_and_the_crowd(places: ConcurrencyLimit, clock: SimpleNamespace) -> None:
    places.enter()
    places.enter()
    assert refused(places) == 2  # nothing is known yet
    clock.now += 40  # the refused of before are back by now
    for _ in range(5):
        places.leave()
        places.enter()
        clock.now += 4
    assert [refused(places) for _ in range(3)] == [4, 8, 12]  # five within 20 seconds
    clock.now += 31
    assert refused(places) == 2


def test_nobody_is_sent_away_for_more_than_a_minute(places: ConcurrencyLimit, clock: SimpleNamespace) -> None:
    places.enter()
    places.enter()
    places.leave()
    places.enter()
    clock.now += 20
    assert [refused(places) for _ in range(5)][-1] == 60


def test_nobody_takes_the_last_places_of_all() -> None:
    places = ConcurrencyLimit(64, "Full.")

    def take(of: str, stack: ExitStack) -> int:
        taken = 0
        with suppress(Unavailable):
            while True:
                stack.enter_context(places.taken(of))
                taken += 1
        return taken

    with ExitStack() as stack, ExitStack() as first:
        assert take("first", first) == 43
        assert take("second", stack) == 14
        assert take("third", stack) == 5
        first.close()
        assert take("third", stack) > 5
    assert take("first", ExitStack()) == 43
