"""A closed app: a framework and a proxy together, from the first password to the end of an era."""

import contextlib
import http.client
from collections.abc import Iterator, Mapping
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit

import pytest

from prevs.paths import Paths
from program.settings.keys import new_key
from tests.conftest import Mesos
from tests.fakes.program import OwnRoot, Program, make_repository
from tests.free_ports import free_port
from tests.integration.haproxy import proxies
from tests.integration.haproxy.proxies import Answer, Proxy
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(180)]

HOST, APP = "main.hello.localhost", "/v1/apps/hello"
GOES = {"Accept": "text/html", "Sec-Fetch-Dest": "document", "Sec-Fetch-Mode": "navigate"}
OUT = 401


@pytest.fixture
def whole(
    mesos: Mesos, zookeeper: str, paths: Paths, tmp_path: Path
) -> Iterator[tuple[Program, Proxy]]:
    """A framework whose app hello runs, and a proxy."""
    keys = tmp_path / "keys"
    keys.write_text(new_key())
    (tmp_path / "p").mkdir()
    with OwnRoot(mesos, zookeeper, tmp_path, paths.root) as own:
        program = own.program(KEY_FILE=str(keys))
        program.run()
        program.add_app(make_repository(tmp_path / "hello"))
        program.wait_state(program.order(), "running")
        with proxies.running(
            tmp_path / "p",
            zookeeper,
            paths.root,
            program.url,
            port=free_port(),
            PREVS_TOKEN_FILE=program.environ["PREVS_TOKEN_FILE"],
        ) as proxy:
            yield program, proxy
        assert program.end() == 0


class Visitor:
    """A browser without a screen: it keeps the cookies of each host, and follows no redirect."""

    def __init__(self, proxy: Proxy) -> None:
        self.proxy = proxy
        self._kept: dict[str, SimpleCookie] = {}

    def go(self, url: str) -> Answer:
        """Go to an address."""
        return self._send(url, GOES)

    def post(self, url: str, **fields: str) -> Answer:
        """Send a form from the page at the same host."""
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        sent = {**GOES, **kind, "Sec-Fetch-Site": "same-origin"}
        return self._send(url, sent, urlencode(fields))

    def enter(self, password: str) -> Answer:
        """Go to the preview, and enter a password where that leads."""
        home = f"http://{HOST}:{self.proxy.port}"
        first = self.go(f"{home}/")
        form = self.go(home + first.headers["location"]).headers["location"]
        fields = dict(parse_qsl(urlsplit(form).query))
        answer = self.post(form, password=password, **fields)
        return self.go(answer.headers["location"]) if answer.status == 303 else answer

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
        connection = http.client.HTTPConnection("127.0.0.1", self.proxy.port, timeout=60)
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


def issue(program: Program, **order: str) -> Mapping[str, str]:
    answer = program.request("POST", f"{APP}/passes", json=order)
    assert answer.status_code == 201
    made: Mapping[str, str] = answer.json()
    return made


def test_an_app_is_closed_entered_shared_and_ended(whole: tuple[Program, Proxy]) -> None:
    program, proxy = whole
    person, guest = Visitor(proxy), Visitor(proxy)
    assert not is_refused(proxy)
    order = {"access": "password", "password": "correct horse"}
    assert program.request("PUT", f"{APP}/access", json=order).ok
    wait_until(lambda: is_refused(proxy), "strangers are out", over=proxy.ended)

    assert person.enter("wrong horse").status == 403
    assert person.is_out()
    assert person.enter("correct horse").status == 303
    assert not person.is_out()

    link, machine = issue(program, kind="share", label="main"), issue(program, kind="machine")
    sent = {"X-Prevs-Access": machine["text"]}
    wait_until(lambda: not is_refused(proxy, **sent), "the pass opens", over=proxy.ended)
    shared = urlsplit(link["link"])._replace(netloc=f"{HOST}:{proxy.port}").geturl()
    assert guest.go(shared).status == 303
    assert not guest.is_out()

    assert program.request("DELETE", f"{APP}/passes/{link['id']}").ok
    wait_until(guest.is_out, "the link is revoked", over=proxy.ended)
    assert not person.is_out()
    assert not is_refused(proxy, **sent)

    assert program.request("POST", f"{APP}/access/end").ok
    wait_until(person.is_out, "everybody is out", over=proxy.ended)
    assert is_refused(proxy, **sent)
    assert person.enter("correct horse").status == 303
    assert not person.is_out()
    assert program.request("PUT", f"{APP}/access", json={"access": "public"}).ok
    wait_until(lambda: not is_refused(proxy), "it is open", over=proxy.ended)
