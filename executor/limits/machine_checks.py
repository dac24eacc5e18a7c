"""Decides whether an agent's machine has what executors need. Pure."""

from __future__ import annotations

import dataclasses
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Optional

from executor.limits import cgroup
from executor.limits.confinement import Confinement

OK, WARNING, WRONG, SKIPPED = "ok", "warning", "wrong", "skipped"

OLDEST_PYTHON = (3, 9)
OLDEST_GIT = (2, 32)
"""The first version that reads GIT_CONFIG_COUNT and GIT_CONFIG_GLOBAL."""

FOREIGN_GIT = (2, 37)
"""The first version with http.curloptResolve, which sets an address. Older ones ignore it."""

_LIMITS = {
    "CPUShares": "CPU",
    "MemoryLimit": "memory",
    "SwapLimit": "swap",
    "PidsLimit": "processes",
}
"""The limits by their keys in Docker's /info."""

_SLOW_DRIVERS = ("vfs", "devicemapper")
_LITTLE_GB, _LEAST_GB = 5.0, 1.0
_LITTLE_INODES, _LEAST_INODES = 300_000, 60_000
"""As many as ext4 creates for so many GB."""

_CLOCK_SECONDS = 5.0
_VERSION = re.compile(r"\d+(?:\.\d+)+")


class Finding(NamedTuple):
    """A message about a part of the machine, as in `prevs doctor`; `advice` is what to do."""

    part: str
    level: str
    message: str
    advice: str = ""


class Folder(NamedTuple):
    """A folder, why it cannot be written to ("" if it can), and how many GB are free there.

    `inodes` is the number of free inodes, None if the file system creates as many as it needs.
    """

    path: str
    problem: str
    free: float
    inodes: Optional[int] = None


class Framework(NamedTuple):
    """A framework: its address, why it does not answer, and how many seconds its clock is ahead."""

    url: str
    problem: str = ""
    ahead: Optional[float] = None


@dataclasses.dataclass(frozen=True)
class Machine:
    """What an executor finds on a machine. Programs are the output of --version, None if missing.

    `docker` is the daemon's /version, `docker_info` its /info, and `docker_problem` why there is
    none. The other problems are None or "" if all is well: `trial_problem` is why docker cannot
    start a container, `rules_problem` why this user may not set iptables' rules, `limits_problem`
    why builds would not be limited, `outbound_problem` why docker's own connections would not be
    closed. `build_runc` is what Docker starts the steps of builds with, "" if that is runc, None if
    this user may not know. `confined` are the operator's settings, `confined_problems` what is
    wrong with them. `has_mesos_groups` is whether Mesos creates control groups here.
    `visitors` has for each network of previews from how many places others may connect, None if
    from everywhere.
    """

    python: Sequence[int]
    missing_modules: Sequence[str]
    git: Optional[str]
    git_lfs: Optional[str]
    ssh: Optional[str]
    buildx: Optional[str]
    docker: Optional[Mapping[str, Any]]
    docker_info: Mapping[str, Any]
    docker_problem: str
    trial_problem: str
    rules_problem: Optional[str]
    limits_problem: Optional[str]
    outbound_problem: Optional[str]
    build_runc: Optional[str]
    confined: Confinement
    confined_problems: Sequence[str]
    work: Folder
    images: Optional[Folder]
    framework: Optional[Framework]
    has_mesos_groups: bool = True
    visitors: Mapping[str, Optional[int]] = dataclasses.field(default_factory=dict)


def judge(machine: Machine) -> list[Finding]:
    """Return the findings about a machine, good and bad ones."""
    return [
        _judge_python(machine),
        _judge_git(machine.git),
        _judge_extra("git-lfs", machine.git_lfs, "Commits with files in Git LFS fail here."),
        _judge_extra("ssh", machine.ssh, "Repositories with an ssh address cannot be read."),
        *_judge_docker(machine),
        _judge_rules(machine.rules_problem, required=machine.confined.required),
        _judge_ports(machine.visitors),
        *_judge_networks(machine),
        *_judge_work(machine.work),
        *([_judge_space("images", machine.images)] if machine.images else []),
        *_judge_framework(machine.framework),
    ]


def _judge_python(machine: Machine) -> Finding:
    version = ".".join(map(str, machine.python))
    if tuple(machine.python[:2]) < OLDEST_PYTHON:
        message, advice = f"It is {version}; executors need 3.9 or later.", "Install a later one."
        return Finding("python", WRONG, message, f"{advice} PREVS_EXECUTOR_PYTHON names it.")
    if machine.missing_modules:
        message = f"It is {version}, without {', '.join(machine.missing_modules)}."
        return Finding("python", WRONG, message, "Install all of its standard library.")
    return Finding("python", OK, f"It is {version}.")


def _judge_git(output: Optional[str]) -> Finding:
    if output is None:
        return Finding("git", WRONG, "It is not installed.", "Debian: `apt-get install git`.")
    found = _VERSION.search(output)
    version = found.group() if found else "0.0"
    known = tuple(map(int, version.split(".")[:2]))
    if known < OLDEST_GIT:
        message = f"It is {version}; executors need 2.32 or later."
        return Finding("git", WRONG, message, "Install a later one.")
    if known < FOREIGN_GIT:
        message = f"It is {version}: submodules of other hosts need 2.37, and are refused."
        return Finding("git", WARNING, message, "Install a later one.")
    return Finding("git", OK, f"It is {version}.")


def _judge_extra(program: str, output: Optional[str], without: str) -> Finding:
    if output is None:
        package = "openssh-client" if program == "ssh" else program
        message = f"It is not installed. {without}"
        return Finding(program, WARNING, message, f"Debian: `apt-get install {package}`.")
    found = _VERSION.search(output)
    return Finding(program, OK, f"It is {found.group()}." if found else "It is there.")


def _judge_docker(machine: Machine) -> list[Finding]:
    if machine.docker is None:
        message = f"It does not answer: {machine.docker_problem}."
        advice = (
            "Start it, and let the executors' user use it (Debian: put it into the group docker; "
            "set DOCKER_HOST if Docker is elsewhere)."
        )
        return [Finding("docker", WRONG, message, advice)]
    info = machine.docker_info
    return [
        Finding("docker", OK, f"It answers; its version is {machine.docker.get('Version', '?')}."),
        _judge_trial(machine.trial_problem),
        _judge_builder(machine.buildx),
        _judge_storage(str(info.get("Driver", "?"))),
        _judge_cgroup(info, counts=machine.has_mesos_groups),
        _judge_limits(info),
        _judge_restore(live=bool(info.get("LiveRestoreEnabled"))),
    ]


def _judge_trial(problem: str) -> Finding:
    if not problem:
        return Finding("containers", OK, "Docker starts one, in the network of builds.")
    message = f"Docker cannot start one in the network of builds: {problem}."
    advice = (
        "No commit can be built here until this is fixed. A restart of Docker restores a bridge "
        "that was removed (`systemctl restart docker`); `df` and `df -i` show if its disk is full."
    )
    return Finding("containers", WRONG, message, advice)


def _judge_builder(output: Optional[str]) -> Finding:
    if output is None:
        message = (
            "There is no buildx: the classic builder is used, without caches and secrets. It "
            "pulls from any address, and fetches what ONBUILD ADD of a base image names."
        )
        return Finding("buildx", WARNING, message, "Debian: `apt-get install docker-buildx`.")
    found = _VERSION.search(output)
    return Finding("buildx", OK, f"It is {found.group()}." if found else "It is there.")


def _judge_storage(driver: str) -> Finding:
    if driver in _SLOW_DRIVERS:
        message = f"The driver {driver} is slow or outdated: builds take long, and use much disk."
        return Finding("storage", WARNING, message, "Give Docker a disk that overlay2 works on.")
    return Finding("storage", OK, f"The driver is {driver}.")


def _judge_cgroup(info: Mapping[str, Any], *, counts: bool) -> Finding:
    driver, version = info.get("CgroupDriver", "?"), info.get("CgroupVersion", "?")
    if cgroup.accepts(info):
        return Finding("cgroup", OK, f"The driver is {driver}, version {version}.")
    if not counts:
        message = (
            f"The driver is {driver}, version {version}. Mesos has no groups here to count by."
        )
        return Finding("cgroup", OK, message)
    message = f"The driver is {driver}: Mesos does not count what is in containers."
    advice = '"exec-opts": ["native.cgroupdriver=cgroupfs"] in Docker\'s daemon.json changes it.'
    return Finding("cgroup", WARNING, message, advice)


def _judge_limits(info: Mapping[str, Any]) -> Finding:
    missing = [name for key, name in _LIMITS.items() if not info.get(key)]
    if not missing:
        return Finding("limits", OK, "The kernel can limit CPU, memory, swap and processes.")
    message = f"The kernel cannot limit {', '.join(missing)}: one preview may take all of it."
    advice = (
        "Give Docker all controllers of control groups (without root it has only those it is "
        "given)."
    )
    if {"memory", "swap"} & set(missing):
        advice = (
            "Debian: add `cgroup_enable=memory swapaccount=1` to the kernel's command line, and "
            "reboot."
        )
    return Finding("limits", WARNING, message, advice)


def _judge_restore(*, live: bool) -> Finding:
    if live:
        return Finding("live-restore", OK, "Previews keep running while Docker restarts.")
    message = "A restart of Docker ends all previews here."
    return Finding(
        "live-restore", WARNING, message, '"live-restore": true in Docker\'s daemon.json.'
    )


def _judge_rules(problem: Optional[str], *, required: bool) -> Finding:
    if problem is None:
        return Finding("isolation", OK, "This user may set the rules of iptables and ebtables.")
    message = f"Previews and builds are not isolated from this machine and each other: {problem}."
    advice = (
        "Install iptables and ebtables (Debian: both are in the package iptables), and run "
        "executors as root or with a sudo for them without a password."
    )
    if required:
        return Finding("isolation", WRONG, f"{message} PREVS_ISOLATION is required.", advice)
    return Finding("isolation", WARNING, message, advice)


def _judge_ports(visitors: Mapping[str, Optional[int]]) -> Finding:
    if not visitors:
        return Finding("ports", SKIPPED, "Not checked: no preview has started here yet.")
    counts = [count for count in visitors.values() if count is not None]
    if len(counts) < len(visitors):
        opened = ", ".join(bridge for bridge, count in visitors.items() if count is None)
        message = f"Everybody who reaches this machine may connect to previews ({opened})."
        advice = "Start a preview here once a proxy runs: then its executor closes the ports."
        return Finding("ports", WARNING, message, advice)
    where = f"from {max(counts)} of their addresses" if any(counts) else "from this machine"
    return Finding("ports", OK, f"Only proxies may connect to previews, {where}.")


def _judge_networks(machine: Machine) -> list[Finding]:
    """Return which private networks previews and builds reach once the rules are set."""
    confined = machine.confined
    if machine.confined_problems:
        message = f"{'; '.join(machine.confined_problems)}."
        advice = "Fix the agent's --executor_environment_variables: no executor starts with it."
        return [Finding("network", WRONG, message, advice)]
    message = "Previews reach no private network (PREVS_ALLOW)."
    if confined.allowed:
        allowed = ", ".join(map(str, confined.allowed))
        message = f"The only private networks that previews reach are {allowed} (PREVS_ALLOW)."
    if confined.proxy:
        at = f"{confined.proxy.address}, port {confined.proxy.port}"
        message += f" They reach the gates of stacks at {at} (PREVS_ALLOW_PROXY)."
    return [Finding("network", OK, message), _judge_builds(machine)]


def _judge_builds(machine: Machine) -> Finding:
    confined, unlimited = machine.confined, machine.limits_problem
    messages, advice = [], []
    if machine.outbound_problem:
        messages.append(
            f"Docker itself connects wherever a registry sends it: {machine.outbound_problem}."
        )
        advice.append(
            "Run Docker as a service of systemd, and let executors set the rules of iptables' "
            "table filter too (docs/operating/isolation.md)."
        )
    if not confined.builds:
        messages.append("RUN steps reach this machine and private networks.")
        advice.append("Remove PREVS_ISOLATION_BUILDS=no if nobody else uses Docker's bridge.")
    if confined.fetches:
        messages.append("Docker fetches ADD of an address in this machine's own network.")
        advice.append("Remove PREVS_BUILD_ADD=allowed.")
    if unlimited:
        messages.append(f"RUN steps may take all memory and all processes: {unlimited}.")
        advice.append(
            "Run executors as root, or start provision/systemd/prevsbuilds.slice here, or set "
            "limits on a group of your own (PREVS_BUILD_CGROUP)."
        )
    if machine.build_runc == "":
        messages.append("RUN steps may open raw sockets and make devices, as Docker lets them.")
        advice.append(
            "Have Docker start them with fewer capabilities (docs/operating/isolation.md, What a "
            "step may do)."
        )
    if messages:
        # With the rules required, nothing is built while Docker's own connections are open.
        level = WRONG if machine.outbound_problem and confined.required else WARNING
        return Finding("builds", level, " ".join(messages), " ".join(advice))
    return Finding("builds", OK, "They reach no more than previews do, and are limited.")


def _judge_work(work: Folder) -> list[Finding]:
    if work.problem:
        advice = (
            "Set PREVS_EXECUTOR_DIR as the agent's --executor_environment_variables do, and run "
            "this as the executors' user."
        )
        return [Finding("work folder", WRONG, work.problem, advice)]
    return [_judge_space("work folder", work)]


def _judge_space(part: str, folder: Folder) -> Finding:
    inodes = math.inf if folder.inodes is None else folder.inodes
    files = "" if folder.inodes is None else f" and {folder.inodes:,} inodes"
    message = f"{folder.free:.1f} GB{files} are free in {folder.path}."
    if folder.free >= _LITTLE_GB and inodes >= _LITTLE_INODES:
        return Finding(part, OK, message)
    level = WARNING if folder.free >= _LEAST_GB and inodes >= _LEAST_INODES else WRONG
    return Finding(
        part, level, message, "Make room: builds need some GB, and an inode for each file."
    )


def _judge_framework(framework: Optional[Framework]) -> list[Finding]:
    if framework is None:
        message = "Not compared: give --framework URL to compare it with the framework's."
        return [Finding("clock", SKIPPED, message)]
    if framework.problem:
        message = f"{framework.url} does not answer: {framework.problem}."
        advice = "Let agents reach the framework's API: they fetch the executor there."
        return [Finding("framework", WRONG, message, advice)]
    found = [Finding("framework", OK, f"{framework.url} answers.")]
    if framework.ahead is None:
        return found
    if abs(framework.ahead) <= _CLOCK_SECONDS:
        return [*found, Finding("clock", OK, "This clock and the framework's agree.")]
    message = f"The framework's clock is {framework.ahead:+.0f} s from this one."
    return [
        *found,
        Finding("clock", WARNING, message, "Let NTP set both: certificates need it."),
    ]
