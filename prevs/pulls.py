"""The pull requests of an app's repository, as the framework stores them.

Times are seconds since the epoch (UTC).
"""

import dataclasses
from collections.abc import Mapping
from typing import Optional

from prevs import codec


@dataclasses.dataclass(frozen=True)
class Delivered:
    """What prevs has said of a pull request at its forge, in the repository `repository`.

    `comment` is the id of its one comment, "" for none; `is_gone` if somebody has deleted that.
    `status_sha` is the commit of the last status, "" if not known; `is_pending` is whether that
    status has to be followed by another. `deployment` is the id of the deployment of the commit
    `deployed`, "" for none. The digests are of what was said last. What the forge has not taken
    counts as said; `problems` has why, by how it was to be said. `said` is what was said last, in
    words.
    """

    repository: str = ""
    comment: str = ""
    comment_digest: str = ""
    is_gone: bool = False
    status_digest: str = ""
    status_sha: str = ""
    is_pending: bool = False
    deployment: str = ""
    deployed: str = ""
    deployment_digest: str = ""
    said: str = ""
    problems: Mapping[str, str] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class RepositoryRecord:
    """Which repository an app's forge has at the address `repository`.

    `id` is the forge's own id of it, which stays when it is renamed or transferred. `found` is the
    id of another one that has the address now, "" if it is still the same.
    """

    app: str
    repository: str
    id: str
    found: str = ""

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "RepositoryRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(RepositoryRecord, 1, data)


@dataclasses.dataclass(frozen=True)
class PullRecord:
    """A pull request (merge request), as the last look at its forge found it.

    `sha` is its head, and `ref` the ref of the repository that leads there (pull/7/head). `base` is
    the branch that it is to be merged into. `is_fork` is whether the head may be in another
    repository; `may_write` is then whether its author and the other one's owner may write to this
    one. `updated` is the forge's own time. `closed` is when a look found it closed, None while it
    is open. Somebody (`approved_by`) has approved the one commit `approved_commit`, "" for none, at
    `approved_at`. `delivered` is what prevs has said of it at the forge. `branch` is the head's
    branch in the repository itself, "" if it is in another one or not known.
    """

    app: str
    number: int
    sha: str
    ref: str
    base: str = ""
    is_fork: bool = True
    may_write: bool = False
    author: str = ""
    title: str = ""
    url: str = ""
    draft: bool = False
    updated: float = 0.0
    closed: Optional[float] = None
    approved_commit: str = ""
    approved_by: str = ""
    approved_at: float = 0.0
    delivered: Delivered = Delivered()
    branch: str = ""

    def encode(self) -> bytes:
        """Return the znode's bytes."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "PullRecord":
        """Return the record in a znode. Raises RecordError."""
        return codec.decode(PullRecord, 1, data)
