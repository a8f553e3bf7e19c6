"""A document that is larger than the memory of the command line."""

import hashlib
import sys
from collections.abc import AsyncGenerator

import pytest
from tests.api.tenant import new_tenant
from tests.archive.library import at
from tests.archive.test_interrupted import listed_in
from tests.cli.conftest import Cli
from tests.support.stack import Stack

pytestmark = [pytest.mark.timeout(300), pytest.mark.skipif(sys.platform != "linux", reason="needs a limit on a process's data")]

MIB = 1024 * 1024
SIZE = 99 * MIB  # just below what may be uploaded
# Of data, as Linux counts it (setrlimit(2), RLIMIT_DATA): what the commands take for themselves, and not the document beside it.
LIMITED = ("bash", "-c", f'ulimit -d {70 * 1024} && exec "$@"', "limited")


async def body(digest: "hashlib._Hash") -> AsyncGenerator[bytes]:
    """It begins like a workbook and is none: its job fails at once."""
    for number in range(SIZE // MIB):
        piece = (b"PK\x03\x04 no workbook %d " % number).ljust(MIB, b".")
        digest.update(piece)
        yield piece


async def test_an_archive_is_written_and_read_in_pieces(source: Stack, target: Stack, cli: Cli) -> None:
    digest = hashlib.sha256()
    async with new_tenant(source) as tenant:
        uploaded = await tenant.call("POST", "/v1/documents", params={"filename": "large.xlsx"}, data=body(digest))
        assert uploaded.status == 202, uploaded.json
        for stack, command in ((source, ("export", "space.tar", "--space", tenant.id)), (target, ("import", "space.tar"))):
            process = await at(cli, stack).start(*command, prefix=LIMITED)
            _out, err = await process.communicate()
            assert process.returncode == 0, err.decode()
        (arrived,) = await listed_in(target, tenant.id, "/v1/documents")
    assert (arrived["size"], arrived["sha256"]) == (SIZE, digest.hexdigest())
