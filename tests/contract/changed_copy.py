"""A copy of prevs with some text changed, and what a module prints there."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def link(copy: Path, changed: Mapping[Path, Mapping[str, str]]) -> None:
    """Make the copy of links. Of each file of `changed`, each text that is there once is another.

    The files are named from the top of the tree.
    """
    for folder in sorted({parent for file in changed for parent in file.parents}):
        (copy / folder).mkdir(exist_ok=True)
    for folder in {parent for file in changed for parent in file.parents}:
        for path in (ROOT / folder).iterdir():
            to = copy / folder / path.name
            if not to.exists() and not path.name.startswith("."):
                to.symlink_to(path)
    for file, texts in changed.items():
        text = (ROOT / file).read_text(encoding="utf-8")
        for before, after in texts.items():
            assert text.count(before) == 1
            text = text.replace(before, after)
        (copy / file).unlink()
        (copy / file).write_text(text, encoding="utf-8")


def read(copy: Path, module: str, *arguments: str) -> Mapping[str, Any]:
    """Return what a module prints as JSON in its last line, with the code of the copy."""
    printed = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=copy,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert printed.returncode == 0, printed.stderr
    # Before it the API may log a request that was slow.
    seen: Mapping[str, Any] = json.loads(printed.stdout.splitlines()[-1])
    return seen
