"""The settings with which every git of ours runs on untrusted repositories. Pure.

The executor uses it too, on Python 3.9. Each program's own module adds the rest: the framework's
git reads no settings of its machine; the executor's reads those of its user.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

SETTINGS: Mapping[str, str] = {
    # Hooks and monitors in a repository would run its authors' programs.
    "core.hooksPath": "/dev/null",
    "core.fsmonitor": "false",
    # On a redirect to another server, this machine's netrc and helpers would answer.
    # program/git/redirects.py follows redirects within one origin.
    "http.followRedirects": "false",
    # Each submodule is another repository, which we check and fetch ourselves.
    "fetch.recurseSubmodules": "false",
    "submodule.recurse": "false",
}
"""Settings that nothing overrides."""

SETTINGS_IN_FILE: Mapping[str, str] = {
    # git clears settings in the environment for the upload-pack of a repository on this machine,
    # which then refuses other users' repositories.
    "safe.directory": "*",
    # git's default memory limits suit a whole machine. Measured with git 2.47 on two cores: for a
    # random file of 100 MB index-pack takes 4 MB instead of 99, unpack-objects 5 instead of 100;
    # for twelve files of 7 MB in five versions each, index-pack takes 24 MB instead of 91. git
    # streams larger files. But it builds a file that comes as a delta whole in memory, beside its
    # base (195 MB for files of 100 MB).
    "core.bigFileThreshold": "8m",
    "core.deltaBaseCacheLimit": "16m",
    "pack.threads": "1",
    "pack.deltaCacheSize": "16m",
}
"""Settings that must be in a file, or git does not pass them to its child processes."""

NO_PROMPT: Mapping[str, str] = {"GIT_TERMINAL_PROMPT": "0", "GIT_ASKPASS": "", "SSH_ASKPASS": ""}
"""The environment in which git never asks for a password: it fails instead."""

ENVIRONMENT: Mapping[str, str] = {
    **NO_PROMPT,
    # Missing objects stay missing: a repository could name another one to fetch them from.
    "GIT_NO_LAZY_FETCH": "1",
    # refs/replace would show another commit's files under a commit's id.
    "GIT_NO_REPLACE_OBJECTS": "1",
}
"""The environment of every git."""

OWN_PROTOCOLS = "file:git:http:https:ssh"
"""GIT_ALLOW_PROTOCOL for the repository of an app, which an administrator has named."""

FOREIGN_PROTOCOLS = "http:https"
"""GIT_ALLOW_PROTOCOL for repositories that a commit names."""

SSH_OPTIONS = (
    *("-o", "BatchMode=yes"),
    *("-o", "ConnectTimeout=10"),
    # For a server that stops answering: ConnectTimeout covers only the time until its greeting.
    *("-o", "ServerAliveInterval=15"),
    *("-o", "ServerAliveCountMax=2"),
)
SSH_COMMAND = " ".join(("ssh", *SSH_OPTIONS))
"""GIT_SSH_COMMAND for this machine's own keys: it never asks, and never hangs."""


def write_options(settings: Mapping[str, str]) -> tuple[str, ...]:
    """Return settings as arguments of git, which override those of every file."""
    return tuple(word for name, value in settings.items() for word in ("-c", f"{name}={value}"))


def write_file(settings: Mapping[str, str]) -> str:
    """Return settings as the text of a git config file. Each name is a section and a key."""
    return "".join(_write_lines(settings))


def _write_lines(settings: Mapping[str, str]) -> Iterator[str]:
    for name, value in settings.items():
        section, _, key = name.partition(".")
        yield f"[{section}]\n\t{key} = {value}\n"
