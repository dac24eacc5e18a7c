"""The file of a backup: what an installation needs, sealed by a pass phrase. Pure.

    prevs backup 1 LF      salt (32 bytes)      the rest: zlib over JSON, sealed (framework.vault)

The first line is sealed with the rest, so nobody can pass one format off as another.
"""

import base64
import json
import zlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from framework import vault
from framework.errors import FrameworkError

_NAME = b"prevs backup "
_HEADER = _NAME + b"1\n"
_START = len(_HEADER) + vault.SALT_BYTES


class BadBackup(FrameworkError):
    """A file that is no backup, or cannot be opened; str() has the next step."""


class Backup(NamedTuple):
    """What an installation needs.

    `version` is that of the prevs that made it, at `made` (epoch seconds). `installation` is its
    InstallationRecord. `files` has the contents of the settings' files by the names of settings
    (PREVS_KEY_FILE) and of other files, `records` the znodes (framework.zookeeper.whole_tree).
    """

    version: str
    made: float
    installation: bytes
    files: Mapping[str, bytes]
    records: Mapping[str, bytes]


def seal(backup: Backup, phrase: str, salt: bytes) -> bytes:
    """Return the bytes of the file. Takes a second."""
    content = {
        "version": backup.version,
        "made": backup.made,
        "installation": _write(backup.installation),
        "files": {name: _write(data) for name, data in backup.files.items()},
        "records": {path: _write(data) for path, data in backup.records.items()},
    }
    data = zlib.compress(json.dumps(content, sort_keys=True).encode())
    return _HEADER + salt + vault.seal_by_phrase(phrase, data, salt=salt, header=_HEADER)


def open_sealed(data: bytes, phrase: str) -> Backup:
    """Return what a file holds, once all of it was proven. Takes a second."""
    if not data.startswith(_NAME):
        raise BadBackup("This is no backup of prevs. `prevs backup FILE` makes one.")
    if not data.startswith(_HEADER):
        raise BadBackup("A later version of prevs made this backup. Restore it with that version.")
    salt, sealed = data[len(_HEADER) : _START], data[_START:]
    found = vault.open_by_phrase(phrase, sealed, salt=salt, header=_HEADER)
    if found is None:
        raise BadBackup(
            "The pass phrase is another one, or the file was changed or cut. Compare it with your "
            "other copies, and try again."
        )
    content: dict[str, Any] = json.loads(zlib.decompress(found))
    return Backup(
        content["version"],
        content["made"],
        _read(content["installation"]),
        {name: _read(text) for name, text in content["files"].items()},
        {path: _read(text) for path, text in content["records"].items()},
    )


def _write(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _read(text: str) -> bytes:
    return base64.b64decode(text)
