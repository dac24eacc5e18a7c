"""How many modules programs load. Each attempt waits for those of an executor.

Only modules of the bundle count: those of Python's own library differ from version to version.
"""

import io
import json
import re
import subprocess
import sys
import zipfile
from collections.abc import Mapping, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from framework import executor_bundle
from tests.fakes.mesos_agent import FakeAgent
from tests.waits import wait_until

ROOT = Path(__file__).parents[2]

COUNTED = """\
import json, sys
home, file = sys.argv[1:]
kept = {}
def keep(name):
    kept[name] = sorted(sys.modules)
import threading
start = threading.Thread.start
def begin(thread):
    if not kept:  # the driver's own, which subscribes
        keep("subscribed")
    start(thread)
threading.Thread.start = begin
sys.path.insert(0, home)
sys.argv = ["executor"]
from executor.__main__ import main
status = main()
keep("served")
import executor.git.checkout
keep("built")
json.dump(kept, open(file, "w"))
sys.exit(status)
"""

MOST = {"subscribed": 64, "served": 259, "built": 290}
"""Found: 62, 254 and 290, of them sixteen rooms, each a sentence. Companions are one: the module
with their settings, which an order may have."""

UNUSED = {
    "executor.companions",
    "prevs.records",
    "docker.models",
    "git.repo",
    "gitdb.db",
    "importlib.metadata",
}
BUILDING = {
    "executor.builds.buildkit",
    "executor.builds.classic_builder",
    "executor.git.checkout",
    "git.cmd",
}


@pytest.fixture(scope="module")
def loaded(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Sequence[str]]:
    """The modules that were loaded by when an executor subscribed, served, and could build."""
    folder = tmp_path_factory.mktemp("imports")
    home, file = folder / "home", folder / "loaded.json"
    with zipfile.ZipFile(io.BytesIO(executor_bundle.build().data)) as archive:
        archive.extractall(home)
    agent = FakeAgent()
    environ = agent.environ(
        PREVS_EXECUTOR_DIR=str(folder / "work"),
        DOCKER_HOST=f"unix://{folder}/nowhere",
        MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD="1secs",
        MESOS_SANDBOX=str(folder),
    )
    command = [sys.executable, "-I", "-S", "-c", COUNTED, str(home), str(file)]
    with subprocess.Popen(command, env=environ, stderr=subprocess.PIPE) as process:
        try:
            wait_until(lambda: agent.streams or process.poll() is not None)
            agent.shutdown()
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
            agent.close()
    assert process.returncode == 0, errors
    kept: Mapping[str, Sequence[str]] = json.loads(file.read_text())
    return kept


@pytest.mark.parametrize("moment", MOST)
def test_an_executor_loads_no_more_modules(
    loaded: Mapping[str, Sequence[str]], moment: str
) -> None:
    own = [name for name in loaded[moment] if name.partition(".")[0] not in sys.stdlib_module_names]
    assert 20 < len(own) <= MOST[moment], own


def test_it_loads_nothing_that_it_does_not_use(loaded: Mapping[str, Sequence[str]]) -> None:
    assert UNUSED.isdisjoint(loaded["built"])
    assert BUILDING.isdisjoint(loaded["served"])
    assert {
        *loaded["built"],
        "executor.builds.buildkit",
        "executor.builds.classic_builder",
    } >= BUILDING


def test_it_subscribes_before_it_loads_what_the_task_needs(
    loaded: Mapping[str, Sequence[str]],
) -> None:
    later = {
        "docker.api",
        "requests",
        "executor.service",
        "executor.course_factory",
        "prevs.messages",
    }
    assert later.isdisjoint(loaded["subscribed"])
    assert later <= set(loaded["served"])


LIBRARIES = set(re.findall(r"^([\w.-]+)==", (ROOT / "locks/libraries.txt").read_text(), re.M))
DEPLOYED = {
    name
    for name, distributions in packages_distributions().items()
    if LIBRARIES & {re.sub(r"[-_.]+", "-", one).lower() for one in distributions}
} | {"cli", "driver", "executor", "framework", "http_parser", "prevs", "program", "proxy"}
"""Where tests run there are more: structlog and rich import some of what they find."""

LISTED = "import json, sys; import {}.__main__; print(json.dumps(sorted(sys.modules)))"
PROGRAMS = {"framework": 1312, "proxy": 468, "cli": 161}
"""Found: 1286, 459 and 161, of them 28 and 11 for stacks, and 55 for
compose files and recipes."""
NOT_AT_START = {
    "framework": {"jinja2", "joserfc", "cryptography.x509", "framework.identity.openid", "docker"},
    "proxy": {"joserfc", "cryptography", "requests", "fastapi"},
    "cli": {"rich.console", "requests", "pydantic", "structlog"},
}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_program_begins_with_no_more_modules(program: str) -> None:
    command = [sys.executable, "-c", LISTED.format(program)]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    own = [name for name in json.loads(result.stdout) if name.partition(".")[0] in DEPLOYED]
    assert 50 < len(own) <= PROGRAMS[program], own
    assert NOT_AT_START[program].isdisjoint(own)
