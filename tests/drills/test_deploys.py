"""The schema changes under what runs, and two versions run at once while one replaces the other."""

import io
import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest
from tests.drills.course import DOCUMENTS, QUESTIONS, Drills
from tests.drills.processes import ROOT

pytestmark = [pytest.mark.drill, pytest.mark.timeout(400)]

MIGRATIONS = "src/protostar/db/migrations/versions"


async def test_a_rolling_restart_across_a_migration(drills: Drills, tmp_path: Path) -> None:
    """The schema is expanded under the old version, both work side by side, and what the old one leaves the new one finishes."""
    before = version_before_the_last_migration(tmp_path)
    async with drills.drill(apis=2, workers=2, template="template1") as drill:
        (old_api, new_api), (old_worker, new_worker) = drill.installation.apis, drill.installation.workers
        for process in (old_api, old_worker):
            process.environment["PYTHONPATH"] = str(before)
        await drill.installation.migrate(before)
        await old_api.up("/health/ready")
        await old_worker.up()
        await drill.prepare()
        await drill.in_flight()
        await drill.installation.migrate()
        await new_api.up("/health/ready")
        await new_worker.up()
        drill.clients.upload(range(DOCUMENTS, DOCUMENTS + 10))
        await drill.answers_in_flight(range(QUESTIONS, QUESTIONS + 10))
        await old_worker.terminate()
        await old_api.terminate()
        await drill.heal(kills=1)


async def test_a_migration_while_jobs_run(drills: Drills, tmp_path: Path) -> None:
    """`protostar migrate` is all that runs of the new version: the old one finishes everything on the new schema."""
    before = version_before_the_last_migration(tmp_path)
    async with drills.drill(apis=2, template="template1") as drill:
        for process in drill.installation.processes:
            process.environment["PYTHONPATH"] = str(before)
        await drill.installation.migrate(before)
        await drill.ready()
        await drill.in_flight()
        await drill.installation.migrate()
        counts = await drill.heal()
        assert counts.again == counts.chats_again == 0, counts


def version_before_the_last_migration(folder: Path) -> Path:
    """The source of the commit before the one that added the newest migration."""
    newest = max(path.name for path in (ROOT / MIGRATIONS).glob("[0-9]*.py"))
    commit = git("log", "--diff-filter=A", "--format=%P", "-1", "--", f"{MIGRATIONS}/{newest}").decode().strip()
    if newest.startswith("0001") or not commit:
        pytest.skip("there is no version before the last migration")
    with tarfile.open(fileobj=io.BytesIO(git("archive", commit, "src"))) as archive:
        archive.extractall(folder, filter="data")
    source = folder / "src"
    command = [sys.executable, "-c", "import protostar.api.app, protostar.tasks"]
    if subprocess.run(command, env={**os.environ, "PYTHONPATH": str(source)}, capture_output=True, check=False).returncode:
        pytest.skip("the version before the last migration does not run with what is installed now")
    return source


def git(*arguments: str) -> bytes:
    found = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    return found.stdout if found.returncode == 0 else b""
