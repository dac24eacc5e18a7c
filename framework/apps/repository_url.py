"""Which addresses an app's repository may have.

Pure except for `find_own_problem`, which follows links. framework/git runs git itself.
"""

import re
from pathlib import Path

from program.git.addresses import is_mirror, leads_here, read_address

_SCHEMES = ("http", "https", "ssh", "git", "file")
_LONGEST = 2000
_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)://(?P<authority>[^/]*)(?P<path>/.*)?", re.I)
_SCP_LIKE = re.compile(r"(?:[^\s@/:-][^\s@/:]*@)?(?P<host>[^\s@/:-][^\s@/:]*):(?P<path>[^:-].*)")


def find_problem(repository: str) -> str | None:
    """Return what is wrong with a repository's address, or None if git may use it.

    Allowed are an absolute path, `user@host:path`, and a URL of one of the allowed schemes. An
    address with credentials in it is refused: settings are stored and shown in the clear.
    """
    if problem := _find_text_problem(repository):
        return problem
    if repository.startswith("/"):
        return None
    if match := _URL.fullmatch(repository):
        problem = _find_url_problem(match["scheme"].lower(), match["authority"], match["path"])
        is_read = read_address(repository) is not None
        return problem or (None if is_read else "has a host with characters that no host has")
    if _SCP_LIKE.fullmatch(repository):
        return None
    return (
        "is neither an absolute path nor a git URL "
        f"({', '.join(f'{scheme}://' for scheme in _SCHEMES)} or user@host:path)"
    )


def is_local(repository: str) -> bool:
    """Return whether a repository is on the machine that reads it.

    That is a path, a file:// URL or a loopback address.
    """
    address = read_address(repository)
    return address is not None and leads_here(address)


def find_own_problem(repository: str, folder: Path) -> str | None:
    """Return what is wrong with a path that leads into prevs's own folders; None for other paths.

    Without this check, an app could read the mirror that another app's credential has fetched.
    `folder` is the framework's; the folders of executors are found by the names of their mirrors.
    Follows links.
    """
    address = read_address(repository)
    if address is None or not address.is_local:
        return None
    place, own = Path(address.path).resolve(), folder.resolve()
    if place == own or own in place.parents or is_mirror(place):
        return "is in a folder of prevs itself, which holds the repositories of other apps"
    return None


def find_folder_problem(folder: str) -> str | None:
    """Return what is wrong with a folder in a repository, or None; "" is the repository's root."""
    if not folder.isprintable():
        return "contains control characters"
    if folder and any(part in {"", ".", "..", ".git"} for part in folder.split("/")):
        return "is not a folder in the repository: write it like services/web"
    return None


def _find_text_problem(repository: str) -> str | None:
    if not repository.strip():
        return "is empty"
    if len(repository) > _LONGEST:
        return f"is longer than {_LONGEST} characters"
    if not repository.isprintable():
        return "contains control characters"
    if repository != repository.strip():
        return "begins or ends with a space"
    return None


def _find_url_problem(scheme: str, authority: str, path: str | None) -> str | None:
    if scheme not in _SCHEMES:
        return f"has the scheme {scheme}://; allowed are {', '.join(_SCHEMES)}"
    user, at, host = authority.rpartition("@")
    if user.startswith("-"):
        return "has a user that begins with -, which ssh takes for an option"
    if at and (scheme in ("http", "https") or ":" in user):
        return "contains credentials, which would be stored and shown in the clear"
    if scheme != "file" and (not host or host.startswith("-")):
        return "has no host"
    if scheme == "file" and not path:
        return "has no path"
    return None
