"""Makes the parts that read and keep the output of attempts, for a framework that leads."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from framework.logs.archive import ArchivedSandboxes, LogArchive
from framework.logs.archiver import LogArchiver
from framework.logs.sandbox import AgentSandboxes
from framework.state.snapshot import Snapshot


class LogParts(NamedTuple):
    """The logs that agents and the archive have together, and what fills the archive."""

    sandboxes: ArchivedSandboxes
    archiver: LogArchiver


def make_parts(
    sandboxes: AgentSandboxes, folder: Path, snapshot: Callable[[], Snapshot]
) -> LogParts:
    """Make the parts; the archive is in `folder`."""
    archive = LogArchive(folder)
    return LogParts(
        ArchivedSandboxes(sandboxes, archive), LogArchiver(sandboxes, archive, snapshot)
    )
