"""The stand-in executor as a bundle: of the packages here, on the Python here."""

import sys
from pathlib import Path

from framework.executor_bundle import Bundle, pack, read
from framework.ports.tasks import Executor

ROOT = Path(__file__).parents[2]
_MAIN = """\
import runpy, sys
sys.path[:] = {path!r}
runpy.run_module("tests.fakes.standin_executor", run_name="__main__", alter_sys=True)
"""


def write_bundle(folder: Path) -> Path:
    """Write the bundle into a folder; return its file."""
    path = [str(ROOT), *(entry for entry in sys.path if entry)]
    file = folder / "standin.pyz"
    file.write_bytes(pack({"__main__.py": _MAIN.format(path=path).encode()}))
    return file


def standin_executor(folder: Path) -> Executor:
    """Return the stand-in as a file that agents on this machine fetch from a folder."""
    file = write_bundle(folder)
    bundle: Bundle = read(file)
    return Executor(str(file), bundle.digest, sys.executable, is_unpacked=bundle.is_unpacked)
