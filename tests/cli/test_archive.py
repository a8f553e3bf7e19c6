"""The file of an archive: what a killed export leaves is gone on with, and no damage goes unnoticed."""

import hashlib
import tarfile
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from protostar.cli.archive import (
    FORMAT,
    MANIFEST,
    ArchiveReader,
    ArchiveWriter,
    BadArchive,
    Listed,
    WrongBytes,
    partial_of,
    reading,
    writing,
)

BIG = bytes(range(256)) * 16_384  # 4 MiB


def header(**more: Any) -> dict[str, Any]:
    return {"format": FORMAT, "archive_id": str(uuid4()), "space_id": "s", **more}


def blob(archive: ArchiveWriter, name: str, content: bytes, sent: int | None = None) -> None:
    sha256 = hashlib.sha256(content).hexdigest()
    if archive.has(name, len(content), sha256):
        return
    written = archive.begin(name, len(content), sha256)
    written.write(content[written.written : sent])
    if sent is None:
        written.finish()


@pytest.fixture
def whole(tmp_path: Path) -> Path:
    path = tmp_path / "space.tar"
    with writing(path, header()) as (archive, _):
        blob(archive, "documents/1/1/original.md", BIG)
        blob(archive, "documents/1/1/text.txt", "한글".encode())
        archive.add_json("documents/000001.json", {"items": []})
        archive.finish({"counts": {}})
    return path


def damage(path: Path, at: int) -> None:
    content = bytearray(path.read_bytes())
    content[at] ^= 1
    path.write_bytes(content)


def places(path: Path) -> dict[str, int]:
    with tarfile.open(path) as tar:
        return {member.name: member.offset_data for member in tar}


def test_it_is_a_tar_with_a_manifest(whole: Path) -> None:
    with tarfile.open(whole) as tar:
        assert tar.getnames()[0] == "archive.json"
        assert tar.getnames()[-1] == MANIFEST
        content = tar.extractfile("documents/1/1/original.md")
        assert content is not None
        assert content.read() == BIG
    checked = 0

    def count(size: int) -> None:
        nonlocal checked
        checked += size

    with reading(whole) as archive:
        archive.check(count)
        listed = archive.manifest.entries
        assert listed["documents/1/1/text.txt"] == Listed(size=6, sha256=hashlib.sha256("한글".encode()).hexdigest())
        assert checked == sum(entry.size for entry in listed.values())
    assert not partial_of(whole).exists()


# Between entries, in a header, in the middle of bytes, in the padding, and nothing at all.
@pytest.mark.parametrize("cut", [0, -1, 1536, 1600, 100_000, 2_000_000, 4_194_304 + 3000, 4_194_304 + 4000])
def test_whatever_a_killed_run_leaves_is_gone_on_with(tmp_path: Path, cut: int) -> None:
    path, first = tmp_path / "space.tar", header()
    with writing(path, first) as (archive, _):
        blob(archive, "documents/1/1/original.md", BIG)
        blob(archive, "documents/2/1/original.md", BIG[::-1], sent=1_000_000)
    partial = partial_of(path)
    begun = partial.read_bytes()
    partial.write_bytes(begun[:cut])
    with writing(path, header()) as (archive, kept):
        assert (kept == first) == (cut not in {0, 1536, 1600})
        blob(archive, "documents/1/1/original.md", BIG)
        blob(archive, "documents/2/1/original.md", BIG[::-1])
        archive.finish({"counts": {}})
    with reading(path) as archive:
        archive.check(lambda _: None)
        assert b"".join(archive.chunks("documents/2/1/original.md")) == BIG[::-1]
    if cut == -1:
        assert path.read_bytes()[: len(begun) - 1] == begun[:-1], "nothing was written anew"


def test_bytes_that_rotted_in_an_unfinished_archive_are_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "space.tar"
    with writing(path, header()) as (archive, _):
        blob(archive, "a/1", BIG)
        blob(archive, "a/2", BIG)
    damage(partial_of(path), 3_000_000)
    with writing(path, header()) as (archive, _):
        assert not archive.has("a/1", len(BIG), hashlib.sha256(BIG).hexdigest())
        blob(archive, "a/1", BIG)
        archive.finish({"counts": {}})
    with reading(path) as archive:
        archive.check(lambda _: None)


def test_bytes_that_are_not_the_announced_ones_stay_out(tmp_path: Path) -> None:
    path = tmp_path / "space.tar"
    with writing(path, header()) as (archive, _):
        wrong = archive.begin("a/1", 3, hashlib.sha256(b"abc").hexdigest())
        wrong.write(b"abd")
        with pytest.raises(WrongBytes):
            wrong.finish()
        longer = archive.begin("a/1", 3, hashlib.sha256(b"abc").hexdigest())
        with pytest.raises(WrongBytes):
            longer.write(b"abcd")
        archive.finish({"counts": {}})
    with reading(path) as archive:
        archive.check(lambda _: None)
        assert "a/1" not in archive.entries


def test_nothing_of_others_is_written_over(tmp_path: Path, whole: Path) -> None:
    with pytest.raises(BadArchive, match="there already"), writing(whole, header()):
        pass
    other = tmp_path / "other.tar"
    partial_of(other).write_text("a letter")
    with pytest.raises(BadArchive, match="no unfinished archive"), writing(other, header()):
        pass
    assert partial_of(other).read_text() == "a letter"
    third = tmp_path / "third.tar"
    with writing(third, header()):
        with pytest.raises(BadArchive, match="Another export"), writing(third, header()):
            pass
    with pytest.raises(BadArchive, match="of another space"), writing(third, header(space_id="t")):
        pass


@pytest.mark.parametrize(
    "name", ["archive.json", "documents/1/1/original.md", "documents/1/1/text.txt", "documents/000001.json", MANIFEST]
)
def test_damaged_bytes_are_named(whole: Path, name: str) -> None:
    damage(whole, places(whole)[name] + 1)
    with pytest.raises(BadArchive, match=f"the entry {name}|not an archive"):
        check(whole)


def test_no_flipped_bit_of_a_header_changes_what_is_read(whole: Path) -> None:
    content, name = whole.read_bytes(), "documents/1/1/text.txt"
    start = places(whole)[name] - 1536  # its extended header, the content of that, its header
    refused = 0
    for at in range(start, start + 1536):
        if content[at] == 0:
            continue
        damage(whole, at)
        try:
            with reading(whole) as archive:
                archive.check(lambda _: None)
                assert archive.read(name) == "한글".encode()
        except BadArchive:
            refused += 1
        whole.write_bytes(content)
    assert refused > 100


@pytest.mark.parametrize("left", [0, 1, 600, 3000, 1_000_000, -1024, -1100, -2000])
def test_a_cut_archive_is_refused(whole: Path, left: int) -> None:
    content = whole.read_bytes()[:left]
    whole.write_bytes(content)
    if left == -1024:  # all but the mark of the end, which says nothing that the manifest does not
        check(whole)
        return
    with pytest.raises(BadArchive, match=r"not whole|not an archive"):
        check(whole)


def test_what_is_none_and_what_is_newer(tmp_path: Path) -> None:
    (tmp_path / "letter").write_text("a letter " * 1000)
    with tarfile.open(tmp_path / "other.tar", "w") as tar:
        tar.add(tmp_path / "letter", "letter")
    for name in ("letter", "other.tar"):
        with pytest.raises(BadArchive, match="is not an archive of Protostar"):
            check(tmp_path / name)
    newer = tmp_path / "newer.tar"
    with writing(newer, header(format=FORMAT + 1)) as (archive, _):
        archive.finish({"counts": {}})
    with pytest.raises(BadArchive, match="newer release"):
        check(newer)


@pytest.mark.parametrize(
    ("first", "manifest", "said"),
    [
        ({"format": FORMAT}, {"counts": {}}, "entry archive.json has no «archive_id»"),
        ({"archive_id": "a"}, {"counts": {}}, "entry archive.json has no «format»"),
        ({"format": FORMAT, "archive_id": None}, {"counts": {}}, "entry archive.json has no «archive_id»"),
        (header(), {}, "entry manifest.json has no «counts»"),
        (header(), {"counts": 3}, "entry manifest.json has no «counts»"),
    ],
)
def test_an_archive_that_lacks_what_every_one_has(tmp_path: Path, first: Any, manifest: Any, said: str) -> None:
    path = tmp_path / "space.tar"
    with partial_of(path).open("w+b") as file:
        archive = ArchiveWriter(path, file)
        archive.add_json("archive.json", first)
        archive.finish(manifest)
    with pytest.raises(BadArchive, match=f"not an archive of Protostar, or damaged: the {said}"):
        check(path)


def check(path: Path) -> ArchiveReader:
    with reading(path) as archive:
        archive.check(lambda _: None)
        return archive
