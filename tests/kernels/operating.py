"""docs/operating/machines.md, followed step by step."""

import json
import tempfile
from functools import partial
from pathlib import Path

from tests.kernels.cluster import AGENTS, ALL, Cluster, Visits
from tests.kernels.guest import StepFailed, await_that, check
from tests.kernels.steps import Step
from tests.reach import by_machines, matrix
from tests.reach.expected import TABLE

_FILES = {
    "master": (
        *("/etc/prevs/framework.env", "/etc/prevs/proxy.env", "/etc/mesos/master.env"),
        *("/etc/zookeeper/zoo.cfg", "/var/lib/zookeeper", "/var/lib/prevs/framework"),
        *("/var/lib/prevs-proxy", "/opt/prevs", "/opt/mesos"),
    ),
    "agent-1": ("/etc/mesos/agent.env", "/var/lib/mesos-agent", "/var/lib/prevs/executor"),
}
_SECRETS = {
    "master": "/etc/prevs/{token,proxy-token,keys,zookeeper,mesos,agents,operator}",
    "agent-1": "/etc/prevs/agents /etc/mesos/{credential.json,readers.json,jwt-key}",
}
_UNITS = {
    "master": ("zookeeper", "mesos-master", "prevs-framework", "prevs-proxy"),
    "agent-1": ("docker", "mesos-agent"),
}
SECOND = "agent-2"
"""Where the second proxy is: a machine that is an agent already."""


def steps(cluster: Cluster) -> list[Step]:
    """Return the steps, in order."""
    page = Page(cluster)
    found = [
        Step("machines.md: where", "master", page.where),
        Step("machines.md: again", "all", page.run_again),
        Step("machines.md: agents kept", "agents", page.keep_to_agents),
        Step("machines.md: who reads Mesos", "master", page.read_mesos),
        Step("machines.md: no way", "agent-1", page.reach_nothing),
        Step("machines.md: who reaches what", "agent-1", page.measure_reach),
        Step("machines.md: proxy again", "master", page.restart_proxy),
        Step("machines.md: second proxy", SECOND, page.add_proxy),
        Step("machines.md: link cut", "agent-1", page.cut_link),
    ]
    return [step._replace(uses=ALL, needs=("example",)) for step in found]


class Page:
    """The page, paragraph by paragraph."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    def where(self) -> str:
        """Check that all is where it says: files, their owners, units and their logs."""
        for name, paths in _FILES.items():
            self._cluster.guest(name).run(f"ls -d {' '.join(paths)}")
        for name, paths_of_secrets in _SECRETS.items():
            modes = self._cluster.guest(name).run(
                f"bash -c 'stat --format=\"%a %U\" {paths_of_secrets}'"
            )
            check(set(modes.splitlines()) == {"600 root"}, f"{name}: {modes}")
        for name, units in _UNITS.items():
            for unit in units:
                self._cluster.guest(name).run(f"systemctl is-active {unit}")
                log = self._cluster.guest(name).run(f"journalctl --quiet --lines=3 -u {unit}")
                check(log.strip(), f"{unit} on {name} has no log")
        return f"{sum(map(len, _FILES.values()))} places, {sum(map(len, _UNITS.values()))} units"

    def run_again(self) -> str:
        """Run the script a second time: it does nothing, and no preview has to be started again."""
        before = self._cluster.preview("main")["task_id"]
        with Visits(self._cluster, "main") as visits:
            for name in ALL:
                output = self._cluster.run_script(name).splitlines()
                check([line.split()[0] for line in output] == ["Done"], f"{name}: {output}")
        check(self._cluster.preview("main")["task_id"] == before, "the preview is another one")
        return self._unbroken(visits)

    def keep_to_agents(self) -> str:
        """Keep a preview to each agent by `--constraint machine=…`."""
        self._cluster.start_on("main", "agent-1")
        self._cluster.start_on("v1", "agent-2")
        for label in ("main", "v1"):
            self._cluster.await_served(label)
        return "main on agent-1, v1 on agent-2"

    def read_mesos(self) -> str:
        """Read Mesos as `operator` and as `reader`, by address; nobody else may."""
        master, agent = (f"{self._cluster.address(name)}" for name in ("master", "agent-1"))
        places = {f"{master}:5050": ("operator", "operator"), f"{agent}:5051": ("reader", "agents")}
        quiet = "curl --silent --noproxy '*' --output /dev/null --write-out '%{http_code}'"
        guest = self._cluster.master
        for place, (user, file) in places.items():
            status = guest.run(f"{quiet} http://{place}/state")
            check(status == "401", f"{place} answers {status} to nobody")
            login = f'--user "{user}:$(cat /etc/prevs/{file})"'
            status = guest.run(f"{quiet} {login} http://{place}/state")
            check(status == "200", f"{place} answers {status} to {user}")
            status = guest.run(
                f"{quiet} {login} --header 'Host: evil.example' http://{place}/state"
            )
            check(status == "400", f"{place} answers {status} by a name")
        return "operator, reader: 200; nobody: 401; by a name: 400"

    def reach_nothing(self) -> str:
        """Check that a preview reaches no other machine, although its agent does."""
        guest, container = self._cluster.container("main")
        master, other = (self._cluster.address(name) for name in ("master", "agent-2"))
        services = [f"{master} {port}" for port in (22, 80, 2181, 5050, 8090)]
        services += [f"{other} 22", f"{other} 5051"]
        probe = "timeout 5 bash -c 'exec 3<>/dev/tcp/{0}/{1}'"
        process = guest.run("docker inspect --format '{{.State.Pid}}' " + container).strip()
        own = f"127.0.0.1 {self._cluster.preview('main')['port']}".split()
        guest.run(f"nsenter --net=/proc/{process}/ns/net {probe.format(*own)}")
        for service in services:
            command = probe.format(*service.split())
            guest.run(command)
            try:
                guest.run(f"nsenter --net=/proc/{process}/ns/net {command}")
            except StepFailed:
                continue
            raise StepFailed(f"the preview reaches {service}")
        return f"{len(services)} services are open to the agent, none to its preview"

    def measure_reach(self) -> str:
        """Try from inside each kind of container what docs/security.md says of it."""
        machines = {name: partial(self._cluster.guest(name).run, seconds=600) for name in ALL}
        with tempfile.TemporaryDirectory() as folder:
            findings = by_machines.find_who_reaches_what(
                machines,
                {name: self._cluster.address(name) for name in ALL},
                partial(self._cluster.prevs, seconds=900),
                self._cluster.publish,
                Path(folder),
            )
        lines = matrix.describe(TABLE, findings)
        print("\n".join(lines))
        check(matrix.is_good(TABLE, findings), "\n".join(lines))
        return lines[-1]

    def restart_proxy(self) -> str:
        """Restart the proxy; no visitor notices."""
        with Visits(self._cluster, "main") as visits:
            self._cluster.master.run("systemctl restart prevs-proxy")
            self._cluster.run_script("master", "start")
        return self._unbroken(visits)

    def add_proxy(self) -> str:
        """Make a second proxy with copies of the master's files, and be served by it."""
        guest, address = self._cluster.guest(SECOND), self._cluster.address(SECOND)
        files = {"--proxy-token-file": "proxy-token", "--zookeeper-file": "zookeeper"}
        for file in files.values():
            guest.write(f"/root/{file}", self._cluster.master.run(f"cat /etc/prevs/{file}"), "600")
        given = " ".join(f"{option} /root/{file}" for option, file in files.items())
        to_master = f"--address {address} --master {self._cluster.address('master')} {given}"
        script = f"/usr/src/prevs/vagrant/provision.sh proxy {to_master}"
        guest.run(f"{script} --domain localhost --public-port 8080", seconds=1200)
        visit = "curl --silent --noproxy '*' -H 'Host: v1.hello.localhost:8080' --max-time 15"

        def served() -> bool:
            return "Hello, world!" in self._cluster.master.run(
                f"{visit} http://{address}/", check=False
            )

        await_that(served, "the second proxy serves v1", 120)
        return "v1 is served by it"

    def cut_link(self) -> str:
        """Cut an agent's link and heal it: its preview is served again, by the same container."""
        self._cluster.start_on("v1", "agent-2")
        self._cluster.start_on("main", "agent-1")
        guest, before = self._cluster.container("main")
        cards = guest.run("ip -o -4 address").partition(self._cluster.address("agent-1"))[0]
        card = cards.split()[-2]
        # Packets get lost. Without the card the route would be gone too, and the other card would
        # route the connections of Mesos to an unused address.
        rules = f"INPUT -i {card} -j DROP", f"OUTPUT -o {card} -j DROP"
        with Visits(self._cluster, "v1") as others, Visits(self._cluster, "main") as own:
            guest.run("; ".join(f"iptables -w -I {rule}" for rule in rules))
            try:
                await_that(lambda: not self._is_active("agent-1"), "Mesos misses agent-1", 180)
            finally:
                guest.run("; ".join(f"iptables -w -D {rule}" for rule in rules))
            await_that(lambda: self._is_active("agent-1"), "agent-1 is back", 180)
            self._cluster.await_served("main")
        check({status for _, status in others.seen} == {200}, f"v1: {others.summary()}")
        check(self._cluster.container("main")[1] == before, "another container serves it")
        return f"the same container serves it again; {own.summary()}"

    def _is_active(self, name: str) -> bool:
        agents = json.loads(self._cluster.prevs("agents", "--json"))
        host = self._cluster.address(name)
        return any(agent["host"] == host and agent["active"] for agent in agents)

    @staticmethod
    def _unbroken(visits: Visits) -> str:
        check({status for _, status in visits.seen} == {200}, visits.summary())
        return visits.summary()


assert set(AGENTS) >= {SECOND}
