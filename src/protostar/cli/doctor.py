"""`protostar doctor`: every check, one after the other, and what to do about what was found."""

import asyncio
from collections.abc import Sequence
from dataclasses import asdict

from protostar.cli.checks import machine, models, objects, postgres, redis, server, settings
from protostar.cli.checks.check import Check
from protostar.cli.display import Column, stderr, stdout, table, write_json

_COLUMNS = (Column("part", 12), Column("state", 8), Column("what was found", 24))


async def examine(*, as_json: bool) -> int:
    """Print the result of all checks; returns 1 if anything is broken."""
    with stderr().status("Looking at every part…"):
        checks = await _all()
    broken = any(check.state == "broken" for check in checks)
    if as_json:
        write_json({"ok": not broken, "checks": [asdict(check) for check in checks]})
    else:
        _report(checks)
    return 1 if broken else 0


async def _all() -> list[Check]:
    """Without usable settings there is nothing else that could be checked."""
    read, checks = await asyncio.to_thread(settings.check)
    if read is None:
        return checks
    dependencies = (
        postgres.check(read), redis.check(read), objects.check(read), models.chat(read.chat), models.embeddings(read.embedding)
    )  # fmt: skip
    return [
        *checks,
        *await asyncio.to_thread(machine.check, read),
        *await asyncio.gather(*dependencies),
        *await server.check(read),
    ]


def _report(checks: Sequence[Check]) -> None:
    table(_COLUMNS, [(check.name, check.state, check.found) for check in checks])
    todo = [check for check in checks if check.advice]
    for check in todo:
        stdout().print(f"\n{check.name}: {check.advice}", style="red" if check.state == "broken" else "yellow")
    if not todo:
        stdout().print("\nNothing to do.")
