"""Hangul documents in their open format (KS X 6101): the sections in order."""

import re
import xml.etree.ElementTree as ET
from pathlib import Path

from protostar.knowledge.parse.hangul.writer import HangulWriter, Header
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.parse.office.package import children, open_package, title
from protostar.knowledge.parse.text.builder import TextBuilder

_KIND = "a Hangul document (.hwpx)"
_SECTION = re.compile(r"Contents/section(\d+)\.xml")


def read(path: Path, max_chars: int) -> ParsedText:
    builder = TextBuilder(max_chars)
    with open_package(path, _KIND) as archive:
        writer = HangulWriter(builder, Header(ET.fromstring(archive.read("Contents/header.xml"))))
        sections = {int(match[1]): match[0] for match in map(_SECTION.fullmatch, archive.namelist()) if match}
        for number in sorted(sections):
            with archive.open(sections[number]) as part:
                for element in children(part, "sec"):
                    writer.add(element)
        writer.add_notes()
        return builder.build(title=title(archive, "Contents/content.hpf"))
