"""TLS: both forms of an address by SNI, HTTP/2, the redirect, and certificates that change."""

import os
import socket
import ssl
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import trustme

from tests.chromium import Chromium
from tests.fakes.placements import OTHER_SHA, SHA, placement
from tests.integration.haproxy import proxies
from tests.integration.haproxy.proxies import Site, Upstream, upstream
from tests.integration.haproxy.tls import trusting
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

HOST = "main.hello.prevs.localhost"
FLAT = "main--hello.prevs.localhost"


class Secure(NamedTuple):
    """A proxy with TLS on `port`, and the folder of its certificates."""

    site: Site
    port: int
    folder: Path
    authority: trustme.CA

    def connect(self, host: str) -> ssl.SSLSocket:
        """Connect as a browser does: the certificate has to be for that host."""
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=60)
        return trusting(self.authority).wrap_socket(plain, server_hostname=host)

    def serial(self, host: str) -> object:
        """Return the serial number of the certificate that is served for a host."""
        with self.connect(host) as client:
            shown = client.getpeercert()
            assert shown
            return shown["serialNumber"]

    def curl(self, url: str, *options: str) -> str:
        """Return what curl prints of an address."""
        host = url.split("/")[2].partition(":")[0]
        ports = (self.port, self.site.proxy.port)
        found = [word for port in ports for word in ("--resolve", f"{host}:{port}:127.0.0.1")]
        with self.authority.cert_pem.tempfile() as trusted:
            command = ["curl", "-sS", "--max-time", "20", "--cacert", trusted, *found]
            done = subprocess.run(
                [*command, *options, url], capture_output=True, text=True, check=True
            )
        return done.stdout


def issue(authority: trustme.CA, path: Path, *hosts: str) -> None:
    """Replace the certificate in a file."""
    new = path.with_name(f"{path.name}.new")
    authority.issue_cert(*hosts).private_key_and_cert_chain_pem.write_to_path(new)
    new.rename(path)


@pytest.fixture(scope="module")
def secure(
    tmp_path_factory: pytest.TempPathFactory, zookeeper: str, free_port: Callable[[], int]
) -> Iterator[Secure]:
    folder, port, authority = tmp_path_factory.mktemp("tls"), free_port(), trustme.CA()
    certificates = folder / "certificates"
    certificates.mkdir()
    issue(authority, certificates / "flat.pem", "*.prevs.localhost")
    issue(authority, certificates / "hello.pem", "*.hello.prevs.localhost")
    with proxies.site(
        folder,
        zookeeper,
        free_port(),
        PREVS_DOMAIN="prevs.localhost",
        PREVS_PROXY_TLS_LISTEN=f"127.0.0.1:{port}",
        PREVS_CERTIFICATES=str(certificates),
        PREVS_REDIRECT_TO_TLS="yes",
    ) as site:
        yield Secure(site, port, certificates, authority)


@pytest.fixture
def app(secure: Secure) -> Iterator[Upstream]:
    with upstream("app") as application:
        route(secure.site, application.port)
        yield application
        application.finish.set()


def route(site: Site, port: int, sha: str = SHA) -> None:
    site.route("hello", {sha: placement("hello", sha, port, "main")})


@pytest.mark.parametrize("host", [HOST, FLAT])
def test_both_forms_of_an_address_have_a_certificate(
    secure: Secure, app: Upstream, host: str
) -> None:
    assert secure.curl(f"https://{host}:{secure.port}/x") == "app GET /x 0"
    seen = app.seen[-1][2]
    assert seen["x-forwarded-proto"] == "https"
    assert seen["x-forwarded-port"] == str(secure.port)
    assert seen["x-forwarded-host"] == f"{host}:{secure.port}"
    assert "proto=https" in seen["forwarded"]


def test_a_browsers_websocket_goes_through_http2(
    secure: Secure, app: Upstream, browser: Chromium
) -> None:
    opening = """address => new Promise((done, fail) => {
        const socket = new WebSocket(address)
        socket.onopen = () => done("open")
        socket.onerror = () => fail(new Error("refused"))
    })"""
    with browser.new_page(ignore_https_errors=True) as page:
        page.goto(f"https://{HOST}:{secure.port}/")
        protocol = "() => performance.getEntriesByType('navigation')[0].nextHopProtocol"
        assert page.evaluate(protocol) == "h2"
        assert page.evaluate(opening, f"wss://{HOST}:{secure.port}/echo") == "open"
    assert [path for _, path, seen in app.seen if "upgrade" in seen] == ["/echo"]


PROTOCOLS = pytest.mark.parametrize("protocol", ["--http1.1", "--http2"])


@PROTOCOLS
@pytest.mark.parametrize("named", [HOST, FLAT])
def test_a_connection_for_one_preview_also_serves_requests_for_another(
    secure: Secure, app: Upstream, protocol: str, named: str
) -> None:
    """Browsers do so with HTTP/2 where a certificate is good for both."""
    with upstream("other") as other:
        placed = placement("hello", OTHER_SHA, other.port, "other")
        secure.site.tree.place("hello", {OTHER_SHA: placed})
        requested_host = f"other--hello.prevs.localhost:{secure.port}"
        url = f"https://{named}:{secure.port}/x"
        wait_until(
            lambda: secure.curl(url, protocol, "-H", f"Host: {requested_host}") == "other GET /x 0"
        )
        assert other.seen[-1][2]["host"] == requested_host
    assert app.seen == []


@PROTOCOLS
def test_a_name_without_a_certificate_is_routed_by_its_host(
    secure: Secure, app: Upstream, protocol: str
) -> None:
    url = f"https://nobody.example:{secure.port}/x"
    unchecked = ("--insecure", protocol, "-H", f"Host: {HOST}:{secure.port}")
    assert secure.curl(url, *unchecked) == "app GET /x 0"
    assert (
        secure.curl(url, "--insecure", protocol, "-o", "/dev/null", "-w", "%{http_code}") == "404"
    )


@pytest.mark.parametrize("host", [HOST, FLAT])
def test_plain_http_is_redirected_to_tls_with_the_same_path_and_query(
    secure: Secure, app: Upstream, host: str
) -> None:
    answer = secure.site.proxy.request(host, "/x?y=1", method="POST", body=b"abc")
    assert answer.status == 308
    assert answer.headers["location"] == f"https://{host}:{secure.port}/x?y=1"
    assert answer.headers["x-robots-tag"] == "noindex"
    url = f"http://{host}:{secure.site.proxy.port}/x?y=1"
    assert secure.curl(url, "-L", "-d", "abc") == "app POST /x?y=1 3"


def test_a_new_certificate_is_served_soon_and_no_connection_is_lost(
    secure: Secure, app: Upstream
) -> None:
    before, former = secure.serial(HOST), secure.site.proxy.haproxy
    with secure.connect(HOST) as download, secure.connect(HOST) as kept:
        download.sendall(f"GET /download HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        kept.sendall(f"GET /1 HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
        assert b"app GET /1 0" in read_answer(kept)
        issue(secure.authority, secure.folder / "hello.pem", "*.hello.prevs.localhost")
        wait_until(lambda: secure.serial(HOST) != before)
        assert secure.site.proxy.haproxy != former
        with upstream("new") as new:
            route(secure.site, new.port, OTHER_SHA)
            kept.sendall(f"GET /2 HTTP/1.1\r\nHost: {HOST}\r\n\r\n".encode())
            assert b"new GET /2 0" in read_answer(kept), "it is where the branch leads by now"
        app.finish.set()
        assert read_answer(download).endswith(b"x" * 1000)
    wait_until(secure.site.proxy.is_settled)


def test_a_certificate_that_haproxy_refuses_is_reported_and_the_old_one_goes_on(
    secure: Secure, app: Upstream
) -> None:
    before, haproxy = secure.serial(HOST), secure.site.proxy.haproxy
    refused = "HAProxy was not reloaded; it keeps its old configuration"
    bad = secure.folder / "hello.pem"
    good = bad.read_bytes()
    bad.write_bytes(b"no certificate")
    wait_until(lambda: refused in secure.site.proxy.log.read_text())
    assert (secure.serial(HOST), secure.site.proxy.haproxy) == (before, haproxy)
    assert secure.curl(f"https://{HOST}:{secure.port}/x") == "app GET /x 0"
    bad.write_bytes(good)
    wait_until(lambda: secure.site.proxy.haproxy != haproxy)
    assert secure.curl(f"https://{HOST}:{secure.port}/x") == "app GET /x 0"


def test_a_reloaded_haproxy_that_is_killed_is_started_again(secure: Secure, app: Upstream) -> None:
    killed = secure.site.proxy.haproxy
    os.kill(killed, 9)
    wait_until(lambda: secure.site.proxy.haproxy != killed)
    secure.site.proxy.wait_ready()
    assert secure.curl(f"https://{HOST}:{secure.port}/x") == "app GET /x 0"


def read_answer(client: socket.socket) -> bytes:
    """Return an answer's head and body, by the Content-Length of the application."""
    got = b""
    while b"\r\n\r\n" not in got:
        got += read_piece(client)
    head, _, body = got.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].split()[0])
    while len(body) < length:
        body += read_piece(client)
    return head + body


def read_piece(client: socket.socket) -> bytes:
    piece = client.recv(65536)
    assert piece, "the connection ended early"
    return piece
