"""Our proxy: `python -m proxy`, and placements in ZooKeeper as the framework writes them."""

import contextlib
import dataclasses
import http.client
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kazoo.client import KazooClient

from local.parts.part import ProcessPart, environment
from prevs import names
from prevs.access import Access, AccessRecord
from prevs.paths import Paths
from prevs.records import AgentsRecord, Placement, PlacementsRecord, PortRange
from prevs.signatures import (
    derive_key,
    derive_pass_key,
    sign_access,
    sign_agents,
    sign_placement,
)
from program.passes.passes import Pass, write_pass
from tests.fakes.world import TOKEN

DOMAIN = "localhost"
_ROOT = Path(__file__).parents[2]
_KEY = derive_key(TOKEN)
_ERA, _NEVER = 1, 4e9


class Installation(NamedTuple):
    """The number of apps, of running previews of each, and the name of the root."""

    apps: int
    previews: int
    name: str = "bench"

    @property
    def placements(self) -> int:
        """The number of all placements."""
        return self.apps * self.previews

    @property
    def guarded(self) -> int:
        """The number of one app more, which has one preview and is not public."""
        return self.apps

    @property
    def paths(self) -> Paths:
        """The paths of its records."""
        return Paths(f"/{self.name}-{self.placements}")


def app_name(app: int) -> str:
    """Return the name of an app."""
    return f"app{app}"


def label(preview: int) -> str:
    """Return the label that leads to a preview of any app."""
    return f"branch-{preview}"


def host(app: int, preview: int) -> str:
    """Return the host name of a preview."""
    return names.host(label(preview), app_name(app), DOMAIN)


def record(app: int, ports: Sequence[int]) -> bytes:
    """Return the record of an app's placements, one for each port."""
    placements, signatures = {}, {}
    for preview, port in enumerate(ports):
        sha = f"{app:020x}{preview:020x}"
        task = names.task_id(app_name(app), sha, "a1")
        placements[sha] = Placement(task, "127.0.0.1", port, (label(preview),))
        signatures[sha] = sign_placement(_KEY, app_name(app), sha, placements[sha])
    return PlacementsRecord(app_name(app), placements, signatures).encode()


def access(app: int) -> bytes:
    """Return the record that lets only holders of a pass look at an app."""
    record = AccessRecord(app_name(app), Access.PASSWORD, _ERA)
    return dataclasses.replace(record, signature=sign_access(_KEY, record)).encode()


def make_cookie(app: int) -> str:
    """Return the cookies of a visitor with a pass for the first preview of an app."""
    content = Pass(app_name(app), host(app, 0), _ERA, _NEVER)
    return f"a=b; prevs-access={write_pass(derive_pass_key(TOKEN), content)}"


def agents() -> bytes:
    """Return the record of agents, which allows any port of this machine."""
    record = AgentsRecord({"127.0.0.1": (PortRange(1, 65535),)})
    return dataclasses.replace(record, signature=sign_agents(_KEY, record)).encode()


def place(client: KazooClient, installation: Installation, port: int, echo: int) -> None:
    """Write all placements. They lead to `port`, only the first one to `echo`."""
    client.ensure_path(installation.paths.placements)
    client.create(installation.paths.agents, agents(), makepath=True)
    for app in range(installation.apps):
        ports = [port] * installation.previews
        if app == 0:
            ports[0] = echo
        client.create(installation.paths.app_placements(app_name(app)), record(app, ports))
    guarded, paths = installation.guarded, installation.paths
    client.create(paths.app_access(app_name(guarded)), access(guarded), makepath=True)
    client.create(paths.app_placements(app_name(guarded)), record(guarded, [port]))


class Services(NamedTuple):
    """The addresses of ZooKeeper and of the framework."""

    zookeeper: str
    api: str


def part(
    installation: Installation,
    services: Services,
    folder: Path,
    *,
    port: int,
    before: Callable[[Sequence[str]], tuple[str, ...]],
) -> ProcessPart:
    """Return the proxy as a part, ready when it routes; `before` puts it on its core."""
    folder.mkdir(parents=True)
    return ProcessPart(
        name=f"prevs with {installation.placements}",
        command=before((sys.executable, "-m", "proxy")),
        environ=environment(_settings(installation, services, folder, port=port), os.environ),
        log=folder / "log",
        answers=lambda: routes(port, host(installation.apps - 1, installation.previews - 1)),
        folder=folder,
    )


def _settings(
    installation: Installation, services: Services, folder: Path, *, port: int
) -> dict[str, str]:
    """Return the variables of the proxy, and write its token."""
    token = folder / "token"
    token.write_text(TOKEN)
    token.chmod(0o600)
    return {
        "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin",
        "PYTHONPATH": str(_ROOT),
        "PREVS_ZOOKEEPER": services.zookeeper,
        "PREVS_ROOT": installation.paths.root,
        "PREVS_DOMAIN": DOMAIN,
        "PREVS_PROXY_LISTEN": f"127.0.0.1:{port}",
        "PREVS_PROXY_DIR": str(folder / "proxy"),
        "PREVS_API": services.api,
        "PREVS_TOKEN_FILE": str(token),
        "PREVS_STARTS_OF_APP": "100000",
        "PREVS_STARTS": "100000",
    }


def routes(port: int, name: str) -> bool:
    """Return whether a proxy routes a host to its backend."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with contextlib.closing(connection), contextlib.suppress(OSError, http.client.HTTPException):
        # HEAD requests are not held if there is no placement yet.
        connection.request("HEAD", "/", headers={"Host": name})
        return connection.getresponse().status == 200
    return False


@contextlib.contextmanager
def connected(address: str) -> Iterator[KazooClient]:
    """Connect to ZooKeeper, as the framework does."""
    client = KazooClient(address)
    client.start()
    try:
        yield client
    finally:
        client.stop()
        client.close()
