"""One thing done with many."""

from collections.abc import Awaitable, Callable, Iterable

from protostar.cli.client import ApiError
from protostar.cli.display import complain, stdout


async def each(ids: Iterable[object], act: Callable[[str], Awaitable[str]]) -> int:
    """Print what `act` says of each id; returns the exit code: 1 where the server refused one, which is named."""
    code = 0
    for id_ in map(str, ids):
        try:
            stdout().print(await act(id_))
        except ApiError as error:
            complain(f"{id_}: {error}")
            code = 1
    return code
