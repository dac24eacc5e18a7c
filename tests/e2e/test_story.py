"""The whole story in a browser: a repository becomes an app, and its branches are opened."""

import re
import time
from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.chromium import Chromium
from tests.e2e.conftest import Api, Cluster
from tests.e2e.viewers import SLOW, address, see, see_state, sign_in, viewing
from tests.fakes.samples import SERVE, SampleRepository

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

APP = "cookbook"
PATH = "/soups/?for=4"
PRINT = 'echo "It begins."; '
HUNGRY = "dd if=/dev/zero of=/dev/null bs=60M count=1 || exit; "
"""Takes 60 MB, and goes on only where there are so many."""


def publish(repository: SampleRepository, text: str, *, build: str = "true", run: str = "") -> str:
    """Commit an app that shows `text` below /soups/; return the commit."""
    return repository.commit_app(
        [
            # Never one that was built before, and each RUN is a container.
            f"RUN echo {time.time()}; {build}; mkdir -p /www/soups; cd /www; "
            f"echo '<h1>{text}</h1>' | tee index.html > soups/index.html",
            f"CMD {run}{PRINT}{SERVE}",
        ]
    )


@pytest.fixture(scope="module")
def repository(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleRepository]:
    """A repository that nobody has registered yet: main, and a branch that cannot be built."""
    made = SampleRepository(tmp_path_factory.mktemp("cookbook") / "cookbook")
    publish(made, "Tomato soup", build="echo It is being built.; sleep 3")
    made.git("checkout", "--quiet", "-b", "broken")
    publish(made, "Nobody sees this", build="echo The stove is cold.; exit 7")
    made.git("checkout", "--quiet", "main")
    yield made
    api.call("DELETE", f"/v1/apps/{APP}")


@pytest.fixture
def registered(api: Api, repository: SampleRepository) -> SampleRepository:
    """The repository, registered: on the page, by the first test of this file, if it ran."""
    if api.call("GET", f"/v1/apps/{APP}").status_code == 404:
        app = {"name": APP, "repository": str(repository.folder)}
        api.add(app)
    return repository


@pytest.fixture
def desk(browser: Chromium) -> Iterator[BrowserContext]:
    with viewing(browser) as context:
        yield context


def row(page: Page, name: str) -> Locator:
    """Return the line of a branch."""
    return page.get_by_role("row").filter(has=page.get_by_role("link", name=name, exact=True))


def kept(page: Page, what: str) -> str:
    """Return what the waiting room showed before the application came."""
    return str(page.evaluate("(what) => sessionStorage[what] || ''", what))


@pytest.mark.usefixtures("hello")  # the first app of all is added on another page
def test_an_app_is_registered_on_the_page_and_its_branch_watched_from_two_tabs(
    desk: BrowserContext, repository: SampleRepository, cluster: Cluster, api: Api
) -> None:
    page = desk.new_page()
    sign_in(page, cluster)
    page.get_by_role("link", name="Add an app").click()
    page.get_by_label("Name").fill(APP)
    page.get_by_label("Repository").fill(str(repository.folder))
    page.get_by_role("button", name="Add the app").click()
    expect(page.get_by_role("heading", name=APP, exact=True)).to_be_visible()
    main = row(page, "main")
    expect(main).to_contain_text("not started")
    expect(row(page, "broken")).to_be_visible()
    page.evaluate("window.stays = true")

    url = main.get_by_role("link", name="Open main").get_attribute("href")
    assert url == address(cluster, "main", APP)
    tab = desk.new_page()
    tab.goto(f"{url.rstrip('/')}{PATH}")
    see(tab, tab.get_by_role("heading", name="Tomato soup", exact=True))
    assert tab.url == f"{url.rstrip('/')}{PATH}"
    assert "Building its image" in kept(tab, "steps")
    assert "It is being built." in kept(tab, "log")

    expect(main).to_contain_text("running")
    assert page.evaluate("window.stays"), "it was loaded again"
    main.get_by_role("link", name="Log of main").click()
    log = page.get_by_role("region", name="Log", exact=True)
    expect(log).to_contain_text("It is being built.")
    expect(log).to_contain_text("It begins.")


def test_a_failed_build_shows_the_reason_until_it_is_fixed(
    desk: BrowserContext, registered: SampleRepository, cluster: Cluster
) -> None:
    page = desk.new_page()
    sign_in(page, cluster, f"/apps/{APP}")
    with desk.expect_page() as opened:
        row(page, "broken").get_by_role("link", name="Open broken").click()
    tab = opened.value
    expect(tab.locator("#sentence")).to_have_text(
        "It failed while building its image.", timeout=SLOW
    )
    expect(tab.locator("[data-status=failed]")).to_contain_text("Building its image")
    expect(tab.locator("#facts")).to_contain_text("exit code 7")
    expect(tab.locator("#log")).to_contain_text("The stove is cold.")
    expect(tab.get_by_role("button", name="Retry")).to_be_visible()
    broken = row(page, "broken")
    expect(broken).to_contain_text("failed")

    registered.git("checkout", "--quiet", "broken")
    fixed = publish(registered, "Pumpkin soup")
    expect(broken).to_contain_text(fixed[:7], timeout=SLOW)
    tab.goto(address(cluster, "broken", APP, PATH))
    see(tab, tab.get_by_role("heading", name="Pumpkin soup", exact=True))
    assert tab.url == address(cluster, "broken", APP, PATH)
    expect(broken).to_contain_text("running")


def test_a_branch_that_breaks_goes_on_serving_the_last_good_commit(
    desk: BrowserContext, registered: SampleRepository, cluster: Cluster, api: Api
) -> None:
    registered.git("checkout", "--quiet", "-B", "stable", "main")
    good = publish(registered, "Lentil soup")
    tab = desk.new_page()
    tab.goto(address(cluster, "stable", APP))
    see(tab, tab.get_by_role("heading", name="Lentil soup", exact=True))
    bad = publish(registered, "Nobody sees this", build="echo The pan is gone.; exit 9")
    page = desk.new_page()
    sign_in(page, cluster, f"/apps/{APP}")
    stable = row(page, "stable")
    expect(stable).to_contain_text("failed", timeout=SLOW)
    expect(stable).to_contain_text(f"Its address still leads to {good[:7]}.")
    tab.reload()
    expect(tab.locator("h1")).to_have_text("Lentil soup")
    tab.goto(address(cluster, bad[:7], APP))
    expect(tab.locator("#facts")).to_contain_text("exit code 9")


def test_more_memory_and_a_retry_fix_a_preview_that_ran_out_of_it(
    desk: BrowserContext, registered: SampleRepository, cluster: Cluster, api: Api
) -> None:
    api.call("PATCH", f"/v1/apps/{APP}", json={"mem": 32})
    registered.git("checkout", "--quiet", "-B", "hungry", "main")
    sha = publish(registered, "Goulash", run=HUNGRY)
    tab = desk.new_page()
    tab.goto(address(cluster, "hungry", APP, PATH))
    expect(tab.locator("#facts")).to_contain_text("out of memory", timeout=SLOW)
    expect(tab.locator("#command")).to_contain_text(f"prevs app set {APP} --mem")

    page = desk.new_page()
    sign_in(page, cluster, f"/apps/{APP}/settings")
    page.get_by_label("Memory in MB", exact=True).fill("128")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text("Saved.")).to_be_visible()
    page.goto(f"{cluster.api}/apps/{APP}/previews/{sha}")
    expect(page.locator("main .chip").first).to_have_text("failed")
    tab.get_by_role("button", name="Retry").click()
    expect(tab.locator("#failure")).to_be_hidden()
    see(tab, tab.get_by_role("heading", name="Goulash", exact=True))
    assert tab.url == address(cluster, "hungry", APP, PATH)
    expect(page.locator("main .chip").first).to_have_text("running")


def test_two_viewers_of_an_address_share_one_build(
    browser: Chromium, registered: SampleRepository, cluster: Cluster, api: Api
) -> None:
    registered.git("checkout", "--quiet", "-B", "shared", "main")
    sha = publish(registered, "Soup for two", build="echo Only once.; sleep 3")
    with viewing(browser) as one, viewing(browser) as other:
        tabs = [one.new_page(), other.new_page()]
        for tab in tabs:
            tab.goto(address(cluster, "shared", APP, PATH))
        for tab in tabs:
            see(tab, tab.get_by_role("heading", name="Soup for two", exact=True))
            assert "Only once." in kept(tab, "log")
    events = api.call("GET", "/v1/events?limit=500").json()["events"]
    tasks = {event["task_id"] for event in events if event["sha"] == sha} - {"", None}
    assert tasks == {api.preview(APP, sha)["task_id"]}
    log = api.call("GET", f"/v1/previews/{APP}/{sha}/log").text
    assert len(re.findall("^== building", log, re.MULTILINE)) == 1, log


def test_a_preview_is_stopped_started_pinned_and_tried_again_from_the_dashboard(
    desk: BrowserContext, registered: SampleRepository, cluster: Cluster, api: Api
) -> None:
    registered.git("checkout", "--quiet", "-B", "breaks", "main")
    publish(registered, "Nobody sees this", build="exit 5")
    page = desk.new_page()
    sign_in(page, cluster, f"/apps/{APP}")
    main = row(page, "main")
    if main.get_by_role("button", name="Start main").count():
        main.get_by_role("button", name="Start main").click()
    see_state(main, "running")
    main.get_by_role("button", name="Pin main").click()
    expect(main).to_contain_text("pinned")
    main.get_by_role("button", name="Unpin main").click()
    expect(main.get_by_role("button", name="Pin main", exact=True)).to_be_visible()
    main.get_by_role("button", name="Stop main").click()
    expect(main).to_contain_text("stopped", timeout=SLOW)
    main.get_by_role("button", name="Start main").click()
    see_state(main, "running")

    breaks = row(page, "breaks")
    breaks.get_by_role("button", name="Start breaks").click()
    expect(breaks).to_contain_text("failed", timeout=SLOW)
    sha = registered.git("rev-parse", "breaks")
    before = api.preview(APP, sha)["task_id"]
    breaks.get_by_role("button", name="Retry breaks").click()
    expect(page.locator("#notice")).to_have_text("It is tried again.")
    api.wait_for(APP, sha, "failed", but=before)
