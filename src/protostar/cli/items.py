"""Items of the API: lists of them, one of them, and what is done with each of many."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import Any

from protostar.cli.client import ApiClient, ApiError
from protostar.cli.display import Column, complain, note, record, stdout, table, write_json


async def show_list(
    client: ApiClient,
    path: str,
    filters: Mapping[str, str | None],
    columns: Sequence[Column],
    row: Callable[[dict[str, Any]], Sequence[object]],
    *,
    limit: int,
    as_json: bool,
) -> int:
    """`filters`: None for none."""
    page = await client.page(path, {name: value for name, value in filters.items() if value}, limit)
    if as_json:
        write_json(page)
        return 0
    table(columns, [row(item) for item in page["items"]])
    if page["next_cursor"]:
        note(f"These are the newest {limit}; --limit shows more.")
    return 0


async def show_item(client: ApiClient, path: str, *, as_json: bool) -> int:
    item = await client.get(path)
    if as_json:
        write_json(item)
    else:
        record(item)
    return 0


async def for_each(ids: Iterable[object], act: Callable[[str], Awaitable[str]]) -> int:
    """Print what `act` says of each id; returns the exit code: 1 where the server refused one, which is named."""
    code = 0
    for id_ in map(str, ids):
        try:
            stdout().print(await act(id_))
        except ApiError as error:
            complain(f"{id_}: {error}")
            code = 1
    return code
