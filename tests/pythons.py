"""The Pythons for tests of executors."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

OLDEST = (3, 9)
"""The oldest Python that agents may have."""


def oldest() -> str:
    """Return the path of a Python of that version, or of this Python if there is none.

    On PATH it may be pyenv's script, which refuses a version that is not selected.
    """
    name = "python" + ".".join(map(str, OLDEST))
    root = Path(os.environ.get("PYENV_ROOT", "~/.pyenv")).expanduser()
    kept = (str(path) for path in sorted(root.glob(f"versions/*/bin/{name}")))
    for found in (*kept, shutil.which(name)):
        if (
            found
            and subprocess.run([found, "-c", ""], check=False, capture_output=True).returncode == 0
        ):
            return found
    return sys.executable
