"""Sockets that are listened on before anybody accepts."""

import errno
import socket
from typing import Any

import pytest

from protostar.embedded import listening
from protostar.embedded.listening import listen


def closed(sockets: list[socket.socket]) -> None:
    for each in sockets:
        each.close()


def test_all_addresses_of_a_name_have_one_port(monkeypatch: pytest.MonkeyPatch) -> None:
    both = [
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.2", 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.2", 0)),
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: both)
    sockets = listen("both", 0)
    try:
        places = [each.getsockname() for each in sockets]
        assert [address for address, _port in places] == ["127.0.0.1", "127.0.0.2"]
        assert len({port for _address, port in places}) == 1
        for place in places:
            with socket.socket() as client:
                client.connect(place)
    finally:
        closed(sockets)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0", ""])
def test_somebody_who_comes_early_is_not_refused(host: str) -> None:
    sockets = listen(host, 0)
    try:
        socket.create_connection(("127.0.0.1", sockets[0].getsockname()[1]), timeout=5).close()
    finally:
        closed(sockets)


def test_a_taken_port_leaves_nothing_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        with pytest.raises(OSError, match="in use"):
            listen("127.0.0.1", taken.getsockname()[1])


@pytest.mark.parametrize("others", [0, 1])
def test_an_address_that_the_machine_does_not_have_is_left_out(monkeypatch: pytest.MonkeyPatch, others: int) -> None:
    bind = listening._listen

    def without(family: int, kind: int, place: Any) -> socket.socket:
        if family == socket.AF_INET6:
            raise OSError(errno.EADDRNOTAVAIL, "Cannot assign requested address")
        return bind(family, kind, place)

    v6 = (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("::1", 0, 0, 0))
    v4 = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: [v6, *[v4] * others])
    monkeypatch.setattr(listening, "_listen", without)
    if not others:
        with pytest.raises(OSError, match="Cannot assign"):
            listen("name", 0)
        return
    sockets = listen("name", 0)
    assert [each.getsockname()[0] for each in sockets] == ["127.0.0.1"]
    closed(sockets)
