"""Progress messages for the person who waits."""

import sys


def print_progress(message: str) -> None:
    """Print a message to stderr: only the result goes to stdout."""
    print(message, file=sys.stderr, flush=True)
