from pathlib import Path

import asyncpg
import pytest
from tests.support.servers import postgres_version

from protostar.embedded import buffers
from protostar.embedded.postgres import start_postgres
from protostar.embedded.supervisor import Supervisor

MiB, GiB = 1 << 20, 1 << 30


@pytest.fixture(autouse=True)
def memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(buffers, "_memory", lambda: 16 * GiB)


@pytest.mark.parametrize(
    ("data", "memory", "expected"),
    [
        (0, 8 * GiB, 128 * MiB),
        (128 * MiB, 8 * GiB, 128 * MiB),
        (129 * MiB, 8 * GiB, 256 * MiB),
        (450 * MiB, 8 * GiB, 512 * MiB),
        (40 * GiB, 16 * GiB, 2 * GiB),
        (40 * GiB, 512 * MiB, 128 * MiB),
    ],
)
def test_they_hold_the_data_within_an_eighth_of_the_memory(data: int, memory: int, expected: int) -> None:
    assert buffers.buffers(data, memory) == expected


def cluster(folder: Path, configuration: str, megabytes: int) -> Path:
    (folder / "base" / "5").mkdir(parents=True)
    (folder / "postgresql.conf").write_text(configuration, encoding="utf-8")
    with (folder / "base" / "5" / "16384").open("wb") as file:
        file.truncate(megabytes * MiB)
    return folder


FIRST = "shared_buffers = 128MB\t\t\t# min 128kB\n"


@pytest.mark.parametrize(
    ("configuration", "megabytes", "expected"),
    [
        (FIRST, 200, ("shared_buffers=256MB",)),
        ("#shared_buffers = 1GB\n" + FIRST, 200, ("shared_buffers=256MB",)),
        (FIRST, 100, ()),
        ("shared_buffers = 64MB\n", 200, ()),
        (FIRST + "shared_buffers = '300 MB' # mine\n", 200, ()),
        ("", 200, ()),
    ],
)
def test_what_somebody_chose_holds(tmp_path: Path, configuration: str, megabytes: int, expected: tuple[str, ...]) -> None:
    assert buffers.grown(cluster(tmp_path, configuration, megabytes)) == expected


def test_a_folder_without_configuration_is_left_to_postgres(tmp_path: Path) -> None:
    assert buffers.grown(tmp_path) == ()


async def test_a_start_on_more_data_takes_more_memory(short_folder: Path) -> None:
    async def shared_buffers() -> str:
        async with Supervisor() as supervisor:
            connection = await asyncpg.connect(await start_postgres(supervisor, short_folder, version=postgres_version()))
            found = await connection.fetchval("select current_setting('shared_buffers')")
            await connection.close()
        return str(found)

    assert await shared_buffers() == "128MB"
    with (short_folder / "postgres" / "base" / "large").open("wb") as file:
        file.truncate(200 * MiB)
    assert await shared_buffers() == "256MB"
