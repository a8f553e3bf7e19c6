"""Hangul documents in their binary format (HWP 5.0): a compound file, of which each part is a deflated stream of records.

What can be read in the records is made into the elements of the open format, and read as such. Source: Hancom's specification of
the format, revision 1.3.
"""

import re
import struct
import zlib
from pathlib import Path

import olefile

from protostar.errors import UnreadableDocument
from protostar.knowledge.parse import zip_guard
from protostar.knowledge.parse.failures import ENCRYPTED, damaged
from protostar.knowledge.parse.hangul.records import header, paragraphs
from protostar.knowledge.parse.hangul.writer import HangulWriter, Header
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.text.builder import TextBuilder

_KIND = "a Hangul document (.hwp)"
_SIGNATURE = b"HWP Document File"
_PROPERTIES = struct.Struct("<36xI")
_COMPRESSED, _PASSWORD, _FOR_DISTRIBUTION, _PROTECTED = 0x1, 0x2, 0x4, 0x10 | 0x100 | 0x400
_SECTION = re.compile(r"Section(\d+)")
_SUMMARY = "\x05HwpSummaryInformation"
_TITLE, _TEXT = 2, 0x1F


def read(path: Path, max_chars: int) -> ParsedText:
    builder = TextBuilder(max_chars)
    with path.open("rb") as file:
        if file.read(len(_SIGNATURE)) == _SIGNATURE:
            raise UnreadableDocument("The file is in the format of Hangul 97 or older; save it as HWPX or PDF and upload that.")
    with damaged(_KIND, *zip_guard.ERRORS, struct.error, RecursionError), olefile.OleFileIO(str(path)) as file:
        streams = _Streams(file)
        writer = HangulWriter(builder, Header(header(streams.read("DocInfo"))))
        for name in streams.sections():
            for element in paragraphs(streams.read(name)):
                writer.add(element)
        writer.add_notes()
        return builder.build(title=streams.title())


class _Streams:
    """The parts of a document that anybody may read. Raises UnreadableDocument."""

    def __init__(self, file: "olefile.OleFileIO[str]") -> None:
        self._file = file
        self._left = zip_guard.MAX_TOTAL_BYTES
        identity = file.openstream("FileHeader").read()
        if not identity.startswith(_SIGNATURE):
            raise ValueError(identity)
        (self._properties,) = _PROPERTIES.unpack_from(identity)
        if self._properties & _PASSWORD:
            raise UnreadableDocument(ENCRYPTED)
        if self._properties & _PROTECTED:
            raise UnreadableDocument("The file is protected by a certificate or DRM; upload it without that protection.")
        if self._properties & _FOR_DISTRIBUTION:
            raise UnreadableDocument(
                "The file is a Hangul document for distribution only; upload the ordinary document or a PDF of it."
            )

    def sections(self) -> list[str]:
        """The names of the streams with the text, in its order."""
        found = (_SECTION.fullmatch(names[1]) for names in self._file.listdir() if names[0] == "BodyText" and len(names) == 2)
        return [f"BodyText/{match[0]}" for match in sorted(filter(None, found), key=lambda match: int(match[1]))]

    def read(self, name: str) -> bytes:
        content: bytes = self._file.openstream(name).read()
        if not self._properties & _COMPRESSED:
            return content
        inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        inflated = inflate.decompress(content, max(1, min(zip_guard.MAX_ENTRY_BYTES, self._left)))
        if inflate.unconsumed_tail or zip_guard.is_bomb(len(inflated), len(content)):
            raise UnreadableDocument(zip_guard.BOMB)
        if not inflate.eof:
            raise EOFError(name)
        self._left -= len(inflated)
        return inflated

    def title(self) -> str | None:
        """As the summary has it [MS-OLEPS]. olefile would believe any number of values that one claims to have."""
        if not self._file.exists(_SUMMARY):
            return None
        content: bytes = self._file.openstream(_SUMMARY).read()
        (start,) = struct.unpack_from("<44xI", content)
        (count,) = struct.unpack_from("<4xI", content, start)
        for at in range(start + 8, min(start + 8 + 8 * count, len(content)), 8):
            property_id, offset = struct.unpack_from("<II", content, at)
            if property_id == _TITLE:
                kind, length = struct.unpack_from("<II", content, start + offset)
                text = content[start + offset + 8 :][: 2 * length]
                return text.decode("utf-16-le", "replace").partition("\0")[0] if kind == _TEXT else None
        return None
