"""Services of a preview, each at an address of its own, through a real HAProxy."""

import dataclasses
from collections.abc import Callable, Iterator

import pytest

from prevs.records import PreviewRecord
from tests.fakes.placements import SHA, placement
from tests.integration.haproxy import guarding
from tests.integration.haproxy.proxies import BROWSER, Site, Upstream, upstream
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

TASK = f"hello.{SHA}.a1"
RESULT = "result--main.hello.localhost"
HOSTS = ("main.hello.localhost", RESULT, "admin--main.hello.localhost")


@pytest.fixture
def site(site: Site) -> Site:
    """A preview that nobody has requested, at its label and those of its services."""
    for label in ("main", "result--main", "admin--main"):
        site.world.add("hello", label, SHA)
    return site


@pytest.fixture
def served() -> Iterator[tuple[Upstream, Upstream, Upstream]]:
    """An application and two services."""
    with upstream("vote") as vote, upstream("result") as result, upstream("admin") as admin:
        yield vote, result, admin


def run(site: Site, served: tuple[Upstream, Upstream, Upstream]) -> None:
    """Let the preview run."""
    vote, result, admin = served
    services = {"result--main": result.port, "admin--main": admin.port}
    placed = dataclasses.replace(placement("hello", SHA, vote.port, "main"), services=services)
    site.tree.place("hello", {SHA: placed})
    site.world.move("hello", SHA, "running", task_id=placed.task_id)


def uses(site: Site) -> int:
    """Return how many requests of the one task were reported."""
    reported = (one for report in site.world.uses for one in report["uses"])
    return sum(one["requests"] for one in reported if one["task_id"] == TASK)


def test_each_service_answers_at_its_addresses_and_counts_for_the_preview(
    site: Site, served: tuple[Upstream, Upstream, Upstream]
) -> None:
    site.world.start("hello", "main")
    run(site, served)
    for host, name in zip(HOSTS, ("vote", "result", "admin"), strict=True):
        label = host.partition(".")[0]
        for one in (host, f"{label}--hello.localhost", host.upper()):
            answer = site.proxy.request(one, "/x")
            assert answer.body == f"{name} GET /x 0".encode()
            assert answer.headers["x-prevs-task"] == TASK
    wait_until(lambda: uses(site) == 9, "all are reported", over=site.proxy.ended)


def test_a_visit_to_a_service_of_a_stopped_preview_starts_it_and_gets_the_service(
    site: Site, served: tuple[Upstream, Upstream, Upstream]
) -> None:
    started: list[PreviewRecord] = []

    def begin(preview: PreviewRecord) -> None:
        started.append(preview)
        run(site, served)

    site.world.started = begin
    page = site.proxy.request(RESULT, headers=BROWSER)
    assert page.status == 503
    assert b"result--main" in page.body
    assert started == []
    answer = site.proxy.request(RESULT, "/held", method="POST", body=b"four")
    assert answer.body == b"result POST /held 4"
    assert len(started) == 1


def test_who_may_not_look_at_the_preview_may_not_look_at_its_services(
    site: Site, served: tuple[Upstream, Upstream, Upstream]
) -> None:
    site.world.start("hello", "main")
    run(site, served)
    guarding.guard(site, "hello", "good-id")
    assert {site.proxy.request(host).status for host in HOSTS} == {401}
    assert served[1].seen == []
    guarding.open_all(site)
    assert site.proxy.request(RESULT).status == 200


def test_a_service_that_refuses_connections_is_waited_for_and_its_preview_goes_on(
    site: Site, served: tuple[Upstream, Upstream, Upstream], free_port: Callable[[], int]
) -> None:
    site.world.start("hello", "main")
    closed = dataclasses.replace(served[1], port=free_port())
    run(site, (served[0], closed, served[2]))
    answer = site.proxy.request(RESULT, headers={"Prefer": "wait=4"})
    assert answer.status == 503
    assert site.world.refused == []
    assert site.proxy.request(HOSTS[0]).body == b"vote GET / 0"
