"""`python -m executor`: started by a Mesos agent, for one task."""

import logging
import os
import queue
import signal
import sys
import threading
import warnings

from driver.executor import ExecutorDriver
from executor.config import read_config
from executor.custody import Custody
from executor.errors import InvalidEnvironment
from executor.guardian import Guardian
from executor.log_format import LogFormat
from executor.mesos import Event, MesosEvents, ShutDown
from executor.output import Output
from executor.service import Service
from program.log_lines import name_attempt

EXIT_USAGE = 2


def main() -> int:
    """Wire the parts, subscribe, and serve until the task has ended; return the exit code.

    With the argument `doctor`, look at this machine instead.
    """
    if sys.argv[1:2] == ["doctor"]:
        from executor.doctor import main as examine

        return examine(sys.argv[2:])
    inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
    try:
        config = read_config(os.environ)
        _log_as(LogFormat(name_attempt(config.task_id), config.log))
        driver = ExecutorDriver(MesosEvents(inbox), os.environ)
    except (InvalidEnvironment, ValueError) as exc:
        print(f"executor: {exc}", file=sys.stderr)
        return EXIT_USAGE
    signal.signal(signal.SIGTERM, lambda *_: inbox.put(ShutDown()))
    # What it is worth is the driver's now; git and docker need not have it.
    os.environ.pop("MESOS_EXECUTOR_AUTHENTICATION_TOKEN", None)
    driver.start()
    # While the agent answers: the guardian, and the slowest import. Nothing needs them before
    # the task.
    custody = Custody(config.dir, Guardian.start())
    _leave_out()
    from executor.toolbox import Toolbox

    toolbox = Toolbox(config, os.environ, Output(sys.stdout.fileno()), custody)
    threading.Thread(target=toolbox.connect, daemon=True, name="connect").start()
    service = Service(config, driver, inbox, toolbox.tools)
    exit_code = service.run()
    toolbox.end()
    if service.is_over:
        custody.end()
    return exit_code


def _leave_out() -> None:
    """Have requests load no detector of encodings: 3 MB, for text that docker sends as UTF-8."""
    sys.modules.setdefault("charset_normalizer", None)  # type: ignore[arg-type]  # "not there"
    warnings.filterwarnings("ignore", "Unable to find acceptable character detection")


def _log_as(form: logging.Formatter) -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(form)
    logging.basicConfig(level=logging.INFO, handlers=[handler])


if __name__ == "__main__":
    sys.exit(main())
