"""Small PDF files, written by hand."""

from hashlib import md5
from pathlib import Path
from typing import Any
from zlib import compressobj

_PADDING = bytes.fromhex("28bf4e5e4e758a4164004e56fffa01082e2e00b6d0683e802f0ca9fe6453697a")
_ID = b"0123456789abcdef"
_TO_UNICODE = b"1 begincodespacerange <0000> <FFFF> endcodespacerange 1 beginbfrange <0000> <FFFF> <0000> endbfrange"
_UNNAMED = b"<< /Registry (Adobe) /Ordering (Identity) /Supplement 0 >>"
_FONTS = [
    b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    b"<< /Type /Font /Subtype /Type0 /BaseFont /Any /Encoding /Identity-H /DescendantFonts [5 0 R] /ToUnicode 7 0 R >>",
    b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /Any /CIDSystemInfo %b /FontDescriptor 6 0 R /W [32 126 500] >>" % _UNNAMED,
    b"<< /Type /FontDescriptor /FontName /Any /Flags 4 /FontBBox [0 -200 1000 800] /Ascent 800 /Descent -200 >>",
    b"<< /Length %d >>\nstream\n%b\nendstream" % (len(_TO_UNICODE), _TO_UNICODE),
]


def write_pdf(path: Path, pages: list[str], **options: Any) -> Path:
    path.write_bytes(make_pdf(pages, **options))
    return path


def make_pdf(
    pages: list[str],
    *,
    title: str = "",
    password: str | None = None,
    page: str = "/MediaBox [0 0 612 792]",
    catalog: str = "",
) -> bytes:
    """A page for each string of text operators; `page`, `catalog`: what else these have. With a password as Acrobat 3 encrypted."""
    count = len(pages)
    first = 3 + len(_FONTS)
    kids = " ".join(f"{first + 2 * number} 0 R" for number in range(count))
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {catalog} >>".encode(),
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>".encode(),
        *_FONTS,
    ]
    for number, content in enumerate(pages):
        resources = "/Resources << /Font << /F1 3 0 R /F2 4 0 R >> >>"
        objects.append(f"<< /Type /Page /Parent 2 0 R {page} {resources} /Contents {first + 1 + 2 * number} 0 R >>".encode())
        objects.append(b"<< /Length %d >>\nstream\n%b\nendstream" % (len(content), content.encode("latin-1")))
    objects.append(b"<< /Title <FEFF%b> >>" % title.encode("utf-16-be").hex().encode())
    trailer = b"/Info %d 0 R" % len(objects)
    if password is not None:
        objects.append(_encryption(password))
        trailer += b"/Encrypt %d 0 R /ID [<%b> <%b>]" % (len(objects), _ID.hex().encode(), _ID.hex().encode())
    return _assemble(objects, trailer)


def text(*lines: str) -> str:
    """Operators that show lines below one another."""
    shown = " T* ".join(f"({line}) Tj" for line in lines)
    return f"BT /F1 12 Tf 14 TL 72 700 Td {shown} ET"


def at(x: float, y: float, words: str, size: float = 12) -> str:
    """Operators that show any words there; Latin letters, digits and blanks are half as wide as the size, all others as wide."""
    return f"BT /F2 {size} Tf {x} {y} Td <{words.encode('utf-16-be').hex()}> Tj ET "


def width(words: str, size: float = 12) -> float:
    return size * sum(0.5 if character.isascii() else 1 for character in words)


def rule(x1: float, y1: float, x2: float, y2: float) -> str:
    """Operators that draw a thin line."""
    return f"0.5 w {x1} {y1} m {x2} {y2} l S "


def _assemble(objects: list[bytes], trailer: bytes) -> bytes:
    content = b"%PDF-1.4\n"
    places: list[int] = []
    for number, body in enumerate(objects, 1):
        places.append(len(content))
        content += b"%d 0 obj\n%b\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    head = b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1)
    end = b"trailer\n<< /Size %d /Root 1 0 R %b >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, trailer, len(content))
    return content + head + table + end


def _encryption(password: str) -> bytes:
    padded = (password.encode() + _PADDING)[:32]
    owner = _rc4(md5(padded).digest()[:5], padded)
    permissions = (-4).to_bytes(4, "little", signed=True)
    key = md5(padded + owner + permissions + _ID).digest()[:5]
    user = _rc4(key, _PADDING)
    return b"<< /Filter /Standard /V 1 /R 2 /P -4 /O <%b> /U <%b> >>" % (owner.hex().encode(), user.hex().encode())


def _rc4(key: bytes, data: bytes) -> bytes:
    state = list(range(256))
    at = 0
    for index in range(256):
        at = (at + state[index] + key[index % len(key)]) % 256
        state[index], state[at] = state[at], state[index]
    out = bytearray()
    first = second = 0
    for byte in data:
        first = (first + 1) % 256
        second = (second + state[first]) % 256
        state[first], state[second] = state[second], state[first]
        out.append(byte ^ state[(state[first] + state[second]) % 256])
    return bytes(out)


def endless_page() -> bytes:
    """80 KB that take long to draw: the colour of each point is the result of a long computation."""
    shading = b"<< /ShadingType 1 /ColorSpace /DeviceRGB /Domain [0 1 0 1] /Matrix [612 0 0 792 0 0] /Function 5 0 R >>"
    computation = b"{ pop dup dup " + b"1 mul " * 13_000 + b"}"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources << /Shading << /S %b >> >> /Contents 4 0 R >>" % shading,
        _stream(b"", b"/S sh"),
        _stream(b"/FunctionType 4 /Domain [0 1 0 1] /Range [0 1 0 1 0 1]", computation),
    ]
    return _assemble(objects, b"")


def swollen_page() -> bytes:
    """400 KB that take gigabytes to draw."""
    squeezer = compressobj(9)
    rectangles = b"0 0 9 9 re f    " * 65_536
    content = b"".join(squeezer.compress(rectangles) for _ in range(200)) + squeezer.flush()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R >>",
        _stream(b"/Filter /FlateDecode", content),
    ]
    return _assemble(objects, b"")


def _stream(head: bytes, content: bytes) -> bytes:
    return b"<< %b /Length %d >>\nstream\n%b\nendstream" % (head, len(content), content)
