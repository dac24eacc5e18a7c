"""What previews and the steps of builds reach on the agent of isolated_agent.

`unshare --net --mount python isolated_builds.py FOLDER` prints its findings as JSON.
"""

import json
import secrets
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from executor.limits.confinement import Confinement
from tests.integration.docker import isolated_agent, isolated_companions, isolated_neighbours
from tests.integration.docker.builds import BUILDERS, World, making, removing_network
from tests.integration.docker.isolated_agent import (
    AGENT,
    CONFINED,
    SERVICE,
    WORLD,
    agent,
    flush_rules,
    list_rules,
    run,
)

OPEN = Confinement(builds=False)

UNPRIVILEGED = """
import sys
from pathlib import Path
from executor.errors import BuildExposed
from tests.integration.docker.builds import making, removing_network
from tests.integration.docker.isolated_agent import CONFINED

host = sys.argv[1]
with removing_network(host), making("buildkit", host, Path(sys.argv[2])) as world:
    for required in (False, True):
        world.restart(CONFINED._replace(required=required))
        world.log.headers.clear()
        for name, act in (
            ("checked", world.images.check_builds),
            ("built", lambda: world.build("RUN true")),
        ):
            try:
                act()
                print(f"{name}:", *world.log.headers)
            except BuildExposed as exc:
                print("refused:", exc)
"""

ELSEWHERE = """
import sys
from executor.limits.confinement import Confinement
from executor.docker.daemon import Daemon
from executor.network.preview_network import PreviewNetwork

client = Daemon({"DOCKER_HOST": sys.argv[1]}).client()
print(PreviewNetwork("elsewhere", Confinement()).ensure_builds(client))
client.remove_network("prevs-elsewhere")
"""


def look(world: World) -> Mapping[str, bool]:
    """Return what a step of a build reaches."""
    gateway = world.client.inspect_network("bridge")["IPAM"]["Config"][0]["Gateway"]
    urls = {
        **WORLD,
        "a service of the agent": f"http://{AGENT}:{SERVICE}/",
        "that service by the gateway": f"http://{gateway}:{SERVICE}/",
    }
    # The log shows the command too, in which there is `$?`.
    mark = secrets.token_hex(4)
    commands = [
        f"{{ wget -q -T 2 -O /dev/null {url}; echo is{number}=$? '{mark}'; }} &"
        for number, url in enumerate(urls.values())
    ]
    world.log.data = b""
    world.build(f"RUN {' '.join(commands)} wait")
    log = world.log.data.decode()
    return {name: f"is{number}=0 {mark}\n" in log for number, name in enumerate(urls)}


def examine(folder: Path, host: str) -> Mapping[str, object]:
    """Build, and return the findings."""
    found: dict[str, Any] = {}
    for builder in BUILDERS:
        (folder / builder).mkdir()
        with removing_network(host), making(builder, host, folder / builder) as world:
            world.restart(OPEN)
            reached = {"open": look(world)}
            world.restart(CONFINED)
            world.log.headers.clear()
            reached["closed"] = look(world)
            found[builder] = {**reached, "log": world.log.headers}
        found[builder]["left"] = bool(list_rules())
        flush_rules()
    less = ["setpriv", "--bounding-set", "-net_admin", "--inh-caps", "-net_admin"]
    (folder / "less").mkdir()
    code = [*less, sys.executable, "-c", UNPRIVILEGED, host, str(folder / "less")]
    found["unprivileged"] = run(*code).splitlines()
    # A machine that has a docker0 of its own, and its Docker elsewhere.
    docker0 = "ip link add docker0 type bridge"
    code = ["sh", "-c", f'{docker0} && exec "$@"', "sh", sys.executable, "-c", ELSEWHERE, host]
    found["elsewhere"] = run("unshare", "--net", *code).strip()
    return found


def main() -> None:
    """Make the world, collect the findings, and end it."""
    folder = Path(sys.argv[1])
    with agent(folder) as host:
        previews = isolated_agent.examine(folder, host)
        companions = isolated_companions.examine(host)
        neighbours = {
            "previews": isolated_neighbours.meet_in_previews(host),
            "builds": isolated_neighbours.meet_in_builds(folder / "neighbours", host),
        }
        found = {
            "previews": previews,
            "companions": companions,
            "neighbours": neighbours,
            "builds": examine(folder, host),
        }
        print(json.dumps(found))


if __name__ == "__main__":
    main()
