"""Many requests at once, and how far they are."""

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import TypeVar

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from protostar.cli.display import stderr

Item = TypeVar("Item")
Result = TypeVar("Result")


async def map_concurrently(
    what: str, items: Sequence[Item], one: Callable[[Item], Awaitable[Result]], at_once: int
) -> list[Result]:
    """`one` of each item, in their order, so many at once. Raises the first error."""
    results: dict[int, Result] = {}
    left = iter(enumerate(items))

    async def work(show_done: Callable[[int], None]) -> None:
        for number, item in left:
            results[number] = await one(item)
            show_done(len(results))

    try:
        with bar(what, len(items)) as show_done:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(at_once):
                    tasks.create_task(work(show_done))
    except ExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [results[number] for number in range(len(items))]


@contextmanager
def bar(what: str, total: int) -> Generator[Callable[[int], None]]:
    """On a terminal a bar that moves; elsewhere nothing."""
    columns = TextColumn("{task.description}", markup=False), BarColumn(bar_width=None), MofNCompleteColumn()
    with Progress(*columns, console=stderr(), transient=True, disable=not stderr().is_terminal) as progress:
        bar = progress.add_task(what, total=total)
        yield lambda done: progress.update(bar, completed=done)
