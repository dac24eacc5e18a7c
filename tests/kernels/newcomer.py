"""The README on a machine with nothing but Debian, as its new user; then tests of limits."""

import re
from functools import partial

from tests.kernels.guest import Guest, check
from tests.kernels.site import NEWCOMER, Site
from tests.kernels.steps import Step

_README = "README: make up"
_HOUR = 3600.0
_SHOWN = 6000
_PAGE = "curl --silent --fail --show-error --max-time 300 http://main.hello.localhost:8080/"
TESTS = (
    "unit/executor/limits/test_cgroup.py",
    "integration/docker/test_confinement.py",
    "integration/docker/test_container.py",
    "integration/mesos/test_executor_cgroups.py",
    "integration/docker/test_build_limits.py",
)
"""Those of limits, the one with a fork bomb last: user-mode Linux may not survive it."""


class Newcomer:
    """Somebody who follows the README there."""

    def __init__(self, site: Site) -> None:
        self._site = site

    @property
    def _guest(self) -> Guest:
        return self._site.guest(NEWCOMER)

    def steps(self) -> list[Step]:
        """Return the steps, in order."""
        here = (NEWCOMER,)
        steps = [
            Step("README: boot", NEWCOMER, self.boot, here, ("image",)),
            Step(_README, NEWCOMER, self.make_up, here, ("README: boot",)),
            Step("README: curl", NEWCOMER, self.visit, here, (_README,)),
            Step("README: status, doctor", NEWCOMER, self.look, here, (_README,)),
            Step("README: make down", NEWCOMER, self.make_down, here, (_README,)),
        ]
        for test in TESTS:
            name = f"test: {test.rpartition('/')[2].removesuffix('.py').removeprefix('test_')}"
            steps.append(Step(name, NEWCOMER, partial(self.test, test), here, (_README,)))
        return [*steps, Step("README: power off", NEWCOMER, self.power_off)]

    def boot(self) -> str:
        """Wait until it runs."""
        return boot(self._guest)

    def make_up(self) -> str:
        """Clone the repository and start everything."""
        guest = self._guest
        guest.run("cat >/srv/prevs.bundle", given=self._site.bundle())
        clone = "rm -rf prevs && git clone --quiet /srv/prevs.bundle prevs && cd prevs"
        output = guest.run(f"{clone} && make up", user="dev", seconds=_HOUR)
        check("main.hello.localhost:8080" in output, f"no address of the example: {output}")
        return "as dev, with sudo"

    def visit(self) -> str:
        """Visit the example, whose image is not built yet."""
        page = self._guest.run(_PAGE, user="dev", seconds=320)
        check("<h1>Hi!</h1>" in page, f"another page: {page}")
        return "built and served"

    def look(self) -> str:
        """Run the doctor over everything."""
        status = self._guest.run("cd prevs && make status", user="dev")
        doctor = self._guest.run("cd prevs && .venv/bin/prevs doctor", user="dev")
        return f"{len(status.splitlines())} and {len(doctor.splitlines())} lines, all well"

    def make_down(self) -> str:
        """End all of it; nothing may be left that listens but ssh and Debian's own Docker."""
        self._guest.run("cd prevs && make down", user="dev", seconds=120)
        listening = self._guest.run("ss --tcp --listening --numeric --no-header")
        ports = {line.split()[3].rpartition(":")[2] for line in listening.splitlines()}
        check(ports <= {"22"}, f"ports are still open: {sorted(ports)}")
        left = self._guest.run("docker ps --quiet 2>/dev/null", check=False)
        return "no port is open but ssh's" + (f", containers: {left}" if left.strip() else "")

    def test(self, test: str) -> str:
        """Run a file of tests as root, with Debian's docker.service."""
        self._guest.run("systemctl start docker")
        command = f"cd /home/dev/prevs && .venv/bin/python -m pytest -q --timeout=900 tests/{test}"
        output = self._guest.run(f"{command} 2>&1; echo status $?", check=False, seconds=_HOUR)
        status = output.rpartition("status ")[2].strip()
        check(status in {"0", "5"}, f"{summary(output)}\n{output[-_SHOWN:]}")
        return summary(output)

    def power_off(self) -> str:
        """Leave the rest of the memory to the others."""
        if not self._guest.is_on:
            return "it was off"
        self._guest.power_off()
        return "by systemd"


def boot(guest: Guest) -> str:
    """Wait until a machine runs; return what it is. Its groups have to be those of v2."""
    guest.await_up()
    kernel = guest.run("uname --kernel-release").strip()
    groups = guest.run("stat --file-system --format=%T /sys/fs/cgroup").strip()
    check(groups == "cgroup2fs", f"its control groups are {groups}")
    return f"Linux {kernel}, systemd running, {groups}"


def summary(output: str) -> str:
    """Return how many tests passed and how many were skipped, why, in pytest's words."""
    counts = re.findall(r"\d+ (?:passed|skipped|failed|error)s?", output.splitlines()[-2])
    why = re.findall(r"^SKIPPED \[(\d+)\] [^:]+(?::\d+)?: (.+)$", output, re.MULTILINE)
    return ", ".join(counts) + "".join(f"; {number} skipped: {text}" for number, text in why)
