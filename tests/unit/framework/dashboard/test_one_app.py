"""A viewer with a token for one app sees that app, and neither other apps nor the cluster."""

import pytest

from framework.access import Scope
from prevs.records import AppRecord
from prevs.states import State
from tests.fakes.asgi import OF_PROXIES
from tests.fakes.dashboard import Dashboard, Visitor
from tests.unit.framework.dashboard.conftest import SHA

OWN = [
    "/apps/shop",
    "/apps/shop/jobs",
    f"/apps/shop/previews/{SHA}",
    f"/apps/shop/previews/{SHA}/log.txt",
]
REFUSED = ["/cluster", "/tokens", "/audit", "/add-app", "/apps/shop/settings", "/apps/shop/forge"]


@pytest.fixture
def visitor(dashboard: Dashboard) -> Visitor:
    """Somebody who has signed in with a token for the app `shop`; there is an app `zebra`, too."""
    for place, app in enumerate(("zebra", "shop"), 1):
        dashboard.previews.known_apps[app] = AppRecord(app, f"/{app}.git", created=1000.0)
        dashboard.refs.put(app, "main", SHA)
        dashboard.previews.put(app, SHA, State.QUEUED, labels=("main",))
        dashboard.previews.queue_places[app, SHA] = place
    return dashboard.enter(Scope.USE, "shop")


@pytest.mark.parametrize("path", ["/", "/queue", "/jobs", "/stacks", "/events", *OWN])
def test_every_page_shows_only_the_tokens_app(
    dashboard: Dashboard, visitor: Visitor, path: str
) -> None:
    shown = visitor.get(path)
    assert shown.status_code == 200
    assert "zebra" not in shown.text
    assert "/cluster" not in shown.text
    assert dashboard.sign_in().get(path.replace("shop", "zebra")).status_code == 200


def test_the_first_page_has_the_app_its_queue_and_its_events(visitor: Visitor) -> None:
    text = visitor.get("/").text
    assert "(use of shop)" in text
    assert 'href="/apps/shop"' in text
    assert "<strong>1</strong> waits for an agent." in text
    assert "app shop was added" in text


@pytest.mark.parametrize("path", REFUSED)
def test_pages_about_all_apps_and_settings_are_refused(visitor: Visitor, path: str) -> None:
    assert visitor.get(path).status_code == 403


@pytest.mark.parametrize("path", OWN)
def test_whether_another_app_exists_is_not_shown(visitor: Visitor, path: str) -> None:
    answers = [visitor.get(path.replace("shop", app)) for app in ("zebra", "nope")]
    assert [answer.status_code for answer in answers] == [403, 403]
    assert "a-use-of-shop" in answers[0].text
    assert "is only for the app" in answers[0].text
    assert "zebra" not in answers[0].text.replace("/apps/zebra", "")


def test_actions_are_limited_to_the_tokens_app(dashboard: Dashboard, visitor: Visitor) -> None:
    for app, status in (("shop", 303), ("zebra", 403)):
        answer = visitor.act(f"/apps/{app}/previews/{SHA}/stop")
        assert answer.status_code == status
        assert visitor.act(f"/apps/{app}/start", label="main").status_code == status
    assert dashboard.previews.snapshot.preview("zebra", SHA).state is State.QUEUED
    assert dashboard.notes()[-1] == ("a-use-of-shop", "start preview", "zebra", 403)


@pytest.mark.parametrize(
    ("topic", "status"),
    [("app/zebra", 404), (f"preview/zebra/{SHA}", 404), ("cluster", 404), ("audit", 404)],
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
