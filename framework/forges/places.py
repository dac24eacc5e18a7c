"""Where the API of a repository's forge is, and the repository's name there. Pure.

The address of the API is never a setting: requests, and so the token, go to the host of the app's
own repository. An exception is github.com, whose API has a host of its own.
"""

import re
from collections.abc import Mapping

from framework.forges.forge_kind import ForgeKind, Place
from program.git.addresses import PORTS, Address, Origin, leads_here, read_address

_PART = re.compile(r"[A-Za-z0-9_.+~-]+", re.ASCII)


def find_place(forge: type[ForgeKind], repository: str, *, local_allowed: bool) -> Place | None:
    """Return where a forge has a repository; None if its address names none of such a forge.

    A forge on this machine counts only if `local_allowed`, as repositories do.
    """
    address = read_address(repository)
    if address is None or address.is_local or (leads_here(address) and not local_allowed):
        return None
    parts = tuple(address.path.strip("/").removesuffix(".git").split("/"))
    if not all(_PART.fullmatch(part) and part.strip(".") for part in parts):
        return None
    return forge.find_place(_find_origin(address, forge.aliases), parts)


def _find_origin(address: Address, aliases: Mapping[str, str]) -> Origin:
    """Return the origin of a forge's pages. A repository that is not read by HTTP has it at 443."""
    scheme, host, port = address.origin
    host = aliases.get(host, host)
    if scheme in ("http", "https"):
        return Origin(scheme, host, port)
    return Origin("https", host, PORTS["https"])
