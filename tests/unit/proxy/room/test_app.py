import asyncio

import httpx
import pytest
from prometheus_client import CollectorRegistry

from proxy.metrics import Metrics
from proxy.room import downloads
from proxy.room.app import make_app
from proxy.room.parts import make_parts
from proxy.routes import Route
from proxy.table import Table
from tests.fakes.placements import OTHER_SHA, SHA
from tests.fakes.world import FakeFramework
from tests.loops import in_a_loop

BASE = "http://main.hello.localhost"
BROWSER = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "X-Prevs-Miss": "1"}
LOG = f"/_prevs/log?sha={SHA}"


async def takes_none(_: Route) -> bool:
    return False


class SlowFramework(FakeFramework):
    """Reads of a log wait until `open` is set; `reads` has those that have begun."""

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.reads = 0

    async def read_log(self, app: str, sha: str, offset: int) -> tuple[str, int]:
        self.reads += 1
        await self.open.wait()
        return await super().read_log(app, sha, offset)


class Bench:
    """The room's application over a framework in memory, and a client of it."""

    def __init__(self) -> None:
        self.framework = SlowFramework()
        self.framework.world.add("hello", "main", SHA)
        self.framework.world.start("hello", "main")
        parts = make_parts(
            self.framework,
            Table(),
            Metrics(CollectorRegistry()),
            proxy_id="the-proxy",
            tokens=["x"],
            domain="localhost",
            connects=takes_none,
        )
        transport = httpx.ASGITransport(make_app(parts))
        self.client = httpx.AsyncClient(transport=transport, base_url=BASE)

    async def download(self, client: str) -> httpx.Response:
        """Return what a client gets that wants the log."""
        return await self.client.get(LOG, headers={"X-Forwarded-For": client})

    async def visit(self, path: str) -> str:
        """Return the page that a browser gets."""
        return (await self.client.get(path, headers=BROWSER)).text


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(("clients", "room"), [(100, downloads.AT_A_TIME), (1, downloads.EACH)])
@in_a_loop
async def test_no_more_logs_are_handed_out_at_a_time_than_there_is_room_for(
    bench: Bench, clients: int, room: int
) -> None:
    bench.framework.world.log(SHA, "a line\n" * 10)
    tasks = [
        asyncio.ensure_future(bench.download(f"10.0.0.{number % clients}"))
        for number in range(room + 5)
    ]
    while bench.framework.reads + sum(task.done() for task in tasks) < len(tasks):
        await asyncio.sleep(0)
    assert bench.framework.reads == room
    bench.framework.open.set()
    answers = await asyncio.gather(*tasks)
    assert [answer.status_code for answer in answers].count(503) == 5
    assert {one.text for one in answers if one.is_success} == {"a line\n" * 10}
    assert (await bench.download("10.0.0.0")).is_success, "there is room again"


@pytest.mark.parametrize(
    ("asked", "leads"),
    [
        ("/caf%C3%A9%3F?a=%26&b", "/caf%C3%A9%3F?a=%26&amp;b"),
        ("//evil.example/x", "/"),
    ],
)
@in_a_loop
async def test_a_page_leads_back_to_what_was_asked_for_and_to_no_other_host(
    bench: Bench, asked: str, leads: str
) -> None:
    assert f'name="back" value="{leads}"' in await bench.visit(f"{BASE}{asked}")
    bench.framework.world.labels.clear()
    bench.framework.world.add("hello", "another", SHA)
    assert f'href="{leads}">Look again' in await bench.visit(f"{BASE}{asked}")


@in_a_loop
async def test_the_page_of_what_was_stopped_is_kept_waiting_for_no_log(bench: Bench) -> None:
    bench.framework.world.log(SHA, "the last words\n")
    bench.framework.world.move("hello", SHA, "stopped")
    page = await bench.visit("/")
    assert "It was stopped." in page
    assert "the last words" not in page
    bench.framework.world.move("hello", SHA, "building")
    assert "the last words" in await bench.visit("/")


@in_a_loop
async def test_the_room_of_an_address_shows_the_newest_commit_while_an_older_one_answers(
    bench: Bench,
) -> None:
    world = bench.framework.world
    world.move("hello", SHA, "running")
    world.add("hello", "main", OTHER_SHA)
    world.start("hello", "main")
    world.fail("hello", OTHER_SHA, cause="build-failed", message="It is broken.", exit_code=1)
    answer = await bench.client.get("/_prevs/", headers=BROWSER)
    assert answer.status_code == 502
    assert "It is broken." in answer.text
    assert "this address</a> shows an older one" in answer.text
    assert f"<code>{SHA[:7]}</code>" in answer.text
    assert 'name="back" value="/"' in answer.text
    world.move("hello", OTHER_SHA, "running")
    answer = await bench.client.get("/_prevs/", headers=BROWSER)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/")
