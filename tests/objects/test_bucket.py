"""What only a server can go wrong with."""

import asyncio
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from aiohttp import web
from tests.support.faulty_http import FaultyProxy, faulty_proxy
from tests.support.streams import chunks, collect, some_bytes
from tests.support.waiting import wait_until

from protostar.config import S3Settings
from protostar.errors import ConfigurationError, ObjectMissing, ObjectsUnavailable
from protostar.objects import upload
from protostar.objects.store import ObjectStore, StoredObject, open_object_store
from protostar.objects.upload import PART
from protostar.retry import Breaker

PLENTY = 1 << 30


@pytest.fixture
async def proxy(moto) -> AsyncIterator[FaultyProxy]:
    async with faulty_proxy(moto.endpoint) as proxy:
        yield proxy


@pytest.fixture
def store(moto, proxy, request) -> ObjectStore:
    """A store behind the proxy, with a prefix of this test's own."""
    return open_object_store(f"s3://{moto.bucket}/{abs(hash(request.node.nodeid))}", moto.settings(proxy.url))


@asynccontextmanager
async def server_that_answers(status: int) -> AsyncIterator[str]:
    async def answer(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(status=status, text="<html>not S3</html>")

    app = web.Application(client_max_size=PLENTY)
    app.router.add_route("*", "/{path:.*}", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield "http://{}:{}".format(*runner.addresses[0])
    finally:
        await runner.cleanup()


def is_empty(folder: Path) -> bool:
    return not any(folder.iterdir())


async def collect_list(store: ObjectStore) -> None:
    async for _ in store.list(""):
        pass


async def use(store: ObjectStore) -> None:
    async with store.local_copy(StoredObject("a/b", 1, "")):
        pass


def every_call(store: ObjectStore) -> list[Awaitable[object]]:
    return [
        store.put("a/b", chunks(b"small"), limit=PLENTY),
        store.put("a/b", chunks(some_bytes(PART + 1)), limit=PLENTY),
        collect(store.read("a/b")),
        collect(store.read("a/b", start=1)),
        store.size("a/b"),
        store.copy("incoming/a", "a/b", limit=PLENTY),
        store.delete("a/b"),
        collect_list(store),
        use(store),
        store.ready(),
    ]


async def assert_unavailable(store: ObjectStore, sentence: str) -> None:
    for error in await asyncio.gather(*every_call(store), return_exceptions=True):
        assert isinstance(error, ObjectsUnavailable)
        assert sentence in str(error)
        assert "\n" not in str(error)


async def test_a_missing_bucket_is_no_missing_object(moto):
    await assert_unavailable(open_object_store("s3://nobucket", moto.settings()), "The bucket does not exist.")


async def test_nobody_listens(moto):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        store = open_object_store("s3://protostar", moto.settings(f"http://127.0.0.1:{unused.getsockname()[1]}"))
        await assert_unavailable(store, "The object store cannot be reached.")


@pytest.mark.parametrize(
    ("status", "sentence"),
    [(401, "refused the access key"), (403, "refused the access key"), (404, "HTTP status 404"), (501, "HTTP status 501")],
)
async def test_a_server_that_refuses(moto, status, sentence):
    async with server_that_answers(status) as url:
        await assert_unavailable(open_object_store("s3://protostar", moto.settings(url)), sentence)


async def test_a_server_that_stays_away(store, proxy):
    proxy.fault = "503"
    await assert_unavailable(store, "The object store answered with HTTP status 503.")


async def test_a_server_that_stays_away_is_left_alone_for_a_while(store, proxy, monkeypatch):
    monkeypatch.setattr(store, "_reads", Breaker("reading objects", ObjectsUnavailable, interval=0.5))
    await store.put("a/b", chunks(b"small"), limit=PLENTY)
    proxy.fault = "503"
    await asyncio.gather(*(store.size("a/b") for _ in range(5)), return_exceptions=True)
    proxy.seen.clear()
    with pytest.raises(ObjectsUnavailable, match="did not answer") as refused:
        await collect(store.read("a/b"))
    assert refused.value.retry_after > 0
    assert proxy.seen == []
    proxy.fault = "pass"
    await store.put("a/c", chunks(b"small"), limit=PLENTY)  # writing is another matter

    async def is_read() -> bool:
        with suppress(ObjectsUnavailable):
            return await collect(store.read("a/b")) == b"small"
        return False

    await wait_until(is_read)


async def test_a_server_that_comes_back(store, proxy):
    content = some_bytes(PART + 1)
    proxy.faults = ["503", "503"]
    stored = await store.put("a/b", chunks(content), limit=PLENTY)
    proxy.faults = ["503", "503"]
    assert await collect(store.read("a/b")) == content
    proxy.faults = ["503"]
    async with store.local_copy(stored) as path:
        assert path.read_bytes() == content


async def test_a_store_that_takes_no_writes_is_not_ready_until_it_does(store, proxy):
    """As with a key that may only read, or a bucket that is full: a listing would say that all is well."""
    await store.ready()
    proxy.refused = frozenset({"PUT", "POST"})
    await store.ready()
    with pytest.raises(ObjectsUnavailable):
        await store.put("a/b", chunks(b"bytes"), limit=PLENTY)
    for _ in range(2):
        with pytest.raises(ObjectsUnavailable, match="refused the access key"):
            await store.ready()
    with pytest.raises(ObjectsUnavailable, match="refused the access key"):
        await store.writable()
    proxy.refused = frozenset()
    await store.ready()
    await store.writable()
    assert [info.key async for info in store.list("")] == []


async def test_a_server_that_never_answers_is_not_ready(store, proxy):
    proxy.fault = "hang"
    with pytest.raises(ObjectsUnavailable, match="did not answer in time"):
        await store.ready(timeout=0.1)


async def test_a_body_that_is_cut_is_resumed(store, proxy):
    content = some_bytes(3 * PART)
    await store.put("a/b", chunks(content), limit=PLENTY)
    proxy.seen.clear()
    proxy.cut_after = PART
    proxy.faults = ["cut", "cut"]
    assert await collect(store.read("a/b")) == content
    assert [method for method, _ in proxy.seen] == ["GET", "GET", "GET"]


async def test_a_body_that_is_always_cut(store, proxy, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    stored = await store.put("a/b", chunks(some_bytes(PART)), limit=PLENTY)
    proxy.cut_after = 1000
    proxy.fault = "cut"
    with pytest.raises(ObjectsUnavailable):
        await collect(store.read("a/b"))
    with pytest.raises(ObjectsUnavailable):
        async with store.local_copy(stored):
            pytest.fail("handed out")
    assert is_empty(tmp_path)


async def test_a_server_that_goes_away_in_the_middle_of_an_upload(store, proxy):
    async def content() -> AsyncIterator[bytes]:
        for number in range(10):
            if number == 3:
                proxy.fault = "503"
            yield some_bytes(PART)

    with pytest.raises(ObjectsUnavailable, match="HTTP status 503"):
        await store.put("a/b", content(), limit=PLENTY)
    proxy.fault = "pass"
    with pytest.raises(ObjectMissing):
        await store.size("a/b")


async def test_a_server_that_hangs_does_not_hold_a_cancelled_caller(store, proxy, monkeypatch):
    monkeypatch.setattr(upload, "ABORT_SECONDS", 0.05)
    proxy.fault = "hang"
    task = asyncio.create_task(store.put("a/b", chunks(some_bytes(3 * PART)), limit=PLENTY))
    await wait_until(lambda: proxy.seen)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    (left,) = store._uploads._running
    proxy.fault = "pass"
    left.cancel()
    await asyncio.wait({left})


async def test_small_objects_cost_one_request(store, proxy):
    await store.put("a/b", chunks(b"small"), limit=PLENTY)
    await collect(store.read("a/b"))
    await store.size("a/b")
    await store.delete("a/b")
    assert [method for method, _ in proxy.seen] == ["PUT", "GET", "HEAD", "DELETE"]


@pytest.mark.parametrize(
    "endpoint", ["localhost:9000", "not a url", "http://", "ftp://host", "http://a b", "http://host:port", "http://é"]
)
def test_an_endpoint_that_is_no_url(endpoint):
    with pytest.raises(ConfigurationError, match="endpoint"):
        open_object_store("s3://bucket", S3Settings(endpoint=endpoint))


@pytest.mark.parametrize("url", ["s3://", "s3:///prefix", "s3://bucket/../x", "gs://bucket", "bucket", "", "file://host/x"])
def test_a_url_that_cannot_be_meant(url, moto):
    with pytest.raises(ConfigurationError):
        open_object_store(url, moto.settings())


def test_half_a_key(moto):
    with pytest.raises(ConfigurationError, match="SecretAccessKey"):
        open_object_store("s3://bucket", S3Settings(endpoint=moto.endpoint, access_key_id=moto.settings().access_key_id))
