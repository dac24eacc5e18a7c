"""What to do with a preview whose branches and tags are gone. Pure."""

import enum
from collections.abc import Collection

from prevs import names
from prevs.records import PreviewRecord


class Fate(enum.Enum):
    """What to do with a preview."""

    STAYS = "stays"
    UNREFERENCED = "unreferenced"  # from now on no branch or tag leads to it
    REFERENCED = "referenced"  # a branch or tag leads to it again
    EXPIRED = "expired"  # no branch or tag has led to it for too long


def judge(
    preview: PreviewRecord,
    labels: Collection[str],
    now: float,
    limit: float,
    *,
    kept: bool = False,
) -> Fate:
    """Return what to do with `preview` at `now` (epoch seconds).

    It expires after `limit` seconds without a branch or tag, unless it is pinned, or `kept` for a
    gate. `labels` are the labels of all branches, tags and open pull requests, just fetched.
    """
    if is_referenced(preview, labels):
        return Fate.STAYS if preview.unreferenced_since is None else Fate.REFERENCED
    since = now if preview.unreferenced_since is None else preview.unreferenced_since
    if now - since >= limit and not preview.pinned and not kept:
        return Fate.EXPIRED
    return Fate.UNREFERENCED if preview.unreferenced_since is None else Fate.STAYS


def is_referenced(preview: PreviewRecord, labels: Collection[str]) -> bool:
    """Return whether a branch or tag leads to a preview, or a label is its own commit's id.

    A preview without labels counts as referenced: its branch has moved on to another commit. One
    whose commit a pull request alone reached needs that to be open, whatever its labels are.
    """
    own = preview.labels
    pull = names.find_pull(preview.refs)
    if pull and names.pull_label(pull) not in labels:
        return False
    return not own or any(label in labels or is_own_commit(preview, label) for label in own)


def is_own_commit(preview: PreviewRecord, label: str) -> bool:
    """Return whether a label is the beginning of the id of a commit that a preview serves."""
    served = (preview.sha, *preview.same)
    return names.is_commit_prefix(label) and any(one.startswith(label) for one in served)
