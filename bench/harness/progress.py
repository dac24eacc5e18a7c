"""Progress messages for the person who waits."""

import sys


def print_progress(message: str) -> None:
    """Print a message to stderr; stdout is for the result only."""
    print(message, file=sys.stderr, flush=True)
