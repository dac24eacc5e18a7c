"""One service of a compose file, whether it is the application or a companion. Pure."""

import math
import posixpath
import re
import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from framework.apps.compose import key_words, storage
from framework.apps.compose.amounts import Port, read_megabytes, read_port, read_seconds
from framework.apps.compose.interpolation import read_env_file
from framework.apps.compose.notes import Notes, cut
from framework.apps.compose.storage import Mount, Paths
from framework.apps.compose.yaml_tree import Listing, Node, Scalar, Table

_CONDITIONS = ("service_started", "service_healthy", "service_completed_successfully")
_TIMINGS = {"interval": 30.0, "timeout": 30.0, "start_period": 0.0, "retries": 3.0}
_LEAST_LIMIT = 30.0
_ALIAS = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?", re.ASCII)
_SIGNAL = re.compile(r"(?:SIG)?[A-Z0-9+]{1,12}", re.ASCII)
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*(?::[A-Za-z0-9_][A-Za-z0-9_.-]*)?", re.ASCII)
_PORT_KEYS = ("target", "published", "protocol")
_PORT_UNUSED = dict.fromkeys(("mode", "host_ip", "name", "app_protocol"), "it has no effect here")


class Build(NamedTuple):
    """How an image is built. Paths begin at the app's folder."""

    node: Node
    context: str = "."
    dockerfile: str = "Dockerfile"
    target: str = ""
    args: tuple[tuple[str, str], ...] = ()


class Dependency(NamedTuple):
    """A service to wait for, until the condition holds."""

    node: Node
    name: str
    condition: str = _CONDITIONS[0]

    @property
    def ends(self) -> bool:
        """Whether that service has to have run to its end."""
        return self.condition == _CONDITIONS[2]


class File(NamedTuple):
    """A secret or a config of a service, by its name at the top."""

    node: Node
    kind: str
    name: str
    path: str


class Service:
    """What prevs reads of a service; None or nothing for what it does not have or has a mistake.

    `ready` is the command of its check, none if the check is switched off. `nodes` are those of its
    keys. `ports` are those of TCP, and whether the file publishes them.
    """

    def __init__(
        self, key: Scalar, notes: Notes, paths: Paths, open_file: Callable[[str], str | None]
    ) -> None:
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
        self.ready: list[str] | None = None
        self.timings: dict[str, float] = {}
        self.mounts: list[Mount] = []
        self.files: list[File] = []
        self.tmpfs: dict[str, int] = {}
        self.ports: dict[int, tuple[Node, bool]] = {}
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

    def _readers(self) -> Mapping[str, Callable[[Node, str], None]]:
        return {
            **dict.fromkeys(("image", "user", "working_dir", "stop_signal"), self._read_plain),
            **dict.fromkeys(("container_name", "hostname", "shm_size"), self._read_plain),
            **dict.fromkeys(("stop_grace_period", "mem_limit", "cpus"), self._read_plain),
            **dict.fromkeys(("read_only", "network_mode", "pid", "ipc"), self._read_plain),
            "build": self._read_build,
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
            is_number = re.fullmatch(r"\d{0,4}(?:\.\d{1,6})?", text, re.ASCII) and text != "."
            amount = self.cpus = float(text) if is_number else None
        elif name == "shm_size":
            amount = read_megabytes(text)
            self.shared_memory = int(amount or 0)
        else:
            amount = self.mem = read_megabytes(text) or None
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
        given: dict[str, str] = {}
        args: dict[str, str] = {}
        if isinstance(node, Scalar):
            given["context"] = self._notes.text(node, where) or "."
        else:
            known = ("context", "dockerfile", "target", "args", *key_words.BUILD_REFUSED)
            for name, key, value in self._notes.known(
                node, where, known, key_words.BUILD_NO_EFFECT
            ):
                if name == "args":
                    args = self._read_args(value, f"{where}.args")
                elif name in key_words.BUILD_REFUSED:
                    self._notes.refuse(key, f"{where}.{name}", key_words.BUILD_REFUSED[name])
                elif (text := self._notes.text(value, f"{where}.{name}")) is not None:
                    given[name] = text
        context = self._inside(node, where, given.get("context", "."))
        file = posixpath.join(given.get("context", "."), given.get("dockerfile", "Dockerfile"))
        dockerfile = self._inside(node, where, file) if context is not None else None
        if context is not None and dockerfile is not None:
            target = given.get("target", "")
            self.build = Build(node, context, dockerfile, target, tuple(sorted(args.items())))

    def _read_args(self, node: Node, where: str) -> dict[str, str]:
        found = {}
        for name, _, value in self._notes.pairs(node, where):
            text = self._notes.values.get(name) if value is None else value
            if text is not None:
                found[name] = text
        return found

    def _inside(self, node: Node, where: str, path: str) -> str | None:
        found = None if "://" in path or path.startswith("git@") else self._paths.inside(path)
        if found is None:
            why = f"has {cut(path)}, which leaves the repository: name a path inside it"
            self._notes.refuse(node, where, why)
        return found

    def _read_command(self, node: Node, where: str) -> None:
        words = self._words(node, where)
        if where.endswith(".command"):
            self.command = words or None
        else:
            self.entrypoint = words

    def _read_environment(self, node: Node, where: str) -> None:
        for name, at, value in self._notes.pairs(node, where):
            text = self._notes.values.get(name) if value is None else value
            if text is not None:
                self.environment[name] = at, text
            else:
                self._notes.tell(
                    at, where, f"{cut(name)} has no value but the app's (prevs env set)"
                )

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
            if path is not None and (inside := self._inside(one, where, path)) is not None:
                self._add_env_file(one, where, inside)

    def _add_env_file(self, node: Node, where: str, path: str) -> None:
        text = self._open(path)
        if text is None:
            what = f"{cut(path)} is not in the commit: set its variables with prevs env set"
            self._notes.tell(node, where, what)
            return
        for name, value in read_env_file(text, self._notes.values).items():
            if self._notes.takes(node, value):
                self.environment[name] = node, value

    def _read_depends_on(self, node: Node, where: str) -> None:
        if not isinstance(node, Table):
            for name in self._notes.texts(node, where) or ():
                self.after.append(Dependency(node, name))
            return
        for name, (key, value) in node.entries.items():
            inside = f"{where}.{cut(name)}"
            unused = dict.fromkeys(("restart", "required"), key_words.RESTARTS)
            found = _CONDITIONS[0]
            for one, _, inner in self._notes.known(value, inside, ("condition",), unused):
                found = self._notes.text(inner, f"{inside}.{one}") or found
                if found not in _CONDITIONS:
                    why = f"must be {', '.join(_CONDITIONS)}, not {cut(found)}"
                    self._notes.refuse(inner, f"{inside}.{one}", why)
            self.after.append(Dependency(key, name, found))

    def _read_healthcheck(self, node: Node, where: str) -> None:
        known, unused = ("test", "disable", *_TIMINGS), {"start_interval": "interval is taken"}
        is_off = False
        for name, _, value in self._notes.known(node, where, known, unused):
            inside = f"{where}.{name}"
            if name == "test":
                self.ready = self._read_test(value, inside)
            elif name == "disable":
                is_off = self._notes.truth(value, inside)
            elif (text := self._notes.text(value, inside)) is not None:
                seconds = read_seconds(text)
                if seconds is None:
                    self._notes.refuse(value, inside, f"must be like 1m30s, not {cut(text)}")
                else:
                    self.timings[name] = seconds
        if is_off:
            self.ready = None

    @property
    def ready_limit(self) -> float:
        """Return how many seconds its check may fail; 0 if the file says nothing of it."""
        if not self.timings or self.ready is None:
            return 0.0
        all_of = {**_TIMINGS, **self.timings}
        tries = all_of["retries"] * (all_of["interval"] + all_of["timeout"])
        return max(_LEAST_LIMIT, math.ceil(min(all_of["start_period"] + tries, 3600.0)))

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
            found = storage.read_mount(one, f"{where}, entry {at}", self._notes, self._paths)
            if found is not None and found.kind == "tmpfs":
                self.tmpfs[found.path] = found.size
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
        is_published = where.endswith(".ports")
        for at, one in enumerate(self._notes.listing(node, where) or (), 1):
            inside = f"{where}, entry {at}"
            found = self._read_port(one, inside)
            if found is None:
                continue
            if found.protocol != "tcp":
                self._notes.tell(one, inside, "visitors come by TCP alone")
            elif is_published or found.number not in self.ports:
                self.ports[found.number] = one, is_published

    def _read_port(self, node: Node, where: str) -> Port | None:
        if isinstance(node, Table):
            given = {
                name: self._notes.text(value, f"{where}.{name}") or ""
                for name, _, value in self._notes.known(node, where, _PORT_KEYS, _PORT_UNUSED)
            }
            text = f"{given.get('target', '')}/{given.get('protocol') or 'tcp'}"
        else:
            given_text = self._notes.text(node, where)
            if given_text is None:
                return None
            text = given_text
        found = read_port(text)
        if found is None:
            self._notes.refuse(node, where, 'must be a port, like "8000:8000"')
        return found

    def _read_profiles(self, node: Node, where: str) -> None:
        self.profiles = self._notes.texts(node, where) or []

    def _read_deploy(self, node: Node, where: str) -> None:
        """Read the limits; all else of it is for many machines."""
        at: Node | None = node
        for name in ("resources", "limits"):
            at = at.entries[name][1] if isinstance(at, Table) and name in at.entries else None
        if not isinstance(at, Table):
            self._notes.tell(node, where, "one container runs, on one agent")
            return
        for name, key in (("memory", "mem_limit"), ("cpus", "cpus")):
            if name in at.entries and key not in self.nodes:
                value = at.entries[name][1]
                inside = f"{where}.resources.limits.{name}"
                if text := self._notes.text(value, inside):
                    self._read_amount(value, inside, key, text)

    def _read_capabilities(self, node: Node, where: str) -> None:
        for one in self._notes.texts(node, where) or ():
            if one.upper().removeprefix("CAP_") not in key_words.CAPABILITIES:
                why = f"has {cut(one)}, which no container of a preview gets: leave it out"
                self._notes.refuse(node, where, why)

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


def list_names(services: Sequence[Service]) -> str:
    """Return the names of services in a sentence."""
    return ", ".join(cut(one.name) for one in services)
