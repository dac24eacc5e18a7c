"""Checks whether a request comes from a page of its own host. Pure."""

from urllib.parse import urlsplit

_OWN_SITES = frozenset({"same-origin", "none"})


def is_own(*, host: str, origin: str | None, fetch_site: str | None) -> bool:
    """Return whether a page of `host` itself sent a request, by the request's headers.

    A missing header does not count against it: old browsers and programs send none.
    """
    if fetch_site is not None and fetch_site not in _OWN_SITES:
        return False
    if origin is None:
        return True
    try:
        parts = urlsplit(origin)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and parts.netloc.lower() == host.lower()


def own_path(text: str) -> str:
    """Return a path to go back to: `text` if it stays on the same host, else the root."""
    if not text.startswith("/") or text.startswith(("//", "/\\")):
        return "/"
    return text if text.isprintable() and text.isascii() else "/"
