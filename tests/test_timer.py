import asyncio
import math

from tests.support.waiting import wait_until

from protostar.timer import ResettableTimer


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_it_calls_once_when_its_moment_has_passed() -> None:
    called: list[float] = []
    timer = ResettableTimer(lambda: called.append(now()))
    due = now() + 0.02
    timer.set(due)
    await wait_until(lambda: bool(called))
    assert called[0] >= due
    other = ResettableTimer(lambda: called.append(math.inf))
    other.set(now() + 0.02)
    await wait_until(lambda: math.inf in called)
    assert len(called) == 2


async def test_it_can_be_put_off_brought_forward_and_taken_back() -> None:
    called: list[str] = []
    timers = {name: ResettableTimer(lambda name=name: called.append(name)) for name in ("off", "forward", "back", "closed", "last")}
    for name, timer in timers.items():
        timer.set(now() + (60 if name == "forward" else 0.01))
    timers["off"].set(now() + 0.06)
    timers["forward"].set(now() + 0.03)
    timers["back"].clear()
    timers["closed"].close()
    timers["last"].set(now() + 0.09)
    await wait_until(lambda: "last" in called)
    # In no order: after a stall of the loop all that are due call at once.
    assert sorted(called) == ["forward", "last", "off"]


async def test_after_it_called_it_can_be_set_again() -> None:
    called: list[float] = []
    timer = ResettableTimer(lambda: called.append(now()))
    for count in (1, 2):
        timer.set(now())
        await wait_until(lambda count=count: len(called) == count)
