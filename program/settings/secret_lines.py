"""Files of secrets, one a line."""

from pathlib import Path


def read_lines(path: Path) -> dict[int, str]:
    """Return the lines that are not blank, by number, without surrounding space.

    Raises ValueError for a file that cannot be read or is not ASCII; the error contains nothing of
    the file's text.
    """
    try:
        lines = path.read_text(encoding="ascii").split("\n")
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not ASCII"
        raise ValueError(f"{path} cannot be read ({why})") from None
    return {number: line.strip() for number, line in enumerate(lines, 1) if line.strip()}
