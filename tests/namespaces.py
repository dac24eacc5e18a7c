"""Runs scripts in their own namespaces, as if on another machine. Needs root."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).parents[1]


def run_apart(script: Path) -> Any:
    """Run a script in its own network and mount namespaces; return the JSON of its last line.

    It gets a folder that others may enter, which is removed if the script succeeds.
    """
    folder = Path(tempfile.mkdtemp(prefix="prevs-"))  # short: sockets are made below it
    folder.chmod(0o755)
    done = subprocess.run(
        ["unshare", "--net", "--mount", sys.executable, str(script), str(folder)],
        cwd=_ROOT,
        env={**os.environ, "PYTHONPATH": str(_ROOT)},
        capture_output=True,
        text=True,
        timeout=280,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    shutil.rmtree(folder)
    return json.loads(done.stdout.splitlines()[-1])
