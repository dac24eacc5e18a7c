"""Requests of programs for previews that don't run yet: held, and forwarded once or refused."""

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

from framework.errors import AmbiguousLabel, RepositoryUnreachable
from framework.meanings import Meaning
from prevs.records import PreviewRecord
from prevs.states import State
from tests.fakes.placements import OTHER_SHA, SHA
from tests.integration.haproxy.proxies import Answer, Site, Upstream, upstream

pytestmark = [pytest.mark.integration, pytest.mark.usefixtures("hello")]

HOST = "main.hello.localhost"


@pytest.fixture
def app() -> Iterator[Upstream]:
    with upstream("app") as application:
        yield application


def after(seconds: float, act: Callable[[PreviewRecord], None]) -> Callable[[PreviewRecord], None]:
    """Return a callback that does `act` later."""

    def started(preview: PreviewRecord) -> None:
        threading.Timer(seconds, act, [preview]).start()

    return started


def problem(answer: Answer) -> Mapping[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    body: Mapping[str, Any] = json.loads(answer.body)
    assert body["status"] == answer.status
    return body


def test_a_held_request_is_forwarded_as_soon_as_the_preview_is_placed(
    site: Site, app: Upstream
) -> None:
    placed: list[float] = []

    def run(preview: PreviewRecord) -> None:
        placed.append(time.monotonic())
        site.run("hello", SHA, app.port, "main")

    site.world.started = after(0.5, run)
    answer = site.proxy.request(HOST, "/deep/path?q=1", headers={"Accept": "*/*"})
    took = time.monotonic() - placed[0]
    assert answer.body == b"app GET /deep/path?q=1 0"
    assert took < 15, took  # not with the next question, 20 s later
    print(f"from the placement to the answer: {took * 1000:.1f} ms")
    assert site.world.count("POST /v1/previews") == 1


def test_a_preview_that_fails_releases_its_requests_with_the_reason(site: Site) -> None:
    site.world.log(SHA, "Step 1/2\noh no\n")
    failed: list[float] = []

    def fail(preview: PreviewRecord) -> None:
        failed.append(time.monotonic())
        site.world.fail("hello", SHA, cause="build-failed", message="It broke.", exit_code=3)

    site.world.started = after(0.6, fail)
    answer = site.proxy.request(HOST)
    assert time.monotonic() - failed[0] < 15  # not with the next question, 20 s later
    body = problem(answer)
    assert answer.status == 502
    assert body["cause"] == "build-failed"
    assert body["message"] == "It broke."
    assert body["exit_code"] == 3
    assert body["log_tail"].endswith("oh no\n")
    assert "It broke." in body["detail"]
    again = site.proxy.request(HOST, method="POST", body=b"{}")
    assert problem(again)["cause"] == "build-failed"
    assert site.world.previews["hello", SHA].state is State.FAILED


@pytest.mark.parametrize(
    ("host", "status", "slug"),
    [
        ("nothing.hello.localhost", 404, "unknown-label"),
        ("main.nobody.localhost", 404, "unknown-app"),
        ("localhost", 404, "not-found"),
        ("main.hello.elsewhere", 404, "not-found"),
        ("a.b.hello.localhost", 404, "not-found"),
        ("de6b329.hello.localhost", 409, "ambiguous-label"),
        ("gone.hello.localhost", 502, "repository-unreachable"),
    ],
)
def test_an_address_of_no_preview_gets_the_reason_at_once(
    site: Site, host: str, status: int, slug: str
) -> None:
    candidates = [Meaning(sha, "commit", None, "x") for sha in (SHA, OTHER_SHA)]
    site.world.refuse("hello", "de6b329", AmbiguousLabel("hello", "de6b329", candidates))
    unreachable = RepositoryUnreachable("hello", "/srv/x", "It is gone.")
    site.world.refuse("hello", "gone", unreachable)
    began = time.monotonic()
    answer = site.proxy.request(host)
    assert time.monotonic() - began < 15  # when it would be requested again
    body = problem(answer)
    assert answer.status == status
    assert body["type"] == f"urn:prevs:problem:{slug}"
    assert body["detail"]
    assert answer.headers["x-robots-tag"] == "noindex"
    assert site.world.previews == {}
    if slug == "ambiguous-label":
        assert [c["sha"] for c in body["candidates"]] == [SHA, OTHER_SHA]


@pytest.mark.parametrize(
    "robot",
    [
        {"User-Agent": "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"},
        {"User-Agent": "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)"},
        {"User-Agent": "TelegramBot (like TwitterBot)"},
        {"User-Agent": "Synapse (bot; +https://github.com/matrix-org/synapse)"},
        {"User-Agent": "Some Bot 1.0"},
        {"User-Agent": "facebookexternalhit/1.1"},
        {"User-Agent": "WhatsApp/2.24.20.89 A"},
        {"User-Agent": "Mozilla/5.0 (Windows NT 6.1) SkypeUriPreview Preview/0.5"},
        {"User-Agent": "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)"},
        {"User-Agent": "Uptime-Kuma/1.23.13"},
        {"User-Agent": "kube-probe/1.30"},
        {"User-Agent": "check_http/v2.3.3 (monitoring-plugins 2.3.3)"},
        {"User-Agent": "Mozilla/5.0 Chrome/120", "Sec-Purpose": "prefetch;prerender"},
        {"User-Agent": "Mozilla/5.0 Chrome/120", "Sec-Fetch-Dest": "serviceworker"},
    ],
    ids=lambda robot: " ".join(robot.values())[:30],
)
def test_automatic_requests_start_nothing(site: Site, robot: Mapping[str, str]) -> None:
    answer = site.proxy.request(HOST, headers=robot)
    assert answer.status == 503
    assert "retry-after" in answer.headers
    page = site.proxy.request(HOST, headers={**robot, "Accept": "text/html"})
    assert page.status == 503
    assert b'data-token=""' in page.body
    assert site.world.count("POST /v1/previews") == 0


@pytest.mark.parametrize("agent", ["curl/8.14.1", "Robotics/1.0", "python-requests/2.32", "Bottle"])
def test_a_request_that_only_resembles_an_automatic_one_is_held(
    site: Site, agent: str, app: Upstream
) -> None:
    site.world.started = after(0.1, lambda _: site.run("hello", SHA, app.port, "main"))
    assert site.proxy.request(HOST, headers={"User-Agent": agent}).status == 200


@pytest.mark.parametrize(
    ("prefer", "held"),
    [("wait=2", 2), ("respond-async, Wait = 2", 2), ('wait="2"', 2), ("wait=0", 1)],
)
def test_a_client_may_set_how_long_it_is_held(site: Site, prefer: str, held: int) -> None:
    began = time.monotonic()
    answer = site.proxy.request(HOST, method="POST", body=b"{}", headers={"Prefer": prefer})
    took = time.monotonic() - began
    assert held - 0.1 < took < held + 10, took
    body = problem(answer)
    assert answer.status == 503
    assert int(answer.headers["retry-after"]) > 0
    assert f"has not answered within {held} s; it is queued" in body["detail"]
    assert site.world.count("POST /v1/previews") == 1


@pytest.mark.parametrize("prefer", ["await=1", "wait=x", "wait=-1", "return=minimal"])
def test_an_invalid_preference_changes_nothing(site: Site, prefer: str, app: Upstream) -> None:
    site.world.started = after(1.5, lambda _: site.run("hello", SHA, app.port, "main"))
    assert site.proxy.request(HOST, headers={"Prefer": prefer}).status == 200
