"""Who really asks: `X-Forwarded-For` counts only as far as our own proxies vouch for it."""

import re
from collections.abc import Iterable, Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Network = IPv4Network | IPv6Network

_WITH_PORT = re.compile(r"([\d.]+):\d+|\[([^\]]+)\](?::\d+)?")


def client_address(peer: str, forwarded: Sequence[str], trusted: Iterable[Network]) -> str:
    """The nearest address to us that is not one of our proxies; `peer` where nothing trustworthy says more.

    `forwarded`: whom each proxy was asked by, the nearest proxy's word last.

    An IPv6 address is reduced to its /64: a household has that many to choose from.
    """
    networks = list(trusted)
    chosen = peer
    for hop in (peer, *reversed(forwarded)):
        address = _parse(hop)
        if address is None:
            break
        chosen = _subject(address)
        if not any(address in network for network in networks if network.version == address.version):
            break
    return chosen


def is_trusted(peer: str, trusted: Iterable[Network]) -> bool:
    """Whether the connection comes from one of our proxies."""
    address = _parse(peer)
    return address is not None and any(address in network for network in trusted if network.version == address.version)


def _parse(text: str) -> IPv4Address | IPv6Address | None:
    """Some proxies write the port behind it (RFC 7239, section 6)."""
    if match := _WITH_PORT.fullmatch(text):
        text = match[1] or match[2]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address


def _subject(address: IPv4Address | IPv6Address) -> str:
    return str(address) if isinstance(address, IPv4Address) else str(IPv6Network((address, 64), strict=False))
