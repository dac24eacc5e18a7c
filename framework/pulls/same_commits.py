"""Which preview serves a commit that is the same as its own: nothing that counts differs. Pure.

A label moves from one commit to another, and the app is made of a part of the repository
(CommitSettings.watch) in which these do not differ. Then the preview of the first commit stays, and
serves the other one too, unless that would get other variables or other data.
"""

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from framework.apps import effective_settings
from framework.apps.app_secrets import AppSecrets
from framework.ports import Heads
from framework.preview import branch_data
from prevs import names
from prevs.pulls import PullRecord
from prevs.records import AppRecord, PreviewRecord
from prevs.states import ACTIVE, State

MOST = 20
"""How many commits a record keeps that its preview serves too: the newest."""


class Facts(NamedTuple):
    """An app, what it is given, and its pull requests: they decide what a commit gets."""

    app: AppRecord
    given: AppSecrets
    pulls: Mapping[int, PullRecord]


class Question(NamedTuple):
    """Whether a preview's commit is the same as `sha`, to which its `label` leads now."""

    label: str
    sha: str
    preview: PreviewRecord


def may_serve(preview: PreviewRecord, refs: Collection[str], facts: Facts) -> bool:
    """Return whether a preview may serve a commit of its app to which `refs` lead, if it is same.

    One of a stranger's commit, or of a variant, serves nothing else. Others have to have the
    variables and the data that the commit would get.
    """
    settings = preview.settings
    if settings is None or not settings.watch or preview.stranger or preview.instance:
        return False
    if preview.state is State.FAILED or names.find_pull(preview.refs) != names.find_pull(refs):
        return False
    given = facts.given
    if given.is_scoped and given.for_refs(preview.refs) != given.for_refs(refs):
        return False
    then = dataclasses.replace(preview, refs=tuple(refs))
    own, others = (branch_data.find_branch(one, facts.pulls) for one in (preview, then))
    return own == others


def find_known(previews: Iterable[PreviewRecord], sha: str) -> PreviewRecord | None:
    """Return the preview that serves a commit which is the same as its own; None if none does."""
    found = (one for one in previews if sha in one.same and one.state is not State.FAILED)
    return next(found, None)


def list_serving(
    previews: Iterable[PreviewRecord], led: tuple[str, str], refs: Collection[str], facts: Facts
) -> list[PreviewRecord]:
    """Return the previews that may serve the commit that a label leads to, if it is the same.

    They had the label before, or serve the commit already. Those that run come first.
    """
    label, sha = led
    found = [
        one
        for one in previews
        if (sha in one.same or (label in one.labels and _is_current(one, facts)))
        and may_serve(one, refs, facts)
    ]
    return sorted(found, key=lambda one: (one.state is not State.RUNNING, -one.changed, one.sha))


def _is_current(preview: PreviewRecord, facts: Facts) -> bool:
    """Return whether what a preview is made of was read for the app as it is now."""
    return effective_settings.is_current(facts.app, preview)


def list_questions(
    watched: Collection[PreviewRecord], heads: Heads, known: Collection[str], facts: Facts
) -> list[Question]:
    """Return what to ask git after a fetch, of the `watched` previews of an app.

    Commits that have a preview are `known`. One that nobody uses is asked about only for what is
    built ahead.
    """
    found = []
    is_ahead = effective_settings.find_warm(facts.app) != "off"
    for one in watched:
        for label in one.labels if one.state in ACTIVE or is_ahead else ():
            sha = heads.commits.get(label)
            if not sha or sha in known or sha in one.same:
                continue
            if list_serving([one], (label, sha), heads.refs.get(sha, ()), facts):
                found.append(Question(label, sha, one))
    return found


def with_same(preview: PreviewRecord, sha: str, refs: Iterable[str]) -> PreviewRecord:
    """Return a preview that serves a commit too, to which `refs` lead."""
    same = (*(one for one in preview.same if one != sha), sha)[-MOST:]
    return dataclasses.replace(preview, same=same, refs=tuple(refs))


def join(preview: PreviewRecord, refs: Sequence[str], facts: Facts | None) -> PreviewRecord:
    """Return a preview whose own commit is requested, to which `refs` lead.

    What leads to the commits that it serves too leads to it as well, while it has the label of
    that. If these would get something else than its own commit by now, or nobody can tell, it
    serves them no longer.
    """
    if facts is None:
        return dataclasses.replace(preview, refs=tuple(refs), same=())
    held = [ref for ref in preview.refs if _find_labels(ref, facts.pulls) & {*preview.labels}]
    own = dataclasses.replace(preview, refs=tuple(refs or held))
    if held and not may_serve(own, held, facts):
        return dataclasses.replace(preview, refs=tuple(refs), same=())
    return dataclasses.replace(preview, refs=tuple(dict.fromkeys((*refs, *held))))


def _find_labels(ref: str, pulls: Mapping[int, PullRecord]) -> frozenset[str]:
    """Return the labels of a branch, a tag or a pull request."""
    if number := names.find_pull([ref]):
        pull = pulls.get(number)
        return frozenset(names.pull_labels(number, pull.ref if pull else ""))
    return frozenset({names.slug(ref.partition("/")[2])})
