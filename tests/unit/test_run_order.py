"""Which tests share a worker: those of a file, and those that share a cluster."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
SORTED = """
import pathlib
import pytest
from tests import run_order

@pytest.fixture(scope="session")
def cluster():
    pass

def pytest_collection_modifyitems(items):
    run_order.sort(items, pathlib.Path(__file__).parent, parallel=True)

def pytest_collection_finish(session):
    for item in session.items:
        print("group", *item.get_closest_marker("xdist_group").args, "of", item.name)
"""
SHARES = """
def test_{name}(cluster):
    pass

def test_{name}_alone():
    pass
"""
HAS_ITS_OWN = """
import pytest

@pytest.fixture(scope="module")
def cluster():
    pass

def test_own(cluster):
    pass
"""


def find_groups(folder: Path) -> dict[str, str]:
    """Return the group of each test below a folder, as a worker finds it."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", "-s", "--rootdir=."]
    done = subprocess.run(
        [*command, "--import-mode=importlib", "-p", "no:schemathesis", "-c", "/dev/null", "."],
        cwd=folder,
        env={"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line.split(" ") for line in done.stdout.splitlines() if line.startswith("group ")]
    return {test: group for _, group, _, test in lines}


def test_the_files_of_the_sessions_cluster_are_shared_between_two_workers(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(SORTED)
    folder = tmp_path / "e2e"
    folder.mkdir()
    for name in ("a", "b", "c"):
        (folder / f"test_{name}.py").write_text(SHARES.format(name=name))
    (folder / "test_own.py").write_text(HAS_ITS_OWN)
    assert find_groups(tmp_path) == {
        "test_a": "cluster-1",
        "test_a_alone": "e2e/test_a",
        "test_b": "cluster-2",
        "test_b_alone": "e2e/test_b",
        "test_c": "cluster-1",
        "test_c_alone": "e2e/test_c",
        "test_own": "e2e/test_own",
    }
