"""executor/docker/blame.py: real messages of Docker, from a daemon that was broken."""

import pytest

from executor.builds.build_log import buildkit_failure, classic_failure
from executor.docker.blame import find_call_fault, find_fault
from executor.errors import (
    AgentUnfit,
    BuildFailed,
    DockerUnavailable,
    ExecutorError,
    RegistryUnreachable,
)
from prevs.states import Cause

STEP = 'process "/bin/sh -c make" did not complete successfully: '
NO_BRIDGE = (
    "failed to create endpoint yzjabnls5s6x on network bridge: adding interface veth88cbe80 to "
    "bridge docker0 failed: Device does not exist"
)
HUB = (
    "nginx:1: failed to resolve source metadata for docker.io/library/nginx:1: failed to do "
    'request: Head "https://registry-1.docker.io/v2/library/nginx/manifests/1": '
)
AT_BASE = '"https://base.example/v2/"'

AGENTS = [
    (f"{STEP}{NO_BRIDGE}", "the bridge of its containers"),
    (NO_BRIDGE, "the bridge of its containers"),
    (
        "failed to prepare qyj as p1b: write /data/overlay2/p1b/.tmp-link4: no space left on "
        "device",
        "its disk is full",
    ),
    ("write /Dockerfile: no space left on device", "its disk is full"),
    ("failed to copy: write /x: disk quota exceeded: unknown", "its disk is full"),
    ("open /data/x: read-only file system", "its disk fails"),
    ("failed to prepare a as b: exit status 1", "its image storage"),
    ("error creating overlay mount to /data/x/merged: invalid argument", "its image storage"),
    ("failed to register layer: exit status 22", "its image storage"),
    (
        'connection error: desc = "transport: Error while dialing: dial unix '
        '/run/containerd/containerd.sock: connect: connection refused": unavailable',
        "its Docker failed",
    ),
    (
        "driver failed programming external connectivity on endpoint x (a1): Bind for "
        "127.0.0.1:31000 failed: port is already allocated",
        "something else uses the port",
    ),
    (
        "driver failed programming external connectivity on endpoint x (a1): iptables failed: "
        "iptables --wait -t nat -A DOCKER: iptables: No chain/target/match by that name",
        "its iptables rules",
    ),
    ("network prevs-18c93dd196f1 not found", "its networks do not work"),
    (
        "failed to create task for container: failed to create shim task: OCI runtime create "
        "failed: runc create failed: unable to start container process: unable to apply cgroup "
        "configuration: mkdir /sys/fs/cgroup/x: no such file or directory: unknown",
        "its runc",
    ),
]
AWAY = [
    "failed to receive status: rpc error: code = Unavailable desc = error reading from server: EOF",
    "Cannot connect to the Docker daemon at unix:///x. Is the docker daemon running?",
    "error during connect: Post http://x/build: EOF",
    "failed to solve: Canceled: context canceled",
]
UNREACHABLE = [
    f"{HUB}dial tcp: lookup registry-1.docker.io on 10.0.0.2:53: dial udp 10.0.0.2:53: connect: "
    "network is unreachable",
    f"{HUB}dial tcp: lookup registry-1.docker.io on 10.0.0.2:53: no such host",
    f"{HUB}net/http: TLS handshake timeout",
    f"Get {AT_BASE}: dial tcp 192.0.2.1:443: i/o timeout",
    f"Get {AT_BASE}: dial tcp 192.0.2.1:443: connect: connection refused",
    'failed to load cache key: Get "http://x.example/y": dial tcp: lookup x.example on 10.0.0.2:53:'
    " server misbehaving",
    "toomanyrequests: You have reached your pull rate limit",
]
COMMITS = [
    "failed to create task for container: failed to create shim task: OCI runtime create failed: "
    'runc create failed: unable to start container process: error mounting "/v" to rootfs at '
    '"/proc/x": "/merged/proc/x" cannot be mounted because it is inside /proc: unknown',
    f"{STEP}exit code: 2",
    f"{STEP}unable to find user app: invalid argument",
    "dockerfile parse error on line 4: unknown instruction: FOO (did you mean FROM?)",
    "failed to compute cache key: failed to calculate checksum of ref a::b: "
    '"/no space left on device": not found',
    "COPY failed: file not found in build context or excluded by .dockerignore: stat x: no space "
    "left on device: file does not exist",
    "mkdir /data/overlay2/p1t/merged/bin/busybox: not a directory",
    "failed to create task for container: failed to create shim task: OCI runtime create failed: "
    'runc create failed: unable to start container process: exec: "/nope": stat /nope: no such '
    "file or directory: unknown",
    "pull access denied, repository does not exist or may require authorization",
    "base.example/x:1: not found",
    f"Get {AT_BASE}: dial tcp: lookup base.example on 10.0.0.2:53: no such host",
    'process "/bin/sh -c echo rpc error: code = Unavailable; echo \\"adding interface x to bridge '
    'y failed\\"; false" did not complete successfully: exit code: 1',
]


def fail_in_buildkit(error: str) -> ExecutorError:
    return buildkit_failure(f" > [2/3] RUN make:\nERROR: failed to solve: {error}\n")


@pytest.mark.parametrize(("error", "means"), AGENTS)
def test_errors_of_the_agents_own_parts_are_the_agents_fault(error: str, means: str) -> None:
    for fault in (find_fault(error), find_call_fault(500, error)):
        if fault is None:
            assert "containerd.sock" in error, "a builder quotes the address"
            continue
        assert isinstance(fault, AgentUnfit)
        assert fault.cause is Cause.AGENT_UNFIT
        assert means in fault.why
        assert "make" not in fault.why, "the step is the commit's"


@pytest.mark.parametrize("error", AWAY)
def test_a_daemon_that_goes_away_is_recognized_by_the_code_or_the_message(error: str) -> None:
    assert isinstance(find_fault(error), DockerUnavailable)
    assert isinstance(buildkit_failure(f"ERROR: {error}\n"), DockerUnavailable)


@pytest.mark.parametrize("error", UNREACHABLE)
def test_a_registry_out_of_reach_is_not_a_failure_of_the_build(error: str) -> None:
    fault = find_fault(error)
    assert isinstance(fault, RegistryUnreachable)
    assert fault.cause is Cause.REGISTRY_UNREACHABLE


@pytest.mark.parametrize("error", COMMITS)
def test_a_commit_cannot_blame_the_agent_by_its_output(error: str) -> None:
    assert find_fault(error) is None
    assert isinstance(fail_in_buildkit(error), BuildFailed)
    assert isinstance(classic_failure(None, error, None), BuildFailed)


def test_the_exit_code_of_a_classic_builders_command_is_the_commits_fault() -> None:
    error = "The command '/bin/sh -c echo network x not found' returned a non-zero code: 3"
    assert isinstance(classic_failure(None, error, 3), BuildFailed)
    assert isinstance(classic_failure(None, NO_BRIDGE, None), AgentUnfit)


@pytest.mark.parametrize(
    ("status", "error", "is_agents"),
    [
        (500, "something that nobody has seen yet", True),
        (503, "", True),
        (400, "something that nobody has seen yet", False),
        (404, "network nonet not found", True),
        (500, "unable to find user app: no matching entries in passwd file", False),
        (500, "Cannot mkdir: /bin/busybox is not a directory", False),
        (400, 'runc create failed: exec: "/nope": stat /nope: no such file or directory', False),
        (None, "something that nobody has seen yet", False),
    ],
)
def test_the_status_of_a_call_decides_where_its_message_is_unknown(
    status: int | None, error: str, is_agents: bool
) -> None:
    assert isinstance(find_call_fault(status, error), AgentUnfit) == is_agents


def test_the_output_of_a_step_is_never_taken_for_a_lost_daemon() -> None:
    output = (
        "#6 0.2 Cannot connect to the Docker daemon at unix:///x\n"
        "------\n > [2/2] RUN true:\n0.2 error during connect\n------\n"
        'ERROR: failed to solve: process "/bin/sh -c x" did not complete successfully: '
        "exit code: 1\n"
    )
    assert isinstance(buildkit_failure(output), BuildFailed)
