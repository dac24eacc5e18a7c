"""Which addresses count as one client: whoever has an IPv6 network has all its addresses. Pure."""

import ipaddress

SITE_BITS = 64
"""The network of IPv6 that one host is in: it may take any address there."""

CUSTOMER_BITS = 48
"""A provider gives one customer no larger network of IPv6."""


def read_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | str:
    """Return the address of a client; what is none is returned as it is."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text
    # A listener of IPv6 sees clients of IPv4 so: all of them are in one /64.
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def name_client(address: str, bits: int) -> str:
    """Return the same text for all addresses of one client, with IPv6 those of `bits` alike."""
    found = read_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, bits), strict=False))
    return str(found)
