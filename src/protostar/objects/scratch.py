"""Temporary files for what has to be read with seeks. Blocking: call the methods in a thread."""

import hashlib
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

from protostar.errors import ObjectsUnavailable


class ScratchFile:
    """A file of this process alone, hashed while it is written. Errors are ObjectsUnavailable."""

    def __init__(self) -> None:
        with _translated():
            self._file = tempfile.NamedTemporaryFile(prefix="protostar-", delete=False)  # noqa: SIM115 - lives as long as the object
        self.path = Path(self._file.name)
        self._digest = hashlib.sha256()
        self.size = 0

    @property
    def sha256(self) -> str:
        """Hex digest of what was written."""
        return self._digest.hexdigest()

    def write(self, chunk: bytes) -> None:
        """Append."""
        self._digest.update(chunk)
        self.size += len(chunk)
        with _translated():
            self._file.write(chunk)

    def finish(self) -> None:
        """Nothing more is written; what was can be read by its path."""
        with _translated():
            self._file.close()

    def remove(self) -> None:
        """Close and remove the file, in whatever state it is; waits for a write that is still under way."""
        with suppress(OSError):  # closing flushes once more what the full disk refused
            self._file.close()
        self.path.unlink(missing_ok=True)


@contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except OSError as error:
        raise ObjectsUnavailable(f"No temporary file can be written: {error.strerror}.") from error
