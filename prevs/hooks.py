"""How a proxy passes a forge's webhook on to the framework's API: the body raw, some headers."""

import re

PATH = "/_prevs/hooks/"
"""Where forges reach a proxy; the app's name follows."""
LONGEST = 1024 * 1024
"""Bytes of a body: a signature covers all of it."""
AUTHORIZATION = "prevs-hook-authorization"
"""The forge's own Authorization: the call to the API has the proxy's."""
_PASSED = re.compile(
    r"webhook-(id|timestamp|signature)"
    r"|x-(?!prevs-)[a-z]+-((event-)?uuid|delivery|token|signature(-256)?)",
    re.ASCII,
)


def is_passed_on(header: str) -> bool:
    """Return whether a proxy passes a header on, by its name in small letters.

    These are the forms of what forges prove and count deliveries by. A proxy knows no forge: what
    is in a header, and whether it counts, the framework decides.
    """
    return _PASSED.fullmatch(header) is not None
