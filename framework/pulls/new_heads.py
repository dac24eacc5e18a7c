"""Which heads of branches and pull requests are built ahead of their first visit. Pure."""

import enum
from collections.abc import Collection, Iterable, Mapping, Sequence

from framework.ports import Heads
from framework.pulls.gate import PullHead
from framework.units.reasons import ReasonKind
from prevs import names
from prevs.apps import Warm
from prevs.records import PreviewRecord
from prevs.states import ACTIVE, State

MOST = 20
"""How many builds ahead of an app may wait or run; further heads follow when these are done."""


class Next(enum.Enum):
    """What to do about a new head."""

    BUILD = "build"
    LEAVE = "leave"  # it was built or requested before: a failed one is not tried again
    LATER = "later"  # ask again after the next fetch


def list_labels(warm: Warm, heads: Heads, pulls: Sequence[PullHead]) -> Mapping[str, str | None]:
    """Return the head of each label that is followed; None if it may not be built, or is unclear.

    `pulls` are the open pull requests. One that git has not fetched yet is left out. Branches come
    first, so that a commit gets a branch's label if it has one.
    """
    labels: list[str] = []
    if warm == "branches":
        refs = (ref for of_commit in heads.refs.values() for ref in of_commit)
        labels += sorted(names.slug(ref[len(names.BRANCHES) :]) for ref in refs if _is_branch(ref))
    if warm != "off":
        labels += [label for one in pulls for label in one.labels]
    return {label: heads.commits[label] for label in labels if label in heads.commits}


def list_wanted(
    warm: Warm, labels: Mapping[str, str | None], pulls: Iterable[PullHead]
) -> frozenset[str]:
    """Return the commits that may be built ahead, also those that git has not fetched yet."""
    heads = {one.sha for one in pulls if warm != "off" and one.verdict.passes}
    return frozenset({*heads, *(sha for sha in labels.values() if sha)})


def judge(known: PreviewRecord | None, holders: Iterable[PreviewRecord]) -> Next:
    """Return what to do about a new head, whose preview is `known` if it has one.

    `holders` are the previews with the head's label. While somebody waits for an earlier commit of
    the label, that keeps the label.
    """
    if known is not None and not _was_given_up(known):
        return Next.LEAVE
    if any(one.state in ACTIVE and not one.ahead for one in holders):
        return Next.LATER
    return Next.BUILD


def is_over(preview: PreviewRecord, heads: Collection[str | None]) -> bool:
    """Return whether the record of a build ahead is of no use any more, as nobody has visited it.

    `heads` are the commits of all labels. Without this, each push would leave a record for ever.
    """
    is_head = any(sha in heads for sha in (preview.sha, *preview.same))
    return preview.state in {State.STOPPED, State.FAILED} and not is_head


def _was_given_up(preview: PreviewRecord) -> bool:
    """Return whether a build ahead was ended only because another commit took its place."""
    was_superseded = preview.reason_kind == ReasonKind.SUPERSEDED.value
    return preview.state is State.STOPPED and preview.ahead and was_superseded


def _is_branch(ref: str) -> bool:
    return ref.startswith(names.BRANCHES)
