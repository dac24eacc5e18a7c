"""A framework and a proxy together, and visitors who go the whole way."""

import contextlib
import http.client
from collections.abc import Iterator, Mapping
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlencode, urlsplit

from prevs.paths import Paths
from program.settings.keys import new_key
from tests.conftest import Mesos
from tests.fakes.program import OwnRoot, Program, make_repository
from tests.free_ports import free_port
from tests.integration.haproxy import proxies
from tests.integration.haproxy.proxies import Answer, Proxy

HOST, APP = "main.hello.localhost", "/v1/apps/hello"
GOES = {"Accept": "text/html", "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}


@contextlib.contextmanager
def running(
    mesos: Mesos,
    zookeeper: str,
    paths: Paths,
    folder: Path,
    *,
    port: int = 0,
    trusted: str = "",
    **more: str,
) -> Iterator[tuple[Program, Proxy]]:
    """A framework with the app hello, and a proxy that trusts the proxies `trusted` in front.

    `more` are settings of the framework, PREVS_ left out.
    """
    port = port or free_port()
    keys = folder / "keys"
    keys.write_text(new_key())
    (folder / "p").mkdir()
    with OwnRoot(mesos, zookeeper, folder, paths.root) as own:
        program = own.program(KEY_FILE=str(keys), PUBLIC_PORT=str(port), **more)
        program.run()
        program.add_app(make_repository(folder / "hello"))
        with proxies.running(
            folder / "p",
            zookeeper,
            paths.root,
            program.url,
            port=port,
            PREVS_TOKEN_FILE=program.environ["PREVS_TOKEN_FILE"],
            PREVS_TRUSTED_PROXIES=trusted,
        ) as proxy:
            yield program, proxy
        assert program.end() == 0


class Visitor:
    """A browser without a screen: it keeps the cookies of each host, and follows no redirect."""

    def __init__(self, proxy: Proxy, address: str = "127.0.0.1") -> None:
        self.proxy = proxy
        self._from = (address, 0)
        self._kept: dict[str, SimpleCookie] = {}

    def go(self, url: str, **headers: str) -> Answer:
        """Go to an address."""
        return self._send(url, {**GOES, **headers})

    def post(self, url: str, **fields: str) -> Answer:
        """Send a form from the page at the same host."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        sent = {**GOES, **kind, "Sec-Fetch-Site": "same-origin"}
        return self._send(url, sent, urlencode(fields))

    def begin(self) -> str:
        """Go to the preview; return the address of the sign-in host to which that leads."""
        home = f"http://{HOST}:{self.proxy.port}"
        first = self.go(f"{home}/")
        return self.go(home + first.headers["location"]).headers["location"]

    def is_out(self) -> bool:
        """Return whether the preview refuses this visitor."""
        return is_refused(self.proxy, Cookie=self._cookies(HOST))

    def _cookies(self, host: str) -> str:
        kept = self._kept.get(host, SimpleCookie())
        return "; ".join(f"{one.key}={one.coded_value}" for one in kept.values())

    def _send(self, url: str, headers: Mapping[str, str], body: str | None = None) -> Answer:
        address = urlsplit(url)
        host = address.hostname or ""
        sent = {"Host": address.netloc, "Cookie": self._cookies(host), **headers}
        to = ("127.0.0.1", self.proxy.port)
        connection = http.client.HTTPConnection(*to, timeout=60, source_address=self._from)
        with contextlib.closing(connection):
            path = address.path + (f"?{address.query}" if address.query else "")
            connection.request("GET" if body is None else "POST", path, body, sent)
            answer = connection.getresponse()
            for line in answer.headers.get_all("Set-Cookie", []):
                self._kept.setdefault(host, SimpleCookie()).load(line)
            found = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, found, answer.read())


def is_refused(proxy: Proxy, **headers: str) -> bool:
    """Return whether a program is refused, with these headers."""
    return proxy.request(HOST, method="HEAD", headers=headers).status == 401
