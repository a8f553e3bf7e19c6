"""Every block of IANA's special-purpose registries at its first and last address, and what lies right beside."""

from ipaddress import ip_address, ip_network

import pytest

from protostar.outbound.addresses import refusal

PRIVATE = ["10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"]

METADATA = ["169.254.0.0/16", "100.100.100.200/32", "168.63.129.16/32", "fe80::/10", "fd00:ec2::/32", "fd20:ce::254/128"]

SPECIAL = [
    "0.0.0.0/8", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24",
    "224.0.0.0/4", "240.0.0.0/4", "255.255.255.255/32", "::/128", "64:ff9b:1::/48", "100::/64", "2001::/23", "2001::/32",
    "2001:2::/48", "2001:10::/28", "2001:db8::/32", "2002::/16", "3fff::/20", "5f00::/16", "fec0::/10", "ff00::/8",
]  # fmt: skip

NEIGHBOURS = [
    "1.0.0.0", "8.8.8.8", "9.255.255.255", "11.0.0.0", "100.63.255.255", "100.128.0.0", "126.255.255.255", "128.0.0.0",
    "168.63.129.15", "168.63.129.17", "169.253.255.255", "169.255.0.0", "172.15.255.255", "172.32.0.0", "191.255.255.255",
    "192.0.1.0", "192.0.3.0", "192.88.98.255", "192.88.100.0", "192.167.255.255", "192.169.0.0", "198.17.255.255", "198.20.0.0",
    "198.51.99.255", "198.51.101.0", "203.0.112.255", "203.0.114.0", "223.255.255.255", "2001:200::", "2001:4860:4860::8888",
    "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::", "2003::", "2606:4700:4700::1111", "3ffe:ffff::", "2a00::",
]  # fmt: skip


def ends(network: str) -> list[str]:
    block = ip_network(network)
    return [str(block[0]), str(block[-1])]


@pytest.mark.parametrize("network", PRIVATE)
def test_private_networks_are_open_only_where_that_was_asked_for(network: str) -> None:
    for address in ends(network):
        assert refusal(address) == "is in a private network"
        assert refusal(address, allow_private=True) is None


@pytest.mark.parametrize("network", [*METADATA, *SPECIAL])
def test_what_is_no_host_is_never_open(network: str) -> None:
    for address in ends(network):
        assert refusal(address) is not None
        assert refusal(address, allow_private=True) is not None


@pytest.mark.parametrize("network", METADATA)
def test_a_metadata_service_is_called_one(network: str) -> None:
    assert refusal(ends(network)[0], allow_private=True) == "is link-local or a cloud's metadata service"


@pytest.mark.parametrize("address", NEIGHBOURS)
def test_the_internet_is_open(address: str) -> None:
    assert refusal(address) is None


@pytest.mark.parametrize("carrier", ["::ffff:0:0", "64:ff9b::"])
def test_an_ipv4_address_inside_an_ipv6_one_counts_as_itself(carrier: str) -> None:
    def carried(address: str) -> str:
        return str(ip_address(int(ip_address(carrier)) | int(ip_address(address))))

    for network in (*PRIVATE, *METADATA, *SPECIAL):
        for address in ends(network):
            if ":" not in address:
                assert refusal(carried(address)) is not None
                assert refusal(carried(address), allow_private=True) == refusal(address, allow_private=True)
    assert refusal(carried("8.8.8.8")) is None


def test_tunnels_to_private_networks_are_closed() -> None:
    assert refusal("2002:7f00:1::", allow_private=True)  # 6to4 of 127.0.0.1
    assert refusal("2001:0:4136:e378:8000:63bf:80ff:fffe", allow_private=True)  # Teredo of 127.0.0.1
    assert refusal("::127.0.0.1", allow_private=True)  # IPv4-compatible, long deprecated
    assert refusal("64:ff9b:1::7f00:1", allow_private=True)  # NAT64 of one's own


@pytest.mark.parametrize(
    "address", ["", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "0177.0.0.1", "127.0.0.1.", "1.2.3.4:80"]
)
def test_what_only_looks_like_an_address_is_refused(address: str) -> None:
    assert refusal(address, allow_private=True) == "is not an IP address"


def test_a_scope_does_not_hide_an_address() -> None:
    assert refusal("fe80::1%eth0", allow_private=True)
