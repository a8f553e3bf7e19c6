"""The places that an object store can be: each runs the whole contract of `test_contract.py`."""

import os
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import boto3
import pytest
from botocore.config import Config
from obstore.store import MemoryStore
from pydantic import SecretStr

from protostar.config import S3Settings
from protostar.objects.store import ObjectStore, open_object_store

MOTO = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print("http://%s:%d" % server.get_host_and_port(), flush=True)
sys.stdin.read()
"""


class Place(Protocol):
    """Where a store keeps its objects, seen from outside of it."""

    store: ObjectStore

    def objects(self) -> list[str]: ...
    def unfinished(self) -> list[str]: ...
    def write(self, key: str, content: bytes) -> None: ...


@dataclass
class FolderPlace:
    store: ObjectStore
    root: Path

    def objects(self) -> list[str]:
        return [name for name in self._files() if "#" not in name]

    def unfinished(self) -> list[str]:
        return [name for name in self._files() if "#" in name]

    def write(self, key: str, content: bytes) -> None:
        path = self.root / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)

    def _files(self) -> list[str]:
        return [path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file()]


@dataclass
class MemoryPlace:
    store: ObjectStore
    memory: MemoryStore

    def objects(self) -> list[str]:
        return [meta["path"] for batch in self.memory.list() for meta in batch]

    def unfinished(self) -> list[str]:
        return []

    def write(self, key: str, content: bytes) -> None:
        self.memory.put(key, content)


@dataclass
class BucketPlace:
    store: ObjectStore
    client: Any
    bucket: str
    prefix: str

    def objects(self) -> list[str]:
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=self.bucket, Prefix=self.prefix + "/")
        return [entry["Key"].removeprefix(self.prefix + "/") for page in pages for entry in page.get("Contents", [])]

    def unfinished(self) -> list[str]:
        answer = self.client.list_multipart_uploads(Bucket=self.bucket)
        return [entry["Key"] for entry in answer.get("Uploads", []) if entry["Key"].startswith(self.prefix)]

    def write(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.bucket, Key=f"{self.prefix}/{key}", Body=content)

    def clean(self) -> None:
        keys = [{"Key": f"{self.prefix}/{key}"} for key in self.objects()]
        for start in range(0, len(keys), 1000):
            self.client.delete_objects(Bucket=self.bucket, Delete={"Objects": keys[start : start + 1000]})
        self.client.close()


@dataclass(frozen=True)
class S3Server:
    endpoint: str
    access_key_id: str
    secret_access_key: str
    bucket: str

    def settings(self, endpoint: str | None = None) -> S3Settings:
        return S3Settings(
            endpoint=endpoint or self.endpoint,
            access_key_id=SecretStr(self.access_key_id),
            secret_access_key=SecretStr(self.secret_access_key),
        )

    def client(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=self.access_key_id,
            aws_secret_access_key=self.secret_access_key,
            region_name="us-east-1",
            config=Config(s3={"addressing_style": "path"}),
        )


@pytest.fixture(scope="session")
def moto() -> Iterator[S3Server]:
    """The S3 protocol on 127.0.0.1; it checks no signatures. Its process ends with this one: at the end of its input."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", MOTO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        server = S3Server(process.stdout.readline().decode().strip(), "key", "secret", "protostar")
        server.client().create_bucket(Bucket=server.bucket)
        yield server
        process.stdin.close()


@pytest.fixture(scope="session")
def real_s3() -> S3Server:
    """A real server, whose bucket must exist."""
    return S3Server(
        *(os.environ[f"PROTOSTAR_TEST_S3_{name}"] for name in ("ENDPOINT", "ACCESS_KEY_ID", "SECRET_ACCESS_KEY", "BUCKET"))
    )


def bucket_place(server: S3Server) -> BucketPlace:
    prefix = f"test-{uuid.uuid4().hex}"
    store = open_object_store(f"s3://{server.bucket}/{prefix}", server.settings())
    return BucketPlace(store, server.client(), server.bucket, prefix)


PLACES = ["folder", "memory", "moto"]
if "PROTOSTAR_TEST_S3_ENDPOINT" in os.environ:
    PLACES.append(pytest.param("real_s3", marks=pytest.mark.s3))


@pytest.fixture(params=PLACES)
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    match request.param:
        case "folder":
            yield FolderPlace(open_object_store((tmp_path / "objects").as_uri(), S3Settings()), tmp_path / "objects")
        case "memory":
            memory = MemoryStore()
            yield MemoryPlace(ObjectStore(memory), memory)
        case server:
            place = bucket_place(request.getfixturevalue(server))
            yield place
            place.clean()
