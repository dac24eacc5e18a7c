"""A proxy's metrics, and the limit of one visitor's starts."""

import contextlib
import json
import re
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode

import pytest
from prometheus_client.parser import text_string_to_metric_families

from local.parts.part import Part, bring_up
from proxy.held import start_limits
from tests.fakes.placements import SHA
from tests.fakes.world import TOKEN
from tests.integration.haproxy import proxies
from tests.integration.haproxy.proxies import BROWSER, Proxy, Site, upstream
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("hello")]

HOST = "main.hello.localhost"
FOR_NUMBERS, OTHER_FOR_NUMBERS = "a-token-for-prometheus", "another-one"


@pytest.fixture(scope="module")
def more_settings(
    free_port: Callable[[], int], tmp_path_factory: pytest.TempPathFactory
) -> Mapping[str, str]:
    file = tmp_path_factory.mktemp("metrics") / "tokens"
    file.write_text(f"{FOR_NUMBERS}\n{OTHER_FOR_NUMBERS}\n")
    return {
        "PREVS_PROXY_METRICS_LISTEN": f"127.0.0.1:{free_port()}",
        "PREVS_METRICS_TOKEN_FILE": str(file),
    }


def read(site: Site, path: str = "/metrics", token: str = TOKEN) -> dict[tuple[str, ...], float]:
    """Return each value by its name and labels."""
    address = f"http://{site.proxy.environ['PREVS_PROXY_METRICS_LISTEN']}{path}"
    request = urllib.request.Request(address, headers={"Authorization": f"Bearer {token}"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        families = text_string_to_metric_families(answer.read().decode())
    samples = [sample for family in families for sample in family.samples]
    return {(s.name, *s.labels.values()): s.value for s in samples}


def probe(site: Site, path: str) -> tuple[str, list[str]]:
    """Return the status of a probe, and the checks that fail."""
    address = f"http://{site.proxy.environ['PREVS_PROXY_METRICS_LISTEN']}{path}"
    with urllib.request.urlopen(address, timeout=60) as answer:
        values = json.loads(answer.read())
    return values["status"], [check["name"] for check in values["checks"] if not check["ok"]]


def is_ready(site: Site) -> bool:
    """Return whether every check succeeds."""
    with contextlib.suppress(urllib.error.HTTPError):  # it serves before its first report
        return probe(site, "/readyz") == ("ok", [])
    return False


def start(proxy: Proxy, page: bytes) -> int:
    """Send the request of a page's script; return the status."""
    found = re.search(rb'data-token="([^"]+)"', page)
    assert found
    form = urlencode({"token": found.group(1).decode()}).encode()
    headers = {
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
        "Origin": f"http://{HOST}:{proxy.port}",
    }
    return proxy.request(HOST, "/_prevs/start", method="POST", body=form, headers=headers).status


def test_pages_starts_and_held_requests_are_counted(site: Site) -> None:
    before = read(site)
    page = site.proxy.request(HOST, headers=BROWSER)
    assert start(site.proxy, page.body) == 202
    site.proxy.request("nothing.hello.localhost", headers=BROWSER)
    site.proxy.request("nothing.hello.localhost")
    with upstream("app") as app, ThreadPoolExecutor(3) as pool:
        held = [pool.submit(site.proxy.request, HOST) for _ in range(3)]
        wait_until(lambda: read(site)["prevs_proxy_held_requests",] == 3)
        site.run("hello", SHA, app.port, "main")
        assert [answer.result().status for answer in held] == [200] * 3
    let_in = ("prevs_proxy_starts_total", "held", "running")
    wait_until(lambda: read(site).get(let_in, 0) > before.get(let_in, 0))
    wait_until(lambda: read(site)["prevs_proxy_held_requests",] == 0)
    values = read(site)
    for counted in (
        ("prevs_proxy_pages_total", "waiting"),
        ("prevs_proxy_pages_total", "unknown-label"),
        ("prevs_proxy_starts_total", "page", "asked"),
        let_in,
        ("prevs_proxy_starts_total", "held", "unknown-label"),
    ):
        assert values[counted] - before.get(counted, 0) == 1, counted
    assert values["prevs_proxy_applied_age_seconds",] < 60


def test_a_metric_shows_how_long_nothing_could_be_applied(
    own_zookeeper: Part, tmp_path: Path, free_port: Callable[[], int]
) -> None:
    name, listen = ("prevs_proxy_applied_age_seconds",), f"127.0.0.1:{free_port()}"
    more = {"PREVS_PROXY_METRICS_LISTEN": listen}
    with proxies.site(tmp_path, own_zookeeper.address, free_port(), **more) as site:
        wait_until(lambda: is_ready(site))
        own_zookeeper.stop()
        wait_until(lambda: read(site)[name] > 4)
        assert probe(site, "/readyz") == ("ok", ["zookeeper"]), "known routes are served"
        assert probe(site, "/healthz") == ("ok", [])
        bring_up(own_zookeeper)
        wait_until(lambda: read(site)[name] < 3)


def test_haproxy_has_metrics_of_its_own(site: Site) -> None:
    values = read(site, "/metrics/haproxy")
    assert values["haproxy_frontend_http_requests_total", "web"] > 0


@pytest.mark.parametrize("path", ["/metrics", "/metrics/haproxy"])
def test_metrics_need_a_token_of_the_proxy(site: Site, path: str) -> None:
    for good in (TOKEN, FOR_NUMBERS, OTHER_FOR_NUMBERS):
        assert read(site, path, good)
    for bad in ("", "wrong", TOKEN + "x", TOKEN.upper()):
        with pytest.raises(urllib.error.HTTPError, match="401") as refused:
            read(site, path, bad)
        assert refused.value.headers["WWW-Authenticate"] == 'Bearer realm="prevs"'
        assert "PREVS_METRICS_TOKEN_FILE" in refused.value.read().decode()
    address = f"http://{site.proxy.environ['PREVS_PROXY_METRICS_LISTEN']}{path}"
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(address, timeout=60)
    for scheme in ("Basic", "bearer Bearer"):
        request = urllib.request.Request(address, headers={"Authorization": f"{scheme} {TOKEN}"})
        with pytest.raises(urllib.error.HTTPError, match="401"):
            urllib.request.urlopen(request, timeout=60)
    assert FOR_NUMBERS not in (site.proxy.folder / "haproxy.cfg").read_text()


@pytest.mark.parametrize("path", ["/", "/wake", "/where", "/metrics/x"])
def test_the_metrics_port_serves_nothing_else(site: Site, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError, match="404"):
        read(site, path)


def test_nobody_can_start_a_hundred_previews_at_once(
    tmp_path: Path, zookeeper: str, free_port: Callable[[], int]
) -> None:
    """At a proxy of its own: an address that has started too many starts nothing for a minute."""
    labels = [f"v{number}" for number in range(start_limits.MOST["address"] + 5)]
    with proxies.site(tmp_path, zookeeper, free_port()) as own:
        own.world.add("hello", "main", SHA)
        for number, label in enumerate(labels):
            own.world.add("hello", label, f"{number:040x}")
        prefer = {"Prefer": "wait=1"}
        with ThreadPoolExecutor(len(labels)) as pool:
            hosts = [f"{label}.hello.localhost" for label in labels]
            answers = list(pool.map(lambda host: own.proxy.request(host, headers=prefer), hosts))
        refused = [answer for answer in answers if answer.status == 429]
        assert len(refused) == 5
        wait_until(lambda: own.world.count("POST /v1/previews") == start_limits.MOST["address"])
        values = json.loads(refused[0].body)
        assert values["type"] == "urn:prevs:problem:too-many-starts"
        assert 0 < int(refused[0].headers["retry-after"]) <= start_limits.SECONDS
        page = own.proxy.request(HOST, headers=BROWSER)
        assert page.status == 503
        assert start(own.proxy, page.body) == 429
        assert own.world.count("POST /v1/previews") == start_limits.MOST["address"]


@pytest.mark.parametrize("body", ["", "x" * 100_000])
def test_a_client_that_disconnects_is_noticed_and_its_request_is_not_forwarded(
    site: Site, body: str
) -> None:
    with upstream("app") as app, ThreadPoolExecutor(1) as pool:
        patient = pool.submit(site.proxy.request, HOST, "/patient", timeout=120)
        with socket.create_connection(("127.0.0.1", site.proxy.port)) as client:
            head = f"POST / HTTP/1.1\r\nHost: {HOST}\r\nContent-Length: {len(body)}\r\n\r\n"
            client.sendall((head + body).encode())
            wait_until(lambda: read(site)["prevs_proxy_held_requests",] == 2)
        # Not at its next request, after 20 s.
        wait_until(lambda: read(site)["prevs_proxy_held_requests",] == 1, seconds=15)
        site.run("hello", SHA, app.port, "main")
        assert patient.result().status == 200
        assert [path for _, path, _ in app.seen] == ["/patient"]
