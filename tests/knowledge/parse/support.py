"""What the tests of the readers share."""

from pathlib import Path
from typing import Any
from uuid import UUID

from protostar.documents.media_types import HEAD_BYTES, detect
from protostar.knowledge.parse import readers
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.rows import Owner

OWNER = Owner(UUID(int=1), UUID(int=2), 3)
FILES = Path(__file__).parents[2] / "files"
NO_LIMIT = 100_000_000


def read(path: Path | str, *, max_chars: int = NO_LIMIT) -> ParsedText:
    """Read a file as an upload would be read, and check the promises that every reader makes."""
    path = FILES / path
    with path.open("rb") as file:
        media_type = detect(path.name, None, file.read(HEAD_BYTES))
    parsed = readers.read(path, media_type, max_chars)
    check(parsed)
    return parsed


def check(parsed: ParsedText) -> None:
    """Blocks are sorted, disjoint and inside the text; they hold text that can be stored."""
    at = 0
    for block in parsed.blocks:
        assert at <= block.start < block.end <= len(parsed.text)
        assert parsed.text[block.start : block.end].strip()
        at = block.end
    parsed.text.encode()
    assert "\r" not in parsed.text
    assert "\0" not in parsed.text


def save(document: Any, path: Path) -> Path:
    document.save(str(path))
    return path


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def uncovered(parsed: ParsedText) -> str:
    """The text that lies in no block."""
    ends = [0, *(block.end for block in parsed.blocks)]
    starts = [*(block.start for block in parsed.blocks), len(parsed.text)]
    return "".join(parsed.text[end:start] for end, start in zip(ends, starts, strict=True)).strip()


def shown(parsed: ParsedText) -> list[tuple[str, str]]:
    """(kind, text) of each block."""
    return [(block.kind, parsed.text[block.start : block.end]) for block in parsed.blocks]


def block_with(parsed: ParsedText, words: str):
    """The only block that holds these words."""
    found = [block for block in parsed.blocks if words in parsed.text[block.start : block.end]]
    assert len(found) == 1, (words, found)
    return found[0]
