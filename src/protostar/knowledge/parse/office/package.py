"""What OpenDocument and HWPX have in common: a zip of XML parts, of which META-INF/manifest.xml names the encrypted ones."""

import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse import zip_guard
from protostar.knowledge.parse.failures import ENCRYPTED, TOO_DEEP, damaged

_MANIFEST = "META-INF/manifest.xml"
# The readers go down by recursion. Ordinary documents are some 20 elements deep, and 6 more for each table within a table.
_DEEPEST = 200


@contextmanager
def open_package(path: Path, kind: str) -> Generator[zipfile.ZipFile]:
    """The archive, once it is known to be harmless. What fails inside is translated too; `kind` completes «the file is not …»."""
    zip_guard.check(path, kind)
    with damaged(kind, *zip_guard.ERRORS), zipfile.ZipFile(path) as archive:
        if _MANIFEST in archive.NameToInfo and b"encryption-data" in archive.read(_MANIFEST):
            raise UnreadableDocument(ENCRYPTED)
        yield archive


def local_name(element: ET.Element) -> str:
    return element.tag.rpartition("}")[2]


def children(part: IO[bytes], *parents: str) -> Iterator[ET.Element]:
    """The elements directly below the outermost ones of these local names; each is let go when the next is asked for."""
    inside = 0
    for event, element, above in walk(part):
        if event == "start":
            inside += local_name(element) in parents
        else:
            inside -= local_name(element) in parents
            if inside == 1 and local_name(above[-1]) in parents:
                yield element
                above[-1].clear()


def walk(part: IO[bytes]) -> Iterator[tuple[str, ET.Element, list[ET.Element]]]:
    """The `start` and `end` of each element, with those that it stands in, the outermost first."""
    above: list[ET.Element] = []
    for event, element in ET.iterparse(part, ("start", "end")):
        if event == "start":
            yield event, element, above
            above.append(element)
            if len(above) > _DEEPEST:
                raise UnreadableDocument(TOO_DEEP)
        else:
            above.pop()
            yield event, element, above


def title(archive: zipfile.ZipFile, part: str) -> str | None:
    """What the part with the metadata, which need not be there, calls the document."""
    if part not in archive.NameToInfo:
        return None
    metadata = ET.fromstring(archive.read(part))
    return metadata.findtext(".//{*}title")
