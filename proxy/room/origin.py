"""Which host a request is for. Pure."""


def bare_host(header: str) -> str:
    """Return the host name in a Host header, as HAProxy looks it up: no port, no dot at the end."""
    name = header.strip().lower()
    if not name.endswith("]"):
        name = name.rpartition(":")[0] if ":" in name else name
    return name.rstrip(".")
