"""Which files a person meant: paths, folders and globs become one list."""

import glob
import os
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path, PurePath

from protostar.documents.media_types import FORMATS, advice

SUFFIXES = frozenset(suffix for kind in FORMATS for suffix in kind.extensions)


@dataclass(frozen=True, slots=True)
class File:
    """`name`: what the server is told; of one that was found in a folder, with that folder's name and the way to it."""

    path: Path
    name: str

    @property
    def is_alone(self) -> bool:
        """Whether it was named itself, and not found in a folder."""
        return "/" not in self.name

    @property
    def in_folder(self) -> str:
        """Its name where the folder that it lies in is taken in."""
        return "/".join(self._place.split("/")[-2:])

    def may_be(self, name: str) -> bool:
        """Whether it is called `name` where it, or one of the folders above it, is taken in."""
        return self._place.endswith(f"/{name}")

    @property
    def _place(self) -> str:
        return _wire_name((self.path.parent.resolve() / self.path.name).as_posix())


@dataclass(frozen=True, slots=True)
class Found:
    """`files`: in the order asked for, none twice. `skipped` and `missing`: path → reason."""

    files: list[File] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)


def find_files(paths: Iterable[str]) -> Found:
    """Folders are walked without hidden files and without following links to folders; what names nothing is tried as a glob."""
    found, seen = Found(), set[Path]()
    for asked in paths:
        missing: dict[str, str] = {}
        try:
            matches = list(_matches(asked, missing))
        except (OSError, RuntimeError) as error:  # a name that is too long, a folder that may not be entered, nobody's home
            found.missing[asked] = f"It cannot be looked for: {error}."
            continue
        if not matches and not missing:
            missing[asked] = "The folder holds no files." if Path(asked).expanduser().is_dir() else "There is no such file."
        found.missing.update(missing)
        for path, name in matches:
            if (resolved := path.resolve()) in seen:
                continue
            seen.add(resolved)
            if _is_supported(path):
                found.files.append(File(path, _wire_name(name)))
            else:
                found.skipped[str(path)] = _not_supported(path.suffix)
    return found


def _is_supported(path: Path) -> bool:
    return path.suffix.lower() in SUFFIXES


def _wire_name(name: str) -> str:
    """Composed characters (macOS stores Hangul decomposed), no controls, valid UTF-8."""
    name = unicodedata.normalize("NFC", name).encode("utf-8", "replace").decode()
    return "".join(character if character.isprintable() else "_" for character in name)


def _matches(asked: str, missing: dict[str, str]) -> Iterator[tuple[Path, str]]:
    """Each file with its name; one of a folder is called what a browser calls it that takes the folder in.

    `missing` gets the folders that cannot be read, and the files in those that may not be entered.
    """
    path = Path(asked).expanduser()
    # Path.glob takes no absolute patterns.
    candidates = [path] if path.exists() else map(Path, sorted(glob.glob(str(path), recursive=True)))  # noqa: PTH207
    for candidate in candidates:
        if candidate.is_dir():
            above = PurePath(candidate.resolve().name)
            yield from ((file, (above / file.relative_to(candidate)).as_posix()) for file in _walk(candidate, missing))
        elif candidate.is_file():
            yield candidate, candidate.name


def _walk(folder: Path, missing: dict[str, str]) -> Iterator[Path]:
    def note(error: OSError) -> None:
        missing[str(error.filename)] = f"The folder cannot be read: {error.strerror}."

    for parent, folders, files in os.walk(folder, onerror=note):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(parent, name)
            try:
                if not name.startswith(".") and path.is_file():
                    yield path
            except OSError as error:
                missing[str(path)] = f"It cannot be looked for: {error.strerror}."


def _not_supported(suffix: str) -> str:
    return f"{suffix or 'A file without an ending'} is not supported. {advice(suffix)}".rstrip()
