"""The parser of server-sent events."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protostar.llm.sse import EventStreamParser, EventTooLong


def parse(stream, sizes=(), **options):
    """The data of all events of `stream`, fed in pieces of `sizes` bytes and then byte by byte."""
    parser = EventStreamParser(**options)
    events, start = [], 0
    for size in (*sizes, *[1] * len(stream)):
        events += parser.feed(stream[start : start + size])
        start += size
    return events + parser.flush()


@pytest.mark.parametrize(
    ("stream", "events"),
    [
        (b"", []),
        (b"\n\n\n", []),
        (b"data: a\n\n", [b"a"]),
        (b"data:a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data:  two spaces\n\n", [b" two spaces"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data\n\n", [b""]),
        (b"data: \n\n", [b""]),
        (b"data: a\r\n\r\ndata: b\r\r", [b"a", b"b"]),
        (b"data: a\r\ndata: b\r\n\r\n", [b"a\nb"]),
        (b"data: a\r\n\r\n\ndata: b\n\n", [b"a", b"b"]),
        (b": comment\n\n:\n\ndata: a\n: in between\n\n", [b"a"]),
        (b"event: message\nid: 3\nretry: 5\n\ndata: a\n\n", [b"a"]),
        (b"database: no\nDATA: no\n data: no\n\n", []),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b"data: a\n\xef\xbb\xbfdata: b\n\n", [b"a"]),
        (b"data: a:b: c\n\n", [b"a:b: c"]),
        (b"data: a\n\ndata: unfinished", [b"a", b"unfinished"]),
        (b"data: a\n\ndata: b\n", [b"a", b"b"]),
        ("data: 안녕 🙂\n\n".encode(), ["안녕 🙂".encode()]),
        ("data: \u2028\u0085\x0b\n\n".encode(), ["\u2028\u0085\x0b".encode()]),  # ends of lines elsewhere, not here
    ],
)
def test_reads_what_the_specification_allows(stream, events):
    assert parse(stream) == events
    assert parse(stream, [len(stream)]) == events


line = st.text(st.characters(exclude_characters="\r\n", exclude_categories=["Cs"]), max_size=20)
event = st.tuples(st.lists(line, min_size=1, max_size=3), st.lists(line, max_size=2))


@given(st.lists(event), st.sampled_from(["\n", "\r\n", "\r"]), st.lists(st.integers(1, 9)))
def test_chunks_may_end_anywhere(events, newline, sizes):
    stream = ""
    for data, comments in events:
        lines = [f": {comment}" for comment in comments] + [f"data: {part}" for part in data]
        stream += "".join(each + newline for each in [*lines, ""])
    assert parse(stream.encode(), sizes) == ["\n".join(data).encode() for data, _ in events]


@given(st.binary(max_size=200), st.lists(st.integers(1, 9)))
def test_any_bytes_give_the_same_events_however_they_are_cut(stream, sizes):
    assert parse(stream, sizes) == parse(stream, [len(stream)])


@pytest.mark.parametrize("stream", [b"data: " + b"x" * 100, b"data: xxxxxxxxxx\n" * 10, b"x" * 100])
def test_an_event_may_not_grow_without_end(stream):
    with pytest.raises(EventTooLong):
        parse(stream, limit=64)


def test_many_small_events_and_comments_are_no_long_one():
    parser = EventStreamParser(limit=64)
    for _ in range(100):
        assert parser.feed(b": keep-alive\ndata: 1234567890\n\n: keep-alive\n") == [b"1234567890"]
