"""How far the cookies of a preview's scripts reach, by the public suffix list as browsers have it.

The list comes with the library, as it was when that was made; nobody is asked for it.
"""

import functools

from publicsuffixlist import PublicSuffixList


def find_reach(domain: str) -> str | None:
    """Return the widest domain for which a page below `domain` may set cookies beside its own host.

    Every site below that gets them. None where browsers refuse: `domain` is a public suffix, or one
    name without a dot, or each visitor's own machine.
    """
    if domain.endswith(".localhost"):
        return None
    return _list().privatesuffix(domain)


def is_within(host: str, domain: str) -> bool:
    """Tell whether cookies for a domain are sent to a host."""
    return host == domain or host.endswith(f".{domain}")


@functools.cache
def _list() -> PublicSuffixList:
    return PublicSuffixList()
