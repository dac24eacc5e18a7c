"""A repository that attacks its viewers: its names and output stay text."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
import requests
from playwright.sync_api import Page, expect

from tests.accessibility import find_barriers
from tests.chromium import Chromium
from tests.e2e.commands import environment, run_on_terminal
from tests.e2e.conftest import Api, Cluster
from tests.e2e.viewers import PHONE, SLOW, address, sign_in, viewing
from tests.fakes.samples import SERVE, SampleRepository
from tests.waits import wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

APP = "hostile"
OWN = "window.owned=alert(1)"
LINE_BREAK = "\nlevel=error event=INJECTED\n"
TURNS = "\u202egnp.\u2066exe\u200f"
CLIPBOARD = "\x1b]52;c;b3duZWQ=\x07"
TERMINAL = f"\x1b]0;owned\x07{CLIPBOARD}\x1b]8;;http://evil.example/\x1b\\here\x1b]8;;\x1b\\\x1b[2J\x1b[1;1H"
STEP = f'<img src=x onerror={OWN}>"><script>{OWN}</script>\\u202egnp.exe'
WORD = "w" * 300
MARKUP = f"<img src=x onerror={OWN}>\"'><script>{OWN}</script></script><b>"
SUBJECT = f"{MARKUP} {{{{7*7}}}} &lt;i&gt; \U0001f98a {TERMINAL}{TURNS} {WORD}"
AUTHOR = f"&lt;img src=x onerror={OWN}&gt; \"'{TERMINAL}{TURNS}"
BRANCH = f"<img/src=x/onerror={OWN}>\"'><script>{OWN}</script>{TURNS}\U0001f98a"
LONG_BRANCH = f"feature/{'long' * 50}"
TAG = f'v1"><svg/onload={OWN}>{TURNS}'
PRINTED = b"".join(
    [
        f"{MARKUP}\n{TERMINAL}\n{TURNS}\n".encode(),
        b"a\0b \xff\xfe\xc3( \xed\xa0\x80\n\x9b2J\x90q\x1b\\\n" + LINE_BREAK.encode(),
        b"\x1b[31mred\x1b[0m\r\x1b[A\x1b[K\x1b[999999999Cfar\n",
    ]
)
TEN_MB = "head -c 10000000 /dev/zero | tr '\\0' x; echo; echo The end of the noise."
"""What the application prints: of so long a line, a builder keeps the beginning."""


def commit(made: SampleRepository, lines: Sequence[str]) -> None:
    """Commit an app whose every name and output is an attack."""
    made.commit_app(
        [
            "COPY printed /printed",
            f"RUN echo {time.time()}; cat /printed",
            *lines,
        ],
        {"printed": PRINTED},
    )
    made.git("commit", "--amend", "--quiet", f"--author={AUTHOR} <evil@example.org>", "-m", SUBJECT)


@pytest.fixture(scope="module")
def repository(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SampleRepository]:
    """The repository, registered: its one app runs from a branch, cannot be built on another."""
    made = SampleRepository(tmp_path_factory.mktemp(APP) / "repository")
    commit(made, [f"CMD {TEN_MB}; cat /printed; mkdir /www; echo In > /www/index.html; {SERVE}"])
    made.git("tag", TAG)
    made.git("checkout", "--quiet", "-b", LONG_BRANCH)
    commit(made, [f"RUN echo '{STEP}'; exit 7"])
    made.git("branch", BRANCH)
    made.git("checkout", "--quiet", "main")
    app = {"name": APP, "repository": str(made.folder)}
    api.add(app)
    yield made
    api.call("DELETE", f"/v1/apps/{APP}")


@pytest.fixture(scope="module")
def refs(api: Api, repository: SampleRepository) -> Mapping[str, Mapping[str, Any]]:
    """The branches and tags by their names, as the API has them."""
    answer = wait_for(
        lambda: api.call("GET", f"/v1/apps/{APP}/refs"),  # 503 while the repository is fetched
        lambda answer: answer.status_code != 503,
        "the repository is fetched",
    )
    assert answer.status_code == 200, answer.text
    return {ref["name"]: ref for ref in answer.json()["refs"]}


@pytest.fixture(scope="module")
def seen(api: Api, refs: Mapping[str, Mapping[str, Any]]) -> Mapping[str, Mapping[str, Any]]:
    """The previews of main, which runs, and of the other branch, which has failed."""
    for name in ("main", BRANCH):
        order = {"app": APP, "label": refs[name]["label"]}
        assert api.call("POST", "/v1/previews", json=order).status_code == 202
    ends = {"main": "running", BRANCH: "failed"}
    return {name: api.wait_for(APP, refs[name]["sha"], end) for name, end in ends.items()}


def look_at(page: Page) -> None:
    """Check that a page shows foreign texts, and that none of them became markup."""
    made = "main img, main script:not([nonce]), main b b, main svg[onload], [onerror], [onload]"
    assert page.locator(made).count() == 0
    assert page.evaluate("typeof window.owned") == "undefined"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), "it overflows"
    assert "\u202e" not in page.title() + page.locator("main").inner_text()


@pytest.mark.usefixtures("seen")
def test_pages_of_the_dashboard_show_it_as_text(
    browser: Chromium, cluster: Cluster, repository: SampleRepository, seen: Mapping[str, Any]
) -> None:
    pages = {
        f"/apps/{APP}": MARKUP,
        f"/apps/{APP}?show=tags": TAG.partition("\u202e")[0],
        f"/apps/{APP}?show=commits": MARKUP,
        f"/apps/{APP}?show=previews": "failed",
        f"/apps/{APP}/previews/{seen[BRANCH]['sha']}": MARKUP,
        "/": APP,
        "/events": APP,
        "/cluster": APP,
        "/queue": "",
    }
    with viewing(browser, viewport=PHONE, color_scheme="dark") as context:
        page = context.new_page()
        sign_in(page, cluster)
        for path, text in pages.items():
            page.goto(f"{cluster.api}{path}")
            expect(page.get_by_role("main")).to_contain_text(text)
            look_at(page)
            assert find_barriers(page) == [], path
        page.goto(f"{cluster.api}/apps/{APP}?search={BRANCH[:4]}")
        look_at(page)
        expect(page.get_by_role("link", name=f"Open {BRANCH[:20]}")).to_be_visible()


def test_a_log_with_a_line_of_10_mb_leaves_the_dashboard_quick(
    browser: Chromium, cluster: Cluster, seen: Mapping[str, Any]
) -> None:
    with viewing(browser, viewport=PHONE) as context:
        page = context.new_page()
        sign_in(page, cluster, f"/apps/{APP}/previews/{seen['main']['sha']}")
        log = page.get_by_role("region", name="Log", exact=True)
        expect(log).to_contain_text("The end of the noise.", timeout=SLOW)
        expect(log).to_contain_text("more characters; the download has them")
        expect(log).to_contain_text(MARKUP)
        page.get_by_role("searchbox").fill("end of the noise")
        expect(page.locator(".log-find")).to_contain_text("1 of ")
        look_at(page)


def test_the_waiting_room_shows_it_as_text(
    browser: Chromium, cluster: Cluster, refs: Mapping[str, Any], seen: Mapping[str, Any]
) -> None:
    with viewing(browser, viewport=PHONE) as context:
        page = context.new_page()
        page.goto(address(cluster, refs[BRANCH]["label"], APP))
        expect(page.locator("#facts")).to_contain_text("exit code 7")
        expect(page.locator(".subject")).to_contain_text(MARKUP)
        expect(page.locator(".log-lines")).to_contain_text(MARKUP)
        look_at(page)
        assert find_barriers(page) == []
        page.goto(address(cluster, "nothing-of-the-kind", APP, f"/?x={MARKUP}"))
        expect(page.get_by_role("main")).to_contain_text("An address begins with")
        look_at(page)


COLOUR = re.compile(r"\x1b\[[0-9;:]*m")
OTHER = re.compile(
    r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"
)


@pytest.mark.parametrize(
    "command",
    ["refs", "commits", "ls", "show", "logs", "events", "agents"],
)
def test_a_terminal_is_given_no_command_by_it(
    cluster: Cluster, refs: Mapping[str, Any], seen: Mapping[str, Any], command: str
) -> None:
    label = refs[BRANCH]["label"]
    more = {
        "refs": (APP,),
        "commits": (APP, "main"),
        "ls": ("--app", APP),
        "show": (APP, label),
        "logs": (APP, label),
        "events": ("--app", APP),
    }
    output = run_on_terminal(environment(cluster), command, *more.get(command, ()))
    assert APP in output
    assert OTHER.findall(COLOUR.sub("", output)) == []


def test_neither_mesos_nor_the_programs_logs_have_lines_of_it(
    cluster: Cluster, api: Api, seen: Mapping[str, Any]
) -> None:
    state = requests.get(
        f"http://{cluster.master}/state", auth=cluster.mesos_auth, timeout=60
    ).json()
    tasks = [
        task
        for framework in state["frameworks"]
        for kind in ("tasks", "completed_tasks")
        for task in framework[kind]
        if task["id"] in {one["task_id"] for one in seen.values()}
    ]
    assert len(tasks) == 2
    texts = [text for task in tasks for text in _texts(task)]
    assert [text for text in texts if OTHER.search(text) or "\n" in text] == []
    address_ = address(cluster, "main", APP, "/?%0alevel=error%20event=INJECTED")
    requests.get(
        f"http://127.0.0.1:{cluster.port}/%0aINJECTED",
        headers={"Host": address_.split("/")[2], "User-Agent": "a\x1b[2Jb"},
        timeout=60,
    )
    for name in ("framework", "proxy"):
        text = Path(cluster.dir / "log" / f"{name}.log").read_text("utf-8", errors="replace")
        lines = text.split("\n")
        assert [line for line in lines if line and not line.startswith("timestamp=")] == []
        assert [line for line in lines if OTHER.search(line)] == []


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for one in value.values():
            yield from _texts(one)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one)
