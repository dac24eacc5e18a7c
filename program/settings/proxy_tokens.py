"""The file with the tokens that only frameworks and proxies have: one a line.

A framework accepts each of them; a proxy sends the first. docs/operating/tokens.md has the steps by
which the token is changed.
"""

from pathlib import Path

from program.settings.secret_lines import read_lines


def read_tokens(path: Path) -> tuple[str, ...]:
    """Return the tokens in a file, in their order: at least one.

    Raises ValueError for an invalid line; the error contains nothing of the line.
    """
    tokens = read_lines(path)
    for number, token in tokens.items():
        if not token.isprintable():  # it goes into an HTTP header
            raise ValueError(f"line {number} of {path} has invalid characters")
    if not tokens:
        raise ValueError(f"{path} holds no token; write at least one line")
    return tuple(tokens.values())
