"""What an installation weighs: the locked packages in a fresh environment, without byte-code."""

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from bench.stack import REPOSITORY

_HEAVIEST = 12


def measure() -> dict[str, Any]:
    """Install as a user would, both servers included, and weigh it."""
    uv = Path(sys.executable).with_name("uv")
    with tempfile.TemporaryDirectory(prefix="protostar-install-") as folder:
        python = Path(folder) / "bin" / "python"
        _run([str(uv), "venv", "--quiet", folder])
        _run([str(uv), "pip", "sync", "--quiet", "--python", str(python), str(REPOSITORY / "requirements.lock")])
        _run([str(uv), "pip", "install", "--quiet", "--python", str(python), "--no-deps", str(REPOSITORY)])
        site = next(Path(folder).glob("lib/python*/site-packages"))
        sizes = {entry.name: _size(entry) for entry in site.iterdir()}
    packages = sum(name.endswith(".dist-info") for name in sizes)
    heaviest = sorted(sizes.items(), key=lambda item: -item[1])[:_HEAVIEST]
    figures: dict[str, Any] = {"packages": packages, "mb": sum(sizes.values()) / 1e6}
    return figures | {f"mb_{name}": size / 1e6 for name, size in heaviest}


def _run(command: list[str]) -> None:
    subprocess.run(command, check=True)


def _size(path: Path) -> int:
    if path.is_file():
        return path.stat().st_size
    files = (file for file in path.rglob("*") if file.is_file() and not file.is_symlink() and "__pycache__" not in file.parts)
    return sum(file.stat().st_size for file in files)


if __name__ == "__main__":
    for name, value in measure().items():
        print(f"{value:10.1f}  {name}")
