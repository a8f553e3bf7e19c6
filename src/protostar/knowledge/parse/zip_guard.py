"""Looks at a zip file's directory before a reader unpacks it.

It believes the sizes that the file declares; the memory limit of the process is for those that lie.
"""

import zipfile
import zlib
from pathlib import Path

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse.failures import ENCRYPTED, damaged

MiB = 1024 * 1024
_MAX_ENTRIES = 5_000
MAX_ENTRY_BYTES = 100 * MiB
MAX_TOTAL_BYTES = 200 * MiB
# Small files that compress well are common; large ones that shrink below 1/200 are bombs.
_MAX_RATIO = 200
_RATIO_FLOOR = 10 * MiB
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_ENCRYPTED_PACKAGE = "EncryptedPackage".encode("utf-16-le")
_HWP = b"HWP Document File"

BOMB = "The file unpacks to far more than its size and is refused for safety."

ERRORS = (
    *(zipfile.BadZipFile, zlib.error, EOFError),
    *(OSError, NotImplementedError),  # an offset outside the file, a version or a compression that Python does not know
    *(SyntaxError, ValueError, ArithmeticError),  # the bases of what XML parsers raise
    *(LookupError, AttributeError, TypeError),  # a part or an element is missing that every sound file has
)
"""What reading a broken archive of XML raises."""


def check(path: Path, kind: str) -> None:
    """Raise for what is no zip file, is protected, or would unpack to too much; `kind` completes «the file is not …»."""
    _refuse_ole2(path, kind)
    with damaged(kind, *ERRORS), zipfile.ZipFile(path) as archive:
        entries = archive.infolist()
    if any(entry.flag_bits & 1 for entry in entries):
        raise UnreadableDocument(ENCRYPTED)
    if (
        len(entries) > _MAX_ENTRIES
        or sum(entry.file_size for entry in entries) > MAX_TOTAL_BYTES
        or any(entry.file_size > MAX_ENTRY_BYTES or is_bomb(entry.file_size, entry.compress_size) for entry in entries)
    ):
        raise UnreadableDocument(BOMB)


def is_bomb(size: int, packed: int) -> bool:
    return size > _RATIO_FLOOR and size > _MAX_RATIO * max(1, packed)


def _refuse_ole2(path: Path, kind: str) -> None:
    """Office wraps a document that has a password in the container of its old formats, which Hangul used too."""
    with path.open("rb") as file:
        if file.read(len(_OLE2)) != _OLE2:
            return
        content = file.read()
    if _ENCRYPTED_PACKAGE in content:
        raise UnreadableDocument(ENCRYPTED)
    if _HWP in content:
        raise UnreadableDocument("The file is a Hangul document; let its name end in .hwp and upload it again.")
    raise UnreadableDocument(f"The file is in an old Office format and not {kind}; save it in the current format.")
