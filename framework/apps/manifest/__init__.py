"""The settings of a commit, in a file of its repository: from its bytes to CommitSettings. Pure."""

from framework.apps.manifest.reader import MOST_BYTES, InvalidManifest, read, too_large
from framework.apps.manifest.rules import Bounds

__all__ = ["MOST_BYTES", "Bounds", "InvalidManifest", "read", "too_large"]
