"""Real clients, each of which requests a path of a preview in its own way.

Those of `BROWSER` act in a page that the preview has served before; they return Chromium's answer.
Those of `PROGRAMS` are programs, or only their User-Agent. The names are those in
docs/negotiation.md.
"""

import http.client
import re
import subprocess
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

import requests
from playwright.sync_api import Page, Response

from tests.integration.haproxy import workers
from tests.integration.haproxy.proxies import Proxy, upstream
from tests.integration.haproxy.wire import UPGRADE

_SECONDS = 60


class Target(NamedTuple):
    """A request: its proxy, its host and its path."""

    proxy: Proxy
    host: str
    path: str

    @property
    def authority(self) -> str:
        """The value of Host."""
        return f"{self.host}:{self.proxy.port}"

    @property
    def url(self) -> str:
        """The whole address."""
        return f"http://{self.authority}{self.path}"


class Got(NamedTuple):
    """A status and a media type, of which HEAD and a WebSocket have none."""

    status: int
    kind: str


def curl(*options: str, scheme: str = "http") -> Callable[[Target], Got]:
    """Return a client that runs curl."""

    def fetch(target: Target) -> Got:
        # By its address: some curl resolve names below localhost, others don't.
        where = f"{target.host}:{target.proxy.port}:127.0.0.1"
        command = ["curl", "--silent", "--include", "--max-time", str(_SECONDS), *options]
        url = target.url.replace("http", scheme, 1)
        run = subprocess.run(
            [*command, "--resolve", where, url], capture_output=True, check=False, text=True
        )
        return _read(run.stdout)

    return fetch


def _read(text: str) -> Got:
    status = re.match(r"HTTP/1\.1 (\d{3}) ", text)
    assert status, text
    kind = re.search(r"(?im)^content-type: ([^;\r\n]*)", text)
    return Got(int(status[1]), kind[1] if kind else "")


def at(path: str) -> Callable[[Target], Got]:
    """Return a client that always requests the same path."""
    return lambda target: curl()(target._replace(path=path))


def python_requests(target: Target) -> Got:
    """Send a request with requests, the library."""
    url = f"http://127.0.0.1:{target.proxy.port}{target.path}"
    answer = requests.get(url, headers={"Host": target.authority}, timeout=_SECONDS)
    return Got(answer.status_code, answer.headers.get("Content-Type", "").partition(";")[0])


def as_agent(agent: str, accept: str = "*/*") -> Callable[[Target], Got]:
    """Return a client that poses as another."""
    return curl("--user-agent", agent, "--header", f"Accept: {accept}")


def websocket_client(target: Target) -> Got:
    """Open a WebSocket as a program does."""
    connection = http.client.HTTPConnection("127.0.0.1", target.proxy.port, timeout=_SECONDS)
    connection.request("GET", target.path, headers={"Host": target.authority, **UPGRADE})
    answer = connection.getresponse()
    connection.close()
    return Got(answer.status, answer.getheader("Content-Type", "").partition(";")[0])


PROGRAMS: Mapping[str, Callable[[Target], Got]] = {
    "curl": curl(),
    "`requests` of Python": python_requests,
    "a program that posts": curl("--data", "a=b"),
    "a WebSocket client": websocket_client,
    "`/favicon.ico`": at("/favicon.ico"),
    "`/robots.txt`": at("/robots.txt"),
    "`HEAD`": curl("--head"),
    "`OPTIONS`": curl("--request", "OPTIONS"),
    "a CORS preflight": curl(
        *("--request", "OPTIONS"),
        *("--header", "Origin: http://shop.localhost"),
        *("--header", "Access-Control-Request-Method: PUT"),
    ),
    "a link's preview in a chat": as_agent(
        "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"
    ),
    "an uptime check": as_agent("Mozilla/5.0 (compatible; UptimeRobot/2.0; http://x.example/)"),
    "a search engine": as_agent(
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)", "text/html"
    ),
}


def script(text: str) -> Callable[[Page, Target], Got]:
    """Return a client that runs a script in a page; `path` is the one that it requests."""

    def act(page: Page, target: Target) -> Got:
        with page.expect_response(target.url, timeout=_SECONDS * 1000) as answered:
            page.evaluate(f"path => {{ {text} }}", target.path)
        return _of(answered.value)

    return act


def image_elsewhere(page: Page, target: Target) -> Got:
    """Request an image from a page of another site, which has an address instead of a name."""
    with upstream("another site") as elsewhere:
        page.goto(f"http://127.0.0.1:{elsewhere.port}/")
        # What is no image is kept from a page of another site, and from Playwright.
        session = page.context.new_cdp_session(page)
        request_ids: dict[str, str] = {}
        answered: dict[str, int] = {}
        session.on(
            "Network.requestWillBeSent",
            lambda one: request_ids.update({one["request"]["url"]: one["requestId"]}),
        )
        session.on(
            "Network.responseReceivedExtraInfo",
            lambda one: answered.update({one["requestId"]: one["statusCode"]}),
        )
        session.send("Network.enable")
        page.evaluate(
            "url => new Promise(done => {"
            " const i = new Image(); i.onload = i.onerror = done; i.src = url })",
            target.url,
        )
        deadline = time.monotonic() + _SECONDS  # the event may come after the image's end
        while request_ids[target.url] not in answered and time.monotonic() < deadline:
            page.wait_for_timeout(20)
    return Got(answered[request_ids[target.url]], "")


def register_worker(page: Page, target: Target) -> Got:
    """Have the browser fetch a service worker's script; its answer is in the error's text only."""
    error = page.evaluate(
        "path => navigator.serviceWorker.register(path).then(() => '', e => e.message)",
        target.path,
    )
    status = re.search(r"bad HTTP response code \((\d{3})\)", error)
    assert status or "unsupported MIME type ('text/html')" in error, error
    return Got(int(status[1]) if status else 200, "")


def fetch_in_worker(page: Page, target: Target) -> Got:
    """Have a page's worker fetch by itself."""
    return Got(*workers.fetch(page, target.path))


def open_websocket(page: Page, target: Target) -> Got:
    """Open a WebSocket; any other answer is only on the console."""
    messages: list[str] = []
    page.on("console", lambda message: messages.append(message.text))
    opened = page.evaluate(
        """path => new Promise(done => {
            const socket = new WebSocket(`ws://${location.host}${path}`);
            socket.onopen = () => done(true);
            socket.onerror = () => done(false);
        })""",
        target.path,
    )
    if opened:
        return Got(101, "")
    deadline = time.monotonic() + _SECONDS
    while not (status := re.search(r"Unexpected response code: (\d{3})", " ".join(messages))):
        assert time.monotonic() < deadline, messages
        page.wait_for_timeout(20)  # the console's message comes by itself
    return Got(int(status[1]), "")


def go(page: Page, target: Target) -> Got:
    """Go to an address, as with a click."""
    answer = page.goto(target.url)
    assert answer is not None
    return _of(answer)


def _of(answer: Response) -> Got:
    return Got(answer.status, answer.headers.get("content-type", "").partition(";")[0])


BROWSER: Mapping[str, Callable[[Page, Target], Got]] = {
    "a browser that goes there": go,
    "a page's `fetch`": script("fetch(path).catch(() => 0)"),
    "a page's image": script("new Image().src = path"),
    "an image in another site's page": image_elsewhere,
    "a page's frame": script(
        "const f = document.createElement('iframe'); f.src = path; document.body.append(f)"
    ),
    "a page's prefetch": script(
        "const l = document.createElement('link'); l.rel = 'prefetch'; l.href = path;"
        "document.head.append(l)"
    ),
    "a service worker's script": register_worker,
    "a service worker's `fetch`": fetch_in_worker,
    "a page's worker's `fetch`": fetch_in_worker,
    "a page's WebSocket": open_websocket,
    "a form that is posted": script(
        "const f = document.createElement('form'); f.method = 'post'; f.action = path;"
        "document.body.append(f); f.submit()"
    ),
}

BEFORE: Mapping[str, Callable[[Page], None]] = {
    "a service worker's `fetch`": workers.install_service_worker,
    "a page's worker's `fetch`": workers.start_worker,
}
"""What those of `BROWSER` need while the preview still runs."""
