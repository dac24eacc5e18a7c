"""A viewer with a token for one app sees that app, and neither other apps nor the cluster."""

import pytest

from framework.access import Scope
from tests.fakes.apis import fill
from tests.fakes.asgi import OF_PROXIES
from tests.fakes.dashboard import Dashboard, Visitor

A, JOB = "a" * 40, "/apps/beta/jobs/j1"
OWN = [
    *(f"/apps/beta{path}" for path in ("", "/jobs", "/jobs?schedule=a", "/pulls", "/gates")),
    *("/apps/beta/gates/a-beta", f"/apps/beta/previews/{A}", f"/apps/beta/previews/{A}/log.txt"),
]
LISTS = ["/", "/queue", "/jobs", "/jobs?app=hello", "/jobs?state=ended", "/stacks", "/gates"]
REFUSED = ["/cluster", "/tokens", "/audit", "/add-app", "/apps/beta/settings", "/apps/beta/forge"]


@pytest.fixture(scope="module")
def whole() -> Dashboard:
    """Tests read it only."""
    whole = Dashboard()
    fill(whole)
    return whole


@pytest.fixture
def visitor(whole: Dashboard) -> Visitor:
    """Somebody who has signed in with a token for the app `beta`; there is `hello`, too."""
    return whole.enter(Scope.USE, "beta")


@pytest.mark.parametrize("path", [*LISTS, "/events", "/stacks/as-beta", *OWN])
def test_every_page_shows_only_the_tokens_app(
    whole: Dashboard, visitor: Visitor, path: str
) -> None:
    shown = visitor.get(path)
    assert shown.status_code == 200
    assert "hello" not in shown.text
    assert "/cluster" not in shown.text
    assert whole.sign_in().get(path.replace("beta", "hello")).status_code == 200


def test_the_first_page_has_the_app_its_queue_and_its_events(visitor: Visitor) -> None:
    text = visitor.get("/").text
    assert "(use of beta)" in text
    assert 'href="/apps/beta"' in text
    assert "<strong>3</strong> wait for an agent." in text
    assert "gate a-beta has revision 1" in text


@pytest.mark.parametrize("path", REFUSED)
def test_pages_about_all_apps_and_settings_are_refused(visitor: Visitor, path: str) -> None:
    assert visitor.get(path).status_code == 403


@pytest.mark.parametrize("path", [*OWN, *(f"{JOB}{end}" for end in ("", "/log.txt", "/result"))])
def test_whether_another_app_exists_is_not_shown(visitor: Visitor, path: str) -> None:
    answers = [visitor.get(path.replace("beta", app)) for app in ("hello", "nope")]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert "a-use-of-beta" in answers[0].text
    assert "is only for the app" in answers[0].text
    assert "hello" not in answers[0].text.replace(path.replace("beta", "hello"), "")


def test_actions_are_limited_to_the_tokens_app() -> None:
    dashboard = Dashboard()
    fill(dashboard)
    visitor = dashboard.enter(Scope.USE, "beta")
    jobs = dict(dashboard.jobs.snapshot.jobs.keys())

    def act(app: str) -> set[int]:
        acts = (f"previews/{A}/stop", f"jobs/{jobs[app]}/cancel", "schedules/a/pause", "start")
        return {visitor.act(f"/apps/{app}/{one}", label="main").status_code for one in acts}

    before = dashboard.previews.snapshot, dashboard.schedules.snapshot
    assert act("hello") == {403}
    assert (dashboard.previews.snapshot, dashboard.schedules.snapshot) == before
    assert dashboard.notes()[-1] == ("a-use-of-beta", "start preview", "hello", 403)
    assert act("beta") == {303}


@pytest.mark.parametrize(
    ("topic", "status"),
    [("app/hello", 404), (f"preview/hello/{A}", 404), ("cluster", 404), ("audit", 404)],
)
def test_no_stream_shows_when_another_app_changes(
    visitor: Visitor, topic: str, status: int
) -> None:
    assert visitor.get(f"/live/{topic}").status_code == status


def test_a_proxys_token_signs_nobody_in(dashboard: Dashboard) -> None:
    stranger = Visitor(dashboard)
    assert stranger.post("/sign-in", {"token": OF_PROXIES}).status_code == 403
    assert stranger.get("/").status_code == 303


def test_a_token_of_one_app_is_made_by_a_form(dashboard: Dashboard) -> None:
    admin = dashboard.sign_in()
    page = admin.act("/tokens", name="ci", scope="read", app="hello").text
    assert "ci</bdi> (read of hello)" in page
    assert dashboard.tokens.known["ci"].app == "hello"
    refused = admin.act("/tokens", name="more", scope="admin", app="hello")
    assert refused.status_code == 422
    assert "app can only go with the scope read or use, not with admin" in refused.text
