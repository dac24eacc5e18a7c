"""What a preview's container may use of its agent, as docker is told it. Pure."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from executor.disk import DISK_LIMIT
from executor.firewall import Network
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


@dataclasses.dataclass(frozen=True)
class Confinement:
    """What an agent's operator has decided.

    `disk_limit` is in MB, 0 for none. Previews reach nothing of `denied`. Where they cannot be
    kept apart from each other and from the agent, nothing is started if that is `required`. With
    `builds` the steps of builds are to be kept apart as well, and nothing is built where not.
    """

    disk_limit: int = DISK_LIMIT
    denied: Sequence[Network] = ()
    required: bool = False
    builds: bool = False


def limits(spec: ContainerSpec) -> Mapping[str, Any]:
    """Return what docker-py's create_host_config is to be given to confine a container."""
    return {
        "cpu_shares": max(2, int(spec.cpus * 1024)),
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
