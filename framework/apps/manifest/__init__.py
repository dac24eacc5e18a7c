"""The settings of a commit, in a file of its repository: from its bytes to a Manifest. Pure."""

from framework.apps.manifest.findings import InvalidManifest
from framework.apps.manifest.job_changes import change_job
from framework.apps.manifest.reader import (
    ComposeFile,
    Manifest,
    find_named,
    read,
)
from framework.apps.manifest.rules import Bounds

__all__ = [
    "Bounds",
    "ComposeFile",
    "InvalidManifest",
    "Manifest",
    "change_job",
    "find_named",
    "read",
]
