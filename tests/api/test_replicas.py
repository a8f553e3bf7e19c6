"""Two APIs on one database and one Redis: what one changes the other knows at once."""

from pathlib import Path

import aiohttp
import pytest
from tests.support.databases import copied
from tests.support.stack import ADMIN_KEY, running_api, settings_for
from tests.support.waiting import wait_until


@pytest.mark.usefixtures("template")
async def test_a_key_that_was_revoked_at_one_is_refused_by_the_other(postgres_url: str, redis_url: str, tmp_path: Path) -> None:
    async with copied(postgres_url) as url:
        settings = settings_for(url, f"{redis_url}?db=5", tmp_path)
        async with running_api(settings) as here, running_api(settings) as there, aiohttp.ClientSession() as http:
            admin = {"Authorization": f"Bearer {ADMIN_KEY}"}

            async def made() -> tuple[str, dict[str, str], str]:
                async with http.post(f"{here}/v1/spaces", json={"name": "one"}, headers=admin) as response:
                    space = f"{here}/v1/spaces/{(await response.json())['id']}"
                async with http.post(f"{space}/keys", json={"role": "manage", "name": "k"}, headers=admin) as response:
                    key = await response.json()
                return space, {"Authorization": f"Bearer {key['key']}"}, key["id"]

            async def status(headers: dict[str, str]) -> int:
                async with http.get(f"{there}/v1/documents", headers=headers) as response:
                    return response.status

            async def is_refused(headers: dict[str, str]) -> bool:
                return await status(headers) == 401

            space, revoked, key_id = await made()
            other_space, deleted, _key_id = await made()
            assert (await status(revoked), await status(deleted)) == (200, 200)
            async with http.delete(f"{space}/keys/{key_id}", headers=admin) as response:
                assert response.status == 204
            await wait_until(lambda: is_refused(revoked), 5)
            assert await status(deleted) == 200
            async with http.delete(other_space, headers=admin) as response:
                assert response.status == 204
            await wait_until(lambda: is_refused(deleted), 5)
