"""Electronic books: the pages in reading order, each read as HTML."""

import posixpath
import re
import xml.etree.ElementTree as ET
import zipfile
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse import zip_guard
from protostar.knowledge.parse.failures import damaged
from protostar.knowledge.parse.html.reader import add_html, from_xml
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.text.builder import TextBuilder
from protostar.knowledge.parse.text.charset import decode

_KIND = "an electronic book (.epub)"
_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_ENCODING = re.compile(rb"""<\?xml[^>]{0,100}?encoding\s*=\s*["']([\w.:-]+)""")


def read(path: Path, max_chars: int) -> ParsedText:
    zip_guard.check(path, _KIND)
    builder = TextBuilder(max_chars)
    with damaged(_KIND, *zip_guard.ERRORS), zipfile.ZipFile(path) as archive:
        package_name = _package_name(archive)
        package = ET.fromstring(archive.read(package_name))
        protected = archive.read(_ENCRYPTION) if _ENCRYPTION in archive.NameToInfo else b""
        for page in dict.fromkeys(_spine(package, posixpath.dirname(package_name))):
            if page not in archive.NameToInfo:
                continue
            if page.encode() in protected:
                raise UnreadableDocument("The book is copy-protected (DRM) and cannot be read.")
            builder.leave()
            add_html(builder, _markup(archive.read(page)), is_of_book=True)
        return builder.build(title=package.findtext(".//{http://purl.org/dc/elements/1.1/}title"))


def _package_name(archive: zipfile.ZipFile) -> str:
    container = ET.fromstring(archive.read(_CONTAINER))
    names = (element.attrib["full-path"] for element in container.iter() if element.tag.endswith("}rootfile"))
    return next(names, "")


def _spine(package: ET.Element, folder: str) -> Iterator[str]:
    """The names of the pages within the archive, in reading order."""
    pages: dict[str, str] = {}
    for element in package.iter():
        tag = element.tag.rpartition("}")[2]
        if tag == "item":
            pages[element.attrib["id"]] = element.attrib["href"]
        elif tag == "itemref" and (href := pages.get(element.attrib["idref"])) is not None:
            yield posixpath.normpath(posixpath.join(folder, unquote(href.partition("#")[0])))


def _markup(raw: bytes) -> str:
    declared = _ENCODING.match(raw)
    text, _ = decode(raw, declared[1].decode("ascii", "ignore") if declared else None)
    return from_xml(text)
