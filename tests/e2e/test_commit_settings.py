"""The settings in a commit's .prevs.toml: used where valid, reported where not."""

import re
from collections.abc import Callable, Iterator

import pytest
import requests
from playwright.sync_api import Page, expect

from cli.__main__ import main as prevs
from tests.chromium import Chromium
from tests.e2e.conftest import Api, Cluster
from tests.e2e.viewers import SLOW, address, see, viewing
from tests.fakes.samples import BUSYBOX, SampleRepository
from tests.waits import wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

APP = "pantry"
SETTINGS = """\
port = 9000
command = ["sh", "-c", "echo \\"$GREETING at $PORT\\" > /www/ready; exec httpd -f -p $PORT -h /www"]

[environment]
GREETING = "Lentils"

[health]
path = "/ready"
status = 200
grace = 90

[resources]
mem = 96
"""
WRONG = """\
prot = 9000

[resources]
mem = 4096

[environment]
PORT = "9000"
"""
MISTAKES = [
    ("line 1", "prot is not known; did you mean port?"),
    ("line 4", "resources.mem asks for 4096 MB; this app's commits may have at most 2048"),
    ("line 7", "environment.PORT is set by prevs; choose another name"),
]
DOCKERFILE = ["RUN mkdir /www", 'CMD ["sh", "-c", "exit 3"]']


@pytest.fixture(scope="module")
def repository(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleRepository]:
    """A repository whose app alone has no settings that work for its commits."""
    made = SampleRepository(tmp_path_factory.mktemp("pantry") / "pantry")
    made.commit_app(DOCKERFILE, {".prevs.toml": SETTINGS})
    made.git("checkout", "--quiet", "-b", "wrong")
    made.commit_app(DOCKERFILE, {".prevs.toml": WRONG})
    app = {"name": APP, "repository": str(made.folder), "health": "/nothing", "mem": 128}
    api.add(app)
    yield made
    api.call("DELETE", f"/v1/apps/{APP}")


def see_mistakes(page: Page) -> None:
    """Expect that a page shows every mistake, in a line of its own, and none is cut."""
    expect(page.locator("#mistakes li")).to_have_count(len(MISTAKES), timeout=SLOW)
    for number, (where, what) in enumerate(MISTAKES):
        line = page.locator("#mistakes li").nth(number)
        expect(line.locator("span")).to_have_text(where)
        expect(line).to_contain_text(what)
    # At one moment: later events make the list again.
    boxes = page.locator("#mistakes li").evaluate_all(
        "lines => lines.map(line => line.getBoundingClientRect().toJSON())"
    )
    assert len(boxes) == len(MISTAKES)
    assert all(box["x"] >= 0 and box["right"] <= page.evaluate("innerWidth") for box in boxes)
    heights = [box["y"] for box in boxes]
    assert heights == sorted(set(heights))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator("#sentence")).to_have_text("The settings in its commit cannot be used.")
    expect(page.locator("#facts")).to_contain_text("settings invalid")


def test_a_commit_is_run_with_its_settings(
    repository: SampleRepository, api: Api, visit: Callable[..., requests.Response]
) -> None:
    answer = visit("main", "/ready", APP)
    assert (answer.status_code, answer.text) == (200, "Lentils at 9000\n")
    shown = api.preview(APP, repository.git("rev-parse", "main"))
    assert (shown["state"], shown["port"], shown["mem"]) == ("running", 9000, 96)
    agents = api.call("GET", "/v1/agents").json()["agents"]
    there = [one for agent in agents for one in agent["previews"] if one["app"] == APP]
    assert [one["mem"] for one in there] == [96]


def test_two_apps_of_one_repository_are_built_and_run_with_the_settings_of_their_folders(
    api: Api,
    visit: Callable[..., requests.Response],
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    made = SampleRepository(tmp_path_factory.mktemp("monorepo") / "monorepo")
    build = """
port = {port}
[build]
dockerfile = "../Dockerfile.of-both"
context = "../.."
target = "second"
args = {{ SAYS = "{text}" }}
"""
    stages = (
        "FROM scratch AS first\nCOPY busybox /bin/busybox\n"
        'RUN ["/bin/busybox", "--install", "-s", "/bin"]\n'
        "FROM first AS second\nARG SAYS\nRUN mkdir /www; echo $SAYS > /www/index.html\n"
        "CMD exec httpd -f -p $PORT -h /www\n"
        "FROM first AS third\nRUN exit 3\n"
    )
    files: dict[str, str | bytes] = {
        "busybox": BUSYBOX.read_bytes(),
        "services/Dockerfile.of-both": stages,
        "services/web/.prevs.toml": build.format(port=9001, text="the web"),
        "services/api/.prevs.toml": build.format(port=9002, text="the api"),
    }
    made.commit(files)
    for name in ("web", "api"):
        app = {"name": name, "repository": str(made.folder), "folder": f"services/{name}"}
        api.add(app)
    try:
        for name in ("web", "api"):
            answer = visit("main", "/", name)
            assert (answer.status_code, answer.text) == (200, f"the {name}\n")
    finally:
        for name in ("web", "api"):
            api.call("DELETE", f"/v1/apps/{name}")


@pytest.mark.parametrize("width", [1280, 360])
def test_a_visitor_sees_every_mistake_of_a_commit_with_its_line(
    browser: Chromium, repository: SampleRepository, cluster: Cluster, width: int
) -> None:
    with viewing(browser, viewport={"width": width, "height": 800}) as context:
        page = context.new_page()
        page.goto(address(cluster, "wrong", APP))
        see_mistakes(page)
        expect(page.get_by_role("button", name="Retry")).to_be_visible()


def test_a_visitor_without_scripts_sees_them_too(
    browser: Chromium, repository: SampleRepository, cluster: Cluster
) -> None:
    with viewing(browser, java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(address(cluster, "wrong", APP))
        start = page.get_by_role("button", name="Start it")
        if start.count():  # it was not requested before
            start.click()
        expect(page.locator("#mistakes li")).to_have_count(len(MISTAKES), timeout=SLOW)
        expect(page.locator("#mistakes")).to_contain_text(MISTAKES[1][1])


def test_a_program_and_the_command_line_get_every_mistake(
    repository: SampleRepository,
    cluster: Cluster,
    visit: Callable[..., requests.Response],
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer = visit("wrong", "/", APP)
    assert answer.status_code == 502
    mistakes = [(f"line {one['line']}", one["message"]) for one in answer.json()["mistakes"]]
    assert [where for where, _ in mistakes] == [where for where, _ in MISTAKES]
    environ = {"PREVS_API": cluster.api, "PREVS_TOKEN": cluster.token, "HOME": "/nonexistent"}
    prevs(["show", APP, "wrong"], environ)
    shown = capsys.readouterr().out
    for where, what in MISTAKES:
        assert re.search(rf"^{where}\s+{re.escape(what)}", shown, re.MULTILINE)


def test_a_bound_that_is_raised_and_a_retry_leave_the_other_mistakes(
    browser: Chromium, repository: SampleRepository, cluster: Cluster, api: Api
) -> None:
    sha = repository.git("rev-parse", "wrong")
    api.call("POST", "/v1/previews", json={"app": APP, "label": "wrong"})
    api.wait_for(APP, sha, "failed")
    assert api.call("PATCH", f"/v1/apps/{APP}", json={"max_mem": 4096}).status_code == 200
    with viewing(browser) as context:
        page = context.new_page()
        page.goto(address(cluster, "wrong", APP))
        page.get_by_role("button", name="Retry").click()
        expect(page.locator("#mistakes li")).to_have_count(2, timeout=SLOW)
        repository.git("checkout", "--quiet", "wrong")
        fixed = repository.commit_app(DOCKERFILE, {".prevs.toml": SETTINGS})
        label = f"/v1/apps/{APP}/labels/wrong"
        wait_until(lambda: api.call("GET", label).json()["sha"] == fixed)
        page.goto(address(cluster, "wrong", APP, "/ready"))
        see(page, page.get_by_text("Lentils at 9000"))
    api.call("PATCH", f"/v1/apps/{APP}", json={"max_mem": 0})
