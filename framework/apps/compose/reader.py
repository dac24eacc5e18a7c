"""From the bytes of a compose file to settings, or to the mistakes in it."""

import posixpath
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple

from framework.apps.compose import file_text, guess
from framework.apps.compose.documents import Documents, Files
from framework.apps.compose.env_files import ENV, OpenFile, open_env, read_env
from framework.apps.compose.notes import Notes, cut, locate
from framework.apps.compose.service import Service, list_names
from framework.apps.compose.storage import Paths, Source, read_sources
from framework.apps.compose.translation import Compose, Translation
from framework.apps.compose.yaml_tree import Node, NotYaml, Origin, Scalar, read_tree
from prevs.records import Mistake

_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", re.ASCII)
_TOP = ("services", "volumes", "secrets", "configs")
_UNUSED = {
    "version": "it has no effect here",
    "name": "the app's own name counts",
    "networks": "all services of the file are in one network, where their names lead to them",
}
_NAME_IT = 'else name another by --service, or by compose_service = "NAME" in .prevs.toml'
_PROFILES = "COMPOSE_PROFILES"
_VOLUME_UNUSED = dict.fromkeys(
    ("driver", "driver_opts", "labels", "name"), "prevs gives each preview a volume of its own"
)


class Around(NamedTuple):
    """What a compose file is read with: the repository's folder of the app, and other files.

    `open` returns the text of a file from the app's folder on, None if there is none; `kind` what
    is at a path, as Paths.kind does. `given` are the names of the app's variables, None if they are
    not known.
    """

    root: str = ""
    open: OpenFile = lambda _: None
    kind: Callable[[str], str] = lambda _: "file"
    given: Collection[str] | None = frozenset()


_ALONE = Around()


class Text(NamedTuple):
    """A file: its path from the app's folder on, and its bytes."""

    path: str
    data: bytes


def read(
    file: Text, wanted: str = "", around: Around = _ALONE, over: Sequence[Text] = ()
) -> Compose:
    """Return what a file says with those `over` it, its overrides; `wanted` is the application."""
    folder = posixpath.dirname(file.path)
    env = open_env(posixpath.join(folder, ENV), around.open)
    values = read_env(env.text, {}) if env else {}
    trees: list[tuple[str, Node]] = []
    for at, one in enumerate((file, *over)):
        found = _read_one(one, Origin(one.path if at else "", folder=folder, values=values))
        if isinstance(found, Compose):
            return found
        trees.append((one.path, found))
    reading = _Reading(around, values)
    if env and posixpath.basename(env.path) != ENV:
        reading.tell_example(env.path, trees[0][1])
    return reading.read(trees, wanted)


def _read_one(file: Text, origin: Origin) -> Node | Compose:
    text = file_text.decode(file.data, file_text.MOST_COMPOSE_BYTES)
    if isinstance(text, str):
        try:
            return read_tree(text, origin)
        except NotYaml as error:
            text = Mistake(error.line, error.why)
    at = Scalar(text.line, "", origin=origin)
    return Compose(mistakes=(Mistake(*locate(at, text.message)),))


class _Reading:
    def __init__(self, around: Around, values: Mapping[str, str]) -> None:
        self._paths = Paths(around.root, around.kind)
        self._open = around.open
        self._asked = frozenset(re.split(r"[,\s]+", values.get(_PROFILES, ""))) - {""}
        self._notes = Notes(around.given)
        self._services: list[Service] = []
        self._noted: dict[str, tuple[tuple[int, int], tuple[int, int]]] = {}
        self._volumes: dict[str, Node] = {}
        self._sources: dict[str, Mapping[str, Source]] = {}

    def tell_example(self, path: str, tree: Node) -> None:
        """Note which file stands in for the one that the commit does not have."""
        self._notes.tell(tree, "variables", f"{ENV} is not in the commit: {path} is read")

    def read(self, trees: Sequence[tuple[str, Node]], wanted: str) -> Compose:
        files = Files(self._notes, self._paths, self._open)
        self._read_top(Documents(self._notes, files).join(trees))
        running = guess.choose(self._services, self._asked, wanted)
        main = self._find_main(running, wanted)
        if main is not None and main not in running:
            running = guess.choose(self._services, self._asked, main.name)
        # From the last on, as what was noted of the others stays where it is.
        for one in reversed(self._services):
            if one not in running:
                self._notes.forget(*self._noted[one.name])
                self._notes.tell(one.node, one.where, self._explain_off(one, wanted))
        self._notes.check_size()
        self._check_names(running)
        wrong = ""
        if main is None and wanted and self._services:
            wrong = f"is no service of the file; there are {list_names(self._services)}"
        translation = Translation(self._notes, running, self._sources)
        translation.add_all(main)
        return translation.finish(wrong)

    def _explain_off(self, service: Service, wanted: str) -> str:
        if service.is_off:
            return "the file asks for none of it, so it does not run"
        if guess.is_left_out(service, wanted):
            return "prevs itself leads visitors to the services, so it does not run"
        profiles = cut(", ".join(service.profiles))
        return (
            f"it has the profile {profiles}, so it does not run: {_PROFILES} in the {ENV} of the "
            "commit names profiles that do, compose_service in .prevs.toml the application"
        )

    def _read_top(self, tree: Node) -> None:
        entries = self._notes.table(tree, "the file")
        if entries is None:
            return
        for name, _, value in self._notes.known(tree, "", _TOP, _UNUSED):
            if name == "services":
                self._read_services(value)
            elif name == "volumes":
                self._read_volumes(value)
            else:
                self._sources[name] = read_sources(value, name, self._notes, self._paths)
        if "services" not in entries:
            self._notes.refuse(tree, "services", "is missing")

    def _read_services(self, node: Node) -> None:
        found = self._notes.table(node, "services") or {}
        for name, (key, value) in found.items():
            if name.startswith("x-"):
                continue
            if not _NAME.fullmatch(name):
                why = "is no name of a service: use at most 63 of a-z, A-Z, 0-9, _, . and -"
                self._notes.refuse(key, f"services.{cut(name)}", why)
                continue
            service = Service(key, self._notes, self._paths, self._open)
            start = self._notes.count()
            service.read(value)
            self._services.append(service)
            self._noted[service.name] = start, self._notes.count()
        if not self._services and not isinstance(node, Scalar) and not self._notes.mistakes:
            self._notes.refuse(node, "services", "has no service")

    def _read_volumes(self, node: Node) -> None:
        if isinstance(node, Scalar) and node.is_null:
            return
        for name, (key, value) in (self._notes.table(node, "volumes") or {}).items():
            self._volumes[name] = key
            if isinstance(value, Scalar) and value.is_null:
                continue
            where = f"volumes.{cut(name)}"
            for one, at, inner in self._notes.known(value, where, ("external",), _VOLUME_UNUSED):
                if not (isinstance(inner, Scalar) and inner.text == "false"):
                    why = "is outside of the preview: leave it out, and prevs makes the volume"
                    self._notes.refuse(at, f"{where}.{one}", why)

    def _find_main(self, running: Sequence[Service], wanted: str) -> Service | None:
        """Return the service that is the application; None if that is not known."""
        if wanted:
            return next((one for one in running if one.name == wanted), None)
        found = guess.find_application(running)
        if found is None and (hidden := guess.find_behind_profile(self._services)):
            what = "it is the application, with its profile on, as no service without one could be"
            self._notes.tell(hidden.node, hidden.where, f"{what}; {_NAME_IT}")
            return hidden
        if found is not None and len(running) > 1:
            self._notes.tell(found.node, found.where, f"it is the application; {_NAME_IT}")
        return found

    def _check_names(self, services: Sequence[Service]) -> None:
        """Refuse names of volumes, services, secrets and configs that lead to nothing."""
        known = {one.name: one for one in self._services}
        for service in services:
            for mount in service.mounts:
                if mount.is_own:
                    continue
                if mount.kind == "volume" and mount.source and mount.source not in self._volumes:
                    why = f"names {cut(mount.source)}, which is not below volumes at the top"
                    self._notes.refuse(mount.node, f"{service.where}.volumes", why)
                elif mount.kind == "volume" and not _NAME.fullmatch(mount.source or "x"):
                    why = f"names {cut(mount.source)}, which is no name of a volume: use at most "
                    why += "63 of a-z, A-Z, 0-9, _, . and -"
                    self._notes.refuse(mount.node, f"{service.where}.volumes", why)
            for file in service.files:
                source = self._sources.get(file.kind, {}).get(file.name)
                if source is not None and source.missing:
                    self._notes.refuse(file.node, f"{service.where}.{file.kind}", source.missing)
                elif source is None:
                    why = f"names {cut(file.name)}, which is not below {file.kind} at the top"
                    self._notes.refuse(file.node, f"{service.where}.{file.kind}", why)
            where = f"{service.where}.depends_on"
            for one in service.after:
                if one.name not in known:
                    why = f"names {cut(one.name)}, which is no service; there are "
                    self._notes.refuse(one.node, where, why + list_names(self._services))
