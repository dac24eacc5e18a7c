"""Reads the Host header of a request. Pure."""


def bare_host(header: str) -> str:
    """Return the host name in a Host header as HAProxy looks it up: no port, no final dot."""
    name = header.strip().lower()
    if not name.endswith("]"):
        name = name.rpartition(":")[0] if ":" in name else name
    return name.rstrip(".")
