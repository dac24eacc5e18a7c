"""What a commit says of its submodules. Pure: git itself is never asked to handle them.

So nothing of .gitmodules has an effect but three settings: where, whence, and `update = none`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from executor.errors import SubmoduleUnusable

LISTING = r"^submodule\..*\.(path|url|update)$"
"""Which settings of .gitmodules are read, for `git config --get-regexp`."""

DEEPEST = 5
"""Submodules in submodules: one may have itself as its own."""

MOST = 100
"""Of one commit, all depths together."""


FOREIGN = "its repository, {}, is at another host than the app's, and was not read there"
ADVICE = (
    "It has to be one that anybody may read, at a public address or one that the agents' operator "
    "has opened for previews (PREVS_ALLOW). The executor's stderr in the sandbox has the details"
)
"""All that is said where another host gives nothing, whatever it is that it does."""


class Submodule(NamedTuple):
    """A submodule: its path in the files, and what .gitmodules calls its repository."""

    path: str
    url: str


def read_submodules(listing: bytes) -> list[Submodule]:
    """Return the submodules in what `git config --null --get-regexp LISTING` wrote.

    Those without a path or an URL are left out, and those with `update = none`, as git does. Raises
    SubmoduleUnusable for a path that leads out of the files.
    """
    modules: dict[str, dict[str, str]] = {}
    for entry in listing.decode("utf-8", "surrogateescape").split("\0"):
        key, newline, value = entry.partition("\n")
        name, _, setting = key.rpartition(".")
        if newline:
            modules.setdefault(name, {})[setting] = value
    found = [_read(module) for module in modules.values() if _is_wanted(module)]
    if len(found) > MOST:
        raise SubmoduleUnusable(found[MOST].path, f"the commit has more than {MOST} of them")
    return found


def read_links(listing: bytes) -> Mapping[str, str]:
    """Return the commit of every path that is a submodule in `git ls-files --stage -z`."""
    links = {}
    for entry in listing.decode("utf-8", "surrogateescape").split("\0"):
        head, _, path = entry.partition("\t")
        if head.startswith("160000 "):
            links[path] = head.split(" ")[1]
    return links


def printable(text: str) -> str:
    """Return a path or address as it can be shown on one line."""
    shown = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return "".join(sign if sign.isprintable() else "\ufffd" for sign in shown)[:200]


def _is_wanted(module: Mapping[str, str]) -> bool:
    return bool(module.get("path") and module.get("url")) and module.get("update") != "none"


def _read(module: Mapping[str, str]) -> Submodule:
    path = module["path"].rstrip("/")
    pieces = path.split("/")
    if any(piece in ("", ".", "..") or piece.lower() == ".git" for piece in pieces):
        raise SubmoduleUnusable(printable(path), "its path leads out of the commit's files")
    return Submodule(path, module["url"])
