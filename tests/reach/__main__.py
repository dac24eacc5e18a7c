"""Measure who reaches what, from inside each kind of container, and print it as a table.

    python -m tests.reach [--json]

It makes a machine in namespaces of its own, starts a cluster there, and ends it again, as root, in
some minutes. Exit status 1 means that something is not as expected (docs/security.md).
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.kernels.guest import StepFailed
from tests.reach.expected import TABLE
from tests.reach.matrix import describe, describe_for_programs, is_good

_INSIDE = "PREVS_TEST_REACH"
"""The variable with the folder, set within the namespaces."""


def main(arguments: Sequence[str]) -> int:
    """Print the matrix, and return the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.reach", description=(__doc__ or "").partition("\n")[0]
    )
    parser.add_argument("--json", action="store_true", help="print JSON")
    given = parser.parse_args(arguments)
    if os.geteuid() != 0:
        print("It makes network namespaces: run this as root.", file=sys.stderr)
        return 2
    if folder := os.environ.get(_INSIDE):
        return _measure(Path(folder), as_json=given.json)
    made = Path(tempfile.mkdtemp(prefix="prevs-"))  # short: sockets are made below it
    made.chmod(0o755)
    command = ["unshare", "--net", "--mount", sys.executable, "-m", "tests.reach", *arguments]
    try:
        return subprocess.run(
            command, env={**os.environ, _INSIDE: str(made)}, check=False
        ).returncode
    finally:
        shutil.rmtree(made)


def _measure(folder: Path, *, as_json: bool) -> int:
    from tests.reach.one_machine import find_who_reaches_what

    try:
        findings = find_who_reaches_what(folder, lambda line: print(line, file=sys.stderr))
    except StepFailed as exc:
        print(f"Nothing was measured: {exc}", file=sys.stderr)
        return 2
    if as_json:
        print(json.dumps(describe_for_programs(TABLE, findings)))
    else:
        print("\n".join(describe(TABLE, findings)))
    return 0 if is_good(TABLE, findings) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
