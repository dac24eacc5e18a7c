"""HAProxy's configuration file and the files beside it. All are in one folder."""

import hashlib
import shutil
from pathlib import Path
from typing import NamedTuple

import jinja2

from prevs import names
from proxy.model.access import CLOSED, KNOWN
from proxy.model.routes import NEWER_DIGITS, TASK_AT
from proxy.pages import pages

HOLD_SECONDS = 600
"""The longest time that a request is held."""
CONNECTIONS_EACH = 1000
"""How many connections one client may have, unless the operator sets another number."""


class Front(NamedTuple):
    """Where HAProxy listens for visitors, and whom it trusts.

    `listen` is HOST:PORT, or several with one port and commas between; `tls_listen` is HOST:PORT.
    `certificates` is a folder of PEM files, each a certificate with its chain and its key (None: no
    TLS). With `redirects`, plain HTTP is redirected to TLS. `trusted` are the networks of proxies
    in front, whose X-Forwarded-* headers are believed. `metrics` is the HOST:PORT of /metrics and
    /metrics/haproxy (empty: nowhere), for holders of one of the tokens `readers`. `stripped` are
    more headers that only proxies in front may send: names in small letters, with * for the rest of
    a name. A client may have `connections_each` connections, and as many open requests with HTTP/2
    in all of them; behind a trusted proxy, as many open requests. HAProxy finds `pass_keys` keys of
    visitors' passes in its environment (name_pass_key). It connects to previews from `source`
    (empty: as the system chooses).
    """

    listen: str
    domain: str
    tls_listen: str = ""
    certificates: Path | None = None
    redirects: bool = False
    trusted: tuple[str, ...] = ()
    metrics: str = ""
    readers: tuple[str, ...] = ()
    stripped: tuple[str, ...] = ()
    connections_each: int = CONNECTIONS_EACH
    pass_keys: int = 0
    source: str = ""

    @property
    def preview_each(self) -> int:
        """How many open requests to one preview a client may have, once that has `uncounted`.

        In all fewer than the 512 processes of a container: one client cannot use up the processes
        of an application that takes one for each connection.
        """
        return max(400, self.connections_each * 2 // 5)

    @property
    def uncounted(self) -> int:
        """How many open requests a preview has before those of each client are counted."""
        return max(100, self.connections_each // 10)

    @property
    def reader_digests(self) -> list[str]:
        """The SHA-256 of each of `readers`, as HAProxy writes it."""
        return [hashlib.sha256(token.encode()).hexdigest().upper() for token in self.readers]

    @property
    def port(self) -> str:
        """The port of `listen`."""
        return self.listen.rpartition(":")[2]

    @property
    def tls_port(self) -> str:
        """The port of `tls_listen`."""
        return self.tls_listen.rpartition(":")[2]


def name_pass_key(number: int) -> str:
    """Return the variable in HAProxy's environment that has a key of passes; 1 is the first."""
    return f"PREVS_PASS_KEY_{number}"


class Files(NamedTuple):
    """The files of one proxy."""

    folder: Path

    @property
    def configuration(self) -> Path:
        """HAProxy's configuration."""
        return self.folder / "haproxy.cfg"

    @property
    def messages(self) -> Path:
        """What HAProxy says of itself since the newest one was started."""
        return self.folder / "haproxy.messages"

    @property
    def map(self) -> Path:
        """The routes of public apps that HAProxy starts with; also the name of its map."""
        return self.folder / "routes.map"

    @property
    def guarded(self) -> Path:
        """The same for the hosts of apps that are not public."""
        return self.folder / "guarded.map"

    @property
    def access(self) -> Path:
        """Who may look, by app. Apps that are not in it are public."""
        return self.folder / "access.map"

    @property
    def passes(self) -> Path:
        """The issued passes that are in force, as APP/ID."""
        return self.folder / "passes.map"

    @property
    def gates(self) -> Path:
        """The revisions of gates, by host. What they mean is in the next three."""
        return self.folder / "gates.map"

    @property
    def gate_paths(self) -> Path:
        """What each path of a revision leads to."""
        return self.folder / "gate-paths.map"

    @property
    def gate_values(self) -> Path:
        """What values of requests lead to."""
        return self.folder / "gate-values.map"

    @property
    def gate_lots(self) -> Path:
        """What the lots of clients lead to."""
        return self.folder / "gate-lots.map"

    @property
    def socket(self) -> Path:
        """A link to the runtime socket of the newest HAProxy."""
        return self.folder / "haproxy.sock"

    def own_socket(self, pid: int) -> Path:
        """The runtime socket of one HAProxy."""
        return self.folder / f"{pid}.sock"

    @property
    def pids(self) -> Path:
        """The ids of the HAProxy processes that were started from here, the newest first."""
        return self.folder / "haproxy.pids"

    @property
    def room(self) -> Path:
        """The waiting room's socket, for HAProxy."""
        return self.folder / "room.sock"

    @property
    def internal(self) -> Path:
        """The socket of the internal API; visitors cannot reach it.

        A HAProxy that was replaced still uses it, so its name stays the same in all versions.
        """
        return self.folder / "wake.sock"

    @property
    def again(self) -> Path:
        """The socket over which HAProxy passes itself a request whose connection was refused."""
        return self.folder / "again.sock"

    @property
    def held(self) -> Path:
        """The socket of the hold server; visitors cannot reach it."""
        return self.folder / "held.sock"

    @property
    def lua(self) -> Path:
        """The Lua action that holds requests."""
        return self.folder / "hold.lua"

    @property
    def choose(self) -> Path:
        """The Lua converter that chooses labels for requests to gates."""
        return self.folder / "choose.lua"

    @property
    def bots(self) -> Path:
        """Parts of the User-Agents of programs whose requests start nothing."""
        return self.folder / "bots.txt"

    @property
    def cookies(self) -> Path:
        """The page for a visitor whose cookies are too large."""
        return self.folder / "cookies.html"

    @property
    def cookies_removed(self) -> Path:
        """The page that the button of `cookies` leads to."""
        return self.folder / "cookies_removed.html"

    @property
    def lock(self) -> Path:
        """The file that the proxy locks while it uses the folder."""
        return self.folder / "lock"


def render(files: Files, front: Front) -> str:
    """Return the text of HAProxy's configuration."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("proxy.haproxy", "."),
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        autoescape=False,  # noqa: S701 - not HTML; the values are checked by the settings
    )
    template = environment.get_template("haproxy.cfg.j2")
    return template.render(
        files=files,
        front=front,
        hold_seconds=HOLD_SECONDS,
        task_at=TASK_AT,
        newer_digits=NEWER_DIGITS,
        pass_keys=[name_pass_key(number + 1) for number in range(front.pass_keys)],
        known=KNOWN,
        closed=CLOSED,
        own_names=sorted(names.PROXIES_OWN),
    )


def write(files: Files, front: Front) -> None:
    """Write HAProxy's configuration and its other files; create empty maps if there are none.

    HAProxy also accepts an optional map (`opt@`), but then it loads one copy for each place in the
    configuration that names it, and runtime commands change only the first.
    """
    of_gates = (files.gates, files.gate_paths, files.gate_values, files.gate_lots)
    for file in (files.map, files.guarded, files.access, files.passes, *of_gates):
        file.touch()
    for file in (files.lua, files.choose, files.bots):
        shutil.copyfile(Path(__file__).parent / file.name, file)
    files.cookies.write_text(pages.refused_cookies_page(front.domain), encoding="utf-8")
    files.cookies_removed.write_text(pages.removed_cookies_page(front.domain), encoding="utf-8")
    files.configuration.write_text(render(files, front), encoding="utf-8")
