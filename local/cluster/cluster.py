"""Creates all parts of one cluster."""

from collections.abc import Mapping, Sequence

from local.cluster.programs import (
    allow_proxy,
    executor_environ,
    framework_part,
    proxy_part,
)
from local.cluster.zookeeper import zookeeper_part
from local.docker.containers import LeftoversPart
from local.docker.dockerd import DockerPart
from local.errors import LocalError
from local.mesos.announcement import AnnouncementPart
from local.mesos.installation import find
from local.mesos.parts import Address, Agent, agent_part, forget_executors, master_part
from local.parts import ports
from local.parts.part import Part
from local.parts.processes import MARK
from local.settings import Settings, cache_folder, docker_folder


def parts(settings: Settings, environ: Mapping[str, str]) -> Sequence[Part]:
    """Return the parts, not started. No process of an earlier run may still run.

    Raises LocalError if something is not installed or a port is taken.
    """
    check_ports(settings)
    marked = {**environ, MARK: settings.cluster}
    docker = DockerPart(docker_folder(environ), environ)
    mesos = _mesos(settings, marked, docker)
    return [
        docker,
        LeftoversPart(lambda: docker.address, settings.cluster),
        zookeeper_part(
            settings.zookeeper_folder,
            settings.zookeeper_port,
            marked,
            settings.log("zookeeper"),
        ),
        *mesos,
        *(framework_part(settings, marked, number) for number in settings.framework_numbers),
        proxy_part(settings, marked, docker.gateway),
    ]


def check_ports(settings: Settings) -> None:
    """Raise LocalError if ports are taken, with the options that choose others."""
    taken = [
        f"port {port} of {host} is taken: choose another with {option}"
        for option, host, port in settings.listeners()
        if not ports.is_free(port, host)
    ]
    if taken:
        advice = "Or stop the program that listens there; `ss -ltnp` shows it."
        raise LocalError("ports", "\n".join(taken), advice)


def _mesos(settings: Settings, environ: Mapping[str, str], docker: DockerPart) -> Sequence[Part]:
    """Return the master, its announcement in ZooKeeper, and the agents."""
    installation, access = find(cache_folder(environ)), settings.mesos_access
    master = Address("127.0.0.1", settings.mesos_port)
    agents = [_agent(settings, number, docker, environ) for number in settings.agent_numbers]
    for agent in agents:
        forget_executors(agent)
    return [
        master_part(
            installation,
            master,
            folder=settings.folder / "master",
            environ=environ,
            log=settings.log("master"),
            access=access,
        ),
        _announcement(settings, master),
        *(
            agent_part(
                installation,
                agent,
                master=master,
                environ=environ,
                log=settings.log(agent.name),
                access=access,
            )
            for agent in agents
        ),
    ]


def _announcement(settings: Settings, master: Address) -> AnnouncementPart:
    return AnnouncementPart(
        f"127.0.0.1:{settings.zookeeper_port}",
        master,
        identity=settings.zookeeper_auth_file.read_text().strip(),
        credential=settings.mesos_access.credential(),
    )


def _agent(
    settings: Settings, number: int, docker: DockerPart, environ: Mapping[str, str]
) -> Agent:
    name = f"agent-{number}"
    folder = settings.folder / name
    resources = (
        f"cpus:{settings.cpus:g};mem:{settings.mem};disk:10000;ports:[{settings.preview_ports}]"
    )
    return Agent(
        name=name,
        address=Address(f"127.0.0.{number}", settings.agent_port),
        resources=resources,
        folder=folder,
        executor_environ=executor_environ(settings, folder, docker.address, environ),
        late_environ=lambda: allow_proxy(settings, docker.gateway()),
    )
