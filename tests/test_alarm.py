import asyncio
import math

from tests.support.waiting import wait_until

from protostar.alarm import Alarm


def now() -> float:
    return asyncio.get_running_loop().time()


async def test_it_rings_once_when_its_moment_has_passed() -> None:
    rung: list[float] = []
    alarm = Alarm(lambda: rung.append(now()))
    due = now() + 0.02
    alarm.set(due)
    await wait_until(lambda: bool(rung))
    assert rung[0] >= due
    other = Alarm(lambda: rung.append(math.inf))
    other.set(now() + 0.02)
    await wait_until(lambda: math.inf in rung)
    assert len(rung) == 2


async def test_it_can_be_put_off_brought_forward_and_taken_back() -> None:
    rung: list[str] = []
    alarms = {name: Alarm(lambda name=name: rung.append(name)) for name in ("off", "forward", "back", "closed", "last")}
    for name, alarm in alarms.items():
        alarm.set(now() + (60 if name == "forward" else 0.01))
    alarms["off"].set(now() + 0.06)
    alarms["forward"].set(now() + 0.03)
    alarms["back"].clear()
    alarms["closed"].close()
    alarms["last"].set(now() + 0.09)
    await wait_until(lambda: "last" in rung)
    # In no order: after a stall of the loop all that are due ring at once.
    assert sorted(rung) == ["forward", "last", "off"]


async def test_after_it_rang_it_can_be_set_again() -> None:
    rung: list[float] = []
    alarm = Alarm(lambda: rung.append(now()))
    for count in (1, 2):
        alarm.set(now())
        await wait_until(lambda count=count: len(rung) == count)
