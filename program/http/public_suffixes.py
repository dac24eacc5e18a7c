"""Finds the sites that get the cookies of a preview's scripts, by the browsers' public suffix list.

The library contains the list; nothing is downloaded.
"""

import functools

from publicsuffixlist import PublicSuffixList


def find_reach(domain: str) -> str | None:
    """Return the widest domain for which a page below `domain` may set cookies.

    Every site below it gets them. None if browsers allow cookies for the page's own host only:
    `domain` is a public suffix, a name without a dot, or each visitor's own machine.
    """
    if domain.endswith(".localhost"):
        return None
    return _list().privatesuffix(domain)


def is_within(host: str, domain: str) -> bool:
    """Return whether browsers send cookies for a domain to a host."""
    return host == domain or host.endswith(f".{domain}")


@functools.cache
def _list() -> PublicSuffixList:
    return PublicSuffixList()
