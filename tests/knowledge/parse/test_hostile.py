"""Files that were made, or broken, to do harm. Each is refused with a sentence; what must be killed is in test_client.py."""

import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.knowledge.parse.packages import hwpx, para
from tests.knowledge.parse.support import FILES, read

from protostar.errors import UnreadableDocument

OFFICE = ["guide-ko.docx", "deck-ko.pptx", "sheet-ko.xlsx", "book-ko.epub", "guide-ko.odt", "rule-ko.hwpx"]
MAIN_PART = {
    "guide-ko.docx": "word/document.xml",
    "deck-ko.pptx": "ppt/slides/slide1.xml",
    "sheet-ko.xlsx": "xl/worksheets/sheet1.xml",
    "book-ko.epub": "O/c.opf",
    "guide-ko.odt": "content.xml",
    "rule-ko.hwpx": "Contents/section0.xml",
}
LAUGHS = "".join(f'<!ENTITY l{n + 1} "{f"&l{n};" * 10}">' for n in range(9))
ENTITY_BOMB = f'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY l0 "ha">{LAUGHS}]><x>&l9;</x>'
OUTSIDE = '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/hosts">]><x>&e;</x>'
DEEP = "<a>" * 20_000 + "</a>" * 20_000


def original(name: str, folder: Path) -> Path:
    return hwpx(folder / "original", para("총칙", shape="outline1"), para("글" * 500)) if name == "rule-ko.hwpx" else FILES / name


def copy_with(name: str, path: Path, part: str, content: str) -> Path:
    """A copy of a file with one of its parts replaced."""
    with zipfile.ZipFile(original(name, path.parent)) as source, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.namelist():
            target.writestr(entry, content if entry == part else source.read(entry))
    return path


@pytest.mark.parametrize("name", OFFICE)
@pytest.mark.parametrize("content", [ENTITY_BOMB, OUTSIDE, DEEP, "", "no xml at all", "\0" * 100])
def test_hostile_xml(tmp_path: Path, name: str, content: str) -> None:
    path = copy_with(name, tmp_path / name, MAIN_PART[name], content)
    try:
        text = read(path).text
    except UnreadableDocument:
        return
    # One sheet of several may be empty; nothing of what lies outside the file may ever be in the text.
    assert "localhost" not in text
    assert "haha" not in text


def test_a_row_far_beyond_the_sheet_is_not_waited_for(tmp_path: Path) -> None:
    with zipfile.ZipFile(FILES / "sheet-ko.xlsx") as archive:
        sheet = archive.read("xl/worksheets/sheet1.xml").decode()
    assert '<row r="6"' in sheet
    path = copy_with("sheet-ko.xlsx", tmp_path / "a.xlsx", MAIN_PART["sheet-ko.xlsx"], sheet.replace('r="6"', 'r="99999999999"'))
    assert "합계" not in read(path).text


@pytest.mark.parametrize("name", OFFICE)
@pytest.mark.parametrize("share", [0.05, 0.5, 0.95])
def test_a_truncated_archive(tmp_path: Path, name: str, share: float) -> None:
    content = original(name, tmp_path).read_bytes()
    path = tmp_path / name
    path.write_bytes(content[: int(len(content) * share)])
    with pytest.raises(UnreadableDocument, match="damaged, incomplete or not a"):
        read(path)


@pytest.mark.parametrize("name", OFFICE)
def test_flipped_bytes_are_an_error_or_some_text(tmp_path: Path, name: str) -> None:
    content = bytearray(original(name, tmp_path).read_bytes())
    for place in range(200, len(content) - 400, 97):
        content[place] ^= 0x55
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableDocument):
        read(path)


@pytest.mark.parametrize("name", ["a.docx", "a.pptx", "a.xlsx", "a.epub", "a.odt", "a.hwpx"])
@pytest.mark.parametrize("content", [b"garbage", b"PK\x03\x04garbage", b"just text " * 100])
def test_garbage_under_a_good_name(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(UnreadableDocument, match="damaged, incomplete or not a"):
        read(path)


def encrypted(path: Path) -> None:
    content = bytearray((FILES / "guide-ko.docx").read_bytes())
    for signature, flags_at in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = content.find(signature)
        while at >= 0:
            content[at + flags_at] |= 1
            at = content.find(signature, at + 1)
    path.write_bytes(content)


def wrapped_by_office(path: Path) -> None:
    path.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600 + "EncryptedPackage".encode("utf-16-le"))


@pytest.mark.parametrize("make", [encrypted, wrapped_by_office])
def test_a_password_is_named(tmp_path: Path, make: Callable[[Path], None]) -> None:
    make(tmp_path / "a.docx")
    with pytest.raises(UnreadableDocument, match="protected with a password"):
        read(tmp_path / "a.docx")


def test_an_old_format_under_a_new_name_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.docx").write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600)
    with pytest.raises(UnreadableDocument, match="old Office format"):
        read(tmp_path / "a.docx")


def one_huge_entry(archive: zipfile.ZipFile) -> None:
    with archive.open("word/document.xml", "w", force_zip64=True) as entry:
        for _ in range(101):
            entry.write(b"\0" * 1024 * 1024)


def one_that_compresses_too_well(archive: zipfile.ZipFile) -> None:
    archive.writestr("word/document.xml", b" " * 20 * 1024 * 1024)


def many_entries(archive: zipfile.ZipFile) -> None:
    for number in range(5_001):
        archive.writestr(f"word/{number}.xml", "")


@pytest.mark.parametrize("fill", [one_huge_entry, one_that_compresses_too_well, many_entries])
def test_a_zip_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, fill: Callable[[zipfile.ZipFile], None]) -> None:
    path = tmp_path / "a.docx"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        fill(archive)
    with pytest.raises(UnreadableDocument, match="unpacks to far more than its size"):
        read(path)
