"""Networks that are private, or no other machine's at all. Pure.

A program that contacts hosts which others name must keep out of them: docs/decisions/0055.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Union

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

METADATA = ("169.254.0.0/16", "fd00:ec2::254/128", "fe80::/10")
"""The metadata services of clouds, and all other link-local addresses."""

PRIVATE = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7")
"""Private networks (RFC 1918, RFC 6598, RFC 4193)."""

NEVER: Sequence[Network] = tuple(
    ipaddress.ip_network(network)
    for network in (
        *("0.0.0.0/8", "127.0.0.0/8", "224.0.0.0/4", "240.0.0.0/4"),
        *("::/128", "::1/128", "ff00::/8", "100::/64", "2001::/32"),
        *METADATA,
    )
)
"""Networks whose addresses never lead to another host."""

SOMEBODYS: Sequence[Network] = tuple(
    ipaddress.ip_network(network)
    for network in (*PRIVATE, "192.0.0.0/24", "198.18.0.0/15", "fec0::/10", "64:ff9b:1::/48")
)
"""Private networks, and others that are not the internet."""

_CARRIERS = tuple(
    (ipaddress.IPv6Network(network), shift)
    for network, shift in (
        ("::/96", 0),
        ("::ffff:0:0/96", 0),
        ("::ffff:0:0:0/96", 0),
        ("64:ff9b::/96", 0),
        ("2002::/16", 80),
    )
)
"""IPv6 networks that contain IPv4 addresses, and how many bits follow those: IPv4-compatible,
mapped, translated (RFC 7915, RFC 6052), 6to4."""


def read_addresses(text: str) -> Iterator[Address]:
    """Yield an address, and the IPv4 addresses that it contains."""
    address = ipaddress.ip_address(text.partition("%")[0])
    yield address
    for network, shift in _CARRIERS:
        if address in network:
            yield ipaddress.IPv4Address(int(address) >> shift & 0xFFFFFFFF)
