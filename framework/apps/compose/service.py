"""One service of a compose file, whether it is the application or a companion. Pure."""

import re
import shlex
from collections.abc import Sequence
from typing import NamedTuple

from framework.apps.compose.notes import Notes, cut
from framework.apps.compose.yaml_tree import Listing, Node, Scalar, Table

_BUILD = ("context", "dockerfile", "target")
_CONDITIONS = ("service_started", "service_healthy")
_SIZES = "set cpus and mem in [resources] or [companions.NAME] of .prevs.toml"
_ONE_NETWORK = "all containers of a preview share one network, and names lead to them; leave it out"
_HINTS = {
    "entrypoint": "prevs runs the image's own; set command",
    "env_file": "write the variables below environment",
    "container_name": "the service's own name leads to it; leave it out",
    "hostname": "the service's own name leads to it; leave it out",
    "links": _ONE_NETWORK,
    "networks": _ONE_NETWORK,
    "network_mode": _ONE_NETWORK,
    "restart": "the preview starts again as a whole if one of its containers ends; leave it out",
    "deploy": _SIZES,
    "mem_limit": _SIZES,
    "cpus": _SIZES,
}
_BUILD_HINTS = {"args": "set args in [build] of .prevs.toml"}
_CHECK_HINTS = dict.fromkeys(
    ("interval", "timeout", "retries", "start_period", "start_interval"),
    "prevs runs test again and again until it succeeds or the start takes too long; leave it out",
)
_PORT = re.compile(r"(?:.*:)?([0-9]{1,5})(?:/tcp)?", re.ASCII | re.DOTALL)
_NAMED_VOLUME = re.compile(r"([A-Za-z0-9][A-Za-z0-9_.-]*):(/[^:]*)(?::rw)?", re.ASCII)


class Build(NamedTuple):
    """How an image is built, as compose says it: the Dockerfile's path begins at the context."""

    node: Node
    context: str = "."
    dockerfile: str = "Dockerfile"
    target: str = ""


class Dependency(NamedTuple):
    """A service to wait for; `healthy`: until its check succeeds."""

    node: Node
    name: str
    healthy: bool


class Volume(NamedTuple):
    """A named volume and where it is in the container."""

    node: Node
    name: str
    path: str


class Service:
    """What prevs reads of a service; None or nothing for what it does not have or has a mistake.

    `ready` is the command of its check, none if the check is switched off. `nodes` are those of its
    keys.
    """

    def __init__(self, key: Scalar, notes: Notes) -> None:
        self.node: Node = key
        self.name = key.text
        self.where = f"services.{cut(key.text)}"
        self.nodes: dict[str, Node] = {}
        self.image: str | None = None
        self.build: Build | None = None
        self.command: list[str] | None = None
        self.environment: dict[str, tuple[Node, str]] = {}
        self.after: list[Dependency] = []
        self.ready: list[str] | None = None
        self.volumes: list[Volume] = []
        self.ports: dict[int, Node] = {}
        self._notes = notes

    def read(self, node: Node) -> None:
        """Read the service's table, and note the mistakes in it."""
        readers = {
            "image": self._read_image,
            "build": self._read_build,
            "command": self._read_command,
            "environment": self._read_environment,
            "depends_on": self._read_depends_on,
            "healthcheck": self._read_healthcheck,
            "volumes": self._read_volumes,
            "expose": self._read_ports,
            "ports": self._read_ports,
        }
        for name, key, value in self._notes.known(node, self.where, list(readers), _HINTS):
            self.nodes[name] = key
            readers[name](value, f"{self.where}.{name}")

    def _read_image(self, node: Node, where: str) -> None:
        self.image = self._notes.text(node, where)

    def _read_build(self, node: Node, where: str) -> None:
        if isinstance(node, Scalar):
            context = self._notes.text(node, where)
            self.build = Build(node, context or ".")
            return
        given: dict[str, str] = {}
        for name, _, value in self._notes.known(node, where, _BUILD, _BUILD_HINTS):
            text = self._notes.text(value, f"{where}.{name}")
            if text is not None:
                given[name] = text
        self.build = Build(node, **given)

    def _read_command(self, node: Node, where: str) -> None:
        self.command = self._words(node, where)

    def _read_environment(self, node: Node, where: str) -> None:
        if isinstance(node, Listing):
            for at, one in enumerate(node.entries, 1):
                self._read_pair(one, f"{where}, entry {at}")
            return
        for name, (_, value) in (self._notes.table(node, where) or {}).items():
            text = self._notes.text(value, f"{where}.{cut(name)}")
            if text is not None:
                self.environment[name] = value, text

    def _read_pair(self, node: Node, where: str) -> None:
        text = self._notes.text(node, where)
        if text is None:
            return
        name, sign, value = text.partition("=")
        if sign:
            self.environment[name] = node, value
        else:
            self._notes.refuse(node, where, "has no value: write NAME=value")

    def _read_depends_on(self, node: Node, where: str) -> None:
        if isinstance(node, Listing):
            for at, one in enumerate(node.entries, 1):
                name = self._notes.text(one, f"{where}, entry {at}")
                if name is not None:
                    self.after.append(Dependency(one, name, healthy=False))
            return
        for name, (key, value) in (self._notes.table(node, where) or {}).items():
            healthy = self._read_condition(value, f"{where}.{cut(name)}")
            self.after.append(Dependency(key, name, healthy))

    def _read_condition(self, node: Node, where: str) -> bool:
        found = ""
        for name, _, value in self._notes.known(node, where, ("condition",), {}):
            found = self._notes.text(value, f"{where}.{name}") or ""
            if found and found not in _CONDITIONS:
                allowed = " or ".join(_CONDITIONS)
                why = f"must be {allowed}, not {cut(found)}; what runs once belongs in [hooks]"
                self._notes.refuse(value, f"{where}.{name}", why)
        return found == "service_healthy"

    def _read_healthcheck(self, node: Node, where: str) -> None:
        for name, _, value in self._notes.known(node, where, ("test",), _CHECK_HINTS):
            self.ready = self._read_test(value, f"{where}.{name}")

    def _read_test(self, node: Node, where: str) -> list[str] | None:
        if isinstance(node, Scalar):
            text = self._notes.text(node, where)
            return None if text is None else ["sh", "-c", text]
        words = self._notes.texts(node, where)
        match words:
            case None | ["NONE"]:
                return None
            case ["CMD", *command] if command:
                return command
            case ["CMD-SHELL", line]:
                return ["sh", "-c", line]
        self._notes.refuse(node, where, 'must begin with "CMD" or "CMD-SHELL", and go on after it')
        return None

    def _read_volumes(self, node: Node, where: str) -> None:
        for at, one in enumerate(self._notes.listing(node, where) or (), 1):
            inside = f"{where}, entry {at}"
            text = self._notes.text(one, inside) if isinstance(one, Scalar) else ""
            if text is None:
                continue
            found = _NAMED_VOLUME.fullmatch(text)
            if found:
                self.volumes.append(Volume(one, found[1], found[2]))
            else:
                why = "must be a named volume, like data:/var/lib/data: agents have no files of "
                self._notes.refuse(one, inside, f"{why}yours; COPY them in the Dockerfile")

    def _read_ports(self, node: Node, where: str) -> None:
        for at, one in enumerate(self._notes.listing(node, where) or (), 1):
            inside = f"{where}, entry {at}"
            if isinstance(one, Table):
                self._notes.refuse(one, inside, 'must be text, like "8000:8000"')
                continue
            text = self._notes.text(one, inside)
            if text is None:
                continue
            found = _PORT.fullmatch(text)
            if found and 1 <= int(found[1]) <= 65535:
                self.ports.setdefault(int(found[1]), one)
            else:
                self._notes.refuse(one, inside, 'must be a port of TCP, like "8000:8000"')

    def _words(self, node: Node, where: str) -> list[str] | None:
        if not isinstance(node, Scalar):
            return self._notes.texts(node, where)
        text = self._notes.text(node, where)
        try:
            return None if text is None else shlex.split(text)
        except ValueError as error:
            why = f"cannot be split into words ({str(error).lower()}); write a list of words"
            self._notes.refuse(node, where, why)
            return None


def same_place(one: Build, other: Build) -> bool:
    """Return whether two builds read the same Dockerfile and the same files."""
    return (one.context, one.dockerfile) == (other.context, other.dockerfile)


def list_names(services: Sequence[Service]) -> str:
    """Return the names of services in a sentence."""
    return ", ".join(cut(one.name) for one in services)
