"""Whether git can read a ref of an app's repository, asked at its server and not in the mirror."""

from collections.abc import Callable
from pathlib import Path

from framework.errors import FrameworkError
from framework.git.git_command import GitCommand, GitFailed
from prevs.messages import Credential
from prevs.records import AppRecord

_LIMIT = 20
"""Seconds."""


class RemoteRefs:
    """Refs at the apps' repositories. Thread safe; each call blocks on the server."""

    def __init__(self, folder: Path, credential: Callable[[str], Credential | None]) -> None:
        """git's settings are in `folder`, that of the mirrors. `credential` is as in Mirrors."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._git = GitCommand(folder)
        self._credential = credential

    def find_problem(self, app: AppRecord, ref: str) -> str:
        """Return why git cannot read a ref (HEAD, refs/pull/7/head), "" if it can."""
        before = ("ls-remote", "--quiet", "--exit-code", "--end-of-options")
        try:
            with self._git.with_credential(app.repository, self._credential(app.name)) as git:
                git.run_remote(self._folder, before, app.repository, [ref], limit=_LIMIT)
        except GitFailed as error:
            # With --exit-code git says nothing if there is no such ref.
            return error.why if error.output.strip() else f"there is no {ref}"
        except FrameworkError as error:
            return str(error).rstrip(".")
        return ""
