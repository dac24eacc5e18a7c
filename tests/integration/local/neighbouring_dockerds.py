"""dockerds of several owners in one network: what one of ours keeps after all the others.

`unshare --net --mount python neighbouring_dockerds.py FOLDER` prints its findings as JSON.
"""

import contextlib
import io
import json
import os
import secrets
import socket
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from docker.api import APIClient
from docker.errors import DockerException

from local.docker.dockerd import DockerPart
from local.parts.part import bring_up
from tests.fakes.dockerd import OwnDockerd
from tests.fakes.samples import BUSYBOX, DOCKERFILE, SERVE, SampleImages
from tests.integration.docker.isolated_agent import AGENT, INTERNET, make_world, run
from tests.waits import wait_until

ENVIRON = {"PATH": os.environ["PATH"], "DOCKER_HOST": "unix:///nowhere"}
PREVIEW, PORT = "preview", 31001
NETWORK = "prevs-neighbours"


class Ours:
    """A dockerd of ours that somebody uses: it has a preview, and builds."""

    def __init__(self, folder: Path) -> None:
        self.part = DockerPart(folder, ENVIRON)
        bring_up(self.part)
        self.client = APIClient(base_url=self.part.address, version="auto")
        image = SampleImages(self.client).add("prevs-test/neighbours:1", SERVE)
        self.client.create_network(NETWORK, driver="bridge")
        host = self.client.create_host_config(
            network_mode=NETWORK, port_bindings={8080: ("0.0.0.0", PORT)}
        )
        self.client.create_container(
            image, name=PREVIEW, environment={"PORT": "8080"}, ports=[8080], host_config=host
        )
        self.client.start(PREVIEW)
        wait_until(self.answers)

    @property
    def bridge(self) -> str:
        """The bridge of its builds."""
        found = self.client.inspect_network("bridge")["Options"]
        return str(found["com.docker.network.bridge.name"])

    def links(self) -> Mapping[str, int]:
        """Return its bridges with their numbers: one that was made anew has another."""
        names = (self.bridge, f"br-{self.client.inspect_network(NETWORK)['Id'][:12]}")
        there = {name: index for index, name in socket.if_nameindex()}
        return {name: there.get(name, 0) for name in names}

    def answers(self) -> bool:
        """Return whether a visitor of this machine gets the preview's page."""
        command = ["busybox", "wget", "-q", "-T", "2", "-O", "-", f"http://{AGENT}:{PORT}/"]
        return b"hello" in subprocess.run(command, capture_output=True, check=False).stdout

    def reaches(self) -> bool:
        """Return whether the preview reaches the internet."""
        command = ["/bin/wget", "-q", "-T", "2", "-O", "-", f"http://{INTERNET}/"]
        output: bytes = self.client.exec_start(self.client.exec_create(PREVIEW, command)["Id"])
        return b"reached" in output

    def builds(self) -> bool:
        """Return whether a step of a build reaches the internet."""
        return builds(self.client, f"wget -q -T 2 -O /got http://{INTERNET}/")

    def state(self) -> Mapping[str, object]:
        """Return all of that."""
        return {
            "links": self.links(),
            "answers": self.answers(),
            "reaches": self.reaches(),
            "builds": self.builds(),
        }


def builds(client: APIClient, step: str) -> bool:
    """Return whether a Dockerfile with a RUN step can be built."""
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as tar:
        tar.add(BUSYBOX, "busybox")
        dockerfile = tarfile.TarInfo("Dockerfile")
        text = f"{DOCKERFILE}RUN {step} && : {secrets.token_hex(4)}\n".encode()
        dockerfile.size = len(text)
        tar.addfile(dockerfile, io.BytesIO(text))
    context.seek(0)
    try:
        output = client.build(fileobj=context, custom_context=True, decode=True, rm=True)
        return not any("error" in line for line in output)
    except DockerException:
        return False


@contextlib.contextmanager
def foreign(folder: Path, *options: str) -> Iterator[None]:
    """Run a foreign dockerd, which ignores ours, while the context lasts."""
    folder.mkdir(exist_ok=True)
    host = f"unix://{folder / 'docker.sock'}"
    command = ["dockerd", "--host", host, "--pidfile", str(folder / "pid"), *options]
    command += ["--data-root", str(folder / "data"), "--exec-root", str(folder / "exec")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        client = APIClient(base_url=host, version="1.44")
        wait_until(lambda: _answers(client))
        yield
    finally:
        process.terminate()
        process.wait(60)


def _answers(client: APIClient) -> bool:
    with contextlib.suppress(DockerException, OSError):
        return bool(client.ping())
    return False


def pass_by(folder: Path, ours: Ours) -> Mapping[str, object]:
    """Start and end all the others, each twice; return the state of ours after each."""
    seen: dict[str, object] = {"before": ours.state()}
    for time in ("first", "second"):
        other = DockerPart(folder / "other", ENVIRON)
        bring_up(other)
        seen[f"another of ours starts, {time}"] = ours.state()
        other.stop()
        seen[f"another of ours ends, {time}"] = ours.state()
    own = OwnDockerd(folder / "own")
    (folder / "own").mkdir()
    for end in (own.kill, own.stop, own.clear):
        own.start()
        end()
    seen["that of a test"] = ours.state()
    with foreign(folder / "bare", "--bridge", "none"):
        seen["a foreign one without a bridge"] = ours.state()
    pools = ("--default-address-pool", "base=10.9.0.0/16,size=24")
    for time in ("first", "second"):  # only one that knows its networks removes docker0
        with foreign(folder / "foreign", *pools):
            seen[f"a foreign one with docker0, {time}"] = ours.state()
    seen["they have ended"] = ours.state()
    return seen


def come_and_go(folder: Path) -> Mapping[str, object]:
    """Start and end ours twice beside a foreign one with docker0; return the state of that."""
    with foreign(folder / "first"):
        seen: dict[str, object] = {"before": docker0()}
        for time in ("first", "second"):
            part = DockerPart(folder / "ours", ENVIRON)
            bring_up(part)
            seen[f"ours starts, {time}"] = docker0()
            part.stop()
            seen[f"ours ends, {time}"] = docker0()
    return seen


def docker0() -> Mapping[str, object]:
    """Return the link named docker0."""
    rules = [line for line in run("iptables-save").splitlines() if "docker0" in line]
    return {"index": socket.if_nametoindex("docker0"), "rules": sorted(rules)}


def take_turns(folder: Path) -> Mapping[str, list[str]]:
    """End two of ours in the order of their start; return what is left."""
    before = changed()
    parts = [DockerPart(folder / name, ENVIRON) for name in ("ours", "other")]
    for part in parts:
        bring_up(part)
    for part in parts:
        part.stop()
    return {"before": before, "after": changed()}


def changed() -> list[str]:
    """Return everything that a dockerd changes in a network, without the built-in chains."""
    saved = (line.partition(" [")[0] for line in run("iptables-save").splitlines())
    own = (one for one in saved if not (one.startswith(":") and one.endswith(" ACCEPT")))
    rules = [one for one in own if one.startswith((":", "-"))]
    links = [name for _, name in socket.if_nameindex()]
    return [*sorted(rules), *links, Path("/proc/sys/net/ipv4/ip_forward").read_text().strip()]


def main() -> None:
    """Collect the findings, and end every process."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    folder = Path(sys.argv[1])
    outside = make_world(folder)
    try:
        found: dict[str, object] = {"turns": take_turns(folder)}
        ours = Ours(folder / "ours")
        try:
            found["ours"] = pass_by(folder, ours)
            ours.client.remove_container(PREVIEW, force=True)
            ours.client.remove_network(NETWORK)
        finally:
            ours.part.stop()
        found["docker0"] = come_and_go(folder)
    finally:
        for process in reversed(outside):
            process.terminate()
            process.wait(60)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
