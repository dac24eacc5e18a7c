"""What previews and builds may use of their agent, as docker is told it. Pure."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from executor.limits.disk import DISK_LIMIT
from executor.limits.firewall import Network
from executor.ports import ContainerSpec

_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID")
"""What ordinary images need to give up root by themselves, and to listen on port 80."""

_PIDS = 512
"""Processes and threads. There is no limit by user id beside it (nproc): that counts all processes
of a number on the whole agent, so that one preview would use up another's."""

_FILES = 16384
"""Open files of a process. What docker gives without this may be a thousand million, over all of
which some programs go when they start. A dockerd that may open fewer itself starts nothing then."""

_TMP = {"/tmp": "rw,exec,nosuid,nodev,mode=1777"}  # noqa: S108  # the container's
"""How /tmp is mounted where the root is read-only: programs may be put there and run, as they
may where it is not. What is in it counts as the container's memory, so that is its limit too."""

_SHARED_MEMORY = "64m"
"""What /dev/shm holds; it counts as memory too."""

_DIES_FIRST = 500
"""Where the whole agent is short of memory, the kernel ends a preview and not the agent."""

_LOG = {"type": "json-file", "config": {"max-size": "10m", "max-file": "2"}}

ISOLATION = ("wanted", "required")
SWITCH = ("yes", "no")
ADDRESSES = ("refused", "allowed")
"""What PREVS_ISOLATION, PREVS_ISOLATION_BUILDS and PREVS_BUILD_ADD may be; the first holds without
them."""

_GROUP = re.compile(r"/?(\w[\w.@-]*(?:/\w[\w.@-]*)*)", re.ASCII)


class Confinement(NamedTuple):
    """What an agent's operator has decided.

    `disk_limit` is in MB, 0 for none. Of private networks previews reach what is `allowed`, of all
    networks nothing that is `denied`. Where they cannot be kept apart from each other and from the
    agent, nothing is started if that is `required`. With `builds` the steps of builds are to be
    kept apart as well, and if that is `required` nothing is built where not. What a Dockerfile adds
    from an address is fetched with `fetches` alone. The steps of an app's builds may use
    `build_memory` MB, 0 for half of the machine's; or they are below the control group
    `build_group`, where the operator has made one. `control_plane` is what the framework says of
    its own installation, which is never reached.
    """

    disk_limit: int = DISK_LIMIT
    denied: Sequence[Network] = ()
    allowed: Sequence[Network] = ()
    required: bool = False
    builds: bool = True
    fetches: bool = False
    build_memory: int = 0
    build_group: str = ""
    control_plane: Sequence[Network] = ()


def read_confinement(environ: Mapping[str, str], problems: list[str]) -> Confinement:
    """Return what an agent's environment says of it; adds to `problems` what is wrong there."""

    def choose(variable: str, given: str, words: Sequence[str]) -> bool:
        """Return whether it is the second of two words."""
        if (given or words[0]) not in words:
            problems.append(f"{variable} must be {' or '.join(words)}, not {given!r}")
        return given == words[1]

    def count(variable: str, given: str, default: int) -> int:
        if not given or (given.isascii() and given.isdigit()):
            return int(given or default)
        problems.append(f"{variable} must be a number of MB, not {given!r}")
        return default

    isolation = environ.get("PREVS_ISOLATION", "")
    builds = environ.get("PREVS_ISOLATION_BUILDS", "")
    added = environ.get("PREVS_BUILD_ADD", "")
    return Confinement(
        count("PREVS_DISK_LIMIT", environ.get("PREVS_DISK_LIMIT", ""), DISK_LIMIT),
        tuple(_read_networks("PREVS_DENY", environ.get("PREVS_DENY", ""), problems)),
        tuple(_read_networks("PREVS_ALLOW", environ.get("PREVS_ALLOW", ""), problems)),
        required=choose("PREVS_ISOLATION", isolation, ISOLATION),
        builds=not choose("PREVS_ISOLATION_BUILDS", builds, SWITCH),
        fetches=choose("PREVS_BUILD_ADD", added, ADDRESSES),
        build_memory=count("PREVS_BUILD_MEMORY", environ.get("PREVS_BUILD_MEMORY", ""), 0),
        build_group=_read_group(environ.get("PREVS_BUILD_CGROUP", ""), problems),
    )


def _read_networks(variable: str, text: str, problems: list[str]) -> Iterator[Network]:
    for one in filter(None, map(str.strip, text.split(","))):
        try:
            yield ipaddress.ip_network(one)
        except ValueError as exc:
            problems.append(f"{variable} must be networks as 10.1.0.0/16: {exc}")


def read_addresses(addresses: Sequence[str]) -> tuple[Network, ...]:
    """Return addresses of machines, and networks of them, as an order has them.

    What is none is left out: it comes from a framework, which may be of a later version.
    """
    found: list[Network] = []
    for one in addresses:
        with contextlib.suppress(ValueError):
            found.append(ipaddress.ip_network(one))
    return tuple(found)


def _read_group(text: str, problems: list[str]) -> str:
    if not text:
        return ""
    if match := _GROUP.fullmatch(text):
        return f"/{match.group(1)}"
    problems.append(f"PREVS_BUILD_CGROUP must be a path as /prevsbuilds.slice, not {text!r}")
    return ""


def limits(spec: ContainerSpec) -> Mapping[str, Any]:
    """Return what docker-py's create_host_config is to be given to confine a container."""
    return {
        "mem_limit": f"{spec.mem}m",
        "memswap_limit": f"{spec.mem}m",
        "pids_limit": _PIDS,
        "oom_score_adj": _DIES_FIRST,
        "security_opt": ["no-new-privileges"],
        "cap_drop": ["ALL"],
        "cap_add": list(_CAPABILITIES),
        "read_only": spec.read_only,
        # Memory would hide a volume there, and nothing be kept.
        "tmpfs": dict(_TMP) if spec.read_only and "/tmp" not in spec.volumes else {},  # noqa: S108
        "shm_size": _SHARED_MEMORY,
        "ulimits": [
            {"Name": "nofile", "Soft": _FILES, "Hard": _FILES},
            {"Name": "core", "Soft": 0, "Hard": 0},
        ],
        "init": True,
        "log_config": _LOG,
    }
