"""The settings in the environment: MESOS_* from Mesos, PREVS_* and DOCKER_* from the operator."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from executor.cleanup.policy import WATERMARKS, Watermarks
from executor.limits.confinement import ADDRESSES, ISOLATION, SWITCH, Confinement, read_confinement
from executor.limits.disk_schedule import DISK_LIMIT
from program.logs.log_lines import FORMS

_DEFAULT_SHUTDOWN_GRACE = 5.0
"""Mesos's own default of --executor_shutdown_grace_period."""

_UNITS = {
    "ns": 1e-9,
    "us": 1e-6,
    "ms": 1e-3,
    "secs": 1.0,
    "mins": 60.0,
    "hrs": 3600.0,
    "days": 86400.0,
    "weeks": 604800.0,
}
_PERCENT = re.compile(r"[0-9]{1,3}(\.[0-9]+)?", re.ASCII)
_DURATION = re.compile(r"([0-9.]+)(ns|us|ms|secs|mins|hrs|days|weeks)", re.ASCII)


class InvalidEnvironment(Exception):
    """The environment is incomplete or wrong; `problems` has every problem."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class Variable(NamedTuple):
    """An environment variable that an executor reads: its meaning and its default."""

    name: str
    meaning: str
    default: str


VARIABLES = (
    Variable(
        "PREVS_EXECUTOR_DIR",
        "A folder that nothing cleans up and all attempts of an agent share: mirrors of the "
        "repositories, trees of commits, locks. An absolute path.",
        "**needed**",
    ),
    Variable(
        "PREVS_CLUSTER",
        "A name for this installation if several share one Docker.",
        "none",
    ),
    Variable("DOCKER_HOST", "Where Docker is.", "`unix:///var/run/docker.sock`"),
    Variable("DOCKER_TLS_VERIFY", "Whether Docker must show a certificate.", "no"),
    Variable("DOCKER_CERT_PATH", "The folder with the certificates for Docker.", "`~/.docker`"),
    Variable(
        "GIT_SSH_COMMAND",
        "The ssh command of git for apps without a credential: which key, which known hosts.",
        "`ssh -o BatchMode=yes`",
    ),
    Variable(
        "GIT_CONFIG_GLOBAL",
        "git's settings, also for apps without a credential.",
        "the user's own",
    ),
    Variable(
        "DOCKER_CONFIG",
        "The folder with the user's settings of Docker: logins to registries, proxies.",
        "`~/.docker`",
    ),
    Variable("HOME", "Where the user's own settings of git and Docker are.", "none"),
    Variable("PATH", "Where git and docker are found.", "the agent's"),
    Variable(
        "PREVS_LOG",
        "The form of the executor's own log lines, in the sandbox's stderr: logfmt or json.",
        "logfmt",
    ),
    Variable(
        "PREVS_DISK_LIMIT",
        "MB that a preview may write to the agent's disk before it is stopped, 0 for no limit: "
        "its container's own files and its volumes. Each file and folder counts as 4 KB at least "
        "if the executor is root and Docker's driver is overlay2. Otherwise Docker measures.",
        f"{DISK_LIMIT}",
    ),
    Variable(
        "PREVS_DENY",
        "More networks that previews must not reach, such as 203.0.113.0/24, separated by "
        "commas. Executors fetch no submodules of other hosts there either. Private networks, "
        "the agent itself, metadata addresses, and the machines of prevs and Mesos that the "
        "framework knows are closed anyway.",
        "none",
    ),
    Variable(
        "PREVS_ALLOW",
        "Private networks and addresses that previews may reach, such as 10.1.0.0/16,10.2.0.7/32: "
        "a test database, a mirror of packages. Executors may fetch submodules of other hosts "
        "there too, and Docker images. PREVS_DENY takes precedence.",
        "none",
    ),
    Variable(
        "PREVS_ALLOW_PROXY",
        "The address and port at which previews reach a proxy, or what is in front of the "
        "proxies, such as 10.0.0.5:80: the members of a stack call each other there, and the names "
        "of its gates lead there. Else a proxy is closed to previews, as all machines of prevs "
        "are, and nameservers say where gates are.",
        "none",
    ),
    Variable(
        "PREVS_PROXIES",
        "More addresses and networks that may connect to previews, such as 10.0.3.7,10.9.0.0/24: "
        "proxies whose address is translated on the way here, or your own load balancer. Proxies "
        "that report to the framework may anyway, and nobody else. `0.0.0.0/0,::/0` leaves the "
        "ports open.",
        "none",
    ),
    Variable(
        "PREVS_ISOLATION",
        "What happens if an executor may not set the rules that isolate previews and builds. "
        "wanted: the attempt's log shows it; required: nothing is started or built.",
        f"{ISOLATION[0]}",
    ),
    Variable(
        "PREVS_ISOLATION_BUILDS",
        "yes: RUN steps reach no more than previews do, and neither does Docker itself. The rules "
        "apply to Docker's default network, and to all that dockerd connects to. Set no if others "
        "have containers in it, or dockerd must reach more: the rules apply to those too.",
        f"{SWITCH[0]}",
    ),
    Variable(
        "PREVS_BUILD_ADD",
        "Whether a Dockerfile may ADD from an address (http, https, git): refused or allowed. "
        "Docker fetches it in the agent's own network, loopback and metadata included.",
        f"{ADDRESSES[0]}",
    ),
    Variable(
        "PREVS_BUILD_MEMORY",
        "MB that the RUN steps of all builds of an app may use together, if executors may create "
        "control groups.",
        "half of the machine's",
    ),
    Variable(
        "PREVS_BUILD_DISK",
        "MB that the RUN steps of one build may write to the disk, each file and folder as 4 KB "
        "at least, if executors are root and Docker's driver is overlay2; 0: no limit.",
        "four times `PREVS_DISK_LIMIT`",
    ),
    Variable(
        "PREVS_BUILD_CGROUP",
        "Your own control group for RUN steps instead, such as `/prevsbuilds.slice`: its path "
        "below the folder of each controller. You set its limits.",
        "one that the executor creates; if it may not, `/prevsbuilds.slice` if that has limits",
    ),
    Variable(
        "MESOS_SANDBOX",
        "The sandbox. The executor removes its bundle from it once it is unpacked. Mesos sets it.",
        "none",
    ),
    Variable(
        "PREVS_DISK_HIGH",
        "How full a disk may get, in percent of its bytes or of its inodes, before unused images, "
        "build cache, mirrors and volumes are removed; 100 for never.",
        f"{WATERMARKS.high:g}",
    ),
    Variable(
        "PREVS_DISK_LOW", "How full it may be, in percent, after that.", f"{WATERMARKS.low:g}"
    ),
    Variable(
        "MESOS_EXECUTOR_ID",
        "The executor's id: that of a preview's task, or of an executor for jobs. Mesos sets it.",
        "none",
    ),
    Variable(
        "MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD",
        "How long the agent waits after SHUTDOWN before it kills an executor. Mesos sets it.",
        "`5secs`",
    ),
)
"""All variables; tests/unit/docs checks that none is missing."""


class Config(NamedTuple):
    """Settings of one executor, whose Mesos id is `id`.

    `dir` is the work folder that all attempts of an agent share. `cluster` names the installation
    if several share a docker daemon. `shutdown_grace` is how many seconds the agent waits after
    SHUTDOWN before it kills this process. `log` is a form of program.logs.log_lines. `confined` is
    what containers may do. `watermarks` say when artifacts that nobody uses are removed from an
    agent's disks.
    """

    dir: Path
    cluster: str | None
    shutdown_grace: float
    id: str = ""
    log: str = "logfmt"
    confined: Confinement = Confinement()
    watermarks: Watermarks = WATERMARKS


def read_config(environ: Mapping[str, str]) -> Config:
    """Return the settings in `environ`. Raises InvalidEnvironment with every problem."""
    problems: list[str] = []
    config = Config(
        dir=_read_folder(environ, problems),
        cluster=environ.get("PREVS_CLUSTER") or None,
        shutdown_grace=_read_shutdown_grace(environ, problems),
        id=environ.get("MESOS_EXECUTOR_ID", ""),
        log=_read_log(environ, problems),
        confined=read_confinement(environ, problems),
        watermarks=_read_watermarks(environ, problems),
    )
    if problems:
        raise InvalidEnvironment(problems)
    return config


def _read_folder(environ: Mapping[str, str], problems: list[str]) -> Path:
    """Return the work folder; adds what is wrong to `problems`, as the functions below do."""
    folder = environ.get("PREVS_EXECUTOR_DIR", "")
    if not Path(folder).is_absolute():
        problems.append(
            f"PREVS_EXECUTOR_DIR must be an absolute path, not {folder!r}: set it with the agent's "
            "--executor_environment_variables"
        )
    return Path(folder)


def _read_shutdown_grace(environ: Mapping[str, str], problems: list[str]) -> float:
    given = environ.get("MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD", "")
    grace = read_duration(given) if given else _DEFAULT_SHUTDOWN_GRACE
    if grace is None:
        problems.append(f"MESOS_EXECUTOR_SHUTDOWN_GRACE_PERIOD is not a duration: {given!r}")
        return _DEFAULT_SHUTDOWN_GRACE
    return grace


def _read_log(environ: Mapping[str, str], problems: list[str]) -> str:
    log = environ.get("PREVS_LOG", "") or FORMS[0]
    if log not in FORMS:
        problems.append(f"PREVS_LOG must be {' or '.join(FORMS)}, not {log!r}")
    return log


def _read_watermarks(environ: Mapping[str, str], problems: list[str]) -> Watermarks:
    """Return when unused artifacts are removed."""
    high = environ.get("PREVS_DISK_HIGH", "") or str(WATERMARKS.high)
    low = environ.get("PREVS_DISK_LOW", "") or str(WATERMARKS.low)
    if _PERCENT.fullmatch(high) and _PERCENT.fullmatch(low):
        watermarks = Watermarks(float(high), float(low))
        if watermarks.low < watermarks.high <= 100:
            return watermarks
    problems.append(
        "PREVS_DISK_HIGH and PREVS_DISK_LOW must be percentages up to 100, and the first must be "
        f"greater than the second, not {high!r} and {low!r}"
    )
    return WATERMARKS


def read_duration(text: str) -> float | None:
    """Return the seconds of a duration in Mesos's form (`5secs`, `1.5mins`), else None."""
    match = _DURATION.fullmatch(text.strip())
    if match is None:
        return None
    try:
        return float(match.group(1)) * _UNITS[match.group(2)]
    except ValueError:
        return None
