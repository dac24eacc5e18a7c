"""`python -m executor`: started by a Mesos agent, for a preview, or for jobs of an app."""

import gc
import logging
import os
import queue
import signal
import sys
import threading
import warnings
from collections.abc import Sequence
from importlib.machinery import PathFinder
from importlib.util import module_from_spec
from pathlib import Path
from typing import Optional

from driver.executor import ExecutorDriver
from executor.config import Config, InvalidEnvironment, read_config
from executor.log_format import LogFormat
from executor.mesos import Event, MesosEvents, ShutDown
from program.logs.log_lines import name_attempt

EXIT_USAGE = 2


def main() -> int:
    """Wire the parts, subscribe, and serve until the last task has ended; return the exit code.

    With the argument `doctor`, check this machine instead.
    """
    if sys.argv[1:2] == ["doctor"]:
        from executor.doctor.report import main as examine

        return examine(sys.argv[2:])
    inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
    try:
        config = read_config(os.environ)
        form = LogFormat(name_attempt(config.id), config.log)
        _log_as(form)
        driver = ExecutorDriver(MesosEvents(inbox), os.environ)
    except (InvalidEnvironment, ValueError) as exc:
        print(f"executor: {exc}", file=sys.stderr)
        return EXIT_USAGE
    signal.signal(signal.SIGTERM, lambda *_: inbox.put(ShutDown()))
    # The driver has read it. Keep it from git and docker.
    os.environ.pop("MESOS_EXECUTOR_AUTHENTICATION_TOKEN", None)
    driver.start()
    return _serve(config, driver, inbox, form)


def _serve(
    config: Config, driver: ExecutorDriver, inbox: queue.SimpleQueue[Event], form: LogFormat
) -> int:
    """Import the rest while the agent answers, as only the task needs it. Then serve."""
    from executor.workspace.container_guard import ContainerGuard
    from executor.workspace.watchdog import Watchdog

    guard = ContainerGuard(config.dir, Watchdog.start())
    _trim_imports()
    from executor.course_factory import CourseFactory
    from executor.log.output import Output, open_sources
    from executor.service import Service

    gc.enable()  # executor/bundle.py has disabled it until all is imported
    log = Output(sys.stdout.fileno(), open_sources(Path(os.environ.get("MESOS_SANDBOX", ""))))
    course_factory = CourseFactory(config, os.environ, log, guard)
    threading.Thread(target=course_factory.connect, daemon=True, name="connect").start()

    def name_lines(task_id: str) -> None:
        form.fields = name_attempt(task_id)

    service = Service(config, driver, inbox, course_factory, on_task=name_lines)
    exit_code = service.run()
    if service.is_over:
        course_factory.close()
    else:
        course_factory.end()
    return exit_code


def _trim_imports() -> None:
    """Make libraries import less. No attempt uses the rest, and every attempt would wait for it."""
    # The detector of encodings in requests: 3 MB, for text that docker sends as UTF-8.
    sys.modules.setdefault("charset_normalizer", None)  # type: ignore[arg-type]  # "not there"
    warnings.filterwarnings("ignore", "Unable to find acceptable character detection")
    # docker's __init__ imports its models; urllib3.http2 imports importlib.metadata for a version.
    _load_bare("docker")
    # git's __init__ imports all of GitPython, and starts git to get its version.
    _load_bare("git")
    _load_bare("gitdb")
    if (urllib3 := PathFinder.find_spec("urllib3")) is not None:
        _load_bare("urllib3.http2", urllib3.submodule_search_locations)


def _load_bare(package: str, path: Optional[Sequence[str]] = None) -> None:
    """Make a package's modules importable without running the package's __init__."""
    found = PathFinder.find_spec(package, path)
    if found is not None:
        sys.modules.setdefault(package, module_from_spec(found))


def _log_as(form: logging.Formatter) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(form)
    logging.basicConfig(level=logging.INFO, handlers=[handler])


if __name__ == "__main__":
    sys.exit(main())
