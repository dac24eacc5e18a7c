"""The text of a compose file, and of the .prevs.toml that names it. Pure."""

from prevs.records import Mistake

MOST_BYTES = 8192
"""How large a .prevs.toml may be. The record of each preview contains its settings."""
MOST_COMPOSE_BYTES = 262_144
"""How large a compose file may be: much of one has no effect here, as its comments."""


def decode(data: bytes, most: int = MOST_BYTES) -> str | Mistake:
    """Return a file's text, or why it has none that is read."""
    if len(data) > most:
        return Mistake(1, f"the file {too_large(len(data), most)}")
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        return Mistake(line, "is not UTF-8: save the file as UTF-8")


def too_large(size: int, most: int = MOST_BYTES) -> str:
    """Return what is wrong with a file of so many bytes, as the rest of a sentence about it."""
    return f"has {size:,} bytes; at most {most:,} are allowed"
