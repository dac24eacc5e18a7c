import fcntl
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from executor import bundle

LONG_AGO = 1_000_000_000
DIGEST = "ab" * 32


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """A bundle whose executor prints its environment."""
    file = tmp_path / "sandbox" / "prevs-executor.pyz"
    file.parent.mkdir()
    with zipfile.ZipFile(file, "w") as made:
        made.writestr("__main__.py", Path(bundle.__file__).read_text())
        made.writestr("executor/__init__.py", "")
        made.writestr("executor/bundle.py", Path(bundle.__file__).read_text())
        source = "import sys\ndef main():\n    print(__file__, sys.path[0])\n    return 7\n"
        made.writestr("executor/__main__.py", source)
    return file


def start(*arguments: str | Path, **environ: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-I", "-S", *map(str, arguments)],
        env=environ,
        capture_output=True,
        check=False,
        text=True,
    )


def test_it_is_unpacked_once_and_runs_from_there(archive: Path, tmp_path: Path) -> None:
    for _ in range(2):
        ran = start(archive, PREVS_EXECUTOR_DIR=str(tmp_path / "work"))
        assert (ran.returncode, ran.stderr) == (7, "")
        (home,) = (tmp_path / "work" / "bundles").iterdir()
        assert ran.stdout == f"{home}/executor/__main__.py {home}\n"
    # Its bytecode is kept beside it.
    assert list((home / "executor").glob("__pycache__/__main__.*.pyc"))


def start_unpacked(home: Path, archive: Path, work: Path) -> "subprocess.CompletedProcess[str]":
    """Run an unpacked bundle like a task; `home` may be gone by the time it runs."""
    code = (
        "import shutil, sys; sys.argv, home = sys.argv[1:2], sys.argv[2]; sys.path.insert(0, home);"
        "from executor.bundle import main;"
        "home.endswith('gone') and shutil.rmtree(home);"
        "sys.exit(main())"
    )
    return start("-c", code, archive, home, PREVS_EXECUTOR_DIR=str(work))


def test_an_unpacked_bundle_runs_only_under_its_own_checksum(archive: Path, tmp_path: Path) -> None:
    work = tmp_path / "work"
    start(archive, PREVS_EXECUTOR_DIR=str(work))
    (home,) = (work / "bundles").iterdir()
    gone = home.with_name("gone")
    shutil.copytree(home, gone)
    ran = start_unpacked(gone, archive, work)
    assert ran.returncode == bundle.EXIT_USAGE
    assert f"its SHA-256 is {home.name}, not gone" in ran.stderr
    archive.write_text("no archive")
    ran = start_unpacked(home, archive, work)
    assert (ran.returncode, ran.stderr) == (7, "")
    assert ran.stdout == f"{home}/executor/__main__.py {home}\n"


def test_a_sandbox_does_not_keep_the_file(archive: Path, tmp_path: Path) -> None:
    environ = {"PREVS_EXECUTOR_DIR": str(tmp_path / "work")}
    start(archive, **environ)
    assert archive.exists()
    start(archive, **environ, MESOS_SANDBOX=str(archive.parent))
    assert not archive.exists()


@pytest.mark.parametrize("folder", ["", "relative"])
def test_the_error_of_a_missing_work_folder_names_the_setting(archive: Path, folder: str) -> None:
    ran = start(archive, PREVS_EXECUTOR_DIR=folder)
    assert ran.returncode == bundle.EXIT_USAGE
    assert "PREVS_EXECUTOR_DIR must be an absolute path" in ran.stderr


def test_a_folder_that_cannot_be_written_is_reported(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ran = start(archive, PREVS_EXECUTOR_DIR=str(tmp_path / "file"))
    assert ran.returncode == bundle.EXIT_USAGE
    assert "cannot be unpacked in PREVS_EXECUTOR_DIR" in ran.stderr


def test_an_old_python_gets_an_error_with_the_version_it_needs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert bundle.main((3, 6, 8)) == bundle.EXIT_USAGE
    assert "is Python 3.6, but the executor needs 3.9 or later" in capsys.readouterr().err


def test_many_executors_that_start_at_once_find_it_complete(archive: Path, tmp_path: Path) -> None:
    folder = tmp_path / "bundles"
    with ThreadPoolExecutor(8) as pool:
        homes = list(pool.map(lambda _: bundle.unpack(archive, DIGEST, folder), range(8)))
    assert set(homes) == {folder / DIGEST}
    assert [path.name for path in folder.iterdir()] == [DIGEST]


@pytest.fixture
def other(tmp_path: Path) -> Callable[[str], Path]:
    def make(name: str) -> Path:
        folder = tmp_path / "bundles" / name
        (folder / "executor").mkdir(parents=True)
        os.utime(folder, (LONG_AGO, LONG_AGO))
        return folder

    return make


def test_versions_unused_for_a_day_are_removed_with_the_next_one(
    archive: Path, tmp_path: Path, other: Callable[[str], Path]
) -> None:
    unused, used, left = other("cd" * 32), other("ef" * 32), other(".of-one-that-died")
    recent = tmp_path / "bundles" / "recent"
    recent.mkdir()
    holder = os.open(used, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_SH)
    try:
        bundle.unpack(archive, DIGEST, tmp_path / "bundles")
    finally:
        os.close(holder)
    assert not unused.exists()
    assert not left.exists()
    assert used.exists()
    assert recent.exists()
