"""What becomes of a preview whose branches and tags are gone. A function of values."""

import enum
from collections.abc import Collection

from prevs import names
from prevs.records import PreviewRecord


class Fate(enum.Enum):
    """What is to be done with a preview."""

    STAYS = "stays"
    UNREFERENCED = "vanishes"  # from now on nothing leads to it
    REFERENCED = "returns"  # something leads to it again
    EXPIRED = "goes"  # nothing has led to it for too long


def judge(preview: PreviewRecord, labels: Collection[str], now: float, limit: float) -> Fate:
    """Return what becomes of `preview` at `now` (epoch seconds), once gone for `limit` seconds.

    `labels` are the slugs of all branches and tags, just fetched. Pinned previews stay.
    """
    if is_referenced(preview, labels):
        return Fate.STAYS if preview.unreferenced_since is None else Fate.REFERENCED
    if preview.unreferenced_since is None:
        return Fate.UNREFERENCED
    over = now - preview.unreferenced_since >= limit
    return Fate.EXPIRED if over and not preview.pinned else Fate.STAYS


def is_referenced(preview: PreviewRecord, labels: Collection[str]) -> bool:
    """Tell whether a branch or tag leads to a preview, or it is its commit's.

    It is where its commit was asked for, or where a branch has moved on: then it has no label.
    """
    own = preview.labels
    return not own or any(label in labels or is_own_commit(preview, label) for label in own)


def is_own_commit(preview: PreviewRecord, label: str) -> bool:
    """Tell whether a label is the beginning of a preview's commit id."""
    return names.is_commit_prefix(label) and preview.sha.startswith(label)
