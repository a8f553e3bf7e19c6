"""The sockets that `serve` listens on and its API takes over: who comes while the API is started again waits in their queue."""

import errno
import os
import socket
from collections.abc import Iterable
from typing import Final

_VARIABLE: Final = "PROTOSTAR_LISTENING_SOCKETS"
"""Names their descriptors, with commas between."""

_MISSING: Final = {errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT}
"""What binding says where a name has an IPv6 address and the machine has none, as in many containers."""

_BACKLOG: Final = 2048  # connections that wait to be accepted; the kernel may allow fewer


def listen(host: str, port: int) -> list[socket.socket]:
    """Listen on all addresses of a host that this machine has; port 0 becomes a free one. Raises OSError."""
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    listening: list[socket.socket] = []
    missing: OSError | None = None
    for family, kind, _protocol, _name, (address, _port, *scope) in dict.fromkeys(found):
        try:
            listening.append(_listen(family, kind, (address, port, *scope)))
        except OSError as error:
            if error.errno not in _MISSING:
                for each in listening:
                    each.close()
                raise
            missing = error
        else:
            port = listening[0].getsockname()[1]
    if missing is not None and not listening:
        raise missing
    return listening


def _listen(family: int, kind: int, place: tuple[str | int, ...]) -> socket.socket:
    each = socket.socket(family, kind)
    try:
        each.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port in TIME_WAIT is free
        if family == socket.AF_INET6:
            each.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)  # else «all addresses» would take IPv4's too
        each.bind(place)
        each.listen(_BACKLOG)
    except OSError:
        each.close()
        raise
    return each


def descriptors(listening: Iterable[socket.socket]) -> list[int]:
    """What a process inherits that is to take them over."""
    return [each.fileno() for each in listening]


def environment(listening: Iterable[socket.socket]) -> dict[str, str]:
    """What tells it so."""
    return {_VARIABLE: ",".join(map(str, descriptors(listening)))}


def inherited() -> list[socket.socket] | None:
    """What this process is to listen on; None where it was not started by `serve`."""
    names = os.environ.get(_VARIABLE)
    if names is None:
        return None
    listening = [socket.socket(fileno=int(name)) for name in names.split(",")]
    for each in listening:
        each.set_inheritable(False)
    return listening
