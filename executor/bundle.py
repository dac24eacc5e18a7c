"""What the executor bundle begins with: `python BUNDLE` unpacks it once per agent, and runs it.

framework/executor_bundle.py makes this file the bundle's __main__.py: it stands alone, on the
standard library, and is written for Pythons that are too old for the rest, to tell so. From files
Python keeps its compiled code beside them, and libraries find what else they have, where each
import from an archive would be compiled anew.
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
"""Seconds after which another version goes that no executor has: a rollback may want it again."""

EXIT_USAGE = 2


def unpack(bundle: Path, digest: str, folder: Path) -> Path:
    """Return where the files of a bundle are, below `folder`; they are put there if they are not.

    Holds it for as long as this process lives; other versions that nobody holds go. Raises OSError.
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

    # Beside it, for it must appear whole; also where several executors begin at the same time.
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
    """See that a file outlives the machine: an empty one would be taken for the whole."""
    descriptor = os.open(str(path), os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _hold(home: Path) -> bool:
    """Keep a folder from being cleared until this process ends; tell whether it is there."""
    try:
        descriptor = os.open(str(home), os.O_RDONLY | os.O_DIRECTORY)
    except FileNotFoundError:
        return False
    fcntl.flock(descriptor, fcntl.LOCK_SH)
    # It may have been cleared before it was held.
    if home.is_dir() and os.path.samestat(os.fstat(descriptor), home.stat()):
        return True
    os.close(descriptor)
    return False


def _clear(folder: Path, home: Path) -> None:
    """Remove what other versions, and executors that were killed, have left."""
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


def main() -> int:
    """Unpack this bundle where the agent says, and be its executor; or, told to, its doctor."""
    bundle, folder = Path(sys.argv[0]), os.environ.get(_FOLDER, "")
    if sys.version_info < _OLDEST:
        return _refuse(
            f"{sys.executable} is Python {sys.version_info[0]}.{sys.version_info[1]}, and 3.9 or "
            "later is needed: install one on this agent, and name it to the framework with "
            "PREVS_EXECUTOR_PYTHON"
        )
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
    except (OSError, RuntimeError) as exc:  # the latter where this Python has no bz2
        return _refuse(f"the bundle cannot be unpacked in {_FOLDER}: {exc}")
    sys.path[:] = [str(home), *(path for path in sys.path if path not in (sys.argv[0], str(home)))]
    # What is imported stays: to look for garbage among it takes a 20th of a start. The executor
    # has it looked for from when it is there.
    gc.disable()
    from executor.__main__ import main as run

    return run()


def _examine(bundle: Path) -> int:
    """Look at this machine: out of a folder that goes, for executors may have none here yet."""
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
    """Return the SHA-256 of a bundle; what was unpacked of it, and runs here, has it as name."""
    here = Path(__file__).parents[1]
    runs_unpacked = here.parent == bundles
    if runs_unpacked and _hold(here):
        return here.name
    digest = hashlib.sha256(bundle.read_bytes()).hexdigest()
    # It went the moment before it was held: nobody has compared what was fetched until now.
    if runs_unpacked and digest != here.name:
        raise OSError(f"its SHA-256 is {digest}, not {here.name}")
    return digest


def _discard(bundle: Path) -> None:
    """Remove what Mesos has put into the sandbox, if it has; that stays for a week."""
    if os.environ.get("MESOS_SANDBOX") == str(bundle.resolve().parent):
        bundle.unlink(missing_ok=True)


def _refuse(why: str) -> int:
    sys.stderr.write(f"executor: {why}\n")
    return EXIT_USAGE


if __name__ == "__main__":
    sys.exit(main())
