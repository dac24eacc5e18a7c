"""Reads the submodules of a commit from .gitmodules. Pure: git itself never handles submodules.

So only three settings of .gitmodules have an effect: `path`, `url`, and `update = none`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from executor.errors import SubmoduleUnusable

LISTING = r"^submodule\..*\.(path|url|update)$"
"""Which settings of .gitmodules are read, for `git config --get-regexp`."""

DEEPEST = 5
"""How deep submodules may be nested: one may contain itself."""

MOST = 100
"""How many submodules one commit may have, at all depths together."""


FOREIGN = "its repository, {}, is on another host than the app's, and was not read there"
ADVICE = (
    "Anybody must be able to read it, at a public address or at one that the agents' operator "
    "has opened for previews (PREVS_ALLOW). The executor's stderr in the sandbox has the details"
)
"""The advice if another host gives nothing. It is the same for every reason."""


class Submodule(NamedTuple):
    """A submodule: its path in the files, and the address of its repository in .gitmodules."""

    path: str
    url: str


def read_submodules(listing: bytes) -> list[Submodule]:
    """Return the submodules in the output of `git config --null --get-regexp LISTING`.

    Like git, it leaves out those without a path or a URL, and those with `update = none`. Raises
    SubmoduleUnusable if a path leads out of the files.
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
    """Return the commit of each submodule's path in the output of `git ls-files --stage -z`."""
    links = {}
    for entry in listing.decode("utf-8", "surrogateescape").split("\0"):
        head, _, path = entry.partition("\t")
        if head.startswith("160000 "):
            links[path] = head.split(" ")[1]
    return links


def printable(text: str) -> str:
    """Return a path or address as printable text for one line."""
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
