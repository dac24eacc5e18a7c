"""git's access to the app's repository, and to other repositories that it names.

The app's credential, and the rights of this machine's user, are for the origin of the app's
repository alone. Other origins get neither: the authors of a repository choose which ones it names.
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
from program.git import safety
from program.git.addresses import Address, read_address
from program.git.credentials import Access, CredentialUnusable, give_access, give_none
from program.git.messages import redact

_ENVIRONMENT = {**safety.ENVIRONMENT, "GIT_LFS_SKIP_SMUDGE": "1"}
# git shares the task's memory with the executor: without a limit it would cache 96 MB of delta
# bases in each thread.
_SETTINGS = safety.write_file({**safety.SETTINGS_IN_FILE, "pack.windowMemory": "16m"})


class GitAuth(NamedTuple):
    """git's access to one repository: its environment, and the credential in it."""

    environment: Mapping[str, str]
    credential: Credential | None


class GitAccess:
    """git's access to repositories while one commit is read; made by `git_access`."""

    def __init__(
        self, repository: str, own: GitAuth, others: GitAuth, *, alone: bool = False
    ) -> None:
        """With `alone`, other repositories on the app's host count as others."""
        self._address = repository
        self._repository = read_address(repository)
        self._own = own
        self._others = others
        self._alone = alone

    def for_strangers(self) -> GitAccess:
        """Return the access for commits of strangers: the credential is for the app's repository.

        Not for others on its host, which such a commit may name.
        """
        return GitAccess(self._address, self._own, self._others, alone=True)

    def for_repository(self, address: str) -> GitAuth:
        """Return the access to a repository."""
        if self._alone:
            return self._own if address == self._address else self._others
        wanted = read_address(address)
        own = self._repository
        if own is None or wanted is None or wanted.origin == own.origin:
            return self._own
        return self._others

    def for_large_files(self, address: str) -> GitAuth:
        """Return git-lfs's access to a server.

        git-lfs follows redirects, and other hosts may store the files. So with a credential of the
        app it gets an empty home: this user's .netrc must not go to them.
        """
        auth = self.for_repository(address)
        if auth.credential is None:
            return auth
        homeless = {name: self._others.environment[name] for name in ("HOME", "XDG_CONFIG_HOME")}
        return GitAuth({**auth.environment, **homeless}, auth.credential)


@contextlib.contextmanager
def git_access(
    folder: Path, repository: str, credential: Credential | None, environ: Mapping[str, str]
) -> Iterator[GitAccess]:
    """Yield git's access. Its files are in `folder`, for this user alone, and removed at the end.

    Raises RepositoryUnreachable if the credential cannot be used.
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
            GitAuth(_own_environment(folder, environ, access), credential),
            GitAuth(_other_environment(folder), None),
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
        # Named in full: git-lfs may get another HOME.
        quoted = home.replace("\\", "\\\\").replace('"', '\\"')
        paths = (f'\tpath = "{quoted}/{name}"\n' for name in (".config/git/config", ".gitconfig"))
        text += "[include]\n" + "".join(paths)
    settings.write_text(text)
    return {
        **_ENVIRONMENT,
        "GIT_CONFIG_GLOBAL": str(settings),
        # An operator's own settings may redirect to any address, such as a copy on this machine.
        "GIT_ALLOW_PROTOCOL": safety.OWN_PROTOCOLS,
        "GIT_SSH_COMMAND": environ.get("GIT_SSH_COMMAND", safety.SSH_COMMAND),
        **access.environment,
    }


def _other_environment(folder: Path) -> Mapping[str, str]:
    """Return the environment for other origins: without this user's home and its credentials."""
    settings = folder / "settings-of-nobody"
    settings.write_text(_SETTINGS)
    home = folder / "home"
    home.mkdir()
    return {
        **_ENVIRONMENT,
        "GIT_CONFIG_GLOBAL": str(settings),
        "GIT_ALLOW_PROTOCOL": safety.FOREIGN_PROTOCOLS,
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        **give_none().environment,
    }


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
