"""From bytes to text: BOM, UTF-8, what the file declares, CP949, a guess."""

import re
from codecs import BOM_UTF8, BOM_UTF16_BE, BOM_UTF16_LE, lookup

import charset_normalizer

# Software that declares EUC-KR writes Microsoft's superset of it.
_CP949_NAMES = frozenset(
    {"euc_kr", "euc-kr", "euckr", "ks_c_5601-1987", "ks_c_5601_1987", "ks_c_5601", "ksc5601", "johab", "cp949"}
)
# What is declared as a part of them (Encoding Standard, 4.2).
_SUPERSETS = {
    "ascii": "cp1252",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "big5": "big5hkscs",
    "shift_jis": "cp932",
}
_NO_CHARSETS = frozenset({"idna", "punycode", "unicode-escape", "raw-unicode-escape"})  # Python knows them by such names
_SEVEN_BIT = ("iso2022_", "hz")  # what they say in ASCII is letters of other scripts, behind escapes
_SAMPLE = 64 * 1024
_WHOLE_CHARACTERS = 100  # for each that is broken
_HANGUL_OF_KSX1001 = re.compile(rb"[\xb0-\xc8][\xa1-\xfe]")
_FROM_HIGH = re.compile(rb"[\x80-\xff][^\n]{0,65535}")
_HIGH = re.compile(rb"[\x80-\xff][\x41-\xfe]?")  # alone, as «©» of a Western text, or the first of a pair


def decode(raw: bytes, declared: str | None = None) -> tuple[str, str]:
    """The text and the name of the encoding that was found. Never fails: at worst some characters become U+FFFD."""
    for bom, encoding in ((BOM_UTF8, "utf-8"), (BOM_UTF16_LE, "utf-16-le"), (BOM_UTF16_BE, "utf-16-be")):
        if raw.startswith(bom):
            return raw[len(bom) :].decode(encoding, "replace"), encoding
    known = _known(declared)
    if known is not None and known.startswith(_SEVEN_BIT) and raw.isascii() and (text := _nearly(raw, known)) is not None:
        return text, known
    if known == "cp1252" and _looks_korean(raw):  # what editors of the West declare, whatever is typed into them
        known = "cp949"
    strict = ("utf-8", known) if raw.count(0) * 5 <= len(raw) else ()
    for encoding in (*strict, _utf16_without_bom(raw)):
        if encoding is not None and (text := _strictly(raw, encoding)) is not None:
            return text, encoding
    if _mostly_utf8(raw):
        return raw.decode("utf-8", "replace"), "utf-8"
    for encoding in (known, "cp949" if _looks_korean(raw) else None):
        if encoding is not None and (text := _nearly(raw, encoding)) is not None:
            return text, encoding
    encoding = _guess(raw)
    return raw.decode(encoding, "replace"), encoding


def _strictly(raw: bytes, encoding: str) -> str | None:
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError:
        return None


def _nearly(raw: bytes, encoding: str) -> str | None:
    """Boards cut the titles of their lists at a byte, whatever character it belongs to."""
    text = raw.decode(encoding, "replace")
    return text if text.count("\ufffd") * _WHOLE_CHARACTERS <= len(text) else None


def _known(declared: str | None) -> str | None:
    name = (declared or "").strip().lower()
    if name in _CP949_NAMES:
        return "cp949"
    try:
        found = lookup(name).name if name else None
        b"a".decode(found or "ascii")
    except (LookupError, ValueError):  # the last for names with zeros, too
        return None
    return None if found in _NO_CHARSETS else _SUPERSETS.get(found or "", found)


def _utf16_without_bom(raw: bytes) -> str | None:
    """Blanks and line ends put zeros at every other place of a UTF-16 text, whatever its script."""
    sample = raw[:_SAMPLE]
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    if max(even, odd) * 20 < len(sample) or min(even, odd) * 10 > max(even, odd):
        return None
    return "utf-16-be" if even > odd else "utf-16-le"


def _sample(raw: bytes) -> bytes:
    """Enough to tell encodings apart; of a long text its lines from the first byte on that is not ASCII, which tells nothing."""
    if len(raw) <= _SAMPLE:
        return raw
    lines: list[bytes] = []
    size = 0
    for line in _FROM_HIGH.finditer(raw):
        lines.append(line[0])
        size += len(line[0]) + 1
        if size >= _SAMPLE:
            break
    return b"\n".join(lines)[:_SAMPLE]


def _mostly_utf8(raw: bytes) -> bool:
    """A text with a few broken bytes, or one that was cut inside a character; in other encodings hardly any sequence is valid."""
    sample = _sample(raw)
    high = sum(byte >= 0x80 for byte in sample)
    valid = len(sample.decode("utf-8", "ignore").encode()) - (len(sample) - high)
    return valid * 2 > high


def _looks_korean(raw: bytes) -> bool:
    """CP949 decodes most double-byte text; only Korean falls mainly into the syllables in daily use."""
    sample = _sample(raw)
    return len(_HANGUL_OF_KSX1001.findall(sample)) * 2 >= max(1, len(_HIGH.findall(sample)))


def _guess(raw: bytes) -> str:
    matches = charset_normalizer.from_bytes(_sample(raw))
    best = matches.best()
    if best is None:
        return "utf-8"
    for match in matches:
        # Among equally good guesses the most widespread one: the library goes by the alphabet.
        if match.encoding == "cp1252" and (match.chaos, -match.coherence) <= (best.chaos, -best.coherence):
            return "cp1252"
    return best.encoding
