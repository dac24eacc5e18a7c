"""Parses addresses of git repositories, and decides which ones a repository may name. Pure."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import socket
from pathlib import PurePath, PurePosixPath
from typing import NamedTuple
from urllib.parse import quote, unquote

PORTS = {"http": 80, "https": 443, "ssh": 22, "git": 9418}
"""The schemes that reach another machine, each with its port."""

LOCAL = "file"

_INNER = ".git"
_MIRROR = re.compile(r"/mirrors/([0-9a-f]{24}|[a-z0-9-]+/[0-9a-f]{16})\.git/", re.A)
"""Mirrors of executors (executor/git/mirror.py) and of frameworks (framework/git/mirror.py)."""

_HERE = frozenset({"localhost", "localhost.localdomain", "ip6-localhost", "ip6-loopback"})

_URL = re.compile(r"(?P<scheme>[a-z]+)://(?P<authority>[^/]*)(?P<path>/.*)?", re.I | re.A)
_SCP_LIKE = re.compile(
    r"(?:(?P<user>[^\s@/:-][^\s@/:]*)@)?(?P<host>[^\s@/:-][^\s@/:]*):(?P<path>[^:-].*)"
)
_AUTHORITY = re.compile(
    r"(?P<host>\[[0-9a-f:.]+\]|[^\s:\[\]@-][^\s:\[\]@]*)(?::(?P<port>\d{0,5}))?", re.I | re.A
)
_ENDS_AUTHORITY = frozenset("?#\\")
"""Characters that end the host for some URL parsers, and belong to host or user for others."""

_NAME = re.compile(r"(?:[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?\.)*[a-z](?:[a-z0-9_-]*[a-z0-9_])?", re.A)
_IPV4 = re.compile(r"(?:(?:0|[1-9]\d{0,2})\.){3}(?:0|[1-9]\d{0,2})", re.A)
_PLAIN = re.compile(r"[\x21-\x7e]+")


class Origin(NamedTuple):
    """A scheme, a host (in lower case) and a port."""

    scheme: str
    host: str
    port: int


class Address(NamedTuple):
    """A repository's address. On this machine it has the scheme `file`, and no host.

    `user` is as given, with the password if there was one.
    """

    origin: Origin
    user: str
    path: str

    @property
    def is_local(self) -> bool:
        """Whether it is a path of this machine."""
        return self.origin.scheme == LOCAL


def read_address(text: str) -> Address | None:
    """Parse an address: a path, a URL or `user@host:path`; None for any other text."""
    if not text.isprintable() or text != text.strip():
        return None
    if text.startswith("/"):
        return _local(text)
    if url := _URL.fullmatch(text):
        return _read_url(url["scheme"].lower(), url["authority"], url["path"] or "")
    if found := _SCP_LIKE.fullmatch(text):
        origin = Origin("ssh", found["host"].lower(), PORTS["ssh"])
        return Address(origin, found["user"] or "", found["path"])
    return None


def leads_here(address: Address) -> bool:
    """Return whether an address is on this machine: a path, or a host that always is.

    It makes no DNS query: only names that always mean this machine count.
    """
    host = address.origin.host.strip("[]").rstrip(".")
    if address.is_local or host in _HERE or host.endswith(".localhost"):
        return True
    with contextlib.suppress(ValueError):
        there = ipaddress.ip_address(host)
        mapped = there.ipv4_mapped if isinstance(there, ipaddress.IPv6Address) else None
        there = mapped or there
        return there.is_loopback or there.is_unspecified
    with contextlib.suppress(OSError):
        # Resolvers also read numbers like 127.1, 0x7f.1 and 2130706433.
        return socket.inet_aton(host)[0] in (0, 127)
    return False


def write_origin(origin: Origin) -> str:
    """Return an origin as the beginning of a URL."""
    port = "" if PORTS[origin.scheme] == origin.port else f":{origin.port}"
    return f"{origin.scheme}://{origin.host}{port}"


class NotAllowed(ValueError):
    """A repository named an address that it may not name; str() says why, after its name."""


def follow(base: str, named: str, root: str) -> str:
    """Return the address that the repository at `base` means by `named`, as for a submodule.

    `./` and `../` begin a path relative to `base`. `root` is the app's repository and sets the
    limits. If it is on another machine, no path on this machine is allowed; if it is on this one,
    only paths in it, and of repositories directly beside it. Other hosts are reached by https, or
    also by http if `root` itself is read unencrypted. Raises NotAllowed.
    """
    text = _join(base, named) if named.startswith(("./", "../")) else named
    address, top = read_address(text), read_address(root)
    if address is None or top is None:
        raise NotAllowed("is neither relative nor the address of a repository")
    if address.origin.scheme in ("http", "https") and ":" in address.user:
        raise NotAllowed("has a password in its address")
    if not address.is_local:
        if not _PLAIN.fullmatch(text):
            raise NotAllowed("has characters in its address that are not allowed in a URL")
        if is_foreign(address, top):
            _check_foreign(address.origin, top.origin)
        return text
    if not top.is_local:
        raise NotAllowed("is a path on the agent; only a repository on the agent may name one")
    if not _is_near(address.path, top.path):
        raise NotAllowed("is neither in the app's repository nor beside it in its folder")
    return address.path


def is_mirror(path: PurePath) -> bool:
    """Return whether a path, with its links resolved, is a mirror of prevs, or in one.

    Another app's credential has fetched what is there.
    """
    return _MIRROR.search(f"{path}/") is not None


def is_foreign(address: Address, root: Address) -> bool:
    """Return whether an address is on another machine, and at another origin than `root`."""
    return not address.is_local and address.origin != root.origin


def find_large_files(repository: str, named: str | None) -> str:
    """Return the address of the Git LFS server of a repository.

    `named` is the address in the repository's .lfsconfig: it may be another path of the same
    origin, or https at its host. Raises NotAllowed.
    """
    address = read_address(repository)
    if address is None:
        raise NotAllowed("belongs to a repository without a valid address")
    if named is not None:
        found = read_address(named)
        if found is None or found.is_local or not _is_beside(found.origin, address.origin):
            raise NotAllowed("is not at the repository's own host")
        if ":" in found.user:
            raise NotAllowed("has a password in its address")
        return named
    scheme, host, _ = address.origin
    if address.is_local:
        return f"file://{quote(address.path)}"
    path = address.path.strip("/")
    if scheme == "ssh":
        # git-lfs runs `git-lfs-authenticate` there to learn the address of the LFS server.
        user = f"{address.user}@" if address.user else ""
        return f"ssh://{user}{host}:{address.origin.port}/{path}"
    where = write_origin(address.origin) if scheme != "git" else f"https://{host}"
    return f"{where}/{path.removesuffix('.git')}.git/info/lfs"


def _check_foreign(named: Origin, own: Origin) -> None:
    """Raise NotAllowed for another origin that a repository may not name."""
    if named.scheme == "ssh":
        raise NotAllowed(
            "is at another host than the app's repository and needs an ssh key: give it an https "
            "address that anybody may read, or move it to the host of the app's repository"
        )
    if named.scheme == "git" or (named.scheme == "http" and own.scheme in ("https", "ssh")):
        raise NotAllowed(
            f"is at another host than the app's repository and is read by {named.scheme}://: give "
            "it an https address"
        )
    # All parsers must read the same host: no %2e, no 0x7f.1, no dot at the end.
    host = named.host
    if not (host.startswith("[") or _NAME.fullmatch(host) or _IPV4.fullmatch(host)):
        raise NotAllowed("has a host in its address that is neither a name nor an IP address")


def _is_beside(named: Origin, own: Origin) -> bool:
    """Return whether it is the same origin, or https at the host of another scheme."""
    if named == own:
        return True
    usual = own.scheme == "ssh" or own.port == PORTS.get(own.scheme)
    return usual and named == Origin("https", own.host, PORTS["https"])


def _read_url(scheme: str, authority: str, path: str) -> Address | None:
    if scheme == LOCAL:
        return _local(unquote(path)) if path and not authority else None
    user, _, rest = authority.rpartition("@")
    found = _AUTHORITY.fullmatch(rest)
    if scheme not in PORTS or found is None or user.startswith("-"):
        return None
    if _ENDS_AUTHORITY & {*authority}:
        return None
    port = int(found["port"] or PORTS[scheme])
    return Address(Origin(scheme, found["host"].lower(), port), user, path)


def _local(path: str) -> Address | None:
    return Address(Origin(LOCAL, "", 0), "", path) if "\0" not in path else None


def _join(base: str, named: str) -> str:
    """Make a relative address absolute. Raises NotAllowed if it leads above the host's root."""
    address = read_address(base)
    if address is None:
        raise NotAllowed("is relative, but the repository has no valid address")
    # Cut by the length of the path as written: an scp-like path may begin without a slash.
    if address.is_local:
        beginning, path = "", address.path
    else:
        path = address.path
        beginning = base[: len(base) - len(path)]
    pieces = [piece for piece in path.split("/") if piece]
    for piece in named.split("/"):
        if piece == "..":
            if not pieces:
                raise NotAllowed("leads above the root of its host")
            pieces.pop()
        elif piece not in ("", "."):
            pieces.append(piece)
    if not pieces:
        raise NotAllowed("is a host, not a repository")
    slash = "/" if path.startswith("/") else ""
    return f"{beginning}{slash}{'/'.join(pieces)}"


def _is_near(path: str, root: str) -> bool:
    """Return whether a path is in the folder `root` or beside it, and not hidden there.

    Beside a repository that is directly in `/` is the whole machine: only what is in it is near.
    """
    real, top = _flatten(path), _flatten(root)
    if top.name == _INNER:
        top = top.parent
    if real == top or top in real.parents:
        return True
    if real.name == _INNER:
        real = real.parent
    is_beside = real.parent == top.parent and not real.name.startswith(".")
    return is_beside and top.parent != PurePosixPath("/")


def _flatten(path: str) -> PurePosixPath:
    pieces: list[str] = []
    for piece in path.split("/"):
        if piece == "..":
            del pieces[-1:]
        elif piece not in ("", "."):
            pieces.append(piece)
    return PurePosixPath("/", *pieces)
