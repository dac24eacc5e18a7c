"""The commits of a range A..B, as git means it: those that B reaches and A does not."""

from typing import Protocol

import click

from cli.client.api_types import Commit
from cli.client.paging import Listed
from cli.errors import NotDone


class HasCommits(Protocol):
    """The call that lists commits. `Api` has it."""

    def commits(self, app: str, ref: str | None, limit: int | None) -> Listed[Commit]:
        """Return the commits that a branch, a tag or a commit reaches, the newest first."""
        ...


def find(api: HasCommits, app: str, text: str) -> list[str]:
    """Return the commits of a range, the oldest first. Raises click.UsageError, CliError.

    It reads both lists to their ends: no call of the API knows which commits are between two.
    """
    begin, dots, end = text.partition("..")
    if not (begin and dots and end) or end.startswith("."):
        raise click.UsageError(
            f"{text!r} is no range of commits. Give A..B: those after A, up to B."
        )
    older = {commit["sha"] for commit in api.commits(app, begin, None).found}
    newer = [commit["sha"] for commit in api.commits(app, end, None).found]
    found = [sha for sha in reversed(newer) if sha not in older]
    if not found:
        raise NotDone(
            f"There are no commits in {text} of {app}.",
            f"The older end comes first: {end}..{begin}? `prevs commits {app} {end}` lists some.",
        )
    return found
