"""What one child process does for one document: read, chunk, tokenise, write the outcome into a folder. Pages: pages.py.

    text           the stored text, UTF-8
    rows           the passages as rows for COPY, see knowledge/rows.py
    batches.jsonl  one JSON object a line, for so many rows: {"bytes", "hashes": [hex], "texts": [what is embedded]}
    result.json    {"encoding", "page_count", "unread_pages", "title", "chars", "text_sha256", "chunk_count",
                    "seconds": {"parse", "chunk"}, "terms": [ascending], "counts": [chunks that hold the term]}
    error.json     {"code", "detail"} instead, when the document, or what is asked of it, is at fault
    page.webp      a page that was drawn

`result.json` appears last and whole: where it stands, everything else is complete.
"""

import errno
import hashlib
import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from protostar.errors import NotFound, UnreadableDocument
from protostar.knowledge import chunking, tokens
from protostar.knowledge.parse import readers
from protostar.knowledge.parse.failures import TOO_COMPLEX, too_long
from protostar.knowledge.parse.model import ParsedText
from protostar.knowledge.rows import Owner, Rows, text_hash

TEXT, ROWS, BATCHES, IMAGE, RESULT, ERROR = "text", "rows", "batches.jsonl", "page.webp", "result.json", "error.json"
NO_SPACE = 75
"""Exit status of a child that found the disk full: nobody's document is to blame."""

BATCH = 500
"""Passages that are staged at once."""

_SLICE = 1024 * 1024


def run(path: Path, media_type: str, work_dir: Path, max_chars: int, owner: Owner) -> int:
    """Read a document and return the exit status."""
    return settle(lambda: _work(path, media_type, work_dir, max_chars, owner), work_dir, max_chars)


def settle(work: Callable[[], None], work_dir: Path, max_chars: int) -> int:
    """Work and return the exit status. An unforeseen error passes through; the process then ends without an outcome."""
    failure: UnreadableDocument | NotFound | None = None
    try:
        work()
    except (UnreadableDocument, NotFound) as error:
        failure = error
    except MemoryError:
        # Written down below, when the frames that hold the memory are gone.
        failure = UnreadableDocument(TOO_COMPLEX)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            return NO_SPACE
        if error.errno != errno.EFBIG:
            raise
        failure = too_long(max_chars)
    if failure is not None:
        write(work_dir / ERROR, {"code": failure.code, "detail": str(failure)})
    return 0


def _work(path: Path, media_type: str, work_dir: Path, max_chars: int, owner: Owner) -> None:
    started = time.perf_counter()
    parsed = readers.read(path, media_type, max_chars)
    parsed_at = time.perf_counter()
    sha256 = _write_text(work_dir / TEXT, parsed.text)
    frequencies, count = _write_chunks(work_dir, parsed, owner)
    terms = sorted(frequencies)
    result = {
        "encoding": parsed.encoding,
        "page_count": parsed.page_count,
        "unread_pages": parsed.unread_pages,
        "title": parsed.title,
        "chars": len(parsed.text),
        "text_sha256": sha256,
        "chunk_count": count,
        "seconds": {"parse": parsed_at - started, "chunk": time.perf_counter() - parsed_at},
        "terms": terms,
        "counts": [frequencies[term] for term in terms],
    }
    write(work_dir / RESULT, result)


def _write_text(path: Path, text: str) -> str:
    """Write slice by slice, so that a large text is never held twice; returns the SHA-256 of the file."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for start in range(0, len(text), _SLICE):
            piece = text[start : start + _SLICE].encode()
            digest.update(piece)
            file.write(piece)
    return digest.hexdigest()


def _write_chunks(work_dir: Path, parsed: ParsedText, owner: Owner) -> tuple[Counter[int], int]:
    """Write each chunk with its weights; returns how many chunks hold each term, and how many chunks there are."""
    frequencies: Counter[int] = Counter()
    count = 0
    rows = Rows(owner)
    chunks = chunking.chunk(parsed)
    with (work_dir / ROWS).open("wb") as rows_file, (work_dir / BATCHES).open("wb") as batches_file:
        while batch := list(itertools.islice(chunks, BATCH)):
            size, hashes, texts = 0, list[str](), list[str]()
            for chunk in batch:
                text = parsed.text[chunk.start : chunk.end]
                indexed = chunking.indexed_text(chunk.heading_path, text)
                terms = tokens.terms(indexed)
                weights = tokens.weights(terms)
                frequencies.update(tokens.counted(terms, weights))
                hash_ = text_hash(indexed)
                size += rows_file.write(rows.row(chunk, text, hash_, weights))
                hashes.append(hash_.hex())
                texts.append(indexed)
            line = json.dumps({"bytes": size, "hashes": hashes, "texts": texts}, ensure_ascii=False, separators=(",", ":"))
            batches_file.write(line.encode() + b"\n")
            count += len(batch)
    return frequencies, count


def write(path: Path, content: Mapping[str, object]) -> None:
    """Nobody sees half of it."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    part.replace(path)
