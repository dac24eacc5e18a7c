"""What a step of a build may do, with the dockerd of `prevs local` and with one as Docker has it.

`unshare --net --mount python step_rights.py FOLDER` prints its findings as JSON.
"""

import json
import os
import re
import sys
from pathlib import Path

from executor.doctor.machine import look
from local.docker.dockerd import DockerPart
from local.parts.part import bring_up
from tests.fakes.dockerd import OwnDockerd
from tests.integration.docker.builds import making, removing_network

TRIES = {
    "raw socket": "ping -c 1 -W 1 127.0.0.1",
    "packet socket": "arping -c 1 -w 1 -I eth0 192.0.2.1 | grep -q Sent",
    "device": "mknod /device c 1 3",
    "pipe": "mknod /pipe p",
    "owner": "touch /file && chown 1000:1000 /file",
    "file of another": "chmod 000 /file && echo written >> /file",
    "set-id": "chown 0:0 /file && chown 1000:1000 /file && chmod 6755 /file && [ -u /file ]",
    "another user": "echo u:x:1000:1000::/:/bin/sh > /etc/passwd; su u -c id",
    "change of root": "chroot / true",
    "low port": "nc -l -p 80 -w 1 < /dev/null || [ $? = 1 ]",
}
"""Shell commands by what they need."""


def build(host: str, folder: Path) -> dict[str, object]:
    """Return what of it a step can do, its bounding set, and what is reported and checked."""
    folder.mkdir()
    tries = "; ".join(f"{{ {text}; }} && echo ,can {name}" for name, text in TRIES.items())
    with removing_network(host), making("buildkit", host, folder) as world:
        world.build(f"RUN {tries}; grep CapBnd /proc/self/status; sleep 1")
        log = world.log.data.decode()
        look_there = {**world.environ, "DOCKER_HOST": host, "PREVS_EXECUTOR_DIR": str(folder)}
        return {
            "can": re.findall(r"^#\d+ [\d.]+ ,can ([\w -]+)$", log, re.MULTILINE),
            "bounding": log.rpartition("CapBnd:")[2].split()[0],
            "reported": world.isolation["builds_privileged"],
            "checked": look(look_there, None).build_runc,
        }


def main(folder: Path) -> None:
    """Print the findings, with the dockerd of `prevs local` and with another."""
    environ = {"PATH": os.environ["PATH"], "DOCKER_HOST": "unix:///nowhere"}
    part = DockerPart(folder / "docker", environ)
    bring_up(part)
    try:
        ours = build(part.address, folder / "ours")
    finally:
        part.stop()
    (folder / "own").mkdir()
    dockerd = OwnDockerd(folder / "own")
    try:
        dockerd.start()
        dockers = build(dockerd.host, folder / "dockers")
    finally:
        dockerd.clear()
    print(json.dumps({"ours": ours, "dockers": dockers}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
