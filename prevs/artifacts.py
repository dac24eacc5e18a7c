"""The files that a job's command leaves: their names, and their list in the attempt's sandbox.

The executor writes them into FOLDER of the sandbox, and then their list into LIST beside it.
"""

import dataclasses

from prevs import codec

FOLDER = "artifacts"
LIST = "artifacts.json"
MOST = 10_000
"""How many files of an attempt are kept."""
LONGEST_PATH = 500
"""Bytes of a path in UTF-8."""
LONGEST_LIST = MOST * (2 * LONGEST_PATH + 64)
"""Bytes of a list that has the most and longest paths, with each byte escaped."""


@dataclasses.dataclass(frozen=True)
class Artifact:
    """A file; `path` is relative to FOLDER, with slashes, `size` is in bytes."""

    path: str
    size: int


@dataclasses.dataclass(frozen=True)
class ArtifactsRecord:
    """The files that an attempt has left."""

    artifacts: tuple[Artifact, ...] = ()

    def encode(self) -> bytes:
        """Return the bytes of the list."""
        return codec.encode(self, 1)

    @staticmethod
    def decode(data: bytes) -> "ArtifactsRecord":
        """Return the record in a list. Raises RecordError."""
        record = codec.decode(ArtifactsRecord, 1, data)
        if not all(is_path(one.path) for one in record.artifacts):
            raise codec.RecordError("ArtifactsRecord", "no artifact may have such a path")
        return record


def is_path(text: str) -> bool:
    """Return whether an artifact may have this path.

    It leads out of no folder, and people can read it: neither a control character nor a mark that
    turns text is in it, nor bytes that are not UTF-8.
    """
    if not text.isprintable() or len(text.encode()) > LONGEST_PATH:
        return False
    return not {"", ".", ".."} & set(text.split("/"))
