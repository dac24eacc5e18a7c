"""The text of a compose file, and of the .prevs.toml that names it. Pure."""

from prevs.records import Mistake

MOST_BYTES = 8192
"""How large such a file may be. The record of each preview contains its settings."""


def decode(data: bytes) -> str | Mistake:
    """Return a file's text, or why it has none that is read."""
    if len(data) > MOST_BYTES:
        return Mistake(1, f"the file {too_large(len(data))}")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Mistake(line, "is not UTF-8: save the file as UTF-8")


def too_large(size: int) -> str:
    """Return what is wrong with a file of so many bytes, as the rest of a sentence about it."""
    return f"has {size:,} bytes; at most {MOST_BYTES:,} are allowed"
