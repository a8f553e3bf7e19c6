"""Forms as browsers, curl, Python's clients and hostile ones send them."""

import tracemalloc
import unicodedata
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.support.streams import chunks, some_bytes

from protostar.documents.multipart import MAX_HEADER_BYTES, MAX_HEADERS, MAX_PARTS, MultipartReader, Part
from protostar.errors import InvalidInput

BOUNDARY = "----WebKitFormBoundary7MA4YWxk"
CONTENT_TYPE = f"multipart/form-data; boundary={BOUNDARY}"
MiB = 1024 * 1024


@dataclass(frozen=True)
class Sent:
    name: str
    content: bytes
    filename: str | None = None
    content_type: str | None = None


def part(disposition: str | bytes, content: bytes = b"", *headers: bytes) -> bytes:
    raw = disposition if isinstance(disposition, bytes) else disposition.encode()
    lines = [b"Content-Disposition: " + raw, *headers, b"", content]
    return f"--{BOUNDARY}\r\n".encode() + b"\r\n".join(lines) + b"\r\n"


def form(*parts: bytes) -> bytes:
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def encoded(sent: Sent) -> bytes:
    disposition = f'form-data; name="{sent.name}"' + (f'; filename="{sent.filename}"' if sent.filename else "")
    headers = [f"Content-Type: {sent.content_type}".encode()] if sent.content_type else []
    return part(disposition, sent.content, *headers)


def reader(body: bytes, size: int = 64 * 1024) -> MultipartReader:
    return MultipartReader(CONTENT_TYPE, chunks(body, size))


async def received(part: Part) -> Sent:
    content = b"".join([chunk async for chunk in part])
    return Sent(part.name, content, part.filename, part.content_type)


async def read(body: bytes, size: int = 64 * 1024) -> list[Sent]:
    return [await received(part) async for part in reader(body, size)]


async def file_name(disposition: str | bytes) -> str | None:
    (sent,) = await read(form(part(disposition)))
    return sent.filename


delimiter = f"\r\n--{BOUNDARY}".encode()
pieces = st.one_of(
    st.binary(max_size=40),
    st.integers(0, len(delimiter) - 1).map(lambda length: delimiter[:length]),
    st.sampled_from([b"\r", b"\n", b"\r\n", b"-", b"--", b"\r\n--", b"\r\r\n--"]),
)
contents = st.lists(pieces, max_size=8).map(b"".join).filter(lambda content: delimiter not in content + b"\r\n")
names = st.text(st.characters(exclude_categories=["C", "Z"], exclude_characters='"\\%/'), min_size=1, max_size=20)
sent_parts = st.builds(
    Sent,
    name=names,
    content=contents,
    filename=st.sampled_from([None, "guide.md", "보고서 (최종).pdf", "a;b=c.txt"]),
    content_type=st.sampled_from([None, "text/plain", "application/octet-stream"]),
)


async def cut(body: bytes, cuts: list[int]) -> AsyncIterator[bytes]:
    edges = sorted({0, len(body), *(position % (len(body) + 1) for position in cuts)})
    for start, end in pairwise(edges):
        yield body[start:end]
    yield b""


@settings(max_examples=300)
@given(sent=st.lists(sent_parts, max_size=5), cuts=st.lists(st.integers(0, 2**20), max_size=12))
async def test_whatever_was_sent_is_received_however_it_was_cut(sent, cuts):
    body = form(*map(encoded, sent))
    assert [await received(part) async for part in MultipartReader(CONTENT_TYPE, cut(body, cuts))] == sent


@settings(max_examples=50)
@given(sent=st.lists(sent_parts, min_size=1, max_size=3))
async def test_byte_by_byte(sent):
    assert await read(form(*map(encoded, sent)), size=1) == sent


@settings(max_examples=200)
@given(sent=st.lists(sent_parts, min_size=1, max_size=3), data=st.data())
async def test_a_form_that_is_cut_off_is_told(sent, data):
    body = form(*map(encoded, sent))
    kept = data.draw(st.integers(0, len(body) - len("--\r\n") - 1))
    with pytest.raises(InvalidInput, match="cut off"):
        await read(body[:kept])


@settings(max_examples=300)
@given(
    st.one_of(st.binary(max_size=300), st.binary(max_size=200).map(lambda noise: form(b"--" + BOUNDARY.encode() + b"\r\n" + noise)))
)
async def test_noise_is_refused_or_read_but_never_breaks_anything(body):
    with suppress(InvalidInput):
        await read(body)


@settings(max_examples=300)
@given(
    st.text(st.characters(exclude_characters="\r\n", codec="utf-8"), max_size=60),
    st.sampled_from(["filename=", "filename*=", "name*=", ""]),
)
async def test_a_disposition_of_noise_breaks_nothing(noise, parameter):
    try:
        (sent,) = await read(form(part(f"form-data; name=x; {parameter}{noise}")))
    except InvalidInput:
        return
    assert sent.filename != ""


async def test_a_form_without_parts():
    assert await read(form()) == []


async def test_fields_come_in_any_order():
    title, file = Sent("title", "안내서".encode()), Sent("file", some_bytes(200_000), "guide.md", "text/markdown")
    assert await read(form(encoded(title), encoded(file))) == [title, file]
    assert await read(form(encoded(file), encoded(title))) == [file, title]


async def test_going_on_drops_what_was_not_read():
    form_reader = reader(form(*(encoded(Sent(name, some_bytes(300_000))) for name in ("a", "b", "c"))))
    first = await anext(form_reader)
    assert await anext(first)
    second = await anext(form_reader)
    assert second.name == "b"
    assert [chunk async for chunk in first] == []
    third = await anext(form_reader)
    assert (await received(third)).content == some_bytes(300_000)
    assert [chunk async for chunk in third] == []
    assert [part async for part in form_reader] == []


async def test_a_part_can_be_read_in_two_goes():
    form_reader = reader(form(encoded(Sent("a", some_bytes(300_000)))))
    part = await anext(form_reader)
    content = bytearray()
    async for chunk in part:
        content += chunk
        break
    async for chunk in part:
        content += chunk
    assert bytes(content) == some_bytes(300_000)


async def test_the_sender_is_not_read_ahead():
    pulled = 0

    async def body() -> AsyncIterator[bytes]:
        nonlocal pulled
        async for chunk in chunks(form(encoded(Sent("a", some_bytes(MiB))))):
            pulled += 1
            yield chunk

    part = await anext(MultipartReader(CONTENT_TYPE, body()))
    assert pulled == 1
    received = 0
    async for chunk in part:
        received += len(chunk)
        assert pulled * 64 * 1024 - received <= 2 * 64 * 1024
    assert received == MiB


async def test_a_big_form_is_never_held():
    head, tail = form(encoded(Sent("file", b"|"))).split(b"|")
    block = some_bytes(64 * 1024)

    async def body() -> AsyncIterator[bytes]:
        yield head
        for _ in range(200 * 16):
            yield bytes(block)
        yield tail

    (part,) = [part async for part in MultipartReader(CONTENT_TYPE, body())][:1]
    assert part.name == "file"
    size = 0
    tracemalloc.start()
    try:
        async for part in MultipartReader(CONTENT_TYPE, body()):
            async for chunk in part:
                size += len(chunk)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert size == 200 * MiB
    assert peak < MiB


@pytest.mark.parametrize(
    ("disposition", "expected"),
    [
        ('form-data; name="file"; filename="보고서.pdf"', "보고서.pdf"),
        ('form-data; name="file"; filename="보고서.pdf"'.encode("cp949"), "보고서.pdf"),
        (b'form-data; name="file"; filename="caf\xe9"', "café"),
        ("form-data; name=file; filename*=UTF-8''%EB%B3%B4%EA%B3%A0%EC%84%9C.pdf", "보고서.pdf"),
        ("form-data; name=file; filename=fallback.pdf; filename*=utf-8'ko'%EB%B3%B4%EA%B3%A0.pdf", "보고.pdf"),
        ("form-data; name=file; filename*=utf-8'ko'%EB%B3%B4.pdf; filename=fallback.pdf", "보.pdf"),
        ("form-data; name=file; filename*=euc-kr''%BA%B8%B0%ED.pdf", "보고.pdf"),
        ("form-data; name=file; filename*=iso-8859-1''%A3.pdf", "£.pdf"),
        ("form-data; name=file; filename*=x-unknown''%EB%B3%B4.pdf", "보.pdf"),
        ("form-data; name=file; filename*=UTF-8''보고서.pdf", "보고서.pdf"),
        ("form-data; name=file; filename*0*=UTF-8''%EB%B3; filename*1*=%B4.pdf", "보.pdf"),
        ('form-data; name=file; filename="%EB%B3%B4%EA%B3%A0%EC%84%9C.pdf"', "보고서.pdf"),
        ('form-data; name=file; filename="100%25.txt"', "100%25.txt"),
        ('form-data; name=file; filename="50%EA.txt"', "50%EA.txt"),
        ('form-data; name=file; filename="%22quoted%22.txt"', '"quoted".txt'),
        (r'form-data; name=file; filename="\"quoted\";.txt"', '"quoted";.txt'),
        ("form-data; name=file; filename=token.txt", "token.txt"),
        ('FORM-DATA; NAME="file"; FILENAME="upper.txt"', "upper.txt"),
        ('form-data; name=file; filename="/etc/passwd"', "/etc/passwd"),
        ('form-data; name=file; filename="../../up.txt"', "../../up.txt"),
        (r'form-data; name=file; filename="C:\fakepath\문서.hwp"', "C:\\fakepath\\문서.hwp"),
        ("form-data; name=file; filename*=UTF-8''..%2Fup%5Cname.txt", "../up\\name.txt"),
        ("form-data; name=file; filename*=UTF-8''a%00b%0D%0Ac.txt", "abc.txt"),
        ("form-data; name=file; filename*=UTF-8''%E1%84%92%E1%85%A1%E1%86%AB.txt", unicodedata.normalize("NFD", "한.txt")),
        ('form-data; name=file; filename=""', None),
        ('form-data; name=file; filename="   "', None),
        ('form-data; name=file; filename=".."', None),
        ('form-data; name=file; filename="folder/"', None),
        ("form-data; name=file", None),
    ],
)
async def test_file_names(disposition, expected):
    assert await file_name(disposition) == expected


async def test_text():
    sent = [Sent("title", "가나다".encode()), Sent("title", b"\xff\xfe"), Sent("title", b"x" * 11), Sent("title", b"")]
    texts = []
    async for field in reader(form(*map(encoded, sent)), size=7):
        try:
            texts.append(await field.text(10))
        except InvalidInput as error:
            texts.append(str(error))
    assert texts == ["가나다", "The field «title» is not UTF-8.", "The field «title» is longer than 10 bytes.", ""]


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        "text/plain",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        'multipart/form-data; boundary=""',
        "multipart/mixed; boundary=x",
        f"multipart/form-data; boundary={'x' * 257}",
        "multipart/form-data; boundary=보",
    ],
)
def test_a_content_type_without_a_boundary(content_type):
    with pytest.raises(InvalidInput, match="with a boundary"):
        MultipartReader(content_type, chunks(b""))


async def test_a_quoted_boundary():
    form_reader = MultipartReader(
        'Multipart/Form-Data; charset=utf-8; boundary="a b"',
        chunks(b'--a b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n--a b--'),
    )
    assert [await received(part) async for part in form_reader] == [Sent("x", b"1")]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "cut off"),
        (b"not a form", "not valid multipart"),
        (b"--other\r\n", "not valid multipart"),
        (form(part("form-data; name=x", b"", b"no colon")), "not valid multipart"),
        (form(part("form-data; name=x", b"", b"bad name: x")), "not valid multipart"),
        (form(part("form-data; name=x", b"", b"X: " + b"x" * MAX_HEADER_BYTES)), "not valid multipart"),
        (form(part("form-data; name=x", b"", *[b"X: x"] * MAX_HEADERS)), "not valid multipart"),
        (form(part("form-data")), "no name"),
        (form(part('form-data; name=""')), "no name"),
        (form(part("attachment; name=x")), "no name"),
        (form(part("")), "no name"),
        (form(part("form-data; name=x; filename*" + "9" * 5000 + "*=x")), "no name"),
        (form(f"--{BOUNDARY}\r\nContent-Type: text/plain\r\n\r\n\r\n".encode()), "no name"),
        (form(part("form-data; name=x", b"", b"Content-Transfer-Encoding: base64")), "Content-Transfer-Encoding"),
        (form(*[part("form-data; name=x")] * (MAX_PARTS + 1)), "more than 100 parts"),
    ],
)
async def test_what_is_no_form(body, sentence):
    for size in (1, 64 * 1024):
        with pytest.raises(InvalidInput, match=sentence):
            await read(body, size)


async def test_as_many_parts_as_allowed():
    assert len(await read(form(*[part("form-data; name=x")] * MAX_PARTS))) == MAX_PARTS


async def test_the_bodys_own_errors_are_left_alone():
    async def body() -> AsyncIterator[bytes]:
        yield form(encoded(Sent("a", b"bytes")))[:-10]
        raise ConnectionResetError

    form_reader = MultipartReader(CONTENT_TYPE, body())
    with pytest.raises(ConnectionResetError):
        _ = [await received(part) async for part in form_reader]
