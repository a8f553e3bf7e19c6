"""Which IP addresses a URL that a tenant set may lead to. Pure: nothing is resolved here.

Sources: IANA's registries of special-purpose addresses for IPv4 and IPv6, and what the clouds say of their metadata services.
Written out, as `ipaddress.is_global` differs between versions of Python.
"""

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

Address = IPv4Address | IPv6Address


def _networks(*names: str) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(name) for name in names)


# They hand out credentials of the machine. No receiver has a link-local address, so all of those are refused with them.
_METADATA = _networks(
    "169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32", "192.0.0.192/32", "fe80::/10", "fd00:ec2::/32", "fd20:ce::254/128"
)  # fmt: skip

# Networks of one's own: loopback, RFC 1918, shared address space, unique local.
_PRIVATE = _networks(
    "127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "::1/128", "fc00::/7"
)  # fmt: skip

# Unspecified, documentation, benchmarks, protocol assignments (Teredo among them), 6to4, multicast, reserved, broadcast.
_SPECIAL = _networks(
    "0.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4", "2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20",
)  # fmt: skip

# Whatever of IPv6 lies outside is special or not assigned.
_GLOBAL_UNICAST = IPv6Network("2000::/3")

# In the last 32 bits of these stands the IPv4 address that is really meant: IPv4-mapped, and NAT64 (RFC 6052).
_CARRIERS = _networks("::ffff:0:0/96", "64:ff9b::/96")


def refusal(address: str, *, allow_private: bool = False) -> str | None:
    """Why no request may go to the address, as the end of a sentence; None where one may.

    `allow_private`: networks of one's own are fine; metadata services never are.
    """
    try:
        meant = _meant(ip_address(address))
    except ValueError:
        return "is not an IP address"
    if _within(meant, _METADATA):
        return "is link-local or a cloud's metadata service"
    if _within(meant, _PRIVATE):
        return None if allow_private else "is in a private network"
    if _within(meant, _SPECIAL) or (isinstance(meant, IPv6Address) and meant not in _GLOBAL_UNICAST):
        return "is no host's address on the internet"
    return None


def _meant(address: Address) -> Address:
    return IPv4Address(int(address) & 0xFFFFFFFF) if _within(address, _CARRIERS) else address


def _within(address: Address, networks: tuple[IPv4Network | IPv6Network, ...]) -> bool:
    return any(address in network for network in networks)
