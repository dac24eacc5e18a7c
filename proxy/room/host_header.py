"""Reads the Host header of a request. Pure."""

from prevs import names


def bare_host(header: str) -> str:
    """Return the host name in a Host header as HAProxy looks it up: no port, no final dot."""
    name = header.strip().lower()
    if not name.endswith("]"):
        name = name.rpartition(":")[0] if ":" in name else name
    return name.rstrip(".")


def name_site(host: str, domain: str) -> str:
    """Return the one name of a host that may have two forms, as in HAProxy."""
    found = names.split_host(host, domain)
    return names.host(*found, domain) if found else host
