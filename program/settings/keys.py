"""The file with the keys for sealed secrets: one a line; the first one seals.

A key is a Fernet key: 256 random bits in URL-safe base64.
"""

import base64
import os
import re
from pathlib import Path

from program.settings.secret_lines import read_lines

_KEY = re.compile(r"[A-Za-z0-9_-]{43}=", re.ASCII)
_BYTES = 32


def new_key() -> str:
    """Return a new random key."""
    return base64.urlsafe_b64encode(os.urandom(_BYTES)).decode()


def read_keys(path: Path) -> tuple[str, ...]:
    """Return the keys in a file; blank lines are ignored. Raises ValueError for an invalid line.

    The error contains nothing of the line.
    """
    keys = read_lines(path)
    for number, key in keys.items():
        if not _KEY.fullmatch(key):
            raise ValueError(f"line {number} of {path} is not a key; `prevs key` makes one")
    if not keys:
        raise ValueError(f"{path} holds no key; `prevs key` makes one")
    return tuple(keys.values())
