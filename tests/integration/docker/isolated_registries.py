"""What registries make docker connect to, on the agent of isolated_agent.py.

`unshare --net --mount python isolated_registries.py FOLDER` prints its findings as JSON.
"""

import http.server
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from executor.limits.confinement import Confinement
from local.docker import containers as made_by
from prevs.commit_settings import RunSettings
from prevs.companions import Companion
from tests.fakes import roaming_registry
from tests.fakes.dockerd import leave_group
from tests.fakes.roaming_registry import PLAIN, PORT, REALM, Listener
from tests.fakes.samples import SERVE
from tests.integration.docker.attempts import APP, Agent
from tests.integration.docker.builds import BUILDERS
from tests.integration.docker.isolated_agent import (
    ALLOWED,
    DENIED,
    METADATA,
    PRIVATE,
    SERVICE,
    make_world,
    run,
    start_dockerd,
)

AT = f"registry.example:{PORT}"
ASKING = f"registry.example:{REALM}"
"""Names of registries: they lead to a public address, as all names do there."""
KINDS = {
    "realm": f"{ASKING}/good/realm",
    "manifest": f"{AT}/manifest/manifest",
    "blob": f"{AT}/blob/blob",
}
"""How the names of images begin, by what leads docker elsewhere."""
CDN = DENIED
"""Another public address, which is denied to nobody here."""
OPEN, CONFINED = Confinement(builds=False), Confinement()
OPENED = (".open", ".pod")
"""How the names end of what is pulled without confinement."""
WITH_NETWORK = Confinement(allowed=(ip_network(f"{ALLOWED}/32"),))


class World:
    """An agent with a service on loopback, and a registry outside."""

    def __init__(self, folder: Path, host: str, heard: list[str]) -> None:
        self.log = folder / "registry-log"
        self.agent = Agent(host, folder, lambda: 31009)
        self.heard = heard
        self._path = self.agent.environ["PATH"]

    def find(
        self, act: Callable[[], None], confined: Confinement = CONFINED, builder: str = "buildkit"
    ) -> Mapping[str, Any]:
        """Return what an attempt came to, and what was asked of the service and the registry."""
        self.log.write_text("")
        self.heard.clear()
        self.agent.config = self.agent.config._replace(confined=confined)
        self.agent.environ["PATH"] = "/usr/bin:/bin" if builder == "buildkit" else "/nowhere"
        self.agent.log.headers.clear()
        self.agent.log.data = b""
        act()
        report = self.agent.report
        # Docker asks once more, and late, for what it began to pull while it was let.
        late = () if confined is OPEN else OPENED
        return {
            "states": self.agent.states[-1:],
            "message": self.agent.message,
            "cause": report.cause and report.cause.value,
            "heard": [line for line in self.heard if not any(one in line for one in late)],
            "asked": self.log.read_text().splitlines(),
            "headers": list(self.agent.log.headers),
            "log": self.agent.log.data.decode(errors="replace")[-2000:],
        }

    def build(self, *lines: str) -> Callable[[], None]:
        """Have a commit with this Dockerfile built."""

        def act() -> None:
            self.agent.when["TASK_RUNNING"] = self.agent.kill
            sha = self.agent.repository.commit({"Dockerfile": "\n".join(lines) + "\n"})
            self.agent.run(sha)

        return act

    def accompany(self, image: str) -> Callable[[], None]:
        """Have a commit run that has a companion of this image."""

        def act() -> None:
            sha = self.agent.image(SERVE)
            self.agent.when["TASK_RUNNING"] = self.agent.kill
            self.agent.run(sha, run=RunSettings(companions=(Companion("db", image=image),)))

        return act


def examine(folder: Path, host: str, heard: list[str]) -> Mapping[str, Any]:
    """Have images pulled in all ways, and return the findings."""
    world = World(folder, host, heard)
    found: dict[str, Any] = {}
    # Each has a name of its own: docker keeps layers, and tokens.
    for kind, at in KINDS.items():
        found[f"open FROM {kind}"] = world.find(world.build(f"FROM {at}.open:1", "CMD true"), OPEN)
        found[f"open companion {kind}"] = world.find(world.accompany(f"{at}.pod:1"), OPEN)
    for kind, at in KINDS.items():
        for builder in BUILDERS:
            act = world.build(f"FROM {at}.{builder}:1", "CMD true")
            found[f"FROM {kind} {builder}"] = world.find(act, builder=builder)
        act = world.build(f"# syntax={at}.syntax:1", "FROM scratch", "COPY Dockerfile /")
        found[f"syntax {kind}"] = world.find(act)
        found[f"companion {kind}"] = world.find(world.accompany(f"{at}.companion:1"))
    for where in (METADATA, PRIVATE, ALLOWED):
        image = f"{AT}/blob/{where}-{PLAIN}-closed:1"
        found[f"at {where}"] = world.find(world.build(f"FROM {image}", "CMD true"))
    image = f"{AT}/blob/{CDN}-{PLAIN}-cdn:1"
    found["from a CDN"] = world.find(world.build(f"FROM {image}", "CMD true"))
    image = f"{AT}/blob/{ALLOWED}-{PLAIN}-open:1"
    found["allowed"] = world.find(world.build(f"FROM {image}", "CMD true"), WITH_NETWORK)
    image = f"{ALLOWED}:{PORT}/good/allowed:1"
    found["at an allowed address"] = world.find(world.build(f"FROM {image}", "CMD x"), WITH_NETWORK)
    return found


def main() -> None:
    """Make the world, collect the findings, and end it."""
    folder = Path(sys.argv[1])
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    processes = make_world(folder)
    service = http.server.ThreadingHTTPServer(("0.0.0.0", SERVICE), Listener)
    threading.Thread(target=service.serve_forever, daemon=True).start()
    within = ("nsenter", f"--net=/proc/{processes[0].pid}/ns/net")
    served = [sys.executable, roaming_registry.__file__, str(folder)]
    pem = str(folder / "registry.pem")
    subject = ("-subj", "/CN=registry.example", "-days", "2", "-newkey", "rsa:2048", "-nodes")
    run("openssl", "req", "-x509", *subject, "-keyout", pem, "-out", f"{pem}.crt")
    with (folder / "registry.pem").open("a") as file:
        file.write(Path(f"{pem}.crt").read_text())
    processes.append(subprocess.Popen([*within, *served, f"127.0.0.1:{SERVICE}"]))
    try:
        trusted = [f"--insecure-registry={one}" for one in (AT, ASKING, f"{ALLOWED}:{PORT}")]
        process, host = start_dockerd(folder, trusted)
        processes.append(process)
        found = examine(folder, host, Listener.heard)
        made_by.remove_all(host, APP)
        print(json.dumps(found))
    finally:
        for one in reversed(processes):
            one.terminate()
            one.wait(60)
        leave_group(folder.name)


if __name__ == "__main__":
    main()
