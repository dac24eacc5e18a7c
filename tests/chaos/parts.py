"""The parts of the cluster: those of `prevs local`, with three ZooKeepers and two proxies.

    python -m tests.chaos.parts FOLDER

is its supervisor. Each part runs in a control group of its own: links.py knows its packets by that.
"""

import dataclasses
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from local.cluster import cluster, supervisor
from local.cluster.programs import framework_part
from local.cluster.zookeeper import serves, zookeeper_part
from local.docker import groups
from local.docker.dockerd import DockerPart
from local.mesos.announcement import AnnouncementPart
from local.mesos.parts import Address
from local.parts.part import Part, ProcessPart
from local.parts.processes import MARK
from local.settings import Settings, docker_folder
from tests.chaos.plan import PROXIES, ZOOKEEPERS

PROXY_PORTS = dict(zip(PROXIES, (8080, 8081), strict=True))
QUORUM_PORT, ELECTION_PORT = 2888, 3888
REGISTRY_PORT = 5000
_STANDALONE = "org.apache.zookeeper.server.ZooKeeperServerMain"
_MEMBER = "org.apache.zookeeper.server.quorum.QuorumPeerMain"


def group(settings: Settings, part: str) -> Path:
    """Return the folder of a part's control group."""
    found = groups.find_folder(f"prevs-chaos-{settings.cluster}-{part}")
    assert found is not None, "no control groups of version 2"
    return found


def ensemble(settings: Settings) -> str:
    """Return the addresses of all ZooKeepers, as clients take them."""
    hosts = (f"127.0.0.{n}:{settings.zookeeper_port}" for n, _ in enumerate(ZOOKEEPERS, 1))
    return ",".join(hosts)


def proxies_token_file(settings: Settings) -> Path:
    """Return the file of the proxies' tokens: on other machines it is a copy."""
    return settings.folder / "proxies-token"


def framework_environ(settings: Settings, environ: Mapping[str, str]) -> Mapping[str, str]:
    """Return the environment of the first framework: all of its settings."""
    return _joined(framework_part(settings, environ), settings).environ


def zookeepers(settings: Settings, environ: Mapping[str, str]) -> Sequence[ProcessPart]:
    """Return the ZooKeepers, not started."""
    return [
        _grouped(_zookeeper(settings, number, name, environ), settings)
        for number, name in enumerate(ZOOKEEPERS, 1)
    ]


def parts(settings: Settings, environ: Mapping[str, str]) -> Sequence[Part]:
    """Return the parts, not started. Raises LocalError as the local cluster does."""
    return [*_changed(cluster.parts(settings, environ), settings, environ)]


def _changed(
    given: Sequence[Part], settings: Settings, environ: Mapping[str, str]
) -> Iterator[Part]:
    for part in given:
        if part.name == "zookeeper":
            yield from zookeepers(settings, environ)
        elif isinstance(part, AnnouncementPart):
            yield AnnouncementPart(
                ensemble(settings),
                Address("127.0.0.1", settings.mesos_port),
                identity=settings.zookeeper_auth_file.read_text().strip(),
                credential=settings.mesos_access.credential(),
            )
        elif isinstance(part, ProcessPart):
            joined = _joined(part, settings)
            if part.name == "proxy":
                own = {"PREVS_TOKEN_FILE": str(proxies_token_file(settings))}
                joined = dataclasses.replace(joined, environ={**joined.environ, **own})
                yield _grouped(_second_proxy(joined, settings, environ), settings)
            yield _grouped(joined, settings)
        else:
            yield part


def _zookeeper(
    settings: Settings, number: int, name: str, environ: Mapping[str, str]
) -> ProcessPart:
    folder, host = settings.folder / name, f"127.0.0.{number}"
    marked = {**environ, MARK: settings.cluster}
    part = zookeeper_part(folder, settings.zookeeper_port, marked, settings.log(name))
    config = folder / "zoo.cfg"
    lines = config.read_text().replace("clientPortAddress=127.0.0.1", f"clientPortAddress={host}")
    members = "".join(
        f"server.{n}=127.0.0.{n}:{QUORUM_PORT}:{ELECTION_PORT}\n"
        for n, _ in enumerate(ZOOKEEPERS, 1)
    )
    config.write_text(f"{lines}initLimit=20\nsyncLimit=10\n{members}")
    (folder / "data").mkdir(exist_ok=True)
    (folder / "data" / "myid").write_text(f"{number}\n")
    return dataclasses.replace(
        part,
        name=name,
        command=tuple(_MEMBER if one == _STANDALONE else one for one in part.command),
        answers=lambda: serves(host, settings.zookeeper_port),
        address=f"{host}:{settings.zookeeper_port}",
    )


def _joined(part: ProcessPart, settings: Settings) -> ProcessPart:
    """Return a program that knows all ZooKeepers, if it knows one.

    It knows the registry too, and reads branches often.
    """
    one = part.environ.get("PREVS_ZOOKEEPER")
    if one is None:
        return part
    every = ensemble(settings)
    changed = {key: text.replace(one, every) for key, text in part.environ.items()}
    own = {"PREVS_REFS_INTERVAL": "2", "PREVS_REGISTRY": f"127.0.0.1:{REGISTRY_PORT}/previews"}
    return dataclasses.replace(part, environ={**changed, **own})


def _second_proxy(part: ProcessPart, settings: Settings, environ: Mapping[str, str]) -> ProcessPart:
    name = PROXIES[1]
    port, folder = PROXY_PORTS[name], settings.folder / name
    folder.mkdir(exist_ok=True)
    docker = DockerPart(docker_folder(environ), environ)
    own = {
        "PREVS_PROXY_LISTEN": f"127.0.0.1:{port}",
        "PREVS_PROXY_METRICS_LISTEN": f"127.0.0.2:{port}",
        "PREVS_PROXY_DIR": str(folder),
        "PREVS_PROXY_SOURCE": "127.0.83.2",
    }
    return dataclasses.replace(
        part,
        name=name,
        environ={**part.environ, **own},
        late=lambda: {"PREVS_PROXY_LISTEN": f"127.0.0.1:{port},{docker.gateway()}:{port}"},
        log=settings.log(name),
        address=f"http://127.0.0.1:{port}",
        folder=folder,
    )


def _grouped(part: ProcessPart, settings: Settings) -> ProcessPart:
    joining = groups.joining(group(settings, part.name))
    return dataclasses.replace(part, command=(*joining, *part.command))


if __name__ == "__main__":
    sys.exit(supervisor.main(Path(sys.argv[1]), os.environ, parts))
