"""An agent in namespaces of its own, with an internet beyond it: what its previews reach.

isolated_builds.py is run there. The world outside is another network namespace, which stands for
other machines: it has the addresses of a server of the internet, of a cloud's metadata, of its
nameserver, of private networks, and of masters of the installation.
"""

import contextlib
import dataclasses
import functools
import http.server
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from ipaddress import ip_network
from pathlib import Path

from docker.api import APIClient

from executor.container.containers import DockerContainers
from executor.docker.daemon import Daemon
from executor.errors import PreviewExposed
from executor.limits.confinement import Confinement, ProxyPort
from executor.limits.firewall import FirewallZone, is_set
from executor.network.iptables import close
from executor.network.preview_network import PreviewNetwork
from executor.ports import ContainerSpec, PublishedPort
from local.docker import containers as made_by
from tests.fakes.attempts import MemoryLog
from tests.fakes.containers import RecordingGuard
from tests.fakes.dockerd import in_own_group, leave_group
from tests.fakes.samples import SERVE, SampleImages
from tests.waits import describe_end, wait_until

CLUSTER = "isolated"
AGENT, INTERNET, DENIED = "198.51.100.2", "198.51.100.1", "203.0.113.1"
METADATA, NAMESERVER = "169.254.169.254", "169.254.169.253"
PRIVATE, SHARED, ALLOWED = "10.66.0.1", "100.64.0.9", "10.77.0.1"
NEAR_MASTER, FAR_MASTER = "10.77.0.5", "192.0.2.9"
WORLD = {
    "the internet": f"http://{INTERNET}/",
    "the internet by name": "http://example.test/",
    "an allowed network": f"http://{ALLOWED}/",
    "metadata": f"http://{METADATA}/",
    "a denied network": f"http://{DENIED}/",
    "a private network": f"http://{PRIVATE}/",
    "a network shared by a provider": f"http://{SHARED}/",
    "a master in the allowed network": f"http://{NEAR_MASTER}/",
    "a master on the internet": f"http://{FAR_MASTER}/",
}
"""What is on other machines. The first three are open."""
CONFINED = Confinement(
    denied=(ip_network(f"{DENIED}/32"),),
    allowed=(ip_network("10.77.0.0/16"),),
    control_plane=(ip_network(NEAR_MASTER), ip_network(FAR_MASTER)),
)
PORT, SERVICE = 31001, 9999
FIRST_ID = 200000
WITHIN = "PREVS_TEST_OUTSIDE"
"""The variable with the option of nsenter for the world outside."""

OUTSIDE = """
import http.server, socket, sys, threading

class Hello(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"reached")

def name():
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind((sys.argv[1], 53))
    while True:
        query, client = server.recvfrom(512)
        end = query.index(b"\\0", 12) + 5
        kind = query[end - 4 : end - 2]
        record = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\1\\0\\4" + socket.inet_aton(sys.argv[2])
        answers = b"\\0\\1" if kind == b"\\0\\1" else b"\\0\\0"
        head = query[:2] + b"\\x81\\x80\\0\\1" + answers + b"\\0\\0\\0\\0"
        server.sendto(head + query[12:end] + (record if kind == b"\\0\\1" else b""), client)

threading.Thread(target=name, daemon=True).start()
http.server.ThreadingHTTPServer(("0.0.0.0", 80), Hello).serve_forever()
"""

BY_SUDO = """
import sys
from executor.limits.confinement import Confinement
from executor.docker.daemon import Daemon
from executor.network.preview_network import PreviewNetwork
from tests.integration.docker.isolated_agent import CLUSTER

print(PreviewNetwork(CLUSTER, Confinement()).ensure(Daemon({"DOCKER_HOST": sys.argv[1]}).client()))
"""

WRITTEN = """
import sys
from executor.docker.daemon import Daemon
from executor.container.disk_watch import measure

print(measure(Daemon({"DOCKER_HOST": sys.argv[1]}).client(), sys.argv[2], 2**40))
"""

SUDOERS = """
Defaults !use_pty
daemon ALL=(root) NOPASSWD: /usr/sbin/iptables -w -t mangle -S, \\
    /usr/sbin/iptables -w -t filter -S, /usr/sbin/ip6tables -w -t filter -S, \\
    /usr/sbin/ip6tables-restore -w --noflush, /usr/sbin/iptables-restore -w --noflush, \\
    /usr/sbin/ebtables-save -t filter, /usr/sbin/ebtables-restore --noflush
"""

UNPRIVILEGED = """
import sys
from executor.limits.confinement import Confinement
from executor.container.containers import DockerContainers
from executor.docker.daemon import Daemon
from executor.errors import PreviewExposed
from executor.network.preview_network import PreviewNetwork
from tests.fakes.attempts import MemoryLog
from tests.fakes.containers import RecordingGuard
from tests.fakes.dockerd import in_own_group, leave_group
from tests.integration.docker.isolated_agent import CLUSTER, spec

log, daemon = MemoryLog(), Daemon({"DOCKER_HOST": sys.argv[1]})
for required in (False, True):
    confined = Confinement(required=required)
    containers = DockerContainers(daemon, PreviewNetwork(CLUSTER, confined), log, RecordingGuard())
    try:
        containers.start(spec("unprivileged", 0), on_exit=lambda: None).remove()
        print("started:", *log.headers)
    except PreviewExposed as exc:
        print(f"{exc.cause.value}:", exc)
"""


def spec(name: str, host_port: int) -> ContainerSpec:
    """Return a preview that serves a page, published at all addresses of the agent.

    With a `host_port` of 0 it is not published.
    """
    ports = (PublishedPort(8080, "0.0.0.0", host_port),) if host_port else ()
    return ContainerSpec(
        name=f"prevs-{CLUSTER}-{name}",
        image="prevs-test/isolated:1",
        cpus=0.1,
        # A dozen commands run in it at once, and what starts each counts as its memory.
        mem=256,
        environment={"PORT": "8080"},
        labels={"prevs.cluster": CLUSTER},
        ports=ports,
    )


def run(*command: str) -> str:
    """Return what a command prints; it has to succeed."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def make_world(folder: Path) -> list[subprocess.Popen[bytes]]:
    """Connect this agent to an outside; return the processes that are that."""
    (folder / "resolv.conf").write_text(f"nameserver {NAMESERVER}\n")
    (folder / "subids").write_text(f"nobody:{FIRST_ID}:65536\n")
    (folder / "sudoers").write_text(SUDOERS)
    (folder / "sudoers").chmod(0o440)
    own = {"resolv.conf": "resolv.conf", "subuid": "subids", "subgid": "subids"}
    for theirs, mine in {**own, "sudoers": "sudoers"}.items():
        run("mount", "--bind", str(folder / mine), f"/etc/{theirs}")
    outside = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
    here = Path("/proc/self/ns/net").readlink()
    wait_until(lambda: Path(f"/proc/{outside.pid}/ns/net").readlink() != here)
    within = ("nsenter", f"--net=/proc/{outside.pid}/ns/net")
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", "up0", "type", "veth", "peer", "down0", "netns", str(outside.pid))
    run("ip", "address", "add", f"{AGENT}/24", "dev", "up0")
    run("ip", "link", "set", "up0", "up")
    others = (DENIED, METADATA, NAMESERVER, PRIVATE, SHARED, ALLOWED, NEAR_MASTER, FAR_MASTER)
    for address in (f"{INTERNET}/24", *(f"{other}/32" for other in others)):
        run(*within, "ip", "address", "add", address, "dev", "down0")
    run(*within, "ip", "link", "set", "lo", "up")
    run(*within, "ip", "link", "set", "down0", "up")
    run("ip", "route", "add", "default", "via", INTERNET)
    served = [*within, sys.executable, "-c", OUTSIDE, NAMESERVER, INTERNET]
    return [outside, subprocess.Popen(served, stderr=subprocess.DEVNULL)]


class Service(http.server.BaseHTTPRequestHandler):
    """A service of the agent, as its Mesos agent is one."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"reached")

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


def start_dockerd(folder: Path, options: Sequence[str]) -> tuple[subprocess.Popen[bytes], str]:
    """Start a dockerd with more options, in a control group of its own."""
    host = f"unix://{folder / 'docker.sock'}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [
                *in_own_group(folder.name),
                *("dockerd", "--host", host, "--pidfile", str(folder / "pid")),
                *("--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")),
                *options,
                *("--log-level", "warn"),
            ],
            stdout=log,
            stderr=subprocess.STDOUT,
        )
    over = functools.partial(describe_end, process, folder / "log")
    wait_until(lambda: made_by.answers(host), "dockerd answers", over=over)
    return process, host


def reach(client: APIClient, urls: Mapping[str, str], who: str = "client") -> Mapping[str, bool]:
    """Return of which ones a preview gets an answer. It asks all at once."""
    asks = [
        f"{{ wget -q -T 2 -O - {url} | busybox grep -q -E 'reached|hello' && echo is{number}; }} &"
        for number, url in enumerate(urls.values())
    ]
    command = ["/bin/sh", "-c", f"{' '.join(asks)} wait"]
    made = client.exec_create(f"prevs-{CLUSTER}-{who}", command)
    answered: list[bytes] = client.exec_start(made["Id"]).split()
    return {name: b"is%d" % number in answered for number, name in enumerate(urls)}


def look(client: APIClient, who: str = "client") -> Mapping[str, bool]:
    """Return what a preview reaches."""
    networks = client.inspect_container(f"prevs-{CLUSTER}-server")["NetworkSettings"]["Networks"]
    [network] = networks.values()
    gateway = network["Gateway"]
    urls = {
        **WORLD,
        "another preview": f"http://{network['IPAddress']}:8080/",
        "another's published port": f"http://{AGENT}:{PORT}/",
        "that by the gateway": f"http://{gateway}:{PORT}/",
        "a service of the agent": f"http://{AGENT}:{SERVICE}/",
        "that service by the gateway": f"http://{gateway}:{SERVICE}/",
    }
    return reach(client, urls, who)


def visits(url: str = f"http://{AGENT}:{PORT}/", within: Sequence[str] = ()) -> bool:
    """Return whether a visitor reaches a preview: from the agent, or `within` another network."""
    done = subprocess.run(
        [*within, "busybox", "wget", "-q", "-T", "5", "-O", "-", url],
        capture_output=True,
        check=False,
    )
    return b"hello" in done.stdout


def list_rules() -> set[str]:
    """Return the chains and rules that executors set, of both kinds."""
    listed = run("iptables", "-t", "mangle", "-S") + run("ebtables-save", "-t", "filter")
    return {line for line in listed.splitlines() if "PREVS-" in line}


def flush_rules() -> None:
    """Lose all rules of both kinds."""
    run("iptables", "-t", "mangle", "-F")
    run("ebtables", "-t", "filter", "-F")


def examine(folder: Path, host: str) -> Mapping[str, object]:
    """Start previews, and return the findings."""
    daemon = Daemon({"DOCKER_HOST": host})
    client = daemon.client()
    SampleImages(client).add("prevs-test/isolated:1", SERVE)
    before = list_rules()
    log = MemoryLog()
    containers = DockerContainers(daemon, PreviewNetwork(CLUSTER, CONFINED), log, RecordingGuard())
    containers.start(spec("server", PORT), on_exit=lambda: None)
    first = list_rules()
    containers.start(spec("client", 0), on_exit=lambda: None)
    second = list_rules()
    wait_until(visits)
    state = client.inspect_container(f"prevs-{CLUSTER}-server")["State"]
    owner = Path(f"/proc/{state['Pid']}").stat().st_uid
    found: dict[str, object] = {
        "closed": look(client),
        "visits": visits(),
        "log": log.headers,
        "same rules again": first == second != before,
        "owner": owner,
    }
    with_proxy = CONFINED._replace(proxy=ProxyPort(AGENT, SERVICE))
    PreviewNetwork(CLUSTER, with_proxy).ensure(client)
    found["with a proxy"] = look(client)
    found["bridged"] = refuse_bridged(daemon)
    less = ["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"]
    code = [*less, sys.executable, "-c", UNPRIVILEGED, host]
    flush_rules()
    found["unprivileged"] = run(*code).splitlines()
    found["open"] = look(client)
    Path(host.removeprefix("unix://")).chmod(0o666)
    user = ["setpriv", "--reuid", "daemon", "--regid", "daemon", "--clear-groups"]
    found["by sudo"] = run(*user, sys.executable, "-c", BY_SUDO, host).strip()
    found["closed by sudo"] = look(client)
    found["written"] = write_to_volume(containers, client, [*user, sys.executable], host)
    flush_rules()
    found["ipv6"] = close_ipv6()
    # The bridge of that is gone: this start removes its rules.
    containers.start(spec("third", 0), on_exit=lambda: None)
    found["same rules at the next start"] = list_rules() == second
    found["not removed"] = made_by.remove_all(host, CLUSTER)
    found["as before"] = list_rules() == before
    return found


def refuse_bridged(daemon: Daemon) -> str:
    """Return why nothing starts where traffic between containers avoids the rules."""
    setting = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    setting.write_text("0")
    required = CONFINED._replace(required=True)
    containers = DockerContainers(
        daemon, PreviewNetwork(CLUSTER, required), MemoryLog(), RecordingGuard()
    )
    try:
        containers.start(spec("bridged", 0), on_exit=lambda: None)
    except PreviewExposed as exc:
        return str(exc)
    finally:
        setting.write_text("1")
    return "started"


def write_to_volume(
    containers: DockerContainers, client: APIClient, python: list[str], host: str
) -> Mapping[str, int]:
    """Have 20 MB written to a volume; return how much that is for root and for a user."""
    writes = "dd if=/dev/zero of=/data/big bs=1M count=20; echo done > /data/done; sleep 600"
    writer = dataclasses.replace(
        spec("writer", 0), command=("/bin/sh", "-c", writes), volumes={"/data": CLUSTER}
    )
    container = containers.start(writer, on_exit=lambda: None)
    folder = Path(client.inspect_volume(CLUSTER)["Mountpoint"])
    wait_until((folder / "done").exists)
    command = ["-c", WRITTEN, host, client.inspect_container(writer.name)["Id"]]
    measured = {
        "by root": int(run(sys.executable, *command)),
        "by a user": int(run(*python, *command)),
    }
    container.remove()
    client.remove_volume(CLUSTER, force=True)
    return measured


def close_ipv6() -> bool:
    """Return whether ip6tables takes the rules of a bridge, and says them as they were told."""
    run("ip", "link", "add", "br-6", "type", "bridge")
    zone = FirewallZone("br-6", [ip_network("fd01::/64")], ["fd00::53"], [ip_network("fd02::/16")])
    problem = close([zone], ipv6=True)
    listed = run("ip6tables", "-t", "mangle", "-S")
    run("ip", "link", "delete", "br-6")
    return problem is None and is_set(listed, zone, 6)


@contextlib.contextmanager
def agent(folder: Path) -> Iterator[str]:
    """Make this process's namespaces an agent that has a service; DOCKER_HOST is given."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    processes = make_world(folder)
    os.environ[WITHIN] = f"--net=/proc/{processes[0].pid}/ns/net"
    service = http.server.ThreadingHTTPServer(
        ("0.0.0.0", SERVICE), Service
    )  # in a network of its own
    threading.Thread(target=service.serve_forever, daemon=True).start()
    try:
        # It maps users of containers to none of the agent's.
        process, host = start_dockerd(folder, ("--userns-remap", "nobody:nogroup"))
        processes.append(process)
        try:
            yield host
        finally:
            made_by.remove_all(host, CLUSTER)
    finally:
        for one in reversed(processes):
            one.terminate()
            one.wait(60)
        leave_group(folder.name)
