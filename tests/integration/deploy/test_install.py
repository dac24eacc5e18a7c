"""Installing, as the README says it, into a new virtual environment of each Python."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from packaging.specifiers import SpecifierSet

pytestmark = [pytest.mark.integration, pytest.mark.night, pytest.mark.timeout(900)]

ROOT = Path(__file__).parents[3]
ALL = "from importlib.metadata import distributions;"
BUNDLE = "from framework.executor_bundle import find;"
OTHERS = {"prevs", "http-parser", "pip", "setuptools"}
"""What no list of libraries has: what is source here, and what installs it."""

LOCK = ROOT / "locks" / "libraries.txt"
NOT_COPIED = shutil.ignore_patterns(
    ".git", ".venv*", ".state", ".cache", ".*_cache", ".hypothesis", "build", "*.egg-info", "tests"
)
QUICKLY = ("--no-compile",)
"""Options of pip: what is imported here compiles itself; all of it takes a fifth of the time."""
RUNNING = f"python{sys.version_info.major}.{sys.version_info.minor}"


def run(*command: str, cwd: Path) -> str:
    """Run a command, and return its output; it has to succeed."""
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
def test_the_locked_versions_are_installed_and_fit_together_p26(name: str, tmp_path: Path) -> None:
    """P26: pymesos's own http-parser builds on neither."""
    python = find(name)
    tree = tmp_path / "tree"
    # A copy, so that no build folder is left in the tree.
    shutil.copytree(ROOT, tree, ignore=NOT_COPIED)
    run(python, "-m", "venv", str(tmp_path / "venv"), cwd=tmp_path)
    installed = str(tmp_path / "venv" / "bin" / "python")

    assert "No broken requirements" in run("locks/install.sh", installed, *QUICKLY, cwd=tree)

    program = f"{ALL} print(*(f'{{one.name}}=={{one.version}}' for one in distributions()))"
    found = run(installed, "-c", program, cwd=tmp_path).lower().replace("_", "-").split()
    locked = {line.split()[0] for line in LOCK.read_text().splitlines() if "==" in line}
    assert {one.split("==")[0] for one in {*found} - locked} == OTHERS

    program = "import pymesos, driver.scheduler, driver.executor; print(pymesos.process)"
    assert "site-packages/pymesos" in run(installed, "-c", program, cwd=tmp_path)
    program = "import driver; print(driver.__file__)"
    assert str(tmp_path / "venv") in run(installed, "-c", program, cwd=tmp_path)
    program = "from framework import executor_bundle; print(len(executor_bundle.build().data))"
    assert int(run(installed, "-c", program, cwd=tmp_path)) > 500_000
    program = f"{BUNDLE} print(*(one.metadata['Requires-Python'] or '' for one in find()), sep='|')"
    ranges = run(installed, "-c", program, cwd=tmp_path).strip().split("|")
    assert all(SpecifierSet(one).contains("3.9.2") for one in ranges), "agents may have 3.9"


def test_no_file_is_installed_whose_hash_is_not_in_the_lock(tmp_path: Path) -> None:
    tree = tmp_path / "tree"
    shutil.copytree(ROOT, tree, ignore=NOT_COPIED)
    lock = tree / "locks" / "libraries.txt"
    lock.write_text(re.sub(r"(idna==.*\n(?:    --hash.*\n)*)", _forge, lock.read_text()))
    run(sys.executable, "-m", "venv", str(tmp_path / "venv"), cwd=tmp_path)
    command = ["locks/install.sh", str(tmp_path / "venv" / "bin" / "python"), *QUICKLY]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "DO NOT MATCH THE HASHES" in done.stderr
    assert not list((tmp_path / "venv").rglob("site-packages/prevs*"))


def _forge(found: "re.Match[str]") -> str:
    return re.sub(r"sha256:\w+", f"sha256:{'0' * 64}", found[0])
