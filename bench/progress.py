"""What goes on, for who waits."""

import sys


def tell(message: str) -> None:
    """Say it to stderr: only the result goes to stdout."""
    print(message, file=sys.stderr, flush=True)
