"""What `make test-again` runs: the tests that failed, and nothing if a run was cut off."""

import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.failed_tests import FILE, UNFINISHED, without_group

ROOT = Path(__file__).parents[2]
TESTS = f"""
import os
import pytest

@pytest.fixture
def broken():
    raise OSError

@pytest.mark.parametrize("value", ["a@b", "c"])
def test_value(value):
    assert value == "c"

def test_setup(broken):
    pass

@pytest.mark.skip
def test_skipped():
    pass

def test_end(request):
    request.session.shouldfail = request.config.getoption("-k") == "test" and "enough"

def test_that_begins_another_run():
    assert "{FILE}" not in os.environ

def test_last():
    pass
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with tests of its own, some of which fail, and with our plugin."""
    shutil.copy(ROOT / "tests" / "failed_tests.py", tmp_path / "plugin.py")
    (tmp_path / "conftest.py").write_text(
        "import plugin\n\n"
        "def pytest_configure(config):\n    plugin.configure(config)\n\n"
        "def pytest_sessionfinish(session):\n    plugin.write(session)\n"
    )
    (tmp_path / "test_some.py").write_text(TESTS)
    return tmp_path


def run(folder: Path, *more: str) -> list[str]:
    """Run the tests; return the lines of the file."""
    file = folder / "failed"
    environ: Mapping[str, str] = {
        FILE: str(file),
        "PYTHONPATH": f"{folder}:{ROOT}",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "xdist", *more]
    subprocess.run(command, cwd=folder, env=environ, capture_output=True, check=False)
    return file.read_text().splitlines()


WORKERS = [(), pytest.param(("-n", "1"), marks=pytest.mark.night)]


@pytest.mark.parametrize("workers", WORKERS)
def test_failures_and_errors_are_written_down_once(folder: Path, workers: tuple[str, ...]) -> None:
    lines = ["test_some.py::test_value[a@b]", "test_some.py::test_setup"]
    assert run(folder, *workers) == lines


@pytest.mark.parametrize("workers", WORKERS)
def test_an_interrupted_run_has_no_list_of_failures(folder: Path, workers: tuple[str, ...]) -> None:
    assert run(folder, *workers, "-k", "test")[-1] == UNFINISHED


@pytest.mark.parametrize(
    ("test", "plain"),
    [
        ("a.py::b@integration/git/test_mirror", "a.py::b"),
        ("a.py::b[x@y]@cluster", "a.py::b[x@y]"),
        ("a.py::b[x@y]", "a.py::b[x@y]"),
        ("a@b/c.py::d", "a@b/c.py::d"),
    ],
)
def test_the_group_is_not_part_of_the_name(test: str, plain: str) -> None:
    assert without_group(test) == plain
