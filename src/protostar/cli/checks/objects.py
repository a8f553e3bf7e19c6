"""The object store: whether it answers, can be written to, and is this database's."""

import asyncio

from protostar.cli.checks.check import EMBEDDED, PATIENCE, Check
from protostar.config import PREFIX, Settings
from protostar.db.session import Database
from protostar.documents.ownership import Ownership
from protostar.errors import ProtostarError
from protostar.objects.store import ObjectStore, open_object_store


async def check(settings: Settings) -> Check:
    if settings.objects_url is None:
        return Check("objects", "ok", EMBEDDED)
    url = settings.objects_url
    advice = f"Check {PREFIX}OBJECTS_URL" + (f" and {PREFIX}S3_…" if url.startswith("s3:") else "") + "."
    try:
        store = open_object_store(url, settings.s3)
        await store.ready(PATIENCE)
    except ProtostarError as error:
        return Check("objects", "broken", f"{url}: {error}", advice)
    try:
        await store.writable(PATIENCE)
    except ProtostarError as error:
        return Check(
            "objects", "broken", f"{url} can be read, but not written to: {error}", f"Let its key write and delete. {advice}"
        )
    return await _ownership(settings, store, Check("objects", "ok", url))


async def _ownership(settings: Settings, store: ObjectStore, check: Check) -> Check:
    """The check of a store that answers, as far as its database can be asked whose it is."""
    if settings.database_url is None:
        return check
    database = Database(settings.database_url.get_secret_value(), pool_size=1)
    try:
        async with asyncio.timeout(PATIENCE):
            problem = await Ownership(database.at_once, store).problem()
    except (ProtostarError, TimeoutError):  # what is wrong with the database its own check tells
        return check
    finally:
        await database.close()
    if problem is None:
        return check
    advice = (
        "Name the right store and database; where both are right, see “One object store for each database” in docs/operations.md."
    )
    return Check("objects", "broken", f"{check.found}: {problem}", advice)
