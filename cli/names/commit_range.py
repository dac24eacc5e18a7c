"""The commits of a range A..B: what a branch was, one commit after the other, after A up to B."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import click

from cli.client.generated.records import Commit, Commits, Lead
from cli.client.instances import find_commit
from cli.client.paging import Listed
from cli.errors import ApiRefused, NotDone
from cli.names import lookup
from prevs import names

_UNRELATED = "not-an-ancestor"


class HasCommits(Protocol):
    """The calls about commits. `Api` has them."""

    def show_label(self, app: str, label: str) -> Lead:
        """Return what a label leads to."""
        ...

    def list_commits(
        self,
        app: str,
        *,
        ref: str | None = None,
        from_: str | None = None,
        first_parent: bool = False,
        limit: int | None = None,
    ) -> Listed[Commit, Commits]:
        """Return a commit, its first parent, and so on to an ancestor, which is not in it."""
        ...


class Range(NamedTuple):
    """The `commits` after the commit `base`, the oldest first. There is at least one."""

    base: Lead
    commits: Sequence[Commit]


def split(text: str) -> tuple[str, str]:
    """Return the ends of a range as somebody gives it."""
    begin, dots, end = text.partition("..")
    if not (begin and dots and end) or end.startswith("."):
        raise click.UsageError(
            f"{text!r} is no range of commits. Give A..B: those after A, up to B."
        )
    return begin, end


def find(api: HasCommits, app: str, ends: tuple[str, str], *, most: int | None = None) -> Range:
    """Return the commits between two `ends`: branches, tags or commits, the older one first.

    These are B, its first parent, the first parent of that, and so on up to what A reaches: of what
    was merged, only the merge. Raises CliError, also if there are none or more than `most`.
    """
    base, last = (_resolve(api, app, name) for name in ends)
    limit = None if most is None else most + 1
    begin, end = ends
    with _naming({base["sha"]: begin, last["sha"]: end}):
        found = api.list_commits(
            app, ref=last["sha"], limit=limit, from_=base["sha"], first_parent=True
        ).found
    if not found:
        raise NotDone(
            f"{begin}..{end} of {app} has no commits: both are {names.short(base['sha'])}.",
            f"`prevs commits {app} {end}` lists earlier ones to begin at.",
        )
    if most is not None and len(found) > most:
        raise NotDone(
            f"{begin}..{end} of {app} has more than {most:,} commits, and no more than {most:,} "
            "jobs are started for a range.",
            f"Begin later than {begin}, or find the commit that broke something with `prevs bisect "
            f"{app} {begin} {end}`, which needs few jobs.",
        )
    return Range(base, found[::-1])


def find_merged(api: HasCommits, app: str, before: str, merged: str) -> Sequence[Commit] | None:
    """Return the commits that a merge brought, the oldest first; None for none.

    `before` and `merged` are its parents. The commits are the first parents of `merged`, after the
    last commit that both reach; the oldest has a parent.
    """
    try:
        found = api.list_commits(app, ref=merged, from_=before, first_parent=True).found
    except ApiRefused as exc:
        common = exc.problem.fields.get("common") if exc.problem.slug == _UNRELATED else None
        if common is None:
            raise
        found = api.list_commits(app, ref=merged, from_=common, first_parent=True).found
    return found[::-1] if found and found[-1]["parents"] else None


def _resolve(api: HasCommits, app: str, name: str) -> Lead:
    """Return what a name leads to, with its commit also if it is the label of an instance."""
    with lookup.naming(name):
        found = api.show_label(app, names.slug(name))
    found["sha"] = find_commit(found)
    return found


@contextlib.contextmanager
def _naming(typed: Mapping[str, str]) -> Iterator[None]:
    """Say in an error what a person has typed, instead of its commit."""
    try:
        yield
    except ApiRefused as exc:
        detail = exc.problem.detail
        for sha, name in typed.items():
            detail = detail.replace(sha, name)
        raise ApiRefused(exc.problem._replace(detail=detail)) from exc
