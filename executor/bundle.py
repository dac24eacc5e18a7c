"""The start of the executor bundle: `python BUNDLE` unpacks it once per agent, and runs it.

framework/executor_bundle.py makes this file the bundle's __main__.py. It uses only the standard
library, and also runs on Pythons that are too old for the rest, to report that. We unpack the
bundle, as Python would compile each import from an archive again at every start. With files it
keeps the compiled code beside them, and libraries find their data files.
"""

import contextlib
import fcntl
import gc
import hashlib
import os
import shutil
import sys
import time
from pathlib import Path

_OLDEST = (3, 9)
_FOLDER = "PREVS_EXECUTOR_DIR"
_UNUSED = 86400.0
"""Seconds after which an unused version is removed. Until then a rollback may need it."""

EXIT_USAGE = 2


def unpack(bundle: Path, digest: str, folder: Path) -> Path:
    """Return the folder of a bundle's files, below `folder`; unpack them unless they are there.

    Locks that folder until this process ends. Removes old versions that nobody has locked. Raises
    OSError.
    """
    home = folder / digest
    while not _hold(home):
        folder.mkdir(parents=True, exist_ok=True)
        _extract(bundle, home)
        _clear(folder, home)
    os.utime(str(home))
    return home


def _extract(bundle: Path, home: Path) -> None:
    import tempfile
    import zipfile

    # Unpack beside it and rename: it must appear whole, also if several executors start at once.
    made = Path(tempfile.mkdtemp(prefix=".", dir=str(home.parent)))
    try:
        with zipfile.ZipFile(str(bundle)) as archive:
            archive.extractall(str(made))
        for path in made.rglob("*"):
            _write_out(path)
        with contextlib.suppress(FileExistsError):
            _rename(made, home)
    finally:
        shutil.rmtree(str(made), ignore_errors=True)


def _rename(made: Path, home: Path) -> None:
    try:
        made.rename(home)
    except OSError:
        if home.is_dir():
            raise FileExistsError(str(home)) from None
        raise


def _write_out(path: Path) -> None:
    """Sync a file to disk: after a crash of the machine it could be empty, and taken for whole."""
    descriptor = os.open(str(path), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hold(home: Path) -> bool:
    """Lock a folder against removal until this process ends; return whether it exists."""
    try:
        descriptor = os.open(str(home), os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return False
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    # It may have been removed before it was locked.
    if home.is_dir() and os.path.samestat(os.fstat(descriptor), home.stat()):
        return True
    os.close(descriptor)
    return False


def _clear(folder: Path, home: Path) -> None:
    """Remove old versions, and what killed executors left."""
    for other in folder.iterdir():
        with contextlib.suppress(OSError):
            if other == home or time.time() - other.stat().st_mtime < _UNUSED:
                continue
            descriptor = os.open(str(other), os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(str(other))
            finally:
                os.close(descriptor)


def main(version: "tuple[int, ...]" = sys.version_info[:3]) -> int:
    """Unpack this bundle in the agent's work folder and run the executor, or run the doctor.

    `version` is that of this Python.
    """
    bundle, folder = Path(sys.argv[0]), os.environ.get(_FOLDER, "")
    if version < _OLDEST:
        return _refuse(_describe_old_python(version))
    if sys.argv[1:2] == ["doctor"]:
        return _examine(bundle)
    if not Path(folder).is_absolute():
        return _refuse(
            f"{_FOLDER} must be an absolute path, not {folder!r}: set it with the agent's "
            "--executor_environment_variables"
        )
    bundles = Path(folder, "bundles")
    try:
        home = unpack(bundle, _find_digest(bundle, bundles), bundles)
        _discard(bundle)
    except (OSError, RuntimeError) as exc:  # RuntimeError if this Python has no bz2
        return _refuse(f"the bundle cannot be unpacked in {_FOLDER}: {exc}")
    sys.path[:] = [str(home), *(path for path in sys.path if path not in (sys.argv[0], str(home)))]
    # Imports make no garbage, and collecting among them takes a 20th of the start. The executor
    # enables it again.
    gc.disable()
    from executor.__main__ import main as run

    return run()


def _describe_old_python(version: "tuple[int, ...]") -> str:
    return (
        f"{sys.executable} is Python {version[0]}.{version[1]}, but the executor needs 3.9 or "
        "later: install one on this agent, and set PREVS_EXECUTOR_PYTHON of the framework to it"
    )


def _examine(bundle: Path) -> int:
    """Run the doctor from a temporary folder, as the work folder may not exist yet."""
    import tempfile
    import zipfile

    with tempfile.TemporaryDirectory(prefix="prevs-doctor-") as home:
        try:
            with zipfile.ZipFile(str(bundle)) as archive:
                archive.extractall(home)
        except (OSError, RuntimeError) as exc:
            return _refuse(f"the bundle cannot be unpacked: {exc}")
        sys.path[:] = [home, *(path for path in sys.path if path != sys.argv[0])]
        from executor.doctor.report import main as examine

        return examine(sys.argv[2:])


def _find_digest(bundle: Path, bundles: Path) -> str:
    """Return the SHA-256 of a bundle. If this process runs unpacked, its folder has it as name."""
    here = Path(__file__).parents[1]
    runs_unpacked = here.parent == bundles
    if runs_unpacked and _hold(here):
        return here.name
    digest = hashlib.sha256(bundle.read_bytes()).hexdigest()
    # The folder was removed before it was locked. Nobody has compared the fetched bundle yet.
    if runs_unpacked and digest != here.name:
        raise OSError(f"its SHA-256 is {digest}, not {here.name}")
    return digest


def _discard(bundle: Path) -> None:
    """Remove the bundle if it is in the sandbox, which Mesos keeps for a week."""
    if os.environ.get("MESOS_SANDBOX") == str(bundle.resolve().parent):
        bundle.unlink(missing_ok=True)


def _refuse(why: str) -> int:
    sys.stderr.write(f"executor: {why}\n")
    return EXIT_USAGE


if __name__ == "__main__":
    sys.exit(main())
