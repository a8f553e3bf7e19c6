"""A store of the S3 protocol as a process, and buckets in it."""

import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import boto3
from botocore.config import Config

_SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print("http://%s:%d" % server.get_host_and_port(), flush=True)
sys.stdin.read()
"""


@dataclass
class Bucket:
    endpoint: str
    client: Any
    name: str

    def settings(self, endpoint: str) -> dict[str, str]:
        """For an installation that reaches the store at `endpoint`."""
        keys = {"S3_ENDPOINT": endpoint, "S3_ACCESS_KEY_ID": "key", "S3_SECRET_ACCESS_KEY": "secret"}
        return {"OBJECTS_URL": f"s3://{self.name}", **keys}

    def newest(self, count: int) -> list[str]:
        """The keys of the last uploads."""
        return sorted(self.keys("documents/"))[-count:]

    def keys(self, prefix: str = "") -> list[str]:
        return [entry["Key"] for entry in self.client.list_objects_v2(Bucket=self.name, Prefix=prefix).get("Contents", [])]

    def delete(self, key: str) -> None:
        self.client.delete_object(Bucket=self.name, Key=key)

    def write(self, key: str, content: bytes) -> None:
        self.client.put_object(Bucket=self.name, Key=key, Body=content)

    def unfinished(self) -> list[str]:
        """Multipart uploads that nobody has ended."""
        return [entry["Key"] for entry in self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", [])]


@contextmanager
def storage() -> Generator[str]:
    """The URL of a server, which ends at the end of its input."""
    with subprocess.Popen(
        [sys.executable, "-W", "ignore", "-c", _SERVER],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield process.stdout.readline().decode().strip()
        process.stdin.close()


@contextmanager
def new_bucket(endpoint: str) -> Generator[Bucket]:
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        aws_access_key_id="key",
        aws_secret_access_key="secret",
        region_name="us-east-1",
        config=Config(s3={"addressing_style": "path"}),
    )
    name = f"drill-{uuid4().hex[:12]}"
    client.create_bucket(Bucket=name)
    try:
        yield Bucket(endpoint, client, name)
    finally:
        client.close()
