"""pip install, as the README says it, into a new virtual environment of each Python."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.night, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[3]
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv*", ".state", ".cache", ".*_cache", ".hypothesis", "build", "*.egg-info", "tests"
)
RUNNING = f"python{sys.version_info.major}.{sys.version_info.minor}"


def run(*command: str, cwd: Path) -> str:
    """Run a command, and return what it wrote; it has to end well."""
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=600, check=False
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def find(name: str) -> str:
    """Return a Python of that version; skips where none is installed or it makes no venv."""
    if name == RUNNING:
        return sys.executable
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed here")
    tried = subprocess.run(
        [found, "-c", "import ensurepip, venv"], capture_output=True, text=True, check=False
    )
    if tried.returncode != 0:
        pytest.skip(f"{found} cannot make a virtual environment: {tried.stderr.strip()[-200:]}")
    return found


@pytest.mark.parametrize("name", sorted({"python3.11", "python3.13", RUNNING}))
def test_plain_pip_installs_everything_and_it_fits_together_p26(name: str, tmp_path: Path) -> None:
    """P26: pymesos's own http-parser builds on neither."""
    python = find(name)
    tree = tmp_path / "tree"
    # A copy, so that no build folder is left in the tree.
    shutil.copytree(ROOT, tree, ignore=NOT_COPIED)
    run(python, "-m", "venv", str(tmp_path / "venv"), cwd=tmp_path)
    installed = str(tmp_path / "venv" / "bin" / "python")

    run(installed, "-m", "pip", "install", "./third_party/http-parser", ".", cwd=tree)

    assert "No broken requirements" in run(installed, "-m", "pip", "check", cwd=tmp_path)
    program = "import pymesos, driver.scheduler, driver.executor; print(pymesos.process)"
    assert "site-packages/pymesos" in run(installed, "-c", program, cwd=tmp_path)
    program = "import driver; print(driver.__file__)"
    assert str(tmp_path / "venv") in run(installed, "-c", program, cwd=tmp_path)
    program = "from framework import executor_bundle; print(len(executor_bundle.build().data))"
    assert int(run(installed, "-c", program, cwd=tmp_path)) > 500_000
