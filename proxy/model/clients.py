"""Who counts as one client: an address, and with IPv6 the network that a provider gives. Pure."""

import ipaddress

NETWORK_BITS = 48
"""A provider gives one customer no more of IPv6 than that."""


def read_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | str:
    """Return the address of a client; what is none is returned as it is."""
    try:
        found = ipaddress.ip_address(text)
    except ValueError:
        return text
    # The former, at a listener of IPv6.
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def name_client(address: str) -> str:
    """Return the same for all addresses that count as one client."""
    found = read_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, NETWORK_BITS), strict=False))
    return str(found)
