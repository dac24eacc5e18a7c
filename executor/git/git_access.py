"""How git asks for the app's repository, and how for what that names elsewhere.

The app's credential, and what this machine's user may read, are for the origin of the app's
repository. Others are asked as anybody would ask: what a repository names is its authors' choice.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from executor.errors import RepositoryUnreachable
from prevs.messages import Credential
from program import git_safety
from program.git_addresses import Address, read_address
from program.git_credentials import Access, CredentialUnusable, give_access, give_none
from program.git_messages import redact

_ENVIRONMENT = {**git_safety.ENVIRONMENT, "GIT_LFS_SKIP_SMUDGE": "1"}
# git shares the memory of its task with the executor: without a limit it would hold 96 MB of what
# deltas are of in each thread.
_SETTINGS = git_safety.write_file({**git_safety.SETTINGS_IN_FILE, "pack.windowMemory": "16m"})


class Way(NamedTuple):
    """How git asks for one repository: its environment, and the credential that is in it."""

    environment: Mapping[str, str]
    credential: Credential | None


class GitAccess:
    """The ways to ask while one commit is read; made by `git_access`."""

    def __init__(self, repository: str, own: Way, others: Way) -> None:
        self._repository = read_address(repository)
        self._own = own
        self._others = others

    def way(self, address: str) -> Way:
        """Return how to ask for a repository."""
        asked = read_address(address)
        own = self._repository
        if own is None or asked is None or asked.origin == own.origin:
            return self._own
        return self._others

    def way_to_large_files(self, address: str) -> Way:
        """Return how git-lfs asks at an address.

        It follows redirects and goes to other stores, so with a credential of the app's it has no
        home, where this user's netrc is.
        """
        way = self.way(address)
        if way.credential is None:
            return way
        homeless = {name: self._others.environment[name] for name in ("HOME", "XDG_CONFIG_HOME")}
        return Way({**way.environment, **homeless}, way.credential)


@contextlib.contextmanager
def git_access(
    folder: Path, repository: str, credential: Credential | None, environ: Mapping[str, str]
) -> Iterator[GitAccess]:
    """Keep what git needs in `folder`, which nobody else may read, and remove it at the end.

    Raises RepositoryUnreachable where the credential cannot be used.
    """
    address = read_address(repository)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, mode=0o700)
    try:
        access = _give(credential, address, folder, repository)
        for path, text in access.files.items():
            _write_private(path, text)
        yield GitAccess(
            repository,
            Way(_own_environment(folder, environ, access), credential),
            Way(_other_environment(folder), None),
        )
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _give(
    credential: Credential | None, address: Address | None, folder: Path, repository: str
) -> Access:
    if address is None:
        return Access({})
    try:
        return give_access(credential, address, folder)
    except CredentialUnusable as exc:
        shown = redact(repository)
        raise RepositoryUnreachable(shown, str(exc), "Then retry") from exc


def _own_environment(folder: Path, environ: Mapping[str, str], access: Access) -> Mapping[str, str]:
    settings = folder / "settings"
    text = _SETTINGS
    if own := environ.get("GIT_CONFIG_GLOBAL"):
        text += f'[include]\n\tpath = "{own}"\n'
    elif home := environ.get("HOME"):
        # By its name: git-lfs may be given another.
        quoted = home.replace("\\", "\\\\").replace('"', '\\"')
        paths = (f'\tpath = "{quoted}/{name}"\n' for name in (".config/git/config", ".gitconfig"))
        text += "[include]\n" + "".join(paths)
    settings.write_text(text)
    return {
        **_ENVIRONMENT,
        "GIT_CONFIG_GLOBAL": str(settings),
        # An operator's own settings may lead anywhere, to a copy on this machine too.
        "GIT_ALLOW_PROTOCOL": git_safety.OWN_PROTOCOLS,
        "GIT_SSH_COMMAND": environ.get("GIT_SSH_COMMAND", git_safety.SSH_COMMAND),
        **access.environment,
    }


def _other_environment(folder: Path) -> Mapping[str, str]:
    """Return how to ask as anybody: without this user's home, where names and keys are."""
    settings = folder / "settings-of-nobody"
    settings.write_text(_SETTINGS)
    home = folder / "home"
    home.mkdir()
    return {
        **_ENVIRONMENT,
        "GIT_CONFIG_GLOBAL": str(settings),
        "GIT_ALLOW_PROTOCOL": git_safety.FOREIGN_PROTOCOLS,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        **give_none().environment,
    }


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
