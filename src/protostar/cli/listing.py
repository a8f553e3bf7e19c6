"""Lists of the API, and single items of them, as tables or JSON."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from protostar.cli.client import ApiClient
from protostar.cli.display import Column, note, record, table, write_json


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
