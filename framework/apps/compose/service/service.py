"""One service of a compose file, whether it is the application or a companion. Pure."""

import posixpath
import re
import shlex
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import NamedTuple

from framework.apps.compose import env_files, key_words, storage
from framework.apps.compose.amounts import read_megabytes, read_seconds
from framework.apps.compose.env_files import OpenFile
from framework.apps.compose.fillings import find_filling
from framework.apps.compose.notes import Notes, cut
from framework.apps.compose.service import ports
from framework.apps.compose.service.builds import Build, find_inside, read_build
from framework.apps.compose.service.order import (
    Check,
    Dependency,
    read_depends_on,
    read_healthcheck,
)
from framework.apps.compose.storage import Mount, Paths
from framework.apps.compose.yaml_tree import Listing, Node, Scalar, Table
from prevs.commit_settings import Filling, FillingPart

_ALIAS = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", re.ASCII)
_SIGNAL = re.compile(r"(?:SIG)?[A-Z0-9+]{1,12}", re.ASCII)
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?", re.ASCII)
_DEPLOY_LIMITS = {"memory": "mem_limit", "cpus": "cpus"}
_NUMBER = re.compile(r"\d{1,4}(?:\.\d{0,6})?|\.\d{1,6}", re.ASCII)


class File(NamedTuple):
    """A secret or a config of a service, by its name at the top."""

    node: Node
    kind: str
    name: str
    path: str


class Service:
    """What prevs reads of a service; None or nothing for what it does not have or has a mistake.

    `nodes` are those of its keys. `ports` are those of TCP, and whether the file publishes them. If
    it `is_off`, the file asks for none of it.
    """

    def __init__(self, key: Scalar, notes: Notes, paths: Paths, open_file: OpenFile) -> None:
        self.node: Node = key
        self.name = key.text
        self.where = f"services.{cut(key.text)}"
        self.nodes: dict[str, Node] = {}
        self.image: str | None = None
        self.build: Build | None = None
        self.command: list[str] | None = None
        self.entrypoint: list[str] | None = None
        self.environment: dict[str, tuple[Node, str]] = {}
        self.after: list[Dependency] = []
        self.check = Check()
        self.mounts: list[Mount] = []
        self.files: list[File] = []
        self.tmpfs: dict[str, int] = {}
        self.ports: ports.Ports = {}
        self.names: list[str] = []
        self.user = ""
        self.folder = ""
        self.stop_signal = ""
        self.stop_grace: float | None = None
        self.shared_memory = 0
        self.mem: int | None = None
        self.cpus: float | None = None
        self.read_only = False
        self.profiles: list[str] = []
        self.is_off = False
        self.asks_docker = False
        self.fillings: list[Filling] = []
        self._notes = notes
        self._paths = paths
        self._open = open_file

    def read(self, node: Node) -> None:
        """Read the service's table, and note the mistakes in it."""
        readers = self._readers()
        known = [*readers, *key_words.REFUSED]
        found = list(self._notes.known(node, self.where, known, key_words.NO_EFFECT))
        if any(name == "build" for name, _, _ in found):
            # It is only how the image that is built would be called.
            found = [one for one in found if one[0] != "image"]
        # What env_file says comes before environment, which wins.
        for name, key, value in sorted(found, key=lambda one: one[0] != "env_file"):
            self.nodes[name] = key
            where = f"{self.where}.{name}"
            is_off = isinstance(value, Scalar) and (value.is_null or value.text == "false")
            if name in key_words.REFUSED:
                if not (is_off or (isinstance(value, Listing) and not value.entries)):
                    self._notes.refuse(key, where, key_words.REFUSED[name])
            elif not (is_off and value.is_null):  # type: ignore[union-attr]
                readers[name](value, where)
        if isinstance(node, Table):
            self._read_noted(node)
        self._publish(ports.find_variable_port(self.environment))

    def _readers(self) -> Mapping[str, Callable[[Node, str], None]]:
        return {
            **dict.fromkeys(("image", "user", "working_dir", "stop_signal"), self._read_plain),
            **dict.fromkeys(("container_name", "hostname", "shm_size"), self._read_plain),
            **dict.fromkeys(("stop_grace_period", "mem_limit", "cpus"), self._read_plain),
            **dict.fromkeys(("read_only", "network_mode", "pid", "ipc"), self._read_plain),
            "build": self._read_build,
            "labels": self._read_labels,
            "scale": self._read_scale,
            "command": self._read_command,
            "entrypoint": self._read_command,
            "environment": self._read_environment,
            "env_file": self._read_env_files,
            "depends_on": self._read_depends_on,
            "healthcheck": self._read_healthcheck,
            "volumes": self._read_volumes,
            "tmpfs": self._read_tmpfs,
            "secrets": self._read_files,
            "configs": self._read_files,
            "expose": self._read_ports,
            "ports": self._read_ports,
            "profiles": self._read_profiles,
            "deploy": self._read_deploy,
            "cap_add": self._read_capabilities,
        }

    def _read_plain(self, node: Node, where: str) -> None:
        text = self._notes.text(node, where)
        name = where.rpartition(".")[2]
        if text is None or not text:
            return
        match name:
            case "image":
                self.image = text
            case "container_name" | "hostname":
                self._add_name(text)
            case "read_only":
                self.read_only = text.lower() == "true"
            case "network_mode" | "pid" | "ipc":
                self._check_namespace(node, where, text)
            case "user" | "stop_signal" | "working_dir":
                self._read_word(node, where, name, text)
            case _:
                self._read_amount(node, where, name, text)

    def _read_word(self, node: Node, where: str, name: str, text: str) -> None:
        if name == "user" and _USER.fullmatch(text):
            self.user = text
        elif name == "stop_signal" and _SIGNAL.fullmatch(text):
            self.stop_signal = text
        elif name == "working_dir" and text.startswith("/") and text.isprintable():
            self.folder = posixpath.normpath(text)
        else:
            self._notes.refuse(node, where, f"is no {name} of a container: {cut(text)}")

    def _read_amount(self, node: Node, where: str, name: str, text: str) -> None:
        amount: float | None
        if name == "stop_grace_period":
            amount = self.stop_grace = read_seconds(text)
        elif name == "cpus":
            amount = float(text) if _NUMBER.fullmatch(text) else None
            self.cpus = amount or None
        elif name == "shm_size":
            amount = read_megabytes(text)
            self.shared_memory = int(amount or 0)
        else:
            amount = read_megabytes(text)
            self.mem = int(amount or 0) or None
        if amount is None:
            like = {"stop_grace_period": "1m30s", "cpus": "0.5"}.get(name, "512m")
            self._notes.refuse(node, where, f"must be an amount like {like}, not {cut(text)}")

    def _check_namespace(self, node: Node, where: str, text: str) -> None:
        if text == "host":
            why = "may not be host, which leaves the preview: leave it out, services reach each "
            self._notes.refuse(node, where, f"{why}other by their names")
        elif text.startswith(("service:", "container:")):
            why = "is not read: each service has its own; reach it by its service's name"
            self._notes.refuse(node, where, why)
        else:
            self._notes.tell(node, where, "each container has prevs's own confinement")

    def _add_name(self, name: str) -> None:
        if _ALIAS.fullmatch(name) and name != self.name and name not in self.names:
            self.names.append(name)

    def _read_noted(self, node: Table) -> None:
        """Read what networks say of names; they have no other effect."""
        networks = node.entries.get("networks")
        if networks and isinstance(networks[1], Table):
            for _, one in networks[1].entries.values():
                aliases = one.entries.get("aliases") if isinstance(one, Table) else None
                for name in (
                    self._notes.texts(aliases[1], f"{self.where}.networks") or () if aliases else ()
                ):
                    self._add_name(name)

    def _read_build(self, node: Node, where: str) -> None:
        self.build = read_build(node, where, self._notes, self._paths)

    def _read_command(self, node: Node, where: str) -> None:
        words = self._words(node, where)
        if where.endswith(".command"):
            self.command = words or None
            self._keep_words(node, words, FillingPart.COMMAND)
        else:
            self.entrypoint = words
            self._keep_words(node, words, FillingPart.ENTRYPOINT)

    def _read_environment(self, node: Node, where: str) -> None:
        for name, at, value in self._notes.pairs(node, where, later=True):
            text = at.origin.values.get(name) if value is None else value
            if text is not None:
                self.environment[name] = at, text
            else:
                self._notes.tell(
                    at, where, f"{cut(name)} has no value but the app's (prevs env set)"
                )
            raw = at.text if isinstance(at, Scalar) else ""
            if value is None:
                raw = f"${{{name}:?}}"
            elif isinstance(node, Listing):
                raw = raw.partition("=")[2]
            self._keep_value(name, at, raw)

    def _keep_value(self, name: str, node: Node, text: str) -> None:
        """Keep the text of a variable's value as the file has it, to fill it in later."""
        place = FillingPart.ENVIRONMENT, name
        self.fillings = [one for one in self.fillings if (one.part, one.key) != place]
        self._keep(node, find_filling(node, text, *place))

    def _keep(self, node: Node, found: Filling | None) -> None:
        if found is not None:
            size = len(found.text) + sum(map(len, found.values.values()))
            if self._notes.takes(node, size):
                self.fillings.append(found)

    def _keep_words(self, node: Node, words: list[str] | None, part: FillingPart) -> None:
        """Keep the words of a command as the file has them, to fill them in later.

        Those in front of its last ones may have another meaning than to be words.
        """
        if isinstance(node, Scalar):
            found = [find_filling(node, node.text, part, "2" if part is FillingPart.READY else "")]
        else:
            entries = node.entries if isinstance(node, Listing) else ()
            skipped = len(entries) - len(words or ())
            found = [
                find_filling(one, one.text, part, str(at - skipped))
                for at, one in enumerate(entries)
                if isinstance(one, Scalar) and at >= skipped
            ]
        for one in found if words else ():
            self._keep(node, one)

    def _read_env_files(self, node: Node, where: str) -> None:
        entries = node.entries if isinstance(node, Listing) else (node,)
        for at, one in enumerate(entries, 1):
            path: str | None = None
            if isinstance(one, Table):
                unused = dict.fromkeys(("required", "format"), "a file that is missing is left out")
                for name, _, value in self._notes.known(one, where, ("path",), unused):
                    path = self._notes.text(value, f"{where}.{name}")
            else:
                path = self._notes.text(one, f"{where}, entry {at}")
            if path is not None:
                self._add_env_file(one, where, path)

    def _add_env_file(self, node: Node, where: str, given: str) -> None:
        path = find_inside(node, where, given, notes=self._notes, paths=self._paths)
        if path is None:
            return
        found = env_files.open_env(path, self._open)
        if found is None:
            what = f"{cut(path)} is not in the commit: set its variables with prevs env set"
            self._notes.tell(node, where, what)
            return
        if found.path != path:
            self._notes.tell(node, where, f"{cut(path)} is not in the commit: {found.path} is read")
        for name, value in env_files.read_env(found.text, node.origin.values).items():
            if self._notes.takes(node, len(value)):
                self.environment[name] = node, value

    def _read_depends_on(self, node: Node, where: str) -> None:
        self.after = read_depends_on(node, where, self._notes)

    def _read_healthcheck(self, node: Node, where: str) -> None:
        self.check = read_healthcheck(node, where, self._notes)
        if self.check.node is not None:
            self._keep_words(self.check.node, self.check.command, FillingPart.READY)

    def _read_volumes(self, node: Node, where: str) -> None:
        for at, one in enumerate(self._notes.listing(node, where) or (), 1):
            found = storage.read_mount(one, f"{where}, entry {at}", self._notes, self._paths)
            if found is not None and found.kind == "tmpfs":
                self.tmpfs[found.path] = found.size
            elif found is not None and found.kind == "socket":
                self.asks_docker = True
            elif found is not None:
                self.mounts.append(found)

    def _read_tmpfs(self, node: Node, where: str) -> None:
        self.tmpfs.update(storage.read_tmpfs(node, where, self._notes))

    def _read_files(self, node: Node, where: str) -> None:
        kind = where.rpartition(".")[2]
        home = "/run/secrets" if kind == "secrets" else ""
        unused = dict.fromkeys(("uid", "gid", "mode"), "all users of the container may read it")
        for at, one in enumerate(self._notes.listing(node, where) or (), 1):
            inside = f"{where}, entry {at}"
            given: dict[str, str] = {}
            if isinstance(one, Scalar):
                given["source"] = self._notes.text(one, inside) or ""
            else:
                for name, _, value in self._notes.known(one, inside, ("source", "target"), unused):
                    given[name] = self._notes.text(value, f"{inside}.{name}") or ""
            name = given.get("source", "")
            target = given.get("target") or name
            path = target if target.startswith("/") else f"{home}/{target}"
            if name and (found := storage.check_target(one, inside, path, self._notes)):
                self.files.append(File(one, kind, name, found))

    def _read_ports(self, node: Node, where: str) -> None:
        found = ports.read_ports(node, where, self._notes)
        if where.endswith(".ports"):
            self._publish(found)
            return
        for number, one in found:
            self.ports.setdefault(number, (one, False))

    def _read_labels(self, node: Node, where: str) -> None:
        found = dict(ports.read_label_ports(node, where, self._notes))
        self._publish(found.items())
        if not found:
            self._notes.tell(node, where, key_words.HERE)

    def _publish(self, found: Iterable[tuple[int, Node]]) -> None:
        for number, node in found:
            self.ports[number] = node, True

    def _read_profiles(self, node: Node, where: str) -> None:
        self.profiles = self._notes.texts(node, where) or []

    def _read_scale(self, node: Node, where: str) -> None:
        self.is_off = self._notes.text(node, where) == "0"
        if not self.is_off:
            self._notes.tell(node, where, "one container runs")

    def _read_deploy(self, node: Node, where: str) -> None:
        """Read the limits; all else of it is for many machines."""
        limits: Node | None = None
        for name, _, value in self._notes.known(
            node, where, ("resources", "replicas"), key_words.DEPLOY_NO_EFFECT
        ):
            inside = f"{where}.{name}"
            if name == "replicas":
                self._read_scale(value, inside)
            else:
                for _, _, limits in self._notes.known(
                    value, inside, ("limits",), {"reservations": key_words.LIMITS}
                ):
                    self._read_limits(limits, f"{inside}.limits")

    def _read_limits(self, node: Node, where: str) -> None:
        unused = {"pids": key_words.LIMITS, "devices": key_words.LIMITS}
        for name, _, value in self._notes.known(node, where, (*_DEPLOY_LIMITS,), unused):
            key, inside = _DEPLOY_LIMITS[name], f"{where}.{name}"
            if key not in self.nodes and (text := self._notes.text(value, inside)):
                self._read_amount(value, inside, key, text)

    def _read_capabilities(self, node: Node, where: str) -> None:
        for one in self._notes.texts(node, where) or ():
            if one.upper().removeprefix("CAP_") not in key_words.CAPABILITIES:
                why = f"has {cut(one)}, which no container of a preview gets: leave it out"
                self._notes.refuse(node, where, why)

    def _words(self, node: Node, where: str) -> list[str] | None:
        if not isinstance(node, Scalar):
            return self._notes.texts(node, where, later=True)
        text = self._notes.text(node, where, later=True)
        try:
            return None if text is None else shlex.split(text)
        except ValueError as error:
            why = f"cannot be split into words ({str(error).lower()}); write a list of words"
            self._notes.refuse(node, where, why)
            return None


def list_names(services: Sequence[Service]) -> str:
    """Return the names of services in a sentence."""
    return ", ".join(cut(one.name) for one in services)
