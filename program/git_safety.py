"""How git is run on repositories that nobody vetted: the rules that hold wherever it is. Pure.

The executor runs it too, on Python 3.9. What only one program needs, its own module adds: the
framework's git reads no settings of its machine at all, the executor's those of its user.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

SETTINGS: Mapping[str, str] = {
    # A repository's programs are its authors', and a folder may be anybody's.
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    # Where one leads to another server, this machine's netrc and helpers would answer: see
    # program/git_redirects.py, which follows what stays at home.
    "http.followRedirects": "false",
    # Submodules are another repository each, and are asked for as such or not at all.
    "fetch.recurseSubmodules": "false",
    "submodule.recurse": "false",
}
"""Settings that no other may override."""

SETTINGS_IN_FILE: Mapping[str, str] = {
    # git empties the environment's settings for the upload-pack that serves a repository on this
    # machine, and that one refuses other users' repositories.
    "safe.directory": "*",
    # git's own limits of memory are for machines. Measured with git 2.47 on two cores: a random
    # file of 100 MB takes index-pack 4 MB and not 99, unpack-objects 5 and not 100; twelve files of
    # 7 MB in five versions each take index-pack 24 MB and not 91. A larger file is streamed. One
    # that a server sends as a difference from another is still made in memory, whole, beside that
    # one (195 MB with files of 100 MB).
    "core.bigFileThreshold": "8m",
    "core.deltaBaseCacheLimit": "16m",
    "pack.threads": "1",
    "pack.deltaCacheSize": "16m",
}
"""Settings that have to be in a file, or git does not hand them to what it starts."""

NO_PROMPT: Mapping[str, str] = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "SSH_ASKPASS": ""}
"""The environment in which git asks nobody for a password: it fails instead."""

ENVIRONMENT: Mapping[str, str] = {
    **NO_PROMPT,
    # What is missing is missing: a repository may name another one where it would be.
    "GIT_NO_LAZY_FETCH": "1",
    # refs/replace would show another commit's files under a commit's id.
    "GIT_NO_REPLACE_OBJECTS": "1",
}
"""The environment of every git."""

OWN_PROTOCOLS = "file:git:http:https:ssh"
"""GIT_ALLOW_PROTOCOL for the repository of an app, which an administrator has named."""

FOREIGN_PROTOCOLS = "http:https"
"""GIT_ALLOW_PROTOCOL for what a commit names."""

SSH_OPTIONS = (
    *("-o", "BatchMode=yes"),
    *("-o", "ConnectTimeout=10"),
    # One that is there and no longer answers, as ConnectTimeout ends with the greeting.
    *("-o", "ServerAliveInterval=15"),
    *("-o", "ServerAliveCountMax=2"),
)
SSH_COMMAND = " ".join(("ssh", *SSH_OPTIONS))
"""GIT_SSH_COMMAND where this machine's own keys are used: it asks nothing, and does not hang."""


def write_options(settings: Mapping[str, str]) -> tuple[str, ...]:
    """Return settings as git's arguments, where they stand above those of every file."""
    return tuple(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))


def write_file(settings: Mapping[str, str]) -> str:
    """Return settings as the text of a file of git's. Their names have a section and a key."""
    return "".join(_write_lines(settings))


def _write_lines(settings: Mapping[str, str]) -> Iterator[str]:
    for name, value in settings.items():
        section, _, key = name.partition(".")
        yield f"[{section}]\n\t{key} = {value}\n"
