"""The file of an archive: a tar that any tool unpacks, and that says of each entry what its bytes have to be.

    archive.json                          format, archive_id, space_id, and when and by which release it was begun
    space.json                            id, name, settings
    answers/000001.json …                 pages of /v1/archive/answers
    documents/{id}/{version}/original.…   the bytes that were uploaded, and
    documents/{id}/{version}/text.txt     the text that citations count in
    documents/000001.json …               pages of /v1/archive/documents
    vectors/000001.bin …                  pages of /v1/archive/vectors
    manifest.json                         counts, what had to be left out, size and sha256 of every entry; last

The sha256 of an entry stands in its pax header too, as the comment `sha256:…`: so an archive that is not finished can be gone on
with, which lies beside its place as `FILE.partial` until then. Blocking.
"""

import fcntl
import hashlib
import json
import os
import tarfile
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, Final, Self, TypeVar

from pydantic import BaseModel, ValidationError

from protostar.errors import ProtostarError

FORMAT: Final = 1
HEADER: Final = "archive.json"
SPACE: Final = "space.json"
MANIFEST: Final = "manifest.json"

_BLOCK: Final = 512
_READ: Final = 1024 * 1024
_COMMENT: Final = "sha256:"

Json = dict[str, Any]
OnBytes = Callable[[int], None]
AnyShape = TypeVar("AnyShape", bound=BaseModel)


class BadArchive(ProtostarError):
    title = "The archive cannot be used"


class WrongBytes(ProtostarError):
    title = "The bytes are not the ones that were announced"


@dataclass(frozen=True, slots=True)
class Entry:
    """Where an entry lies: its header at `start`, its `size` bytes at `data`."""

    start: int
    data: int
    size: int
    sha256: str

    @property
    def end(self) -> int:
        return self.data + self.size + -self.size % _BLOCK


# -- writing


class ArchiveWriter:
    """An archive that grows. What `FILE.partial` holds from an earlier run, and is whole, is kept."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self.entries: dict[str, Entry] = {}
        self._path = path
        self._file = file
        self._end = 0
        self._cut: tuple[str, Entry] | None = None  # the last entry, where its bytes end too early

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._file.close()

    @property
    def is_fresh(self) -> bool:
        """Whether an earlier run came no further than into its first entry."""
        return self._cut is not None and self._cut[0] == HEADER

    def has(self, name: str, size: int, sha256: str) -> bool:
        entry = self.entries.get(name)
        return entry is not None and (entry.size, entry.sha256) == (size, sha256)

    def last(self, prefix: str, suffix: str) -> str | None:
        """The last of the pages `prefix/000001suffix` …"""
        folder = prefix + "/"
        pages = (name for name in self.entries if name.startswith(folder) and name.count("/") == 1 and name.endswith(suffix))
        return max(pages, default=None)

    def read(self, name: str) -> bytes:
        entry = self.entries[name]
        self._file.seek(entry.data)
        return self._file.read(entry.size)

    def add(self, name: str, content: bytes) -> None:
        blob = self.begin(name, len(content), hashlib.sha256(content).hexdigest())
        blob.write(content)
        blob.finish()

    def add_json(self, name: str, content: object) -> None:
        self.add(name, json.dumps(content, ensure_ascii=False).encode())

    def begin(self, name: str, size: int, sha256: str) -> "Blob":
        """An entry whose bytes follow; where they were cut off in the middle before, it goes on from there."""
        cut, self._cut = self._cut, None
        if cut is not None and (cut[0], cut[1].size, cut[1].sha256) == (name, size, sha256):
            return Blob(self, self._file, name, cut[1])
        header = _header(name, size, sha256)
        self._file.truncate(self._end)
        self._file.seek(self._end)
        self._file.write(header)
        return Blob(self, self._file, name, Entry(self._end, self._end + len(header), size, sha256))

    def close_entry(self, name: str, entry: Entry) -> None:
        """Its bytes are all there."""
        self._file.seek(entry.data + entry.size)
        self._file.write(bytes(entry.end - entry.data - entry.size))
        self.entries[name] = entry
        self._end = entry.end

    def finish(self, manifest: Json) -> None:
        """Add the manifest and put the archive in its place. Raises BadArchive where something has come there."""
        entries = {name: {"size": entry.size, "sha256": entry.sha256} for name, entry in self.entries.items()}
        self.add_json(MANIFEST, {**manifest, "entries": entries})
        self._file.write(bytes(2 * _BLOCK))
        self._file.truncate()
        self._file.flush()
        os.fsync(self._file.fileno())
        _check_free(self._path)
        partial_of(self._path).rename(self._path)

    def recover(self) -> None:
        """Take over what an earlier run has written."""
        for name, entry in _walk(self._file):
            if entry.data + entry.size > _length(self._file):
                self._cut = (name, entry)
                break
            if name == MANIFEST or _sha256(self._file, entry) != entry.sha256:
                break
            self.entries[name] = entry
            self._end = entry.end


class Blob:
    """An entry that is being written. `written`: how many of its bytes are there."""

    def __init__(self, archive: ArchiveWriter, file: BinaryIO, name: str, entry: Entry) -> None:
        self._archive = archive
        self._file = file
        self._name = name
        self._entry = entry
        self._digest = hashlib.sha256()
        self.written = 0
        self._file.seek(entry.data)
        while chunk := self._file.read(_READ):  # what an earlier run has left
            self._digest.update(chunk)
            self.written += len(chunk)

    def write(self, chunk: bytes) -> None:
        self.written += len(chunk)
        if self.written > self._entry.size:
            raise WrongBytes
        self._digest.update(chunk)
        self._file.write(chunk)

    def restart(self) -> None:
        """From its first byte again."""
        self._file.truncate(self._entry.data)
        self._file.seek(self._entry.data)
        self._digest = hashlib.sha256()
        self.written = 0

    def finish(self) -> None:
        """Raises WrongBytes unless they are the ones that were announced."""
        if (self.written, self._digest.hexdigest()) != (self._entry.size, self._entry.sha256):
            raise WrongBytes
        self._archive.close_entry(self._name, self._entry)


def partial_of(path: Path) -> Path:
    return path.with_name(path.name + ".partial")


@contextmanager
def writing(path: Path, header: Json) -> Generator[tuple[ArchiveWriter, Json]]:
    """The archive that will be `path`, and its header: `header`, or that of an earlier run whose work is taken over.

    Raises BadArchive where something else is in its place, OSError where nothing can be written there.
    """
    _check_free(path)
    if not path.parent.is_dir():
        raise BadArchive(f"There is no folder {path.parent}: make it, or name another file.")
    partial = partial_of(path)
    descriptor = os.open(partial, os.O_RDWR | os.O_CREAT, 0o600)
    with ArchiveWriter(path, os.fdopen(descriptor, "r+b")) as archive:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise BadArchive(f"Another export is writing {partial}.") from None
        archive.recover()
        if HEADER not in archive.entries:
            if not archive.is_fresh and partial.stat().st_size > 0:
                raise BadArchive(f"{partial} is no unfinished archive: move it away, or name another file.")
            archive.add_json(HEADER, header)
        found = json.loads(archive.read(HEADER))
        if (found["format"], found["space_id"]) != (header["format"], header["space_id"]):
            raise BadArchive(f"{partial} is of another space or release: remove it, or name another file.")
        yield archive, found


def _check_free(path: Path) -> None:
    if path.exists():
        raise BadArchive(f"{path} is there already, and nothing is written over: name another file.")


# -- reading


class Format(BaseModel):
    format: int


class Header(Format):
    archive_id: str


class Listed(BaseModel):
    size: int
    sha256: str


class Manifest(BaseModel):
    counts: Json
    entries: dict[str, Listed]


class ArchiveReader:
    """A finished archive. `header` and `manifest` are its own words; `entries` are where things are."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        """Raises BadArchive where the file is none, is not finished, or is of a newer release."""
        self._path = path
        self._file = file
        self.entries: dict[str, Entry] = {}
        for name, entry in _walk(file):
            if not self.entries and name == HEADER:
                self._check_format(entry)
            self.entries[name] = entry
            if HEADER not in self.entries or entry.data + entry.size > _length(file):
                break
        if HEADER not in self.entries:
            raise BadArchive(f"{path} is not an archive of Protostar.")
        name, entry = list(self.entries.items())[-1]
        if entry.data + entry.size > _length(file):
            raise BadArchive(f"{path} is not whole, or damaged: it ends in the middle of the entry {name}.")
        if name != MANIFEST:
            raise BadArchive(f"{path} is not whole, or damaged: nothing can be read behind the entry {name}.")
        self.header = self.shaped(HEADER, Header)
        self.manifest = self.shaped(MANIFEST, Manifest)

    def _check_format(self, entry: Entry) -> None:
        self.entries[HEADER] = entry
        number = self.shaped(HEADER, Format).format
        if number > FORMAT:
            raise BadArchive(f"{self._path} was made by a newer release (format {number}; this one reads up to {FORMAT}).")

    def check(self, on_bytes: OnBytes) -> None:
        """Raises BadArchive that names the first entry whose bytes are not those of the manifest."""
        listed = self.manifest.entries
        for name in listed:
            if name not in self.entries:
                raise BadArchive(f"{self._path} is damaged: the entry {name} is missing.")
        for name, entry in self.entries.items():
            if name == MANIFEST:
                continue
            expected = listed.get(name)
            if expected is None or (entry.size, _sha256(self._file, entry, on_bytes)) != (expected.size, expected.sha256):
                raise BadArchive(f"{self._path} is damaged: the entry {name} does not have the sha256 that the manifest says.")

    @property
    def size(self) -> int:
        """Bytes of all entries but the manifest."""
        return sum(entry.size for name, entry in self.entries.items() if name != MANIFEST)

    def pages(self, kind: str, suffix: str) -> list[str]:
        """The names of the pages of a kind, in order."""
        folder = kind + "/"
        return sorted(name for name in self.entries if name.startswith(folder) and name.count("/") == 1 and name.endswith(suffix))

    def read(self, name: str) -> bytes:
        entry = self.entries[name]
        self._file.seek(entry.data)
        return self._file.read(entry.size)

    def json(self, name: str) -> Any:
        """Raises BadArchive for the manifest or any other entry that is damaged."""
        if name not in self.entries:
            raise BadArchive(f"{self._path} is damaged: the entry {name} is missing.")
        content = self.read(name)
        if hashlib.sha256(content).hexdigest() != self.entries[name].sha256:
            raise BadArchive(f"{self._path} is damaged: the entry {name} does not have its sha256.")
        try:
            return json.loads(content)
        except (ValueError, RecursionError):
            raise BadArchive(f"{self._path} is not an archive of Protostar, or damaged: the entry {name} is not JSON.") from None

    def shaped(self, name: str, shape: type[AnyShape]) -> AnyShape:
        """As much of an entry as `shape` tells of. Raises BadArchive where it is not like that."""
        try:
            return shape.model_validate(self.json(name))
        except ValidationError as error:
            where = ".".join(map(str, error.errors()[0]["loc"]))
            wrong = f"the entry {name} has no «{where}» as it should be" if where else f"the entry {name} is no JSON object"
            raise BadArchive(f"{self._path} is not an archive of Protostar, or damaged: {wrong}.") from None

    def chunks(self, name: str) -> Iterator[bytes]:
        return _chunks(self._file, self.entries[name])


@contextmanager
def reading(path: Path) -> Generator[ArchiveReader]:
    """Raises BadArchive, and OSError for a file that cannot be read."""
    with path.open("rb") as file:
        yield ArchiveReader(path, file)


# -- the format


def _header(name: str, size: int, sha256: str) -> bytes:
    info = tarfile.TarInfo(name)
    info.size, info.mtime, info.mode = size, int(time.time()), 0o600
    info.pax_headers = {"comment": _COMMENT + sha256}
    return info.tobuf(tarfile.PAX_FORMAT)


def _walk(file: BinaryIO) -> Iterator[tuple[str, Entry]]:
    """The entries from the first on, as far as there are headers; the bytes of the last one may be cut."""
    file.seek(0)
    try:
        tar = tarfile.TarFile(fileobj=file)
    except tarfile.TarError:
        return
    start = 0
    while True:
        file.seek(start)
        try:
            info = tarfile.TarInfo.fromtarfile(tar)  # and not `tar.next()`, which keeps all of them in memory
        except (tarfile.TarError, ValueError):
            return
        comment = info.pax_headers.get("comment", "")
        if not comment.startswith(_COMMENT) or info.size < 0:
            return
        entry = Entry(start, info.offset_data, info.size, comment.removeprefix(_COMMENT))
        yield info.name, entry
        start = entry.end


def _chunks(file: BinaryIO, entry: Entry) -> Iterator[bytes]:
    done = 0
    while done < entry.size:
        file.seek(entry.data + done)
        chunk = file.read(min(_READ, entry.size - done))
        if not chunk:
            return
        done += len(chunk)
        yield chunk


def _sha256(file: BinaryIO, entry: Entry, on_bytes: OnBytes | None = None) -> str:
    digest = hashlib.sha256()
    for chunk in _chunks(file, entry):
        digest.update(chunk)
        if on_bytes is not None:
            on_bytes(len(chunk))
    return digest.hexdigest()


def _length(file: BinaryIO) -> int:
    return os.fstat(file.fileno()).st_size
