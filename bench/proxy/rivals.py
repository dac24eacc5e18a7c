"""The proxies that ours is compared with: each has one backend, and the best setup for it.

They log no requests, keep connections on both sides, and have one worker or thread, as they have
one core. Their configurations are in configurations/.

Our rules, without the choice of destination, make a proxy between static HAProxy and ours: static,
but with all our rules for headers, cookies and refusals. It shows the cost of the rules apart from
the cost of changing destinations.
"""

import os
import pwd
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import jinja2

from bench.proxy import own_proxy
from local.parts.part import ProcessPart, answers_http, environment
from proxy.haproxy import config
from proxy.haproxy.config import Files, Front


class Place(NamedTuple):
    """A program's folder, its port, and the port of the backend."""

    folder: Path
    port: int
    backend: int


class Rival(NamedTuple):
    """A program: its command, its configuration files, and the command for its version."""

    command: str
    files: tuple[str, ...]
    version: tuple[str, ...]


HAPROXY, NGINX = "HAProxy, static", "nginx, static"
RULES = "HAProxy, static, our rules"
ENVOY, TRAEFIK, CADDY, CHP = "Envoy", "Traefik", "Caddy", "configurable-http-proxy"
RIVALS: Mapping[str, Rival] = {
    HAPROXY: Rival("haproxy -db -f haproxy.cfg", ("haproxy.cfg",), ("haproxy", "-v")),
    RULES: Rival("haproxy -db -f rules.cfg", ("rules.cfg",), ("haproxy", "-v")),
    NGINX: Rival("nginx -c {folder}/nginx.conf -p {folder}", ("nginx.conf",), ("nginx", "-v")),
    ENVOY: Rival(
        "envoy -c envoy.yaml --concurrency 1 --disable-hot-restart -l error",
        ("envoy.yaml",),
        ("envoy", "--version"),
    ),
    TRAEFIK: Rival(
        "traefik --configFile=traefik.yml", ("traefik.yml", "routes.yml"), ("traefik", "version")
    ),
    CADDY: Rival("caddy run", ("Caddyfile",), ("caddy", "version")),
    CHP: Rival(
        "configurable-http-proxy --ip 127.0.0.1 --port {port} --api-socket api.sock"
        " --log-level error --default-target http://127.0.0.1:{backend}",
        (),
        (CHP, "--version"),
    ),
}
_FOLDERS = [Path(__file__).parents[1] / bench / "configurations" for bench in ("proxy", "gates")]
_CONFIGURATIONS = jinja2.Environment(
    loader=jinja2.FileSystemLoader(_FOLDERS),
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
)


def render(file: str, folder: Path, values: Mapping[str, object]) -> str:
    """Return the text of a file of configurations/, for a program whose files are in `folder`."""
    # By default nginx runs its workers as another user, who may not read there.
    user = pwd.getpwuid(os.getuid()).pw_name if os.getuid() == 0 else ""
    return _CONFIGURATIONS.get_template(f"{file}.j2").render(folder=folder, user=user, **values)


def path(installed: Path) -> str:
    """Return a PATH with all of them; `installed` is the folder of those not in Debian.

    Debian keeps daemons in folders that are not on every user's PATH.
    """
    own = (installed.absolute() / "bin", installed.absolute() / "node_modules" / ".bin")
    return ":".join((*map(str, own), os.environ["PATH"], "/usr/sbin", "/sbin"))


def part(
    name: str, place: Place, search: str, before: Callable[[Sequence[str]], tuple[str, ...]]
) -> ProcessPart:
    """Return a proxy as a part, found on the PATH `search`; `before` puts it on its core."""
    place.folder.mkdir(parents=True)
    for file in RIVALS[name].files:
        values: dict[str, object] = {"port": place.port, "backend": place.backend}
        if name == RULES:
            values["rules"] = read_rules(place.folder, place.port)
        (place.folder / file).write_text(render(file, place.folder, values))
    words = [word.format(**place._asdict()) for word in RIVALS[name].command.split()]
    return ProcessPart(
        name=name,
        command=before(words),
        # Caddy and npm programs write below HOME.
        environ=environment({"PATH": search, "HOME": str(place.folder)}, os.environ),
        log=place.folder / "log",
        answers=lambda: answers_http(f"http://127.0.0.1:{place.port}/"),
        folder=place.folder,
    )


class Rules(NamedTuple):
    """Lines of HAProxy's configuration: a section, and the lines for a frontend and a backend."""

    defaults: str
    requests: str
    answers: str


def read_rules(folder: Path, port: int) -> Rules:
    """Return our rules for visitors at a port. They name no file of the proxy's `folder`."""
    text = config.render(Files(folder), Front(f"127.0.0.1:{port}", own_proxy.DOMAIN))
    # Our tables of clients are left out: one costs once per connection, one is for HTTP/2.
    lines = _section(text, "frontend web").splitlines(keepends=True)
    requests = "".join(
        line
        for line in lines
        if not re.search("table clients|table requests|sc2_|sc_conn_cur", line)
    )
    looked_up = requests.index("acl reserved")
    answers = [
        # There is no task here, so use a name of usual length.
        re.sub(r"%\[var\(txn\.dst\),.*?\]", f"app7.{7:040x}.a1", line)
        for line in _section(text, "backend placements").splitlines()
        if line.split()[:1] == ["http-response"] and "X-Prevs-Newer" not in line
    ]
    return Rules(
        "defaults\n" + _section(text, "defaults").rstrip(),
        requests[:looked_up].rstrip(),
        "\n".join(answers),
    )


def _section(text: str, name: str) -> str:
    """Return the lines of a section, without the first. Raises ValueError if there is none."""
    found = re.search(rf"^{name}\n(.*?)(?=^\S|\Z)", text, re.MULTILINE | re.DOTALL)
    if found is None:
        raise ValueError(f"there is no {name!r}")
    return found[1]
