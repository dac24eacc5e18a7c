"""One trial: tests of a module run while its text is another one, in a process of their own.

Nothing is written: the process imports the changed text in place of the file. It is a copy of this
one, which has loaded the libraries already.
"""

import enum
import importlib
import importlib.abc
import importlib.machinery
import importlib.util
import os
import resource
import signal
import sys
from collections.abc import Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import CodeType, ModuleType
from typing import NamedTuple

import pytest

_LIBRARIES: tuple[str, ...] = (
    "hypothesis",
    "pydantic_settings",
    "fastapi",
    "kazoo.client",
    "jinja2",
    "httpx",
)
_LIBRARIES += ("structlog", "cryptography.fernet", "prometheus_client", "pydantic", "joserfc.jwt")


class Result(enum.Enum):
    """What became of a mutant."""

    KILLED = "killed"
    SURVIVED = "survived"
    ENDLESS = "killed, as it takes for ever"


class Trial(NamedTuple):
    """How tests of a module end, and the seconds of CPU that they take."""

    result: Result
    seconds: float


def prepare() -> None:
    """Load what every trial needs, once."""
    for name in _LIBRARIES:
        importlib.import_module(name)


def run(tests: Sequence[str], path: str, source: str, *, most_seconds: float, seed: int) -> Trial:
    """Run tests up to the first failure, while the module at `path` has that source.

    One that takes more than `most_seconds` of CPU is ended. Blocks.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    before = _used_by_children()
    child = os.fork()
    if not child:
        _test(tests, path, source, most_seconds, seed)
    _, status = os.waitpid(child, 0)
    seconds = _used_by_children() - before
    if os.WIFSIGNALED(status):
        if os.WTERMSIG(status) not in (signal.SIGXCPU, signal.SIGKILL):
            raise RuntimeError(f"{path}: the tests died of signal {os.WTERMSIG(status)}")
        return Trial(Result.ENDLESS, seconds)
    is_well = os.waitstatus_to_exitcode(status) == pytest.ExitCode.OK
    return Trial(Result.SURVIVED if is_well else Result.KILLED, seconds)


def _used_by_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _test(
    tests: Sequence[str], path: str, source: str, most_seconds: float, seed: int
) -> None:  # pragma: no cover # in the copy of this process
    most = int(most_seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (most, most + 1))
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    os.dup2(null, 2)
    sys.meta_path.insert(0, _Mutant(path, source))
    sys.dont_write_bytecode = True
    options = ["-q", "-x", "-n0", "-p", "no:cacheprovider", f"--hypothesis-seed={seed}"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # of what is loaded already
    try:
        status = int(pytest.main([*options, *tests]))
    except BaseException:  # noqa: BLE001 # the copy ends here, whatever a mutant does
        status = 1
    os._exit(status)


class _Mutant(importlib.abc.MetaPathFinder):
    """Finds one module, with another text."""

    def __init__(self, path: str, source: str) -> None:
        self._path = path
        self._name = path.removesuffix(".py").replace("/", ".")
        self._source = source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self._name:
            return None
        loader = _Loader(fullname, str(Path(self._path).resolve()), self._source)
        return importlib.util.spec_from_file_location(fullname, loader.path, loader=loader)


class _Loader(importlib.machinery.SourceFileLoader):
    def __init__(self, name: str, path: str, source: str) -> None:
        super().__init__(name, path)
        self._source = source

    def get_code(self, fullname: str) -> CodeType:
        return compile(self._source, self.path, "exec", dont_inherit=True)
