"""The kinds of file that Protostar reads, and how one is told from another. No I/O."""

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

import filetype  # pyright: ignore[reportMissingTypeStubs]

from protostar.errors import UnsupportedMediaType

HEAD_BYTES = 8192

MARKDOWN = "text/markdown"
TEXT = "text/plain"
HTML = "text/html"
PDF = "application/pdf"
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
PPTX = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
XLS = "application/vnd.ms-excel"
CSV = "text/csv"
TSV = "text/tab-separated-values"
HWP = "application/x-hwp"
HWPX = "application/hwp+zip"
ODT = "application/vnd.oasis.opendocument.text"
ODS = "application/vnd.oasis.opendocument.spreadsheet"
ODP = "application/vnd.oasis.opendocument.presentation"
EPUB = "application/epub+zip"
RTF = "application/rtf"
EMAIL = "message/rfc822"
NOTEBOOK = "application/x-ipynb+json"


@dataclass(frozen=True, slots=True)
class Format:
    """`aliases`: other names that clients declare for the same thing. `textual`: told by its name alone, having no magic bytes."""

    media_type: str
    name: str
    extensions: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    textual: bool = True


FORMATS = (
    Format(MARKDOWN, "Markdown", (".md", ".markdown"), ("text/x-markdown",)),
    Format(TEXT, "plain text", (".txt", ".text", ".log")),
    Format(HTML, "HTML", (".html", ".htm", ".xhtml", ".xht"), ("application/xhtml+xml",)),
    Format(PDF, "PDF", (".pdf",), ("application/x-pdf",), textual=False),
    Format(DOCX, "Word (.docx)", (".docx", ".docm", ".dotx"), textual=False),
    Format(PPTX, "PowerPoint (.pptx)", (".pptx", ".pptm", ".ppsx"), textual=False),
    Format(XLSX, "Excel (.xlsx)", (".xlsx", ".xlsm", ".xltx"), textual=False),
    Format(XLS, "Excel (.xls)", (".xls", ".xlt"), ("application/msexcel", "application/x-msexcel"), textual=False),
    Format(CSV, "CSV", (".csv",), ("application/csv",)),
    Format(TSV, "TSV", (".tsv",)),
    Format(HWP, "Hangul (.hwp)", (".hwp",), ("application/haansofthwp", "application/vnd.hancom.hwp"), textual=False),
    Format(HWPX, "Hangul (.hwpx)", (".hwpx",), ("application/haansofthwpx", "application/vnd.hancom.hwpx"), textual=False),
    Format(ODT, "OpenDocument (.odt)", (".odt",), textual=False),
    Format(ODS, "OpenDocument (.ods)", (".ods",), textual=False),
    Format(ODP, "OpenDocument (.odp)", (".odp",), textual=False),
    Format(EPUB, "EPUB", (".epub",), textual=False),
    Format(RTF, "RTF", (".rtf",), ("text/rtf", "application/x-rtf"), textual=False),
    Format(EMAIL, "e-mail (.eml)", (".eml",)),
    Format(NOTEBOOK, "notebooks (.ipynb)", (".ipynb",)),
)

*_names, _last = (kind.name for kind in FORMATS)
FORMAT_NAMES = f"{', '.join(_names)} and {_last}"

SAVE_AS = {
    **dict.fromkeys((".hwpml", ".hml"), "HWPX or PDF"),
    **dict.fromkeys((".doc", ".pages", ".wps", ".wpd"), "Word (.docx) or PDF"),
    **dict.fromkeys((".xls", ".xlsb", ".numbers"), "Excel (.xlsx) or CSV"),
    **dict.fromkeys((".mht", ".mhtml"), "HTML (.html) or PDF"),
    **dict.fromkeys((".rst", ".adoc", ".tex"), "Markdown (.md) or plain text (.txt)"),
    ".ppt": "PowerPoint (.pptx) or PDF",
    ".msg": "e-mail (.eml)",
}
"""What a document of a kind that is not read can be saved as, by its extension."""
_ARCHIVES = frozenset((".zip", ".7z", ".rar", ".alz", ".egg", ".tar", ".gz", ".tgz"))
_PICTURES = frozenset((".png", ".jpg", ".jpeg", ".gif", ".webp", ".heic", ".bmp", ".tif", ".tiff"))

_BY_EXTENSION = {extension: kind for kind in FORMATS for extension in kind.extensions}
_BY_MEDIA_TYPE = {name: kind for kind in FORMATS for name in (kind.media_type, *kind.aliases)}
_OFFICE = {"word/": DOCX, "ppt/": PPTX, "xl/": XLSX}
_PACKAGES = (HWPX, ODT, ODS, ODP, EPUB)
"""What the first entry of a zip file may say of it. Templates say a little more: they are read like documents."""
_ZIP = b"PK\x03\x04"
_OLE2 = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_BOMS = (b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")
_WORKBOOKS = frozenset(_BY_MEDIA_TYPE[name] for name in (XLS, XLSX))
_PAGE = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|meta|style|table)\b", re.IGNORECASE)
_CONTROL = re.compile(rb"[\x00-\x07\x0e-\x1a\x1c-\x1f]")
_LOCAL_HEADER = struct.Struct("<4s5H3I2H")


def detect(filename: str, declared: str | None, head: bytes) -> str:
    """The canonical media type of a file, from its name, what the client called it and its first bytes (`HEAD_BYTES` are enough).

    Magic bytes win over the name; text formats, which have none, go by the extension, else by `declared`. A file that only
    claims to be of a supported kind keeps that kind: its reader says what is wrong. Raises UnsupportedMediaType.
    """
    suffix = PurePath(filename).suffix.lower()
    named = _BY_EXTENSION.get(suffix)
    claimed = named or _BY_MEDIA_TYPE.get((declared or "").split(";")[0].strip().lower())
    if head.startswith(b"%PDF-") or (claimed is not None and claimed.media_type == PDF and b"%PDF-" in head[:1024]):
        return PDF
    if head.startswith(b"{\\rtf"):
        return RTF
    if head.startswith(_ZIP):
        return _inside_zip(claimed, suffix, head)
    if head.startswith(_OLE2) and claimed is not None and claimed.media_type == HWPX:
        return HWP
    if claimed in _WORKBOOKS and _PAGE.match(head):  # as many programs export tables
        return HTML
    if claimed is None or (claimed.media_type == XLS and not head.startswith(_OLE2)) or (claimed.textual and _is_binary(head)):
        raise _unsupported(suffix)
    return claimed.media_type


def advice(suffix: str) -> str:
    """What to do with a file of a kind that is not read, as a sentence, by its extension; empty where nothing is known."""
    if suffix.lower() in _ARCHIVES:
        return "Unpack it and upload the folder."
    if suffix.lower() in _PICTURES:
        return "What is written in a picture cannot be read: upload it as text."
    instead = SAVE_AS.get(suffix.lower())
    return f"Save it as {instead} and upload that." if instead else ""


def detect_served(filename: str, declared: str | None, head: bytes) -> str:
    """The same of what a server sends. What it calls a file counts more than the name, unless that says little:

    addresses end in `.md` or in a country's name where a page comes. Whatever Excel opens is called a workbook of it, CSV too.
    """
    kind = _BY_MEDIA_TYPE.get((declared or "").split(";")[0].strip().lower())
    says_little = kind is None or kind.media_type == TEXT or (kind.media_type == XLS and not head.startswith(_OLE2))
    return detect(filename if says_little else "", declared, head)


def _inside_zip(claimed: Format | None, suffix: str, head: bytes) -> str:
    """Tell the zip-based formats apart by the first entries: the directory at the end of the file has not arrived yet."""
    for name, content in _zip_entries(head):
        for folder, media_type in _OFFICE.items():
            if name.startswith(folder):
                return media_type
        if name == "mimetype":
            for media_type in _PACKAGES:
                if content.startswith(media_type.encode()):
                    return media_type
            if content.startswith(b"application/"):
                raise _unsupported(suffix)
    if claimed is None or claimed.textual:
        raise _unsupported(suffix)
    return claimed.media_type


def _zip_entries(head: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and (where stored uncompressed) content of each entry whose header lies in `head`."""
    at = 0
    while 0 <= at <= len(head) - _LOCAL_HEADER.size:
        *_, packed, _size, name_length, extra_length = _LOCAL_HEADER.unpack_from(head, at)
        name_at = at + _LOCAL_HEADER.size
        content_at = name_at + name_length + extra_length
        yield head[name_at : name_at + name_length].decode("utf-8", "replace"), head[content_at : content_at + 100]
        # A streamed entry has no size in its header; the signature then is the only way to the next.
        at = head.find(_ZIP, content_at + packed)


def _is_binary(head: bytes) -> bool:
    """A known binary signature alone does not count: a text may begin with «BM» or «MZ»."""
    if head.startswith(_BOMS):
        return False
    if head.startswith(_OLE2):
        return True
    return filetype.guess(head) is not None and _CONTROL.search(head) is not None  # pyright: ignore[reportUnknownMemberType]


def _unsupported(suffix: str) -> UnsupportedMediaType:
    said = ("This kind of file is not supported.", advice(suffix), f"Protostar reads {FORMAT_NAMES}.")
    return UnsupportedMediaType(" ".join(filter(None, said)))
