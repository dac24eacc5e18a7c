"""Groups addresses by client: who has an IPv6 network has all its addresses. Pure."""

import ipaddress

SITE_BITS = 64
"""The prefix of one host's IPv6 network: the host may take any address in it."""

_CUSTOMER_BITS = 48
"""The prefix of the largest IPv6 network that a provider gives one customer."""


def read_address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | str:
    """Return a client's address; a text that is not an address stays as it is."""
    try:
        found = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return text
    # An IPv6 listener sees IPv4 clients as mapped addresses, which are all in one /64.
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def name_client(address: str, bits: int) -> str:
    """Return the same text for all addresses of a client; with IPv6, for one prefix of `bits`."""
    found = read_address(address)
    if isinstance(found, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((found, bits), strict=False))
    return str(found)


def name_customer(address: str) -> str:
    """Return the same text for all addresses that one customer of a provider may have."""
    return name_client(address, _CUSTOMER_BITS)
