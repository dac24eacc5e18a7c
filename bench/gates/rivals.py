"""The proxies that gates are compared with: the same rules, and each its own way of a change.

Their configurations are in configurations/ and documents.py. Like those of bench/proxy they log no
requests, keep connections on both sides, and have one worker or thread.
"""

import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from bench.gates import documents, traffic
from bench.gates.documents import name_target
from bench.gates.rules import WEIGHT, Kind, Lead, Rules, second
from bench.harness.errors import BenchError
from bench.proxy.rivals import render
from local.parts.part import ProcessPart, environment

_LIMIT = 60.0  # seconds: of an answer that says that a change was taken
_LOOK = 0.001
Commit = Callable[[], object]
"""Puts a prepared change in force."""


class Place(NamedTuple):
    """A program's folder, its port, and the backend's port for each label."""

    folder: Path
    port: int
    backends: Sequence[int]


class Rival(NamedTuple):
    """A program: its command, its version's command, its files, and its way of a change.

    `change` gets the changed rules, the number of the rule, and the program's process.
    """

    command: str
    version: tuple[str, ...]
    files: Callable[[Place, Rules], Mapping[str, str]]
    change: Callable[[Place, Rules, int, int], Commit]
    way: str


def part(
    name: str, place: Place, rules: Rules, *, search: str,
    before: Callable[[Sequence[str]], tuple[str, ...]],
) -> ProcessPart:  # fmt: skip
    """Return a proxy as a part, found on the PATH `search`; `before` puts it on its core."""
    rival = RIVALS[name]
    place.folder.mkdir(parents=True)
    for file, text in rival.files(place, rules).items():
        (place.folder / file).write_text(text)
    words = [word.format(folder=place.folder) for word in rival.command.split()]
    return ProcessPart(
        name=name,
        command=before(words),
        environ=environment({"PATH": search, "HOME": str(place.folder)}, os.environ),
        log=place.folder / "log",
        answers=lambda: traffic.answers(place.port, rules.at(0)),
        folder=place.folder,
    )


def find_missing(name: str, search: str) -> str | None:
    """Return why a proxy cannot run here, or None if it can; `search` is the PATH."""
    command = RIVALS[name].version
    if shutil.which(command[0], path=search) is None:
        return f"there is no `{command[0]}` here"
    environ = {**os.environ, "PATH": search}
    done = subprocess.run(command, check=False, capture_output=True, text=True, env=environ)
    if done.returncode:
        return f"`{' '.join(command)}` fails: {done.stderr.strip()[-200:]}"
    return None


def _values(place: Place, rules: Rules) -> Mapping[str, object]:
    return {
        "port": place.port,
        "backends": place.backends,
        "weight": WEIGHT,
        "kind": rules.kind.value,
        "leads": list(rules.all()),
        "to": name_target,
        "second": second,
    }


def _rendered(file: str, source: str) -> Callable[[Place, Rules], Mapping[str, str]]:
    """Return what renders a file from one of configurations/."""
    return lambda place, rules: {file: render(source, place.folder, _values(place, rules))}


def _map_key(kind: Kind, lead: Lead) -> str:
    return (
        f"{lead.host}|{lead.version or ''}" if kind is Kind.HEADER else f"{lead.host}{lead.path}/"
    )


def _haproxy_map(place: Place, rules: Rules) -> Mapping[str, str]:
    lines = [f"{_map_key(rules.kind, lead)} {name_target(lead)}\n" for lead in rules.all()]
    return {**_rendered("haproxy.cfg", "map.cfg")(place, rules), "rules.map": "".join(lines)}


def _set_map(place: Place, rules: Rules, number: int, pid: int) -> Commit:
    del pid
    lead = rules.at(number)
    key, value = _map_key(rules.kind, lead), name_target(lead)
    command = f"set map {place.folder}/rules.map {key} {value}"
    return lambda: _command(place.folder / "haproxy.sock", command, "")


def _reload(place: Place, pid: int) -> None:
    """Reload HAProxy. Its master answers when that is done; signals in a row get lost."""
    del pid
    _command(place.folder / "master.sock", "reload", "Success=1")


def _hang_up(place: Place, pid: int) -> None:
    del place
    os.kill(pid, signal.SIGHUP)


def _command(path: Path, command: str, success: str) -> None:
    """Send HAProxy a command. Raises BenchError unless its answer begins with `success`."""
    with _connect(path) as connection:
        connection.sendall(f"{command}\n".encode())
        with connection.makefile() as stream:
            answer = stream.read().strip()
    if not answer.startswith(success) or (answer and not success):
        raise BenchError(f"HAProxy answers `{command}` with {answer!r}")


def _connect(path: Path) -> socket.socket:
    """Return a connection to a socket. HAProxy's master refuses them while it replaces itself."""
    deadline = time.monotonic() + _LIMIT
    while True:
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(_LIMIT)
        try:
            connection.connect(str(path))
        except ConnectionRefusedError:
            connection.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(_LOOK)
        else:
            return connection


def _envoy_files(place: Place, rules: Rules) -> Mapping[str, str]:
    routes = json.dumps(documents.envoy(rules))
    return {**_rendered("bootstrap.yaml", "bootstrap.yaml")(place, rules), "routes.json": routes}


def _traefik_files(place: Place, rules: Rules) -> Mapping[str, str]:
    routes = json.dumps(documents.traefik(rules, place.backends))
    return {**_rendered("traefik.yml", "entry.yml")(place, rules), "routes.yml": routes}


def _caddy_files(place: Place, rules: Rules) -> Mapping[str, str]:
    admin = str(place.folder / "admin.sock")
    made = documents.caddy(rules, place.backends, port=place.port, socket=admin)
    return {"caddy.json": json.dumps(made)}


def _replaced(
    file: str, name: str, tell: Callable[[Place, int], object] | None = None
) -> Callable[[Place, Rules, int, int], Commit]:
    """Return what replaces a file at once, and then tells the program `name` to read it."""

    def prepare(place: Place, rules: Rules, number: int, pid: int) -> Commit:
        del number
        new = place.folder / "next"
        new.write_text(RIVALS[name].files(place, rules)[file])

        def commit() -> None:
            new.replace(place.folder / file)
            if tell is not None:
                tell(place, pid)

        return commit

    return prepare


class _Admin(http.client.HTTPConnection):
    """A connection to Caddy's admin API."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=_LIMIT)
        self._path = path

    def connect(self) -> None:
        self.sock = _connect(self._path)


def _patch(place: Place, rules: Rules, number: int, pid: int) -> Commit:
    del pid
    lead = rules.at(number)
    path = f"/id/{documents.caddy_id(lead)}/handle/0/name"

    def commit() -> None:
        admin = _Admin(place.folder / "admin.sock")
        try:
            headers = {"Content-Type": "application/json"}
            admin.request("PATCH", path, json.dumps(name_target(lead)), headers)
            answer = admin.getresponse()
            if answer.status != 200:
                raise BenchError(f"Caddy answers {answer.status} to {path}: {answer.read()!r}")
        finally:
            admin.close()

    return commit


MAP, ACLS, NGINX = "HAProxy, map", "HAProxy, ACLs", "nginx"
ENVOY, TRAEFIK, CADDY = "Envoy", "Traefik", "Caddy"
RIVALS: Mapping[str, Rival] = {
    MAP: Rival(
        "haproxy -db -f haproxy.cfg", ("haproxy", "-v"), _haproxy_map, _set_map,
        "`set map` over its socket",
    ),
    ACLS: Rival(
        "haproxy -W -db -S {folder}/master.sock -f haproxy.cfg", ("haproxy", "-v"),
        _rendered("haproxy.cfg", "acls.cfg"), _replaced("haproxy.cfg", ACLS, _reload),
        "its file, a reload",
    ),
    NGINX: Rival(
        "nginx -c {folder}/nginx.conf -p {folder}", ("nginx", "-v"),
        _rendered("nginx.conf", "rules.conf"), _replaced("nginx.conf", NGINX, _hang_up),
        "its file, a reload",
    ),
    ENVOY: Rival(
        "envoy -c bootstrap.yaml --concurrency 1 --disable-hot-restart -l error",
        ("envoy", "--version"), _envoy_files, _replaced("routes.json", ENVOY),
        "RDS, from a file",
    ),
    TRAEFIK: Rival(
        "traefik --configFile=traefik.yml", ("traefik", "version"), _traefik_files,
        _replaced("routes.yml", TRAEFIK), "its provider of files",
    ),
    CADDY: Rival(
        "caddy run --config caddy.json", ("caddy", "version"), _caddy_files, _patch,
        "its admin API",
    ),
}  # fmt: skip
