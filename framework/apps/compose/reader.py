"""From the bytes of a compose file to the tables of a .prevs.toml, or to the mistakes in it."""

import posixpath
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from framework.apps.compose import file_text
from framework.apps.compose.notes import Notes, cut
from framework.apps.compose.service import Build, Service, list_names, same_place
from framework.apps.compose.yaml_tree import Node, NotYaml, Scalar, read_tree
from prevs.records import Mistake

_TOP = ("services", "volumes", "version", "name")
_HINTS = {
    "networks": "all containers of a preview share one network; leave it out",
    "secrets": "give the app a secret (prevs secret set); its containers get it as a variable",
    "configs": "COPY files in the Dockerfile",
    "include": "write the services into this file",
}


class Place(NamedTuple):
    """Where in the compose file a value comes from, and what it is called there."""

    line: int
    name: str


class Compose(NamedTuple):
    """What a compose file says.

    `table` is a part of a parsed .prevs.toml, `places` where each path of keys in it comes from.
    `mistakes` are those in the file; with any, `table` is incomplete. `wrong_service` is why the
    service that was wanted is not there.
    """

    table: Mapping[str, Any] = MappingProxyType({})
    places: Mapping[tuple[str | int, ...], Place] = MappingProxyType({})
    mistakes: tuple[Mistake, ...] = ()
    wrong_service: str = ""


def read(data: bytes, path: str, wanted: str = "") -> Compose:
    """Return what a file at `path`, from the app's folder on, says; `wanted` is the application."""
    text = file_text.decode(data, file_text.MOST_COMPOSE_BYTES)
    if isinstance(text, Mistake):
        return Compose(mistakes=(text,))
    try:
        tree = read_tree(text)
    except NotYaml as error:
        return Compose(mistakes=(Mistake(error.line, error.why),))
    return _Translation(posixpath.dirname(path)).translate(tree, wanted)


class _Translation:
    def __init__(self, folder: str) -> None:
        self._folder = folder
        self._notes = Notes()
        self._table: dict[str, Any] = {}
        self._places: dict[tuple[str | int, ...], Place] = {}
        self._wrong_service = ""

    def translate(self, tree: Node, wanted: str) -> Compose:
        services, volumes = self._read_top(tree)
        main = self._find_main(services, wanted)
        self._check_volumes(services, volumes)
        for service in services:
            self._check_dependencies(service, services, main)
        if main is not None:
            self._add_main(main)
            for service in services:
                if service is not main:
                    self._add_companion(service, main)
        mistakes = sorted(dict.fromkeys(self._notes.mistakes), key=lambda one: one.line)
        return Compose(self._table, self._places, tuple(mistakes), self._wrong_service)

    def _read_top(self, tree: Node) -> tuple[Sequence[Service], Mapping[str, Node]]:
        services: list[Service] = []
        volumes: dict[str, Node] = {}
        entries = self._notes.table(tree, "the file")
        if entries is None:
            return (), {}
        known = (*_TOP, *(name for name in entries if name.startswith("x-")))
        for name, _, value in self._notes.known(tree, "", known, _HINTS):
            if name == "services":
                services = self._read_services(value)
            elif name == "volumes":
                volumes = self._read_declared(value)
        if "services" not in entries:
            self._notes.refuse(tree, "services", "is missing")
        return services, volumes

    def _read_services(self, node: Node) -> list[Service]:
        services = []
        for key, value in (self._notes.table(node, "services") or {}).values():
            service = Service(key, self._notes)
            service.read(value)
            services.append(service)
        return services

    def _read_declared(self, node: Node) -> dict[str, Node]:
        declared: dict[str, Node] = {}
        if isinstance(node, Scalar) and node.is_null:
            return declared
        for name, (key, value) in (self._notes.table(node, "volumes") or {}).items():
            declared[name] = key
            if not (isinstance(value, Scalar) and value.is_null):
                for inside in self._notes.table(value, f"volumes.{cut(name)}") or {}:
                    where = f"volumes.{cut(name)}.{cut(inside)}"
                    self._notes.refuse(key, where, "is not known here; leave it out")
        return declared

    def _find_main(self, services: Sequence[Service], wanted: str) -> Service | None:
        """Return the service that is the application; None if that is not known."""
        if wanted:
            found = next((one for one in services if one.name == wanted), None)
            if found is None and services:
                self._wrong_service = f"is no service of the file; there are {list_names(services)}"
            if found is not None and "build" not in found.nodes:
                why = "has no build, and the application is built from this repository"
                self._notes.refuse(found.node, found.where, why)
            return found
        built = [one for one in services if "build" in one.nodes]
        if len(built) == 1:
            return built[0]
        if built:
            why = (
                f"has build, as {cut(built[0].name)} has: say which of them is the application, "
                f'like compose_service = "{cut(built[0].name)}" in .prevs.toml'
            )
            self._notes.refuse(built[1].node, built[1].where, why)
        elif services:
            why = "has no service with build, and the application is built from this repository"
            self._notes.refuse(services[0].node, "the file", why)
        return None

    def _check_volumes(self, services: Sequence[Service], declared: Mapping[str, Node]) -> None:
        users: dict[str, str] = {}
        for service in services:
            for volume in service.volumes:
                where = f"{service.where}.volumes"
                if volume.name not in declared:
                    why = f"names {cut(volume.name)}, which is not below volumes at the top"
                    self._notes.refuse(volume.node, where, why)
                elif volume.name in users:
                    why = (
                        f"names {cut(volume.name)}, as {users[volume.name]} does: prevs gives each "
                        "container volumes of its own"
                    )
                    self._notes.refuse(volume.node, where, why)
                users.setdefault(volume.name, service.where)

    def _check_dependencies(
        self, service: Service, services: Sequence[Service], main: Service | None
    ) -> None:
        known = {one.name: one for one in services}
        where = f"{service.where}.depends_on"
        for one in service.after:
            found = known.get(one.name)
            if found is None:
                why = f"names {cut(one.name)}, which is no service; there are "
                self._notes.refuse(one.node, where, why + list_names(services))
            elif found is main:
                why = f"names {cut(one.name)}, the application: it starts after all others"
                self._notes.refuse(one.node, where, why)
            elif one.healthy and found.ready is None and "healthcheck" not in found.nodes:
                why = f"waits until {cut(one.name)} is healthy, which has no healthcheck"
                self._notes.refuse(one.node, where, why)

    def _add_main(self, main: Service) -> None:
        if main.build is not None:
            context = posixpath.normpath(posixpath.join(self._folder, main.build.context))
            build = main.build._replace(
                context=context, dockerfile=posixpath.join(context, main.build.dockerfile)
            )
            for name in ("context", "dockerfile", "target"):
                if value := getattr(build, name):
                    self._put(("build", name), value, build.node, f"{main.where}.build.{name}")
        self._add_common((), main)
        if "healthcheck" in main.nodes:
            why = (
                "is not for the application, which is asked over HTTP: set [health] in .prevs.toml"
            )
            self._notes.refuse(main.nodes["healthcheck"], f"{main.where}.healthcheck", why)
        ports = list(main.ports.items())
        if len(ports) == 1:
            self._put(("port",), ports[0][0], ports[0][1], f"{main.where}.ports")
        elif ports:
            why = (
                f"has {ports[0][0]} and {ports[1][0]}: visitors reach one port of the application; "
                "leave the others out"
            )
            self._notes.refuse(ports[1][1], f"{main.where}.ports", why)

    def _add_companion(self, service: Service, main: Service) -> None:
        home = ("companions", service.name)
        self._places[home] = Place(service.node.line, service.where)
        self._table.setdefault("companions", {})[service.name] = {}
        self._add_image(home, service, main)
        self._add_common(home, service)
        if service.ready is not None:
            node = service.nodes["healthcheck"]
            self._put((*home, "ready"), service.ready, node, f"{service.where}.healthcheck.test")
        if service.after:
            after = [one.name for one in service.after]
            self._put(
                (*home, "after"), after, service.nodes["depends_on"], f"{service.where}.depends_on"
            )
        for port, node in service.ports.items():
            why = (
                f"has {port}, but only the application has a port for visitors: "
                f"{cut(service.name)}:{port} leads there from all containers; leave it out"
            )
            self._notes.refuse(node, f"{service.where}.ports", why)

    def _add_image(self, home: tuple[str, str], service: Service, main: Service) -> None:
        where = f"{service.where}.build"
        if "build" not in service.nodes:
            if service.image is not None:
                node = service.nodes["image"]
                self._put((*home, "image"), service.image, node, f"{service.where}.image")
            elif "image" not in service.nodes:
                self._notes.refuse(service.node, service.where, "has neither image nor build")
        elif service.build is not None and main.build is not None:
            own, of_app = service.build, main.build
            if not same_place(own, of_app):
                why = f"must have the context and the dockerfile of {cut(main.name)}: a preview is "
                self._notes.refuse(own.node, where, f"{why}built once")
            elif own.target != of_app.target:
                self._add_target(home, own, where, main)

    def _add_target(self, home: tuple[str, str], own: Build, where: str, main: Service) -> None:
        if own.target:
            self._put((*home, "build"), {"target": own.target}, own.node, f"{where}.target")
        else:
            why = f"needs a target, as {cut(main.name)} has one"
            self._notes.refuse(own.node, where, why)

    def _add_common(self, home: tuple[str, ...], service: Service) -> None:
        """Add what the application and its companions have alike."""
        if service.command is not None:
            node = service.nodes["command"]
            self._put((*home, "command"), service.command, node, f"{service.where}.command")
        for name, (node, value) in service.environment.items():
            where = f"{service.where}.environment.{cut(name)}"
            self._put((*home, "environment", name), value, node, where)
        if service.volumes:
            paths = [volume.path for volume in service.volumes]
            node = service.nodes["volumes"]
            self._put((*home, "volumes"), paths, node, f"{service.where}.volumes")
            for at, volume in enumerate(service.volumes):
                where = f"{service.where}.volumes, entry {at + 1}"
                self._places[(*home, "volumes", at)] = Place(volume.node.line, where)

    def _put(self, path: tuple[str, ...], value: object, node: Node, where: str) -> None:
        """Put a value into the table, and note where it and the tables around it come from."""
        table = self._table
        for key in path[:-1]:
            table = table.setdefault(key, {})
        table[path[-1]] = value
        self._places[path] = Place(node.line, where)
