"""`python -m executor`: started by a Mesos agent, for one task."""

import sys

from executor import guardian


def main() -> int:
    """Fork the guardian while this process is small and has no threads; then be the executor."""
    watched = guardian.fork()
    from executor.wiring import run

    return run(watched)


if __name__ == "__main__":
    sys.exit(main())
