"""What previews and builds may use of their agent, as options for docker. Pure."""

from __future__ import annotations

import contextlib
import ipaddress
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Optional

from executor.limits.disk_schedule import DISK_LIMIT
from executor.ports import ContainerSpec
from program.networks.reserved import Network

if TYPE_CHECKING:
    # Only for types: the executor imports as little as possible before it subscribes.
    from executor.limits.ingress import Ingress

_CAPABILITIES = ("CHOWN", "DAC_OVERRIDE", "FOWNER", "KILL", "NET_BIND_SERVICE", "SETGID", "SETUID")
"""What ordinary images need to drop root by themselves, and to listen on port 80."""

_PIDS = 512
"""Processes and threads. There is no limit by user id (nproc): that counts all processes of a user
id on the whole agent, so one preview would use up another's."""

_FILES = 16384
"""Open files of a process. docker's own limit may be a thousand million, and some programs loop
over all of them at their start. A dockerd that may open fewer itself cannot start containers."""

_TMP = {"/tmp": "rw,exec,nosuid,nodev,mode=1777"}  # noqa: S108  # the container's
"""How /tmp is mounted if the root is read-only. Programs may be written there and run, as in a
writable root. Its files count as the container's memory, which limits them."""

_SHARED_MEMORY = 64
"""MB of /dev/shm, which count as memory too."""

_IN_MEMORY = "rw,noexec,nosuid,nodev,mode=1777,size={}m"
"""How a folder in memory is mounted: as docker does it, and within the container's memory."""

_OOM_SCORE_ADJ = 500
"""If the whole agent runs out of memory, the kernel kills a preview and not the agent."""

_LOG = {"type": "none", "config": {}}
"""docker keeps no output: the executor gets all of it (executor/container/attachment.py)."""

_BUILDS_DISK = 4
"""How many times more than a preview a build may write: compilers and packages are only there."""

ISOLATION = ("wanted", "required")
SWITCH = ("yes", "no")
ADDRESSES = ("refused", "allowed")
"""The values of PREVS_ISOLATION, PREVS_ISOLATION_BUILDS and PREVS_BUILD_ADD. The first one is the
default."""

_GROUP = re.compile(r"/?(\w[\w.@-]*(?:/\w[\w.@-]*)*)", re.ASCII)


class ProxyPort(NamedTuple):
    """Where previews may reach a proxy, or what is in front of the proxies."""

    address: str
    port: int


class Confinement(NamedTuple):
    """The limits and the isolation that an agent's operator has chosen.

    `disk_limit` is in MB, 0 for none. Previews reach the private networks that are `allowed`, and
    never a network that is `denied`. If isolation is `required` and not possible, nothing is
    started. With `builds`, builds are isolated too; if that is `required` and not possible, nothing
    is built. Only with `fetches` may a Dockerfile add something from an address. The steps of an
    app's builds may use `build_memory` MB, half of the machine's if 0, and those of one build may
    write `build_disk` MB, 0 for no limit; or the operator has made the control group `build_group`
    for them. `control_plane` are the framework's own machines, which
    previews never reach, but for the `proxy`. With `strangers`, the code is a stranger's: nothing
    starts and nothing is built unless it is isolated. `visitors` may connect to previews as proxies
    do; `ingress` is who may in all, None if the framework has not said.
    """

    disk_limit: int = DISK_LIMIT
    denied: Sequence[Network] = ()
    allowed: Sequence[Network] = ()
    required: bool = False
    builds: bool = True
    fetches: bool = False
    build_memory: int = 0
    build_disk: int = _BUILDS_DISK * DISK_LIMIT
    build_group: str = ""
    control_plane: Sequence[Network] = ()
    strangers: bool = False
    proxy: Optional[ProxyPort] = None
    visitors: Sequence[Network] = ()
    ingress: Optional[Ingress] = None


def read_confinement(environ: Mapping[str, str], problems: list[str]) -> Confinement:
    """Return the settings in an agent's environment; adds what is wrong to `problems`."""

    def choose(variable: str, given: str, words: Sequence[str]) -> bool:
        """Return whether `given` is the second of two words."""
        if (given or words[0]) not in words:
            problems.append(f"{variable} must be {' or '.join(words)}, not {given!r}")
        return given == words[1]

    def count(variable: str, given: str, default: int) -> int:
        if not given or (given.isascii() and given.isdigit()):
            return int(given or default)
        problems.append(f"{variable} must be a number of MB, not {given!r}")
        return default

    disk = count("PREVS_DISK_LIMIT", environ.get("PREVS_DISK_LIMIT", ""), DISK_LIMIT)
    build_disk = environ.get("PREVS_BUILD_DISK", "")
    isolation = environ.get("PREVS_ISOLATION", "")
    builds = environ.get("PREVS_ISOLATION_BUILDS", "")
    added = environ.get("PREVS_BUILD_ADD", "")
    return Confinement(
        disk,
        tuple(_read_networks("PREVS_DENY", environ.get("PREVS_DENY", ""), problems)),
        tuple(_read_networks("PREVS_ALLOW", environ.get("PREVS_ALLOW", ""), problems)),
        required=choose("PREVS_ISOLATION", isolation, ISOLATION),
        builds=not choose("PREVS_ISOLATION_BUILDS", builds, SWITCH),
        fetches=choose("PREVS_BUILD_ADD", added, ADDRESSES),
        build_memory=count("PREVS_BUILD_MEMORY", environ.get("PREVS_BUILD_MEMORY", ""), 0),
        build_disk=count("PREVS_BUILD_DISK", build_disk, _BUILDS_DISK * disk),
        build_group=_read_group(environ.get("PREVS_BUILD_CGROUP", ""), problems),
        proxy=_read_proxy(environ.get("PREVS_ALLOW_PROXY", ""), problems),
        visitors=tuple(_read_networks("PREVS_PROXIES", environ.get("PREVS_PROXIES", ""), problems)),
    )


def _read_networks(variable: str, text: str, problems: list[str]) -> Iterator[Network]:
    for one in filter(None, map(str.strip, text.split(","))):
        try:
            yield ipaddress.ip_network(one)
        except ValueError as exc:
            problems.append(f"{variable} must be networks such as 10.1.0.0/16: {exc}")


def read_addresses(addresses: Sequence[str]) -> tuple[Network, ...]:
    """Return the addresses and networks of machines in a build order.

    Leaves out what is neither: the framework may be of a later version.
    """
    found: list[Network] = []
    for one in addresses:
        with contextlib.suppress(ValueError):
            found.append(ipaddress.ip_network(one))
    return tuple(found)


def _read_proxy(text: str, problems: list[str]) -> Optional[ProxyPort]:
    if not text:
        return None
    host, _, port = text.rpartition(":")
    with contextlib.suppress(ValueError):
        address = ipaddress.ip_address(host.removeprefix("[").removesuffix("]"))
        if port.isascii() and port.isdigit() and 1 <= int(port) <= 65535:
            return ProxyPort(str(address), int(port))
    problems.append(
        f"PREVS_ALLOW_PROXY must be an address and a port such as 10.0.0.5:80, not {text!r}"
    )
    return None


def _read_group(text: str, problems: list[str]) -> str:
    if not text:
        return ""
    if match := _GROUP.fullmatch(text):
        return f"/{match.group(1)}"
    problems.append(f"PREVS_BUILD_CGROUP must be a path such as /prevsbuilds.slice, not {text!r}")
    return ""


def limits(spec: ContainerSpec) -> Mapping[str, Any]:
    """Return the arguments for docker-py's create_host_config that confine a container."""
    return {
        "mem_limit": f"{spec.mem}m",
        "memswap_limit": f"{spec.mem}m",
        "pids_limit": _PIDS,
        "oom_score_adj": _OOM_SCORE_ADJ,
        "security_opt": ["no-new-privileges"],
        "cap_drop": ["ALL"],
        "cap_add": list(_CAPABILITIES),
        "read_only": spec.read_only,
        "tmpfs": _tmpfs(spec),
        "shm_size": f"{min(spec.own.shared_memory, spec.mem) or _SHARED_MEMORY}m",
        "ulimits": [
            {"Name": "nofile", "Soft": _FILES, "Hard": _FILES},
            {"Name": "core", "Soft": 0, "Hard": 0},
        ],
        "init": True,
        "log_config": _LOG,
    }


def _tmpfs(spec: ContainerSpec) -> Mapping[str, str]:
    """Return the options of the folders in memory; each is at most as large as all its memory."""
    # A tmpfs would hide a volume at /tmp.
    given = dict(_TMP) if spec.read_only and "/tmp" not in spec.volumes else {}  # noqa: S108
    for path, size in spec.own.tmpfs.items():
        given[path] = _IN_MEMORY.format(min(size or spec.mem, spec.mem))
    return given
