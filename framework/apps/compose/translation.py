"""From the services of a compose file to the tables of a .prevs.toml, and what goes beyond them."""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

from framework.apps.compose import guess
from framework.apps.compose.images import memory_of
from framework.apps.compose.notes import Notes, cut, locate
from framework.apps.compose.service import Build, Service
from framework.apps.compose.storage import Source
from framework.apps.compose.yaml_tree import Node
from prevs.commit_settings import Filling, FillingPart
from prevs.companions import APPLICATION
from prevs.containers import BuildSettings, ContainerSettings, MountedFile
from prevs.names import PORT, is_label, is_own_variable
from prevs.records import Mistake

_MOST_MOUNTS = 50
_LEAST_MEM, _LEAST_CPUS = 16, 0.01
_ODD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*[.-][A-Za-z0-9_.-]*", re.ASCII)


class Place(NamedTuple):
    """Where in the compose file a value comes from, and what it is called there."""

    line: int
    name: str


@dataclasses.dataclass(frozen=True)
class Beside:
    """What a service says that a .prevs.toml has no words for; for the application, a part."""

    container: ContainerSettings = dataclasses.field(default_factory=ContainerSettings)
    build: BuildSettings | None = None
    once: bool = False
    ready_every: float = 0.0
    ready_limit: float = 0.0
    port: int = 0
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """Variables of the application with names that only programs without a shell read."""


class Compose(NamedTuple):
    """What a compose file says.

    It `is_read` if the file has services. `table` is a part of a parsed .prevs.toml, `places` where
    each path of keys in it comes from. `beside` has what goes beyond it, by companions' names; ""
    is the application, whose service is `service`, and whose image `image` if it is not built.
    `mistakes` are those in the file; with any, the rest is incomplete. `wrong_service` is why the
    service that was wanted is not there. `notes` are for people. `fillings` are each with the path
    of keys in whose place it is.
    """

    table: Mapping[str, Any] = MappingProxyType({})
    places: Mapping[tuple[str | int, ...], Place] = MappingProxyType({})
    mistakes: tuple[Mistake, ...] = ()
    wrong_service: str = ""
    notes: tuple[Mistake, ...] = ()
    beside: Mapping[str, Beside] = MappingProxyType({})
    service: str = ""
    image: str = ""
    image_at: Place = Place(1, "")
    is_read: bool = False
    fillings: tuple[tuple[tuple[str, ...], Filling], ...] = ()


class Translation:
    """Collects what the services that run mean."""

    def __init__(
        self,
        notes: Notes,
        services: Sequence[Service],
        sources: Mapping[str, Mapping[str, Source]],
    ) -> None:
        self._notes = notes
        self._services = services
        self._sources = sources
        self._table: dict[str, Any] = {}
        self._places: dict[tuple[str | int, ...], Place] = {}
        self._odd: dict[str, str] = {}
        self._beside: dict[str, Beside] = {}
        self._labels: dict[str, str] = {}
        self._fillings: list[tuple[tuple[str, ...], Filling]] = []
        self._service = self._image = ""
        self._image_at = Place(1, "")
        used = [mount.source for one in services for mount in one.mounts if mount.kind == "volume"]
        self._shared = {name for name in used if name and used.count(name) > 1}
        self._once = {one.name for service in services for one in service.after if one.ends}

    def finish(self, wrong_service: str) -> Compose:
        """Return all of it."""
        return Compose(
            self._table,
            self._places,
            _in_order(self._notes.mistakes),
            wrong_service,
            _in_order(self._notes.notes),
            self._beside,
            self._service,
            self._image,
            self._image_at,
            is_read=bool(self._services),
            fillings=tuple(self._fillings),
        )

    def add_all(self, main: Service | None) -> None:
        """Add the application, and all others as its companions.

        Without it there are companions alone, of an application that another file describes.
        """
        self._labels = _label(self._services, main)
        if main is not None:
            self._service = main.name
            self._add_main(main)
        for service in self._services:
            if service is not main:
                self._add_companion(service, main)

    def _add_main(self, main: Service) -> None:
        if main.build is not None:
            where = f"{main.where}.build"
            for name in ("context", "dockerfile", "target"):
                if value := getattr(main.build, name):
                    self._put(("build", name), value, main.build.node, f"{where}.{name}")
            for name, value in main.build.args:
                self._put(("build", "args", name), value, main.build.node, f"{where}.args")
        elif main.image is not None:
            self._image = main.image
            self._image_at = Place(*locate(main.nodes["image"], f"{main.where}.image"))
        elif "build" not in main.nodes and "image" not in main.nodes:
            self._notes.refuse(main.node, main.where, "has neither image nor build")
        self._add_main_port(main)
        for name in [one for one in main.environment if _ODD.fullmatch(one)]:
            self._odd[name] = main.environment.pop(name)[1]
        self._add_common((), main)
        if main.read_only:
            self._put(("read_only",), True, main.nodes["read_only"], f"{main.where}.read_only")
        self._add_amounts(("resources",), main)
        for key, what in (
            ("healthcheck", "the application is asked over HTTP: [health] in .prevs.toml"),
            ("depends_on", "the application starts once all others are ready"),
        ):
            if key in main.nodes:
                self._notes.tell(main.nodes[key], f"{main.where}.{key}", what)
        container = self._container(main, main.name)
        self._beside[""] = Beside(container, environment=self._odd)

    def _add_main_port(self, main: Service) -> None:
        """Add the port, and take out the variables that prevs sets itself."""
        port = guess.visitors_port(main) or next(iter(main.ports), 0)
        if port:
            self._put(("port",), port, main.ports[port][0], f"{main.where}.ports")
        for name in [one for one in main.environment if is_own_variable(one)]:
            node, value = main.environment.pop(name)
            self._notes.tell(node, f"{main.where}.environment", f"prevs sets {cut(name)} itself")
            is_port = name == PORT and value.isascii() and value.isdigit()
            if is_port and not port and len(value) <= len("65535"):
                self._put(("port",), int(value), node, f"{main.where}.environment.PORT")
        for other, (node, is_published) in main.ports.items():
            if other != port and is_published:
                what = f"visitors reach {port} of the application, and not {other}"
                self._notes.tell(node, f"{main.where}.ports", what)

    def _add_companion(self, service: Service, main: Service | None) -> None:
        name = self._labels[service.name]
        home = ("companions", name)
        self._places[home] = Place(*locate(service.node, service.where))
        self._table.setdefault("companions", {})[name] = {}
        build = self._add_image(home, service, main)
        self._add_common(home, service)
        if service.check.command is not None:
            node = service.nodes["healthcheck"]
            self._put(
                (*home, "ready"), service.check.command, node, f"{service.where}.healthcheck.test"
            )
        self._add_after(home, service, main)
        self._add_amounts(home, service)
        if service.read_only:
            where = f"{service.where}.read_only"
            self._put((*home, "read_only"), True, service.nodes["read_only"], where)
        self._beside[name] = Beside(
            self._container(service, name),
            build,
            once=service.name in self._once,
            ready_every=service.check.every,
            ready_limit=service.check.limit,
            port=guess.visitors_port(service),
        )

    def _add_image(
        self, home: tuple[str, str], service: Service, main: Service | None
    ) -> BuildSettings | None:
        """Add where its image is from; return how it is built if that is not as the application."""
        own, of_app = service.build, main.build if main else None
        if own is None:
            if service.image is not None and "build" not in service.nodes:
                node = service.nodes["image"]
                self._put((*home, "image"), service.image, node, f"{service.where}.image")
            elif not {"build", "image"} & set(service.nodes):
                self._notes.refuse(service.node, service.where, "has neither image nor build")
            return None
        if of_app is not None and _is_same(own, of_app):
            if own.target == of_app.target:
                return None
            if own.target:
                where = f"{service.where}.build.target"
                self._put((*home, "build"), {"target": own.target}, own.node, where)
                return None
        return BuildSettings(own.dockerfile, own.context, own.target, dict(own.args))

    def _add_after(self, home: tuple[str, str], service: Service, main: Service | None) -> None:
        known = {one.name: one for one in self._services}
        after = []
        where = f"{service.where}.depends_on"
        for one in service.after:
            if main is not None and one.name == main.name:
                what = f"{cut(one.name)} is the application, which starts after all others"
                self._notes.tell(one.node, where, what)
            elif one.name in known:
                after.append(self._labels[one.name])
                if one.condition == "service_healthy" and known[one.name].check.command is None:
                    what = f"{cut(one.name)} has no healthcheck, so it is ready once it runs"
                    self._notes.tell(one.node, where, what)
        if after:
            self._put((*home, "after"), after, service.nodes["depends_on"], where)

    def _add_amounts(self, home: tuple[str, ...], service: Service) -> None:
        mem = service.mem
        key = "mem_limit" if "mem_limit" in service.nodes else "deploy"
        node = service.nodes.get(key, service.node)
        if mem is None and home != ("resources",):
            mem = memory_of(service.image or "")
        if mem is not None:
            self._put((*home, "mem"), max(mem, _LEAST_MEM), node, f"{service.where}.{key}")
        if service.cpus is not None:
            key = "cpus" if "cpus" in service.nodes else "deploy"
            cpus = max(round(service.cpus, 2), _LEAST_CPUS)
            self._put((*home, "cpus"), cpus, service.nodes[key], f"{service.where}.{key}")

    def _add_common(self, home: tuple[str, ...], service: Service) -> None:
        """Add what the application and its companions have alike."""
        self._add_fillings(home, service)
        if service.command is not None:
            node = service.nodes["command"]
            self._put((*home, "command"), service.command, node, f"{service.where}.command")
        for name, (node, value) in service.environment.items():
            where = f"{service.where}.environment.{cut(name)}"
            self._put((*home, "environment", name), value, node, where)
        own = {
            mount.path: mount
            for mount in service.mounts
            if mount.kind == "volume" and mount.source not in self._shared
        }
        if own:
            node = service.nodes["volumes"]
            self._put((*home, "volumes"), list(own), node, f"{service.where}.volumes")
            for at, mount in enumerate(own.values()):
                where = f"{service.where}.volumes, entry {at + 1}"
                self._places[(*home, "volumes", at)] = Place(*locate(mount.node, where))

    def _add_fillings(self, home: tuple[str, ...], service: Service) -> None:
        for one in service.fillings:
            is_variable = one.part is FillingPart.ENVIRONMENT
            if is_variable and not home and is_own_variable(one.key):
                continue
            if not home and one.part is FillingPart.READY:
                continue
            path = (*home, one.part.value, *([one.key] if is_variable else []))
            found = dataclasses.replace(one, container=home[-1] if home else "")
            self._fillings.append((path, found))

    def _container(self, service: Service, name: str) -> ContainerSettings:
        mounts = len(service.mounts) + len(service.files) + len(service.tmpfs)
        if mounts > _MOST_MOUNTS:
            why = f"has {mounts} volumes, files and folders in memory; {_MOST_MOUNTS} are allowed"
            self._notes.refuse(service.node, service.where, why)
        names = [service.name, *service.names] if name != service.name else service.names
        entrypoint = service.entrypoint
        return ContainerSettings(
            entrypoint=None if entrypoint is None else tuple(entrypoint),
            user=service.user,
            folder=service.folder,
            names=tuple(names),
            tmpfs=service.tmpfs,
            shared_memory=service.shared_memory,
            stop_signal=service.stop_signal,
            stop_grace=service.stop_grace,
            files=self._files(service),
            shared={
                mount.path: mount.source
                for mount in service.mounts
                if mount.kind == "volume" and mount.source in self._shared
            },
        )

    def _files(self, service: Service) -> tuple[MountedFile, ...]:
        found = {
            one.path: MountedFile(one.path, source=one.source, read_only=one.read_only)
            for one in service.mounts
            if one.kind == "bind"
        }
        for one in service.files:
            source = self._sources.get(one.kind, {}).get(one.name)
            if source is not None:
                found[one.path] = MountedFile(
                    one.path, source.file, source.text, source.secret, read_only=True
                )
        return tuple(found.values())

    def _put(self, path: tuple[str, ...], value: object, node: Node, where: str) -> None:
        """Put a value into the table, and note where it and the tables around it come from."""
        table = self._table
        for key in path[:-1]:
            table = table.setdefault(key, {})
        table[path[-1]] = value
        self._places[path] = Place(*locate(node, where))


def _in_order(notes: Sequence[Mistake]) -> tuple[Mistake, ...]:
    return tuple(sorted(dict.fromkeys(notes), key=lambda one: one.line))


def _is_same(one: Build, other: Build) -> bool:
    """Return whether two builds differ in their target alone."""
    return one[1:3] == other[1:3] and one.args == other.args


def _label(services: Sequence[Service], main: Service | None) -> dict[str, str]:
    """Return the host name for each companion, its own if that is one."""
    taken = {APPLICATION, "localhost"}
    own = {one.name for one in services if is_label(one.name)} - taken
    found: dict[str, str] = {}
    for service in services:
        if service is main or service.name in own:
            found[service.name] = service.name
            continue
        text = re.sub(r"[^a-z0-9]+", "-", service.name.lower()).strip("-")[:50].strip("-")
        name, number = text or "service", 2
        while name in taken or name in own or name in found.values():
            name, number = f"{text or 'service'}-{number}", number + 1
        found[service.name] = name
    return found
