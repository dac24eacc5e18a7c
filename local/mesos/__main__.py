"""Install Mesos into a folder: `python -m local.mesos FOLDER`.

Prints the paths of the library and of the folder with the programs. Skips what is installed.
"""

import sys
from pathlib import Path

from local.errors import LocalError
from local.mesos.installation import install


def main() -> int:
    """Install it and return the exit status."""
    if len(sys.argv) != 2:
        print("usage: python -m local.mesos FOLDER", file=sys.stderr)
        return 2
    try:
        installation = install(Path(sys.argv[1]).absolute(), lambda _done, _total: None)
    except LocalError as exc:
        print(exc, file=sys.stderr)
        return 1
    print(installation.library, installation.folder, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
