"""Where notifications do not go, whatever a name, a nameserver or a receiver says."""

import ssl
from collections.abc import Callable, Iterator, Sequence

import pytest
import trustme

from tests.fakes.receiver import ReceiverServer, status
from tests.integration.notifications.conftest import Site, make_receiver
from tests.waits import wait_until

pytestmark = pytest.mark.integration

MakeSite = Callable[..., Site]


class Nameserver:
    """Gives one answer after the other, the last one again and again."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.asked: list[tuple[str, int]] = []
        self._answers = list(answers)

    def __call__(self, host: str, port: int) -> Sequence[str]:
        self.asked.append((host, port))
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


def try_once(site: Site, server: ReceiverServer, url: str) -> str:
    """Return why a notification to an address is not taken."""
    receiver = make_receiver(server, url=url)
    return site.notifier.test("shop", receiver, {"id": "test-1", "sentence": "x"}).problem


@pytest.mark.parametrize("hosts", [("*",), ("*.example.org",), ("hooks.example.org",)])
@pytest.mark.parametrize("address", ["127.0.0.1", "::ffff:127.0.0.1"])
def test_no_name_leads_to_this_machine(
    make_site: MakeSite, server: ReceiverServer, hosts: Sequence[str], address: str
) -> None:
    site = make_site(hosts, resolve=Nameserver([address]))
    why = try_once(site, server, f"http://hooks.example.org:{server.port}/hunter2")
    assert f"leads to {address}" in why
    assert "PREVS_NOTIFY_HOSTS" in why
    assert "hunter2" not in why
    assert server.connections == 0


def test_a_name_without_an_address_is_said(make_site: MakeSite, server: ReceiverServer) -> None:
    site = make_site(("*",), resolve=Nameserver([]))
    assert "has no address" in try_once(site, server, "http://hooks.example.org/")


def test_a_nameserver_that_hangs_delays_no_other(
    make_site: MakeSite, server: ReceiverServer
) -> None:
    def look_up(host: str, port: int) -> Sequence[str]:
        del port
        if host == "127.0.0.1":
            return ["127.0.0.1"]
        server.ended.wait(60)
        return []

    site = make_site(("*", "127.0.0.1"), resolve=look_up)
    slow = make_receiver(server, "slow", url="http://hooks.example.org/")
    site.send_to(slow, make_receiver(server))
    [event] = site.change_app()
    wait_until(lambda: server.taken, seconds=5.0)
    assert server.taken[0].id == event
    last = wait_until(lambda: site.standing("slow").last)
    assert "has not answered" in last.problem


def test_a_host_that_is_no_longer_allowed_gets_nothing(
    make_site: MakeSite, server: ReceiverServer
) -> None:
    why = try_once(make_site(()), server, f"http://127.0.0.1:{server.port}/")
    assert "none of the hosts that the operator allows" in why
    assert server.connections == 0


@pytest.mark.parametrize("code", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(
    site: Site, server: ReceiverServer, other: ReceiverServer, code: int
) -> None:
    server.answers = [status(code, Location=f"http://127.0.0.1:{other.port}/")]
    why = try_once(site, server, f"http://127.0.0.1:{server.port}/")
    assert f"redirects ({code})" in why
    assert other.connections == 0


def test_no_proxy_of_the_environment_is_used(
    monkeypatch: pytest.MonkeyPatch, site: Site, server: ReceiverServer, other: ReceiverServer
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{other.port}")
    assert try_once(site, server, f"http://127.0.0.1:{server.port}/") == ""
    assert other.connections == 0


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def secure(authority: trustme.CA) -> Iterator[ReceiverServer]:
    """A server that has a certificate for hooks.example.org."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("hooks.example.org").configure_cert(context)
    with ReceiverServer(context).serving() as server:
        yield server


def test_the_connection_goes_to_the_address_that_was_checked_and_proves_the_name(
    make_site: MakeSite, secure: ReceiverServer, authority: trustme.CA
) -> None:
    trusting = ssl.create_default_context()
    authority.configure_trust(trusting)
    nameserver = Nameserver(["127.0.0.1"], ["10.9.9.9"])
    site = make_site(("*.example.org",), resolve=nameserver, never=(), tls=trusting)
    url = f"https://hooks.example.org:{secure.port}/x"
    assert try_once(site, secure, url) == ""
    assert secure.taken[0].headers["host"] == f"hooks.example.org:{secure.port}"
    assert nameserver.asked == [("hooks.example.org", secure.port)]
    assert "leads to 10.9.9.9" in try_once(site, secure, url)
    other_name = make_site(("*",), resolve=Nameserver(["127.0.0.1"]), never=(), tls=trusting)
    why = try_once(other_name, secure, f"https://evil.example.org:{secure.port}/x")
    assert "cannot be reached" in why
    assert "certificate" in why.lower()
    assert len(secure.taken) == 1


def test_a_certificate_of_nobody_known_is_refused(
    make_site: MakeSite, secure: ReceiverServer
) -> None:
    site = make_site(("*",), resolve=Nameserver(["127.0.0.1"]), never=())
    why = try_once(site, secure, f"https://hooks.example.org:{secure.port}/x")
    assert "certificate" in why.lower()
    assert secure.taken == []
