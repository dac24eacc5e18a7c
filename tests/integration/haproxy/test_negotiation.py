"""docs/negotiation.md, row by row, with the clients that it names."""

import contextlib
import hashlib
import re
import threading
from collections.abc import Callable, Iterable, Iterator

import pytest
from playwright.sync_api import Page

from framework.errors import AmbiguousLabel
from framework.meanings import Meaning
from prevs.records import Placement, PreviewRecord
from proxy.held import start_limits
from tests.chromium import Chromium
from tests.fakes.placements import OTHER_SHA, placement
from tests.free_ports import free_port
from tests.integration.haproxy import proxies, workers
from tests.integration.haproxy.negotiation import BEFORE, BROWSER, PROGRAMS, Got, Target
from tests.integration.haproxy.proxies import REPOSITORY, Site, Upstream, upstream
from tests.waits import wait_until

pytestmark = [pytest.mark.integration, pytest.mark.timeout(60)]

STATES = ("not started", "stopped", "starting", "refusing", "failed", "ambiguous", "unknown")
PATH = "/echo"
START_SECONDS = 0.1
SCRIPT_MS = 200
"""In which a page's script would have asked for a start."""


def table() -> dict[str, dict[str, str]]:
    """Return the table of the document, by client and state."""
    lines = (REPOSITORY / "docs" / "negotiation.md").read_text().splitlines()
    rows = [[cell.strip() for cell in li.strip("|").split("|")] for li in lines if li[:1] == "|"]
    table = {}
    for row in rows[2:]:
        cells = zip(rows[0][2:], row[2:], strict=True)
        table[row[0]] = {state: cell for title, cell in cells for state in title.split(", ")}
    return table


TABLE = table()


def find_daily_rows() -> set[tuple[str, str]]:
    """Return the rows that are tested by day: the first of each client, state and answer."""
    tried: set[tuple[str, str]] = set()
    found = set()
    for name, row in TABLE.items():
        for state, cell in row.items():
            shown = {("client", name), ("state", state), ("answer", cell)}
            if not shown <= tried:
                found.add((name, state))
            tried |= shown
    return found


BY_DAY = find_daily_rows()


def rows(names: Iterable[str]) -> list[object]:
    """Return each of some clients with each state; rows not tested by day are so at night."""
    return [
        pytest.param(name, state, marks=[] if (name, state) in BY_DAY else [pytest.mark.night])
        for name in names
        for state in STATES
    ]


def first_by_day(*names: str) -> list[object]:
    """Return some clients, of which the first is tested by day."""
    return [
        pytest.param(name, marks=[pytest.mark.night] if number else [])
        for number, name in enumerate(names)
    ]


def test_the_document_names_the_tested_clients_and_states() -> None:
    assert set(TABLE) == {*BROWSER, *PROGRAMS}
    assert all(set(row) == set(STATES) for row in TABLE.values())


class Preview:
    """A new preview for each request, so that no state of the last one is left."""

    def __init__(self, site: Site, app: Upstream, name: str) -> None:
        self.sha = hashlib.sha1(name.encode()).hexdigest()
        self.label = f"l{self.sha[:10]}"
        self.target = Target(site.proxy, f"{self.label}.hello.localhost", PATH)
        self.starts = 0
        self._site, self._app = site, app
        self._timers: list[threading.Timer] = []
        self._let = threading.Event()
        self._is_over = False
        site.world.add("hello", self.label, self.sha)

    def run(self) -> None:
        """Let it answer."""
        self._place({self.sha: placement("hello", self.sha, self._app.port, self.label)})

    def be(self, state: str, *, held: bool) -> None:
        """Stop its answers, and bring it into a state.

        With `held` it answers a moment after its start, and requests wait for that. Otherwise it
        answers only after `let_run`, and requests are to be answered before.
        """
        world = self._site.world
        self._let.set() if held else self._let.clear()
        self._place({})
        self._app.seen.clear()
        world.started = lambda _: None
        if state == "unknown":
            del world.labels["hello", self.label]
        elif state == "ambiguous":
            found = [Meaning(sha, "commit", None, "") for sha in (self.sha, OTHER_SHA)]
            world.refuse("hello", self.label, AmbiguousLabel("hello", self.label, found))
        elif state != "not started":
            world.start("hello", self.label)
            if state == "stopped":
                world.move("hello", self.sha, "stopped")
            elif state == "refusing":
                closed = placement("hello", self.sha, free_port(), self.label, attempt="a0")
                world.move("hello", self.sha, "running", task_id=closed.task_id)
                self._place({self.sha: closed})
                self._run_soon()
            elif state == "failed":
                world.fail("hello", self.sha, cause="build-failed", message="No.", exit_code=1)
            else:
                self._run_soon()
        world.started = self._started

    def reached(self, path: str = PATH) -> bool:
        """Return whether the application was asked for a path."""
        requested = [(where, headers["host"]) for _, where, headers in list(self._app.seen)]
        return (path, self.target.authority) in requested

    def let_run(self) -> None:
        """Let it answer, if it was started, or as soon as it is."""
        self._let.set()

    def close(self) -> None:
        """Prevent later effects of it."""
        self._is_over = True
        self._let.set()
        for timer in self._timers:
            timer.cancel()
            timer.join()

    def _started(self, preview: PreviewRecord) -> None:
        self.starts += 1
        self._run_soon()

    def _run_soon(self) -> None:
        timer = threading.Timer(START_SECONDS, self._run_when_let)
        self._timers.append(timer)
        timer.start()

    def _run_when_let(self) -> None:
        self._let.wait()
        if not self._is_over:
            self.run()

    def _place(self, placements: dict[str, Placement]) -> None:
        version = self._site.tree.place("hello", placements)
        wait_until(lambda: {"hello": version} in self._site.tree.applied())


@pytest.fixture(scope="module")
def sites(
    tmp_path_factory: pytest.TempPathFactory, zookeeper: str, free_port: Callable[[], int]
) -> Iterator[Callable[[], Site]]:
    """A function that gives a proxy: another one before an address has started too many."""
    with contextlib.ExitStack() as stack:
        given: list[Site] = []

        def give() -> Site:
            if len(given) % (start_limits.MOST["address"] - 5) == 0:
                folder = tmp_path_factory.mktemp("negotiation")
                given.append(stack.enter_context(proxies.site(folder, zookeeper, free_port())))
            else:
                given.append(given[-1])
            return given[-1]

        yield give


@pytest.fixture(scope="module")
def app() -> Iterator[Upstream]:
    with upstream("app") as application:
        application.scripts.update(workers.SCRIPTS)
        yield application


@pytest.fixture
def preview(
    sites: Callable[[], Site], app: Upstream, request: pytest.FixtureRequest
) -> Iterator[Preview]:
    made = Preview(sites(), app, request.node.name)
    yield made
    made.close()


@pytest.fixture
def page(browser: Chromium, preview: Preview) -> Iterator[Page]:
    """A page that the preview has served."""
    preview.run()
    with browser.new_page() as opened:
        opened.goto(preview.target._replace(path="/").url)
        yield opened


def prepare(page: Page, name: str) -> None:
    """Prepare a page for a client of `BROWSER`."""
    if name in BEFORE:
        BEFORE[name](page)


def wait_in(page: Page, preview: Preview) -> None:
    """Wait until a preview was started, and its page has replaced the waiting room."""
    wait_until(preview.reached)  # a page by its script, a held request at once
    page.wait_for_function("() => !document.querySelector('#room')")


def check(cell: str, got: Got, preview: Preview) -> None:
    """Fail if a client got something else than the cell of the table."""
    if cell.startswith("held"):
        assert got.status in {200, 101}
        assert preview.reached()
    else:
        expected = re.match(r"(page )?(\d{3})", cell)
        assert expected, cell
        assert got.status == int(expected[2])
        assert not preview.reached()
        if got.kind:
            assert (got.kind == "text/html") == bool(expected[1])


@pytest.mark.parametrize(("name", "state"), rows(PROGRAMS))
def test_a_program_gets_the_documented_answer(preview: Preview, name: str, state: str) -> None:
    cell = TABLE[name][state]
    preview.be(state, held=cell.startswith("held"))
    got = PROGRAMS[name](preview.target)
    check(cell, got, preview)
    assert preview.starts == cell.count("starts it")


@pytest.mark.parametrize("name", first_by_day(*PROGRAMS))
def test_a_program_gets_the_application_where_it_runs(preview: Preview, name: str) -> None:
    preview.run()
    assert PROGRAMS[name](preview.target).status in {200, 101}
    assert preview.reached(name.strip("`") if name.startswith("`/") else PATH)


@pytest.mark.parametrize(("name", "state"), rows(BROWSER))
def test_a_browser_gets_the_documented_answer(
    preview: Preview, page: Page, name: str, state: str
) -> None:
    prepare(page, name)
    cell = TABLE[name][state]
    preview.be(state, held=cell.startswith("held"))
    got = BROWSER[name](page, preview.target)
    check(cell, got, preview)
    preview.let_run()
    if "starts it" in cell:
        wait_in(page, preview)
        assert preview.starts == 1
    else:
        page.wait_for_timeout(SCRIPT_MS)
        assert preview.starts == 0


@pytest.mark.parametrize("name", first_by_day(*BROWSER))
def test_a_browser_gets_the_application_where_it_runs(
    preview: Preview, page: Page, name: str
) -> None:
    prepare(page, name)
    assert BROWSER[name](page, preview.target).status in {200, 101}
    assert preview.reached()


def test_a_prefetched_page_starts_the_preview_once_it_is_visited(
    preview: Preview, page: Page
) -> None:
    preview.be("not started", held=False)
    assert BROWSER["a page's prefetch"](page, preview.target).status == 503
    preview.let_run()
    page.evaluate("path => { location.href = path }", preview.target.path)
    wait_in(page, preview)
    assert preview.starts == 1


@pytest.mark.parametrize(
    "name",
    first_by_day(
        "a browser that goes there", "a page's `fetch`", "a page's image", "a page's frame"
    ),
)
def test_a_navigation_through_a_service_worker_counts_as_the_pages(
    preview: Preview, page: Page, name: str
) -> None:
    workers.install_service_worker(page)
    cell = TABLE[name]["stopped"]
    preview.be("stopped", held=cell.startswith("held"))
    check(cell, BROWSER[name](page, preview.target), preview)
    preview.let_run()
    if "starts it" in cell:
        wait_in(page, preview)
        assert preview.starts == 1


def test_a_module_through_a_service_worker_counts_as_the_pages(
    preview: Preview, page: Page
) -> None:
    workers.install_service_worker(page)
    page.add_script_tag(url="/module.js", type="module")
    preview.be("stopped", held=True)
    page.evaluate("() => more()")
    assert preview.reached("/imported.js")
    assert preview.starts == 1


@pytest.mark.parametrize(
    "options", [{"method": "POST", "body": "x"}, {"headers": {"Accept": "text/html"}}], ids=str
)
def test_a_service_workers_own_fetch_starts_nothing(
    preview: Preview, page: Page, options: dict[str, object]
) -> None:
    workers.install_service_worker(page)
    preview.be("stopped", held=False)
    assert workers.fetch(page, PATH, options)[0] == 503
    assert preview.starts == 0
