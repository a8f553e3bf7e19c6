"""`serve` in a process group of its own, and a look at which of its processes are left."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

STANDIN = Path(__file__).with_name("standin.py")


@dataclass
class Serve:
    """A running `serve` with stand-ins for API and worker."""

    process: subprocess.Popen[bytes]
    data: Path
    output: Path

    def printed(self) -> str:
        return self.output.read_text(encoding="utf-8", errors="replace")

    def is_ready(self) -> bool:
        assert self.process.poll() is None, self.printed()
        return "Protostar is at" in self.printed()

    def descendants(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


class Starter:
    """Starts `serve` any number of times, and leaves none behind."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._started: list[Serve] = []
        self._seen: set[psutil.Process] = set()

    def __call__(self, data: Path | None = None, **settings: str) -> Serve:
        data = data or self._folder / "data"
        output = self._folder / f"output-{len(self._started)}"
        chosen = {f"PROTOSTAR_{name}": value for name, value in {"DATA_DIR": str(data), "PORT": "0", **settings}.items()}
        with output.open("wb") as file:
            process = subprocess.Popen(
                [sys.executable, str(STANDIN), "serve"],
                stdout=file,
                stderr=subprocess.STDOUT,
                env={**os.environ, **chosen},
                cwd=self._folder,
                start_new_session=True,  # a foreground group of its own, as a shell would give it
            )
        self._started.append(Serve(process, data, output))
        return self._started[-1]

    def stop_all(self) -> None:
        for serve in self._started:
            with suppress(psutil.NoSuchProcess):
                self._seen.update(serve.descendants())
            serve.process.kill()
            serve.process.wait(10)
        _, left = psutil.wait_procs(self._seen, timeout=15)
        assert not left, f"processes outlived serve: {left}"


@pytest.fixture
def short_folder() -> Generator[Path]:
    """An empty folder in which sockets can be named; pytest's own may be too deep."""
    with tempfile.TemporaryDirectory(prefix="protostar-test-", dir="/tmp") as folder:
        yield Path(folder).resolve()


@pytest.fixture
def serve(short_folder: Path) -> Generator[Starter]:
    starter = Starter(short_folder)
    yield starter
    starter.stop_all()
