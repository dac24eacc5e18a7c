"""Where the API of a repository's forge is, and the repository's name there. Pure.

The address of the API is never a setting: requests, and so the token, go to the host of the app's
own repository. The one exception is github.com, whose API has a host of its own.
"""

import re
from typing import NamedTuple

from prevs.apps import Kind
from program.git.addresses import PORTS, Address, Origin, leads_here, read_address, write_origin

_ALIASES = {
    "www.github.com": "github.com",
    "ssh.github.com": "github.com",
    "altssh.gitlab.com": "gitlab.com",
}
"""Other names of hosts, mostly for ssh at port 443."""
_GITHUB, _GITHUB_API = "github.com", "https://api.github.com"
_PART = re.compile(r"[A-Za-z0-9_.+~-]+", re.ASCII)


class Place(NamedTuple):
    """A repository at its forge: the API's URL, and the parts of its name."""

    api: str
    name: tuple[str, ...]


def find_place(kind: Kind, repository: str, *, local_allowed: bool) -> Place | None:
    """Return where a forge has a repository; None if its address names none of such a forge.

    A forge on this machine counts only if `local_allowed`, as repositories do.
    """
    address = read_address(repository)
    if address is None or address.is_local or (leads_here(address) and not local_allowed):
        return None
    parts = tuple(address.path.strip("/").removesuffix(".git").split("/"))
    if not all(_PART.fullmatch(part) and part.strip(".") for part in parts):
        return None
    origin = _find_origin(address)
    url = write_origin(origin)
    match kind, parts:
        case "github", (_, _):
            is_public = origin.host == _GITHUB
            return Place(_GITHUB_API if is_public else f"{url}/api/v3", parts)
        case "gitlab", (_, _, *_):
            return Place(f"{url}/api/v4", parts)
        case "gitea", (*prefix, owner, name):
            return Place("/".join((url, *prefix, "api/v1")), (owner, name))
        case "pagure", (first, *more) if len(more) < _LONGEST_IN_PAGURE:
            return Place(f"{url}/api/0", ("fork" if first == "forks" and more else first, *more))
    return None


_LONGEST_IN_PAGURE = 4
"""forks/USER/NAMESPACE/NAME"""


def _find_origin(address: Address) -> Origin:
    """Return the origin of a forge's pages. A repository that is not read by HTTP has it at 443."""
    scheme, host, port = address.origin
    host = _ALIASES.get(host, host)
    if scheme in ("http", "https"):
        return Origin(scheme, host, port)
    return Origin("https", host, PORTS["https"])
