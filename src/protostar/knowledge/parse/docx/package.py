"""Opens a package as python-docx does, but also one that names parts which it lacks: lost pictures, places within the text."""

import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path
from typing import Any, Final

from docx.opc import package as opc
from docx.opc import pkgreader
from docx.opc.packuri import CONTENT_TYPES_URI, PACKAGE_URI, PackURI
from docx.opc.part import PartFactory
from docx.package import Package

_LIBRARY: Final[Any] = pkgreader
_UNMARSHALLER: Final[Any] = opc.Unmarshaller


def open_package(path: Path) -> Package:
    package, reader = Package(), _LIBRARY.PackageReader
    with zipfile.ZipFile(path) as file:
        archive = _Archive(file)
        # As `PackageReader.from_file`, which opens the archive itself.
        types = _LIBRARY._ContentTypeMap.from_xml(archive.blob_for(CONTENT_TYPES_URI))  # noqa: SLF001
        relations = reader._srels_for(archive, PACKAGE_URI)  # noqa: SLF001
        parts = reader._load_serialized_parts(archive, relations, types)  # noqa: SLF001
    _UNMARSHALLER.unmarshal(reader(types, relations, parts), package, PartFactory)
    return package


class _Archive:
    """What `PackageReader` asks of an archive."""

    def __init__(self, file: zipfile.ZipFile) -> None:
        self._file = file

    def blob_for(self, part: PackURI) -> bytes:
        return self._file.read(part.membername)

    def rels_xml_for(self, part: PackURI) -> bytes | None:
        """The relations of a part, without those to parts that are not there."""
        if part.rels_uri.membername not in self._file.NameToInfo:
            return None
        relations = ET.fromstring(self.blob_for(part.rels_uri))
        for relation in [*relations]:
            target = PackURI.from_rel_ref(part.baseURI, relation.get("Target", ""))
            if relation.get("TargetMode") != "External" and target.membername not in self._file.NameToInfo:
                relations.remove(relation)
        return ET.tostring(relations)
