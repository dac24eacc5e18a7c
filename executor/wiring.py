"""The executor's parts, wired."""

import logging
import os
import queue
import signal
import sys
import threading

from driver.executor import ExecutorDriver
from executor.config import read_config
from executor.custody import Custody
from executor.errors import InvalidEnvironment
from executor.guardian import Guardian
from executor.mesos import Event, MesosEvents, ShutDown
from executor.output import Output
from executor.service import Service

EXIT_USAGE = 2


def run(guardian: Guardian) -> int:
    """Wire the parts, subscribe, and serve until the task has ended; return the exit code."""
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
    )
    inbox: queue.SimpleQueue[Event] = queue.SimpleQueue()
    try:
        config = read_config(os.environ)
        driver = ExecutorDriver(MesosEvents(inbox), os.environ)
    except (InvalidEnvironment, ValueError) as exc:
        print(f"executor: {exc}", file=sys.stderr)
        return EXIT_USAGE
    signal.signal(signal.SIGTERM, lambda *_: inbox.put(ShutDown()))
    # What it is worth is the driver's now; git and docker need not have it.
    os.environ.pop("MESOS_EXECUTOR_AUTHENTICATION_TOKEN", None)
    driver.start()
    # While the agent answers: this is the slowest import, and nothing needs it before the task.
    from executor.toolbox import Toolbox

    custody = Custody(config.dir, guardian)
    toolbox = Toolbox(config, os.environ, Output(sys.stdout.fileno()), custody)
    threading.Thread(target=toolbox.connect, daemon=True, name="connect").start()
    return Service(config, driver, inbox, toolbox.tools).run()
