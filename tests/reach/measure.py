"""Measures the matrix in a running installation: a probe in each kind of container of one commit.

An app `reach-beside` is what may be reached: a preview with a companion, and a build that runs all
the while. An app `reach` has the probe: in a RUN step, in a companion, in a hook and in its
application; and a job of it runs the same. Both are on one agent. Everything goes the way of any
other commit; what the probes print is in the logs.
"""

import contextlib
import itertools
import json
import re
import secrets
import shlex
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from tests.fakes.samples import SampleRepository
from tests.kernels.guest import StepFailed, await_that
from tests.reach import expected
from tests.reach.expected import COMPANION, HOOK, JOB, PREVIEW, STEP, WHO, Way
from tests.reach.matrix import Findings

BESIDE, APP = "reach-beside", "reach"
_PROBE = Path(__file__).with_name("probe.sh")
_WEB, _DATABASE, _BUILD = 18000, 18001, 18002
"""Ports in containers: none of the installation, or one would take its own for that."""
_SERVE = f"exec httpd -f -p {_WEB} -h /www"
_PAGE, _COPY = {"index.html": "reached\n"}, "COPY index.html /www/"
_SECONDS = 300.0
_SOCKET = "/var/run/docker.sock"
_FOUND = re.compile(r"reach (\w+) ([\w-]+) (\d+) (yes|no)\b")
_WORDS = {who: who.replace(" ", "-") for who in WHO}
_AGENT, _OPEN = "agent", "open"

SERVICE = """
import socket, sys

server = socket.socket(socket.AF_INET6)
server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(("::", int(sys.argv[1])))
server.listen(64)
while True:
    server.accept()[0].close()
"""
"""Takes connections at all addresses of a machine, as a service does that nobody has closed."""


class Target(NamedTuple):
    """Something to reach: `kind` is connect, neighbour, name or socket, as in probe.sh.

    For a name, `port` is the address that a nameserver has to answer, or for an address the name.
    `bridge` is the agent's interface of a link-local address. If the agent itself has to reach it
    too, it `is_shown`: only then is it known to be there.
    """

    way: Way
    kind: str
    at: str
    port: int | str = 0
    bridge: str = "-"
    is_shown: bool = True

    def __str__(self) -> str:
        return f"{self.way.what} at {self.at} {self.port or ''}".rstrip()


class Bridge(NamedTuple):
    """A bridge of the agent: its addresses, and its link-local one."""

    name: str
    addresses: Sequence[str]
    link_local: str


class Site(NamedTuple):
    """An installation that runs.

    `prevs` runs the command line and returns what it prints; `on_agent` runs a shell command as
    root on the machine of the agent to which `constraint` leads; `publish` stores a git repository
    under a name where the installation gets it, and returns its address. `targets` returns what
    there is besides previews and builds, by the agent's bridges once previews run. `lose_rules`
    removes the rules of iptables and ebtables on an agent that has no further use for them. All
    raise an exception that says why they fail.
    """

    prevs: Callable[..., str]
    on_agent: Callable[[str], str]
    publish: Callable[[str, Path], str]
    targets: Callable[[Sequence[Bridge]], Sequence[Target]]
    constraint: str = ""
    docker_socket: str = _SOCKET
    lose_rules: Callable[[], object] | None = None


def measure(site: Site, folder: Path, report: Callable[[str], None]) -> Findings:
    """Return who reaches what there. Blocks for a minute; leaves nothing behind.

    Repositories are made in `folder`. Raises StepFailed, and what the site raises.
    """
    mark = secrets.token_hex(4)
    report("starting a preview and a build to be reached ...")
    with _beside(site, folder / BESIDE, mark) as neighbours:
        bridges = find_bridges(site.on_agent)
        targets = [*site.targets(bridges), *_gateway_targets(bridges), *neighbours]
        report(f"trying {len(targets)} targets from inside each kind of container ...")
        made = SampleRepository(folder / APP)
        files = {**_probe_files(targets), ".prevs.toml": _settings_of(mark)}
        made.commit_app(_probing(mark), files)
        with _app(site, APP, made):
            text = _try_from_inside(site, mark)
    return collect(targets, text, mark)


def collect(targets: Sequence[Target], text: str, mark: str) -> Findings:
    """Return what the probes have printed. Raises StepFailed if one has not tried all."""
    seen = {
        (who, int(number)): word == "yes"
        for found, who, number, word in _FOUND.findall(text)
        if found == mark
    }
    tried = itertools.product((*_WORDS.values(), _AGENT), range(len(targets)))
    if missing := [one for one in tried if one not in seen]:
        who, number = missing[0]
        raise StepFailed(
            f"{len(missing)} attempts are in no log, as that of the {who} at {targets[number]}"
        )
    reached: dict[Way, dict[str, bool]] = {}
    for number, target in enumerate(targets):
        cells = reached.setdefault(target.way, dict.fromkeys(WHO, False))
        for who in WHO:
            cells[who] |= seen[_WORDS[who], number]
    silent = [
        str(target)
        for number, target in enumerate(targets)
        if target.is_shown and not seen[_AGENT, number]
    ]
    kept = {
        target.way
        for number, target in enumerate(targets)
        if seen.get((_OPEN, number)) and not reached[target.way][PREVIEW]
    }
    return Findings(reached, silent, sorted(kept))


@contextlib.contextmanager
def listening(run: Callable[[str], str], port: int) -> Iterator[None]:
    """Have something listen at all addresses of the machine on which `run` runs commands."""
    service = f"setsid python3 -c {shlex.quote(SERVICE)} {port}"
    pid = run(f"{service} </dev/null >/dev/null 2>&1 & echo $!").strip()
    try:
        yield
    finally:
        run(f"kill {pid}")


@contextlib.contextmanager
def _app(site: Site, name: str, made: SampleRepository) -> Iterator[None]:
    address = site.publish(name, made.folder)
    given = ("--port", str(_WEB), "--mem", "128", "--max-mem", "512", "--max-cpus", "1")
    constraint = ("--constraint", site.constraint) if site.constraint else ()
    site.prevs("app", "add", name, address, *given, *constraint)
    try:
        yield
    finally:
        site.prevs("app", "rm", name, "--yes")


@contextlib.contextmanager
def _beside(site: Site, folder: Path, mark: str) -> Iterator[list[Target]]:
    """Run a preview with a companion, and a build; yield them as targets, once it runs."""
    made = SampleRepository(folder)
    companion = _settings("beside", ["sh", "-c", f"exec httpd -f -p {_DATABASE} -h /www"])
    files = {".prevs.toml": companion, **_PAGE}
    made.commit_app([_COPY, f"CMD {json.dumps(['/bin/sh', '-c', _SERVE])}"], files)
    made.git("checkout", "--quiet", "-b", "building")
    own = f"echo building {mark} $(ip -o -4 address show eth0) $(ip -o -6 address show eth0)"
    made.commit_app([_COPY, f"RUN httpd -p {_BUILD} -h /www && {own} && sleep 600"], files)
    made.git("checkout", "--quiet", "main")
    with _app(site, BESIDE, made):
        site.prevs("start", BESIDE, "main", "--wait")
        site.prevs("start", BESIDE, "building")
        try:
            yield [*_preview_targets(site), *_build_targets(site, mark)]
        finally:
            site.prevs("stop", BESIDE, "building")


def _preview_targets(site: Site) -> Iterator[Target]:
    [owner] = [one for one in _containers(site, BESIDE) if _network_of(one)]
    network = _network_of(owner)
    at, name = str(network["IPAddress"]), str(owner["Name"]).lstrip("/")
    shown = json.loads(site.prevs("show", BESIDE, "main", "--json"))
    yield Target(expected.PREVIEW_OF_ANOTHER, "connect", at, _WEB)
    yield Target(expected.COMPANION_OF_ANOTHER, "connect", at, _DATABASE)
    yield Target(expected.PREVIEW_ARP, "neighbour", at, _WEB)
    # Docker's nameserver answers in its own networks alone, so not at the agent.
    yield Target(expected.PREVIEW_NAME, "name", name, at, is_shown=False)
    yield Target(expected.PREVIEW_BY_ADDRESS, "name", at, name, is_shown=False)
    # Proxies alone reach it, and the executor, which has found it healthy.
    host, port = shown["agent"]["host"], shown["host_port"]
    yield Target(expected.PORT_OF_ANOTHER, "connect", host, port, is_shown=False)
    yield Target(expected.OWN_COMPANION, "connect", "beside", _DATABASE, is_shown=False)


def _gateway_targets(bridges: Sequence[Bridge]) -> Iterator[Target]:
    for bridge in bridges:
        for address in bridge.addresses:
            if ":" not in address:
                yield Target(expected.GATEWAY_ARP, "neighbour", address, 9, is_shown=False)


def _build_targets(site: Site, mark: str) -> Iterator[Target]:
    pattern = re.compile(rf"building {mark} .*?inet (\S+)/.*")

    def find() -> re.Match[str] | None:
        return pattern.search(site.prevs("logs", BESIDE, "building"))

    found = await_that(find, "the other build says its address", _SECONDS)
    yield Target(expected.BUILD_OF_ANOTHER, "connect", found[1], _BUILD)
    yield Target(expected.BUILD_ARP, "neighbour", found[1], _BUILD)
    for six in re.findall(r"inet6 (?!fe80)(\S+)/", found[0]):
        yield Target(expected.BUILD_6, "connect", six, _BUILD)


def find_bridges(on_agent: Callable[[str], str]) -> list[Bridge]:
    """Return the bridges of Docker that are up on an agent."""
    found = []
    for link in filter(None, json.loads(on_agent("ip -json address show type bridge"))):
        given = [one for one in link["addr_info"] if one["family"] in {"inet", "inet6"}]
        near = [one["local"] for one in given if one["scope"] == "link"]
        wide = [one["local"] for one in given if one["scope"] == "global"]
        found.append(Bridge(link["ifname"], wide, near[0] if near else ""))
    return found


def at_gateways(ways: tuple[Way, Way], bridges: Sequence[Bridge], port: int) -> Iterator[Target]:
    """Yield the targets of a port at the agent's ends of all bridges, by IPv4 and by IPv6."""
    four, six = ways
    for bridge in bridges:
        for address in bridge.addresses:
            yield Target(six if ":" in address else four, "connect", address, port)
        if bridge.link_local:
            yield Target(six, "connect", bridge.link_local, port, bridge.name)


def _containers(site: Site, app: str) -> Sequence[Mapping[str, Any]]:
    listed = site.on_agent(f"docker ps --quiet --filter label=prevs.app={app}").split()
    found: Sequence[Mapping[str, Any]] = json.loads(
        site.on_agent(f"docker inspect {' '.join(listed)}")
    )
    return found


def _is_companion(container: Mapping[str, Any]) -> bool:
    return "prevs.companion" in container["Config"]["Labels"]


def _network_of(container: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the network that a container has itself; nothing where it joins another's."""
    networks = container["NetworkSettings"]["Networks"].values()
    return next((one for one in networks if one["IPAddress"]), {})


def _try_from_inside(site: Site, mark: str) -> str:
    """Return what the probes print: of the commit, of a job, of the agent and without rules."""
    site.prevs("start", APP, "main", "--wait")
    text = site.prevs("logs", APP, "main")
    text += site.prevs("run", APP, "main", "--", *_probe(JOB, mark).split())
    [preview] = [one for one in _containers(site, APP) if not _is_companion(one)]
    # The same program in the agent's own network shows that the targets are there.
    given = f"--rm --network host --volume {site.docker_socket}:{_SOCKET}"
    text += site.on_agent(f"docker run {given} {preview['Image']} {_probe(_AGENT, mark)}")
    if site.lose_rules is not None:
        site.lose_rules()
        text += site.on_agent(f"docker exec {preview['Id']} {_probe(_OPEN, mark)}")
    return text


def _probe_files(targets: Sequence[Target]) -> Mapping[str, str | bytes]:
    lines = [
        f"{number} {one.kind} {one.at} {one.port} {one.bridge}\n"
        for number, one in enumerate(targets)
    ]
    return {"targets": "".join(lines), "probe.sh": _PROBE.read_text(), **_PAGE}


def _probing(mark: str) -> Sequence[str]:
    """Return the end of the Dockerfile of the commit that probes.

    Its application says again what the step found: a build that is repeated takes the step from
    the cache, and its log has nothing of it.
    """
    started = f"cat /found; {_probe(PREVIEW, mark)}; {_SERVE}"
    return [
        _COPY,
        "COPY probe.sh targets /",
        f"RUN {_probe(STEP, mark)} | tee /found",
        f"CMD {json.dumps(['/bin/sh', '-c', started])}",
    ]


def _settings_of(mark: str) -> str:
    listen = f"httpd -p {_DATABASE} -h /www"
    probes = f"{listen}; {_probe(COMPANION, mark)}; touch /done; exec sleep 100000"
    hook = f"[hooks]\nprepare = [{json.dumps(_probe(HOOK, mark))}]\n"
    return hook + _settings("beside", ["sh", "-c", probes], ready=["test", "-e", "/done"])


def _settings(name: str, command: Sequence[str], ready: Sequence[str] = ()) -> str:
    lines = [f"[companions.{name}]", f"command = {json.dumps(command)}"]
    return "\n".join([*lines, *([f"ready = {json.dumps(ready)}"] if ready else []), ""])


def _probe(who: str, mark: str) -> str:
    return f"sh /probe.sh {_WORDS.get(who, who)} {mark} /targets"
