"""PgBouncer before a test's database, where it is installed."""

import asyncio
import os
import shutil
import socket
import tempfile
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from sqlalchemy import make_url
from tests.support.waiting import wait_until

IGNORED = "jit,idle_in_transaction_session_timeout,max_parallel_workers_per_gather,random_page_cost"


@asynccontextmanager
async def pgbouncer(url: str, mode: str, *, ignored: str = IGNORED) -> AsyncGenerator[str]:
    """The URL of the same database by way of a pooler. `ignored`: parameters of new connections that it drops."""
    program = shutil.which("pgbouncer")
    if program is None:
        pytest.skip("needs pgbouncer")
    database = make_url(url)
    sockets = Path(str(database.query["host"]))
    owner = sockets.stat()
    account: dict[str, Any] = {}
    if os.geteuid() == 0:  # neither PostgreSQL nor PgBouncer will be root
        account = {"user": owner.st_uid, "group": owner.st_gid, "extra_groups": ()}
        sockets.parent.chmod(0o711)
    with socket.socket() as probe, tempfile.NamedTemporaryFile("w", suffix=".ini") as settings:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        settings.write(
            f"[databases]\n* = host={sockets} port={database.query['port']} user={database.username}\n"
            f"[pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\nauth_type = any\n"
            f"pool_mode = {mode}\nignore_startup_parameters = {ignored}\n"
        )
        settings.flush()
        Path(settings.name).chmod(0o644)
        probe.close()
        process = await asyncio.create_subprocess_exec(program, "-q", settings.name, **account)
        pooled = f"postgresql://anybody@127.0.0.1:{port}/{database.database}"

        async def answers() -> bool:
            assert process.returncode is None, "pgbouncer has ended"
            try:
                await (await asyncpg.connect(pooled, timeout=2)).close()
            except (OSError, asyncpg.PostgresError):
                return False
            return True

        try:
            await wait_until(answers, 10, what="pgbouncer answers")
            yield pooled
        finally:
            process.kill()
            await process.wait()
