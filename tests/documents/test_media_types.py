import io
import re
import zipfile
from pathlib import Path

import pytest

from protostar.documents.media_types import (
    CSV,
    DOCX,
    EMAIL,
    EPUB,
    FORMATS,
    HEAD_BYTES,
    HTML,
    HWP,
    HWPX,
    MARKDOWN,
    NOTEBOOK,
    ODP,
    ODS,
    ODT,
    PDF,
    PPTX,
    RTF,
    TEXT,
    TSV,
    XLS,
    XLSX,
    detect,
    detect_served,
)
from protostar.errors import UnsupportedMediaType

FILES = Path(__file__).parents[1] / "files"

KNOWN = {
    "guide-ko.md": MARKDOWN,
    "empty.md": MARKDOWN,
    "guide-ko-utf16.txt": TEXT,
    "guide-ko-utf16be-nobom.txt": TEXT,
    "nul.txt": TEXT,
    "badutf8.txt": TEXT,
    "page-ko.html": HTML,
    "guide-ko.pdf": PDF,
    "guide-ko.docx": DOCX,
    "deck-ko.pptx": PPTX,
    "sheet-ko.xlsx": XLSX,
    "table-cp949.csv": CSV,
    "guide-ko.odt": ODT,
    "sheet-ko.xls": XLS,
    "sheet-ko.ods": ODS,
    "deck-ko.odp": ODP,
    "book-ko.epub": EPUB,
    "guide-ko.rtf": RTF,
    "mail-ko.eml": EMAIL,
    "note-ko.ipynb": NOTEBOOK,
}


def head(name: str) -> bytes:
    return (FILES / name).read_bytes()[:HEAD_BYTES]


def zipped(*names: str, mimetype: str = "") -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, mimetype or "x" * 50)
    return file.getvalue()[:HEAD_BYTES]


@pytest.mark.parametrize(("name", "media_type"), KNOWN.items())
def test_real_files_are_told_apart(name: str, media_type: str) -> None:
    assert detect(name, "application/octet-stream", head(name)) == media_type


@pytest.mark.parametrize(
    "name", ["guide-ko.pdf", "guide-ko.docx", "deck-ko.pptx", "sheet-ko.xlsx", "guide-ko.odt", "book-ko.epub", "guide-ko.rtf"]
)
@pytest.mark.parametrize("disguise", ["notes.md", "notes.docx", "notes.bin", "NOTES"])
def test_the_content_of_a_binary_wins_over_its_name(name: str, disguise: str) -> None:
    assert detect(disguise, "text/plain", head(name)) == KNOWN[name]


@pytest.mark.parametrize(
    ("name", "media_type"),
    [("a.MARKDOWN", MARKDOWN), ("a.b.Txt", TEXT), ("a.log", TEXT), ("a.text", TEXT), ("a.htm", HTML), ("a.tsv", TSV)],
)
def test_text_goes_by_its_extension(name: str, media_type: str) -> None:
    assert detect(name, None, b"whatever") == media_type


@pytest.mark.parametrize("content", [b"<html>", b"\xef\xbb\xbf\r\n <!DOCTYPE html>", b"<TABLE border=1>", b"<meta charset=euc-kr>"])
@pytest.mark.parametrize("name", ["export.xls", "export.xlsx"])
def test_a_page_under_the_name_of_a_workbook_is_a_page(name: str, content: bytes) -> None:
    assert detect(name, "application/vnd.ms-excel", content) == HTML


@pytest.mark.parametrize(
    ("name", "content", "media_type"),
    [
        ("prices.csv", b"name,price", CSV),
        ("prices.xls", b"<table border=1>", HTML),
        ("export", b"<table border=1>", HTML),
        ("page.html", head("sheet-ko.xls"), XLS),
    ],
)
def test_servers_call_whatever_excel_opens_a_workbook(name: str, content: bytes, media_type: str) -> None:
    assert detect_served(name, "application/vnd.ms-excel", content) == media_type


def test_a_text_under_the_name_of_a_workbook_is_refused_with_advice() -> None:
    with pytest.raises(UnsupportedMediaType, match=r"Save it as Excel \(\.xlsx\) or CSV"):
        detect("export.xls", "application/vnd.ms-excel", "이름\t값".encode())


@pytest.mark.parametrize(
    ("declared", "media_type"),
    [("text/markdown; charset=utf-8", MARKDOWN), ("TEXT/X-MARKDOWN", MARKDOWN), ("text/plain", TEXT), ("application/csv", CSV)],
)
def test_without_a_known_extension_the_declared_type_counts(declared: str, media_type: str) -> None:
    assert detect("README", declared, b"hello") == media_type


@pytest.mark.parametrize(
    ("name", "declared", "content"),
    [
        ("a.odg", None, zipped("mimetype", mimetype="application/vnd.oasis.opendocument.graphics")),
        ("a.docx", None, zipped("mimetype", mimetype="application/vnd.oasis.opendocument.graphics")),
        ("a.zip", "application/zip", zipped("a.txt")),
        ("a.md", None, zipped("a.txt")),
        ("a.doc", "application/msword", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600),
        ("a.txt", None, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600),
        ("a.png", "image/png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("a.txt", "text/plain", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"),
        ("a.csv", None, b"\x1f\x8b\x08\0\0\0\0\0"),
        ("program", None, b"#!/bin/sh"),
        ("a.py", "text/x-python", b"print()"),
        ("", None, b""),
    ],
)
def test_other_kinds_are_refused_and_told_what_is_read(name: str, declared: str | None, content: bytes) -> None:
    with pytest.raises(UnsupportedMediaType) as caught:
        detect(name, declared, content)
    for kind in FORMATS:
        assert kind.name in str(caught.value)


@pytest.mark.parametrize(
    ("name", "instead"),
    [
        ("연차.HWPML", "HWPX or PDF"),
        ("a.hml", "HWPX or PDF"),
        ("a.xlsb", "Excel (.xlsx) or CSV"),
        ("a.doc", "Word (.docx) or PDF"),
        ("a.ppt", "PowerPoint (.pptx) or PDF"),
        ("a.pages", "Word (.docx) or PDF"),
        ("a.mht", "HTML (.html) or PDF"),
        ("a.msg", "e-mail (.eml)"),
        ("a.rst", "Markdown (.md) or plain text (.txt)"),
    ],
)
@pytest.mark.parametrize(
    "content",
    [b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, b'<?xml version="1.0"?>', zipped("mimetype", mimetype="application/x")],
)
def test_what_to_save_it_as_is_said_where_there_is_something(name: str, instead: str, content: bytes) -> None:
    with pytest.raises(
        UnsupportedMediaType, match=re.escape(f"not supported. Save it as {instead} and upload that. Protostar reads ")
    ):
        detect(name, None, content)
    with pytest.raises(UnsupportedMediaType, match=r"not supported\. Protostar reads "):
        detect("a.bin", None, content)


@pytest.mark.parametrize(
    ("name", "content", "advice"),
    [
        ("notices.zip", zipped("2026/notice.md"), "Unpack it and upload the folder."),
        ("notices.7z", b"7z\xbc\xaf\x27\x1c" + b"\0" * 600, "Unpack it and upload the folder."),
        ("poster.JPG", b"\xff\xd8\xff\xe0" + b"\0" * 600, "What is written in a picture cannot be read: upload it as text."),
    ],
)
def test_what_to_do_with_archives_and_pictures_is_said(name: str, content: bytes, advice: str) -> None:
    with pytest.raises(UnsupportedMediaType, match=re.escape(f"not supported. {advice} Protostar reads ")):
        detect(name, None, content)


def test_hangul_and_opendocument_are_known_by_what_they_say_first() -> None:
    for disguise in ("a.docx", "a.zip", "a.hwp", "문서"):
        assert detect(disguise, "application/zip", zipped("mimetype", "version.xml", mimetype="application/hwp+zip")) == HWPX
    assert detect("a", None, zipped("mimetype", mimetype="application/vnd.oasis.opendocument.text-template")) == ODT
    assert detect("a", "application/haansofthwpx", zipped("version.xml")) == HWPX
    assert detect("a.hwpx", None, zipped("a.txt")) == HWPX
    assert detect("a.hwpx", None, head("guide-ko.docx")) == DOCX


def test_the_binary_format_of_hangul_goes_by_its_name() -> None:
    ole2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600
    for name, declared in (
        ("연차.HWP", None),
        ("a.hwpx", None),
        ("a", "application/haansofthwp"),
        ("a", "application/vnd.hancom.hwpx"),
    ):
        assert detect(name, declared, ole2) == HWP
    assert detect("a.hwp", None, b"HWP Document File V3.00") == HWP
    assert detect("a.hwp", None, zipped("mimetype", "version.xml", mimetype="application/hwp+zip")) == HWPX


@pytest.mark.parametrize("text", ["BM25 ranks passages", "MZ is a signature", "βρ is Greek", "%!PS is said here", "ID3 trees"])
def test_a_text_may_begin_like_a_binary(text: str) -> None:
    assert detect("a.md", None, text.encode()) == MARKDOWN


def test_a_markdown_file_may_speak_of_pdf() -> None:
    assert detect("a.md", None, b"The signature is %PDF-1.7") == MARKDOWN
    assert detect("a.pdf", None, b"\r\njunk before %PDF-1.7") == PDF


def test_what_only_claims_to_be_supported_keeps_its_kind_for_its_reader_to_explain() -> None:
    assert detect("a.docx", None, b"garbage") == DOCX
    assert detect("a.docx", None, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600) == DOCX
    assert detect("a.pdf", None, b"") == PDF
    assert detect("a.epub", None, zipped("META-INF/container.xml")) == EPUB
    assert detect("a.epub", None, zipped("mimetype", mimetype="compressed beyond recognition")) == EPUB


@pytest.mark.parametrize(
    ("entry", "media_type"), [("word/document.xml", DOCX), ("ppt/slides/slide1.xml", PPTX), ("xl/workbook.xml", XLSX)]
)
def test_office_files_are_known_by_their_first_entries(entry: str, media_type: str) -> None:
    assert detect("a.docx", None, zipped("[Content_Types].xml", "_rels/.rels", "docProps/app.xml", entry)) == media_type


def test_entries_written_as_a_stream_are_found_too() -> None:
    class Pipe(io.RawIOBase):
        """Not seekable: sizes then follow the content."""

        def __init__(self) -> None:
            self.content = b""

        def writable(self) -> bool:
            return True

        def write(self, data: bytes) -> int:
            self.content += bytes(data)
            return len(data)

    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "x" * 500)
        archive.writestr("xl/workbook.xml", "x")
    assert detect("a.docx", None, pipe.content[:HEAD_BYTES]) == XLSX


def test_extensions_and_names_belong_to_one_format_each() -> None:
    extensions = [extension for kind in FORMATS for extension in kind.extensions]
    names = [name for kind in FORMATS for name in (kind.media_type, *kind.aliases)]
    assert len(extensions) == len(set(extensions))
    assert len(names) == len(set(names))
