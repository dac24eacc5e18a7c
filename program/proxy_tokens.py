"""The file with the tokens that only frameworks and proxies have: one a line.

A framework takes each of them for a proxy's; a proxy sends the first. So a new one is written in
front everywhere, frameworks first, and the old one taken out once no proxy sends it any more.
"""

from pathlib import Path

from program.secret_lines import read_lines


def read_tokens(path: Path) -> tuple[str, ...]:
    """Return the tokens in a file, in their order: at least one.

    Raises ValueError for what is none, with nothing of the line in it.
    """
    tokens = read_lines(path)
    for number, token in tokens.items():
        if not token.isprintable():  # it goes into an HTTP header
            raise ValueError(f"line {number} of {path} has characters that no token has")
    if not tokens:
        raise ValueError(f"{path} holds no token")
    return tuple(tokens.values())
