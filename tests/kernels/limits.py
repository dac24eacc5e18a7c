"""What previews and builds may use, with cgroup v2 and Debian's docker.service."""

import re

from prevs import names
from tests.kernels.cluster import ALL, Cluster
from tests.kernels.guest import Guest, await_that, check
from tests.kernels.steps import Step

_MB = 1024 * 1024
_SECONDS = 20
"""For which CPU is shared."""
_SLICE = "prevsbuilds.slice"
_BUSYBOX = "/bin/busybox"
DARK = names.slug("feature/dark")
_HUNGRY = ("hungry", 'RUN ["/bin/busybox", "tail", "/dev/zero"]')
_BOMB = (
    "bomb",
    'RUN ["/bin/busybox", "sh", "-c", "while :; do /bin/busybox sleep 600 & done"]',
)


def steps(cluster: Cluster) -> list[Step]:
    """Return the steps, in order: the fork bomb last."""
    limits = Limits(cluster)
    found = [
        Step("limits: groups", "agent-1", limits.groups),
        Step("limits: a child's memory", "agent-1", limits.kill_child),
        Step("limits: CPU beside a unit", "agent-1", limits.share_with_unit),
        Step("limits: CPU of 0.1 and 0.4", "agent-1", limits.share_with_preview),
        Step("limits: a build's memory", "agent-2", limits.hungry_build),
        Step("limits: fork bomb", "agent-2", limits.bomb),
    ]
    return [step._replace(uses=ALL, needs=("example",)) for step in found]


class Limits:
    """The limits of main on agent-1, and of builds on agent-2."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def groups(self) -> str:
        """Read the container's limits in the kernel."""
        guest, container = self._main()
        preview = self._cluster.preview("main")
        wanted = {
            "memory.max": str(preview["mem"] * _MB),
            "memory.swap.max": "0",
            "pids.max": "512",
            "cpu.weight": str(round(preview["cpus"] * 100)),
        }
        group = group_of(guest, container)
        found = {name: guest.run(f"cat {group}/{name}").strip() for name in wanted}
        check(found == wanted, f"{group} has {found}, and not {wanted}")
        return ", ".join(f"{name} {value}" for name, value in found.items())

    def kill_child(self) -> str:
        """Have a child of the application take all memory: only it dies, and that is reported."""
        guest, container = self._main()
        before = self._cluster.preview("main")["task_id"]
        output = guest.run(
            f"docker exec {container} {_BUSYBOX} tail /dev/zero; echo status $?", check=False
        )
        check("status 137" in output, f"it was not killed: {output}")

        def read_reason() -> str:
            reason = str(self._cluster.preview("main")["reason"])
            return reason if "out of memory" in reason else ""

        reason = await_that(read_reason, "`prevs show` shows it", 60)
        check(self._cluster.preview("main")["task_id"] == before, "the preview was started again")
        return reason

    def share_with_unit(self) -> str:
        """Burn CPU in the preview of 0.1 CPUs and in a unit of systemd beside it."""
        guest, container = self._main()
        unit = "prevs-burn"
        guest.run(f"systemd-run --quiet --unit={unit} {_burn(guest)}")
        try:
            groups = [group_of(guest, container), _unit_group(guest, unit)]
            ours, other = self._share(guest, [container], groups)
        finally:
            guest.run(f"systemctl kill --signal=KILL {unit}", check=False)
        return fair(ours, other, 0.1 / 1.1)

    def share_with_preview(self) -> str:
        """Burn CPU in two previews of one agent, of 0.1 and 0.4 CPUs."""
        self._main()
        self._cluster.prevs("app", "set", "hello", "--cpus", "0.4")
        try:
            self._cluster.start_on(DARK, "agent-1")
        finally:
            self._cluster.prevs("app", "set", "hello", "--cpus", "0.1")
        guest, small = self._cluster.container("main")
        _, large = self._cluster.container(DARK)
        groups = [group_of(guest, one) for one in (small, large)]
        ours, other = self._share(guest, [small, large], groups)
        self._cluster.prevs("stop", "hello", DARK)
        return fair(ours, other, 0.1 / 0.5)

    def hungry_build(self) -> str:
        """Build something that takes all memory: the slice ends it, and the build reports that."""
        guest = self._cluster.guest("agent-2")
        guest.run(f"systemctl set-property --runtime {_SLICE} MemoryMax=300M")
        try:
            reason = self._fail(*_HUNGRY)
        finally:
            guest.run(f"systemctl set-property --runtime {_SLICE} MemoryMax=75%")
        check("The build ran out of memory" in reason, reason)
        return reason

    def bomb(self) -> str:
        """Build a fork bomb: its processes are counted, and the agent goes on."""
        guest = self._cluster.guest("agent-2")
        reason = self._fail(*_BOMB)
        check("processes" in reason, reason)
        peak = guest.run(f"cat /sys/fs/cgroup/{_SLICE}/pids.peak", check=False).strip()
        self._cluster.await_served("v1")
        return f"{reason} (at most {peak} processes)"

    def _main(self) -> tuple[Guest, str]:
        self._cluster.start_on("main", "agent-1")
        return self._cluster.container("main")

    def _fail(self, label: str, step: str) -> str:
        """Build a commit with that step on agent-2; return why it failed."""
        master = self._cluster.master
        git = "git -C /srv/git/hello -c user.name=prevs -c user.email=prevs@localhost"
        dockerfile = "/srv/git/hello/Dockerfile"
        master.run(f"{git} checkout --quiet -B {label} main")
        text = master.run(f"cat {dockerfile}")
        head, _, command = text.rpartition("CMD ")
        master.write(dockerfile, f"{head}{step}\nCMD {command}")
        # Another commit each time: a failed one stays failed.
        message = f'"{label} $(date +%s)"'
        master.run(f"{git} commit --quiet --all --message {message}")
        master.run(f"{git} checkout --quiet main")
        self._cluster.prevs("app", "set", "hello", "--constraint", "machine=agent-2")
        try:
            self._cluster.prevs("start", "hello", label)
            failed = self._cluster.await_preview(label, "failed", 600)
        finally:
            self._cluster.prevs("app", "set", "hello", "--constraint", "")
        return str(failed["failure"]["message"])

    def _share(self, guest: Guest, containers: list[str], groups: list[str]) -> list[float]:
        """Burn CPU in containers for some seconds; return the seconds of CPU of each group."""
        for container in containers:
            guest.run(f"docker exec --detach {container} {_BUSYBOX} {_burn(guest)}")
        try:
            before = [used(guest, group) for group in groups]
            guest.run(f"sleep {_SECONDS}")
            return [used(guest, group) - was for group, was in zip(groups, before, strict=True)]
        finally:
            for container in containers:
                guest.run(f"docker exec {container} {_BUSYBOX} pkill -9 -f 'while :'", check=False)


def _burn(guest: Guest) -> str:
    """Return a command that takes all CPUs of a machine."""
    cpus = int(guest.run("nproc"))
    return f"sh -c '{'(while :; do :; done) & ' * (cpus - 1)}while :; do :; done'"


def group_of(guest: Guest, container: str) -> str:
    """Return the control group of a container."""
    process = guest.run("docker inspect --format '{{.State.Pid}}' " + container).strip()
    return "/sys/fs/cgroup" + guest.run(f"cat /proc/{process}/cgroup").strip().partition("::")[2]


def _unit_group(guest: Guest, unit: str) -> str:
    path = guest.run(f"systemctl show --property=ControlGroup --value {unit}").strip()
    return f"/sys/fs/cgroup{path}"


def used(guest: Guest, group: str) -> float:
    """Return the seconds of CPU that a group has used."""
    stat = guest.run(f"cat {group}/cpu.stat")
    found = re.search(r"^usage_usec (\d+)$", stat, re.MULTILINE)
    check(found, f"{group}: {stat}")
    assert found is not None
    return int(found[1]) / 1e6


def fair(ours: float, other: float, wanted: float) -> str:
    """Return the shares. Raises StepFailed if ours is far from the wanted one."""
    share = ours / (ours + other)
    note = f"it had {share:.0%} of {ours + other:.0f} s of CPU, {wanted:.0%} would be fair"
    check(wanted / 2 < share < wanted * 2, note)
    return note
