"""Decides whether the commit or the agent caused an error of Docker. Pure.

The kind of the error decides first: the code of gRPC, or the status of Docker's API. If that is not
enough, the messages below decide. Builders quote text of a Dockerfile and its steps. We ignore text
in quotes, so that no commit can put the blame on an agent.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from executor.errors import AgentUnfit, DockerUnavailable, ExecutorError, RegistryUnreachable

_QUOTED = re.compile(r'"(?:[^"\\]|\\.)*"')
_LONGEST = 300

_STEP_SAYS = re.compile(r'process "(?:[^"\\]|\\.)*" did not complete successfully: ')
_EXITED = re.compile(r'^process "" did not complete successfully: exit code: \d+$')
"""A step that ran and failed (moby/buildkit, executor/runcexecutor and solver/llbsolver/ops)."""

_CODE = re.compile(r"rpc error: code = (\w+)")
_AWAY_CODES = frozenset({"Unavailable", "Internal", "DataLoss", "Aborted", "Canceled"})
"""Codes of gRPC (google.golang.org/grpc/codes) that do not depend on the request."""

_AWAY = re.compile(
    r"^Cannot connect to the Docker daemon"  # docker/cli and moby, client/errors.go
    r"|^error during connect"  # moby, client/request.go
    r"|\b(?:daemon|server) is shutting down"  # moby, daemon/; net/http in front of it
    r"|\bcontext canceled$"  # the daemon did it: what we stop does not get here
)


class _Known(NamedTuple):
    """A message about trouble of the agent: its meaning, and the program that sends it."""

    pattern: str
    means: str
    source: str


_AGENT = (
    _Known(
        r"(?:no space left on device|disk quota exceeded)(?:: unknown)?$",
        "its disk is full",
        "errno of Go, in messages of moby, buildkit, containerd",
    ),
    _Known(
        r"(?:read-only file system|input/output error|structure needs cleaning|stale NFS file "
        r"handle|transport endpoint is not connected)(?:: unknown)?$",
        "its disk fails",
        "errno of Go",
    ),
    _Known(
        r"(?:too many open files(?: in system)?|cannot allocate memory|resource temporarily "
        r"unavailable)(?:: unknown)?$",
        "it is short of memory, files or processes",
        "errno of Go",
    ),
    _Known(
        r"adding interface \S+ to bridge \S+ failed|could not find bridge|"
        r"failed to add the host .* pair interfaces",
        "the bridge of its containers does not work",
        "moby, libnetwork/drivers/bridge/bridge.go",
    ),
    _Known(
        r"iptables failed|[Ff]ailed to (?:create|program) (?:NAT|FILTER) ?(?:chain)?",
        "its iptables rules cannot be set",
        "moby, libnetwork/iptables/iptables.go",
    ),
    _Known(
        r"no available (?:IPv4|IPv6|ip) ?addresses|non-overlapping IPv[46] address pool|"
        r"predefined address pools have been fully subnetted",
        "its networks have no address left",
        "moby, libnetwork/ipams, libnetwork/ipamutils",
    ),
    _Known(
        r"port is already allocated|address already in use|failed to start userland proxy",
        "something else uses the port that Mesos offered",
        "moby, libnetwork/portallocator, libnetwork/portmapper",
    ),
    _Known(
        r"[Ff]ailed to create endpoint \S+ on network|driver failed programming external "
        r"connectivity|failed to set up container networking|^network \S+ not found$",
        "its networks do not work",
        "moby, libnetwork/network.go, libnetwork/endpoint.go, daemon/start.go",
    ),
    _Known(
        r"error creating overlay mount|failed to mount \S*overlay|failed to prepare \S+ as \S+:|"
        r"failed to register layer|layer does not exist$",
        "its image storage does not work",
        "moby, daemon/graphdriver/overlay2, layer; buildkit, cache/manager.go",
    ),
    _Known(
        r"[Ee]rror while dialing|containerd\.sock|ttrpc: closed|failed to start shim|"
        r"containerd(?:-shim\S*)? (?:is not running|exited)",
        "its containerd does not answer",
        "google.golang.org/grpc; containerd, ttrpc and runtime/v2",
    ),
    _Known(
        r"unable to apply cgroup configuration|cgroup mountpoint does not exist|unable to start "
        r"unit|unable to freeze|can't get final child's PID|runc did not terminate successfully",
        "its runc cannot start anything",
        "opencontainers/runc, libcontainer/process_linux.go, libcontainer/cgroups; go-runc",
    ),
)
_COMMIT = re.compile(
    r"unable to find (?:user|group)|no matching entries in (?:passwd|group) file"  # moby/sys/user
    r"|exec: |exec format error|permission denied|argument list too long"  # runc, init_linux.go
    r"|chdir to cwd|not a directory|create mountpoint for"  # runc, rootfs_linux.go; moby, container
    r"|cannot be mounted because it is inside /proc"  # runc, rootfs_linux.go
)
"""Errors that the image causes, though Docker reports them as its own."""

_NO_ANSWER = re.compile(
    r'failed to do request: |(?:^|: )(?:Get|Head) "": |: unexpected status[^:]*"": 5\d\d '
    r"|toomanyrequests|429 Too Many Requests|TLS handshake timeout|i/o timeout"
)
"""containerd, remotes/docker; moby, registry and distribution; buildkit, source/http."""
_NO_HOST = re.compile(r"\blookup (\S+)[^\n]*: no such host$")
_HUB = "docker.io"


def find_fault(error: str) -> ExecutorError | None:
    """Return the fault behind a builder's error, None if the commit caused it."""
    text = _QUOTED.sub('""', error.strip())
    if _EXITED.search(text):
        return None
    code = _CODE.search(text)
    if _AWAY.search(text) or (code and code.group(1) in _AWAY_CODES):
        return DockerUnavailable(_shorten(error))
    # Checked before the agent's own faults: a registry has disks and sockets too.
    if _NO_ANSWER.search(text):
        host = _NO_HOST.search(text)
        if host and not host.group(1).endswith(_HUB):
            return None  # most likely the Dockerfile misspells the name
        return RegistryUnreachable(_shorten(error))
    return _find_known(text, error)


def find_call_fault(status: int | None, error: str) -> ExecutorError | None:
    """Return the fault behind an error of Docker's API, None if the commit caused it.

    `status` is the HTTP status. A 5xx is the agent's fault unless its message shows otherwise.
    """
    text = _QUOTED.sub('""', error.strip())
    if known := _find_known(text, error):
        return known
    if status is not None and status >= 500 and not _COMMIT.search(text):
        return AgentUnfit(f"its Docker failed: {_shorten(error)}")
    return None


def _find_known(text: str, error: str) -> AgentUnfit | None:
    if _COMMIT.search(text):
        return None
    for known in _AGENT:
        if re.search(known.pattern, text):
            return AgentUnfit(f"{known.means}: {_shorten(error)}")
    return None


def _shorten(error: str) -> str:
    """Return Docker's message on one line, without the command of the step."""
    error = _STEP_SAYS.sub("", error, count=1)
    line = " ".join("".join(c if c.isprintable() else " " for c in error).split()).rstrip(".")
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"
