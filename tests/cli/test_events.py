"""Server-sent events, however the network cuts them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protostar.cli.events import Event, EventParser

STREAM = (
    ': hello\r\n\r\nid: 1\nevent: start\ndata: {"a": "빛"}\n\n'
    'data: {"text":\rdata: "다"}\r\r'
    'event: ping\n\nretry: 5\nid\nevent:done\ndata:{}\n\ndata: {"unfinished": 1}\n'
)
EVENTS = [Event("start", "1", {"a": "빛"}), Event("message", "1", {"text": "다"}), Event("done", "", {})]


@given(cuts=st.lists(st.integers(0, len(STREAM.encode()))))
def test_events_do_not_depend_on_where_the_bytes_are_cut(cuts: list[int]) -> None:
    parser, raw = EventParser(), STREAM.encode()
    borders = [0, *sorted(cuts), len(raw)]

    events = [event for start, end in itertools.pairwise(borders) for event in parser.feed(raw[start:end])]

    assert events == EVENTS


@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_every_line_ending(ending: str) -> None:
    events = EventParser().feed(f"event: a{ending}data: {{}}{ending}{ending}x".encode())

    assert events == [Event("a", "", {})]
