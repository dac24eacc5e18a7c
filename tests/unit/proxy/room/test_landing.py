from collections.abc import Mapping

import httpx
import pytest

from framework.errors import RepositoryUnreachable
from proxy.room.app import make_app
from tests.fakes.placements import SHA
from tests.fakes.rooms import make_room
from tests.fakes.world import FakeFramework
from tests.loops import in_a_loop

HOST = "hello.localhost"
AS_HAPROXY = {"X-Prevs-Miss": "1", "X-Prevs-Landing": "1", "X-Prevs-Host": HOST}
BROWSER = {**AS_HAPROXY, "Accept": "text/html", "Sec-Fetch-Mode": "navigate"}


class Bench:
    """The room's application over a framework in memory, and a client of it."""

    def __init__(self) -> None:
        self.framework = FakeFramework()
        self.framework.world.add("hello", "main", SHA)
        context = make_room(self.framework)
        transport = httpx.ASGITransport(make_app(context))
        self.client = httpx.AsyncClient(transport=transport, base_url=f"http://{HOST}")

    async def get(self, path: str = "/", headers: Mapping[str, str] = BROWSER) -> httpx.Response:
        return await self.client.get(path, headers=headers)


@pytest.fixture
def bench() -> Bench:
    return Bench()


@in_a_loop
async def test_the_page_lists_what_there_is_and_starts_nothing(bench: Bench) -> None:
    bench.framework.world.add("hello", "next", "b" * 40)
    page = await bench.get()
    assert page.status_code == 200
    assert "http://main.hello.localhost/" in page.text
    assert "http://next.hello.localhost/" in page.text
    assert "http://main." not in (await bench.get("/?q=nex")).text
    assert bench.framework.world.requests == ["landing"] * 2
    assert (await bench.get("/", AS_HAPROXY)).status_code == 200


@in_a_loop
async def test_the_page_is_for_who_looks_alone(bench: Bench) -> None:
    headers = (await bench.get()).headers
    assert headers["Cache-Control"] == "private, no-store"
    assert {"Cookie", "X-Prevs-Access"} <= set(headers["Vary"].split(", "))
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "set-cookie" not in headers


@in_a_loop
async def test_without_the_word_of_haproxy_there_is_no_page(bench: Bench) -> None:
    for name in ("X-Prevs-Landing", "X-Prevs-Host"):
        headers = {key: value for key, value in BROWSER.items() if key != name}
        headers = headers if name == "X-Prevs-Landing" else {**headers, "Host": "x.hello.localhost"}
        assert (await bench.get("/", headers)).status_code == 404
    assert "landing" not in bench.framework.world.requests


@in_a_loop
async def test_an_unknown_app_is_no_address(bench: Bench) -> None:
    answer = await bench.get("/", {**BROWSER, "X-Prevs-Host": "nope.localhost"})
    assert answer.status_code == 404
    assert "is neither a gate nor the page of an app" in answer.text
    own = await bench.get("/", {**BROWSER, "X-Prevs-Host": "sign-in.localhost"})
    assert own.status_code == 404
    assert "landing" not in bench.framework.world.requests[1:]


@in_a_loop
async def test_while_no_framework_answers_the_page_tries_again_and_names_none(bench: Bench) -> None:
    bench.framework.away = True
    answer = await bench.get()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
    assert 'http-equiv="refresh" content="5"' in answer.text
    assert "This page asks again every 5 s while it is open." in answer.text
    problem = (await bench.get("/", AS_HAPROXY)).json()
    assert problem["type"] == "urn:prevs:problem:unavailable"


@in_a_loop
async def test_there_is_one_page_and_it_is_only_shown(bench: Bench) -> None:
    assert (await bench.get("/x")).status_code == 404
    posted = await bench.client.post("/", headers=BROWSER)
    assert (posted.status_code, posted.headers["Allow"]) == (405, "GET, HEAD")
    gone = await bench.get("/?kind=tag&q=v&after=x")
    assert (gone.status_code, gone.headers["Location"]) == (303, "/?kind=tag&q=v")


@in_a_loop
async def test_what_a_repositorys_server_says_is_not_shown(bench: Bench) -> None:
    away = RepositoryUnreachable("hello", "https://git.internal/hello", "no route to git.internal")
    bench.framework.world.api.refs.listings["hello"] = away
    page = await bench.get()
    assert page.status_code == 200
    assert "The repository cannot be read now" in page.text
    assert "internal" not in page.text
