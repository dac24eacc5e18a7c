import asyncio
import re

import httpx
import pytest

from framework.errors import AmbiguousLabel, RepositoryUnreachable
from framework.meanings import Meaning
from prevs.records import Failure
from prevs.states import Cause, State
from program.http.server_events import ServerEvent
from proxy.framework.slow_lookups import PATIENCE_SECONDS
from proxy.held.start_limits import MOST
from proxy.model.preview import Commit
from proxy.room import downloads
from proxy.room.app import MOST_OPEN_EACH, make_app
from proxy.room.context import Visibility
from proxy.room.tokens import LOG_LIFE_SECONDS
from tests.fakes.placements import OTHER_SHA, SHA
from tests.fakes.rooms import make_room
from tests.fakes.world import FakeFramework
from tests.loops import in_a_loop

HOST = "main.hello.localhost"
BASE = f"http://{HOST}"
OTHER = "b" * 40
BROWSER = {"Accept": "text/html", "Sec-Fetch-Mode": "navigate", "X-Prevs-Miss": "1"}
PROGRAM = {"X-Prevs-Miss": "1", "X-Prevs-Looks": "1"}
NOW = 1000.0


class SlowFramework(FakeFramework):
    """Reads of a log wait until `open` is set, labels until `found` is.

    `reads` is the number of reads that have begun.
    """

    def __init__(self) -> None:
        super().__init__()
        self.open = asyncio.Event()
        self.reads = 0
        self.found = asyncio.Event()
        self.found.set()

    async def resolve(self, app: str, label: str) -> Commit:
        await self.found.wait()
        return await super().resolve(app, label)

    async def read_log(self, app: str, sha: str, offset: int) -> tuple[str, int]:
        self.reads += 1
        await self.open.wait()
        return await super().read_log(app, sha, offset)


class Bench:
    """The room's application over a framework in memory, and a client of it."""

    def __init__(self, patience: float = PATIENCE_SECONDS) -> None:
        self.now, self.clock = NOW, 0.0
        self.framework = SlowFramework()
        self.framework.world.add("hello", "main", SHA)
        self.framework.world.start("hello", "main")
        context = make_room(self.framework)._replace(
            clock=lambda: self.now,
            visibility=Visibility(self.framework, clock=lambda: self.clock),
            patience=patience,
        )
        self.tokens, self.start_limit = context.tokens, context.start_limit
        transport = httpx.ASGITransport(make_app(context))
        self.client = httpx.AsyncClient(transport=transport, base_url=BASE)

    async def download(self, client: str) -> httpx.Response:
        """Return the answer to a request for the log."""
        return await self.client.get(self.log(), headers={"X-Forwarded-For": client})

    def log(self, sha: str = SHA, host: str = HOST, path: str = "log") -> str:
        """Return the address of a log, with the token of a host's page."""
        return f"/_prevs/{path}?sha={sha}&token={self.tokens.sign_log(host, SHA, NOW)}"

    def forget(self) -> None:
        """Have the room read the settings of apps again."""
        self.clock += 60

    async def visit(self, path: str) -> str:
        """Return the page that a browser gets."""
        return (await self.client.get(path, headers=BROWSER)).text


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.mark.parametrize(("clients", "room"), [(100, downloads.AT_A_TIME), (1, downloads.EACH)])
@in_a_loop
async def test_the_number_of_log_downloads_at_a_time_is_limited(
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
    ("requested", "leads"),
    [
        ("/caf%C3%A9%3F?a=%26&b", "/caf%C3%A9%3F?a=%26&amp;b"),
        ("//evil.example/x", "/"),
    ],
)
@in_a_loop
async def test_a_page_leads_back_to_the_requested_path_and_to_no_other_host(
    bench: Bench, requested: str, leads: str
) -> None:
    assert f'name="back" value="{leads}"' in await bench.visit(f"{BASE}{requested}")
    bench.framework.world.labels.clear()
    bench.framework.world.add("hello", "another", SHA)
    assert f'href="{leads}">Look again' in await bench.visit(f"{BASE}{requested}")


@in_a_loop
async def test_the_page_of_a_stopped_preview_waits_for_no_log(bench: Bench) -> None:
    bench.framework.world.log(SHA, "the last words\n")
    bench.framework.world.move("hello", SHA, "stopped")
    page = await bench.visit("/")
    assert "It was stopped." in page
    assert "the last words" not in page
    bench.framework.world.move("hello", SHA, "building")
    assert "the last words" in await bench.visit("/")


@in_a_loop
async def test_the_waiting_room_shows_the_newest_commit_while_an_older_one_answers(
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


@pytest.mark.parametrize("path", ["log", "events"])
@in_a_loop
async def test_a_log_is_readable_for_minutes_with_the_token_of_its_page(
    bench: Bench, path: str
) -> None:
    bench.framework.open.set()
    bench.framework.events = [ServerEvent("end", "{}")]
    bench.framework.world.add("hello", "other", OTHER)
    bench.framework.world.start("hello", "other")
    assert (await bench.client.get(bench.log(path=path))).is_success
    for address in (
        f"/_prevs/{path}?sha={SHA}",
        f"/_prevs/{path}?sha={SHA}&token={bench.tokens.sign(HOST, NOW)}",
        bench.log(OTHER, path=path),
        bench.log(host="other.hello.localhost", path=path),
    ):
        refused = await bench.client.get(address)
        assert refused.status_code == 403
        assert "prevs logs hello" in refused.json()["detail"]
    bench.now += LOG_LIFE_SECONDS
    assert (await bench.client.get(bench.log(path=path))).status_code == 403


@in_a_loop
async def test_the_page_has_a_token_and_gets_the_next_while_its_host_exists(bench: Bench) -> None:
    page = await bench.visit("/")
    found = re.search('data-log-token="([^"]+)"', page)
    assert found
    assert bench.tokens.is_valid_log(found[1], HOST, SHA, NOW)
    bench.now += 3600
    form = {"token": bench.tokens.sign(HOST, NOW), "sha": SHA}
    own = {"Origin": BASE, "Sec-Fetch-Site": "same-origin"}
    answer = await bench.client.post("/_prevs/token", data=form, headers=own)
    assert bench.tokens.is_valid_log(answer.json()["log_token"], HOST, SHA, bench.now)
    assert "start" not in bench.framework.world.requests
    for wrong, headers, status in (
        ({**form, "token": "x"}, own, 403),
        (form, {"Origin": "http://evil.example"}, 403),
        ({**form, "sha": OTHER}, own, 409),
    ):
        refused = await bench.client.post("/_prevs/token", data=wrong, headers=headers)
        assert refused.status_code == status


@in_a_loop
async def test_an_app_that_shows_its_status_shows_neither_log_nor_people_nor_branches(
    bench: Bench,
) -> None:
    world = bench.framework.world
    bench.framework.open.set()
    world.log(SHA, "SECRET\n")
    world.move("hello", SHA, "building")
    shown = await bench.visit("/")
    assert "SECRET" in shown
    assert "Ada" in shown
    world.known.change_app("hello", {"room": "status"})
    bench.forget()
    page = await bench.visit("/")
    assert "Building its image." in page
    assert "prevs logs hello main" in page
    for text in ("SECRET", "Ada", "Say hello", "the-agent", 'id="log"'):
        assert text not in page, text
    assert (await bench.client.get(bench.log())).status_code == 403
    failure = Failure(Cause.BUILD_FAILED, "RUN make SECRET", 2)
    world.known.change("hello", SHA, state=State.FAILED, failure=failure)
    page = await bench.visit("/")
    assert "build failed" in page
    assert "SECRET" not in page
    problem = (await bench.client.get("/", headers=PROGRAM)).json()
    assert problem["cause"] == "build-failed"
    assert problem.keys() <= {
        "app",
        "sha",
        "cause",
        "exit_code",
        "type",
        "title",
        "status",
        "detail",
    }
    assert "SECRET" not in str(problem)


@in_a_loop
async def test_a_problem_of_an_app_that_shows_its_status_names_no_branches(bench: Bench) -> None:
    found = [Meaning(SHA, "branch", "secret-branch", "SECRET")]
    bench.framework.world.api.refs.leads["hello", "main"] = AmbiguousLabel("hello", "main", found)
    for room, named in (("full", True), ("status", False)):
        bench.framework.world.known.change_app("hello", {"room": room})
        bench.forget()
        program = await bench.client.get("/", headers=PROGRAM)
        assert program.status_code == 409
        assert ("secret-branch" in program.text) is named
        assert ("SECRET" in await bench.visit("/")) is named


@in_a_loop
async def test_while_the_setting_of_an_app_is_unknown_its_page_shows_little(bench: Bench) -> None:
    bench.framework.away = True
    assert (await bench.client.get(bench.log())).status_code == 403
    bench.framework.away = False
    bench.framework.open.set()
    assert (await bench.client.get(bench.log())).is_success


@in_a_loop
async def test_one_client_has_a_limit_of_open_requests_and_another_is_answered_meanwhile(
    bench: Bench,
) -> None:
    calls = [
        asyncio.create_task(bench.client.get("/", headers={**BROWSER, "X-Forwarded-For": client}))
        for client in ["2001:db8:1:2::3", "2001:db8:1:9::9"] * (MOST_OPEN_EACH // 2 + 5)
    ]
    other = bench.client.get("/", headers={**BROWSER, "X-Forwarded-For": "2001:db8:2::3"})
    assert (await other).status_code == 503
    answers = await asyncio.gather(*calls)
    refused = [answer for answer in answers if answer.status_code == 429]
    assert len(refused) == len(calls) - MOST_OPEN_EACH
    assert "Too many at once from your address" in refused[0].text
    assert refused[0].headers["Retry-After"] == "10"
    again = await bench.client.get("/", headers={**PROGRAM, "X-Forwarded-For": "2001:db8:1::1"})
    assert again.status_code == 503


@in_a_loop
async def test_a_request_that_is_not_held_gets_the_reason(bench: Bench) -> None:
    headers = {"X-Prevs-Miss": "1", "X-Prevs-Later": "10 held"}
    answer = await bench.client.get("/", headers=headers)
    assert (answer.status_code, answer.headers["Retry-After"]) == (429, "10")
    problem = answer.json()
    assert problem["type"] == "urn:prevs:problem:too-many-open"
    assert "requests that wait for a preview" in problem["detail"]


@in_a_loop
async def test_at_a_gate_the_page_is_the_labels_and_names_it_in_its_own_requests(
    bench: Bench,
) -> None:
    at_gate = {"Host": "api.localhost", "X-Prevs-Host": HOST}
    page = (await bench.client.get("/v2", headers={**BROWSER, **at_gate})).text
    assert ">main<" in page
    assert 'action="/_prevs/start?prevs-ref=main"' in page
    assert 'data-ref="main"' in page
    token = bench.tokens.sign(HOST, NOW)
    form = {"token": token, "sha": SHA}
    answer = await bench.client.post("/_prevs/token", data=form, headers=at_gate)
    assert answer.status_code == 200
    page = (await bench.client.get("/v2", headers=BROWSER)).text
    assert "data-ref=" not in page
    assert "?prevs-ref" not in page


@in_a_loop
async def test_a_gate_that_leads_nowhere_says_why(bench: Bench) -> None:
    refused = {"Host": "api.localhost", "X-Prevs-Host": "api.localhost"}
    refused["X-Prevs-Refusal"] = "unknown-version hx-version"
    answer = await bench.client.get("/", headers={**PROGRAM, **refused})
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:prevs:problem:unknown-version")
    answer = await bench.client.get("/", headers={**BROWSER, **refused})
    assert answer.status_code == 400
    assert "There is no such version" in answer.text


@in_a_loop
async def test_a_browser_gets_no_empty_tab_while_a_repository_hangs_and_a_program_waits() -> None:
    bench = Bench(patience=0.0)
    bench.framework.found.clear()
    program = asyncio.ensure_future(bench.client.get("/", headers={**PROGRAM, "X-Prevs-Looks": ""}))
    answer = await bench.client.get("/", headers=BROWSER)
    assert answer.status_code == 503
    assert "prevs reads the repository of &#39;hello&#39; since" in answer.text
    assert 'http-equiv="refresh" content="3"' in answer.text
    assert not program.done()
    bench.framework.found.set()
    await program
    while "prevs reads the repository" in (page := await bench.visit("/")):
        await asyncio.sleep(0)
    assert "main" in page


@pytest.mark.parametrize(("is_own", "left"), [(True, MOST["app"]), (False, MOST["app"] - 1)])
@in_a_loop
async def test_a_pages_start_that_the_framework_refuses_counts_only_for_who_asked_for_it(
    bench: Bench, is_own: bool, left: int
) -> None:
    """A refusal of the room's own gives nothing back."""
    why = RepositoryUnreachable("hello", "https://git.example.org/hello", "it does not answer")
    bench.framework.world.refuse("hello", "main", why)
    assert bench.start_limit.take("10.0.9.9", HOST) is None
    form = {"token": bench.tokens.sign(HOST, NOW) if is_own else "forged"}
    answer = await bench.client.post("/_prevs/start", data=form)
    assert answer.status_code == (502 if is_own else 403)
    taken = [
        bench.start_limit.take(f"10.0.{number}.1", f"{number}.hello.localhost")
        for number in range(MOST["app"])
    ]
    assert taken.count(None) == left
