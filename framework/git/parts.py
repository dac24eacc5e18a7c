"""Makes the parts that run git, for a framework that leads."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from framework import events
from framework.apps.recipes import BaseImages
from framework.git.branch_poller import BranchPoller
from framework.git.manifest_reader import ManifestReader
from framework.git.mirrors import Mirrors
from framework.git.remote_refs import RemoteRefs
from framework.state.snapshot import Snapshot
from prevs.records import AppRecord


class GitParts(NamedTuple):
    """The parts that run git."""

    refs: Mirrors
    remote_refs: RemoteRefs
    branch_poller: BranchPoller
    manifest_reader: ManifestReader


class Checks(NamedTuple):
    """What follows a fetch of an app's repository.

    `failed` counts one that failed, `confirm` looks whether the address still leads to the same
    repository.
    """

    failed: Callable[[str], None]
    confirm: Callable[[AppRecord], object]


def make_parts(
    folder: Path,
    submit: Callable[[events.Event], None],
    snapshot: Callable[[], Snapshot],
    *,
    interval: float,
    checks: Checks,
    images: BaseImages,
) -> GitParts:
    """Make the parts, with their mirrors in `folder`; each app is read once in `interval`.

    `images` are the base images of recipes.
    """
    refs = Mirrors(
        folder,
        interval=interval,
        credential=lambda app: snapshot().credential(app),
        pulls=lambda app: snapshot().list_pull_heads(app),
        kept=lambda app: snapshot().list_kept(app),
    )
    poller = BranchPoller(
        refs,
        submit,
        snapshot,
        interval=interval,
        failed=checks.failed,
        confirm=checks.confirm,
    )
    remote_refs = RemoteRefs(folder, lambda app: snapshot().credential(app))
    return GitParts(refs, remote_refs, poller, ManifestReader(refs, submit, images))
