import dataclasses

import pytest

from framework.access import STORED, Scope
from framework.errors import (
    BeingFetched,
    FrameworkError,
    InvalidSettings,
    Problem,
    RepositoryUnreachable,
)
from framework.ports import Listing
from framework.stacks.written_stack import WrittenStack
from prevs.access import IssuedPass
from prevs.records import AppRecord
from prevs.stacks import Member
from prevs.states import State
from tests.fakes.dashboard import Dashboard, Visitor
from tests.unit.framework.dashboard.conftest import SHA

PREVIEW = f"/apps/hello/previews/{SHA}"
WRITES = {
    "/apps/hello/start": Scope.USE,
    f"{PREVIEW}/stop": Scope.USE,
    f"{PREVIEW}/retry": Scope.USE,
    f"{PREVIEW}/restart": Scope.USE,
    f"{PREVIEW}/pin": Scope.USE,
    f"{PREVIEW}/unpin": Scope.USE,
    "/add-app": Scope.ADMIN,
    "/add-app/check": Scope.ADMIN,
    "/apps/hello/settings": Scope.ADMIN,
    "/apps/hello/pulls/7/approve": Scope.ADMIN,
    "/apps/hello/remove": Scope.ADMIN,
    "/apps/hello/forge/settings": Scope.ADMIN,
    "/apps/hello/forge/token": Scope.ADMIN,
    "/apps/hello/forge/token/remove": Scope.ADMIN,
    "/apps/hello/forge/check": Scope.ADMIN,
    "/apps/hello/forge/hook": Scope.ADMIN,
    "/apps/hello/forge/hook-secret": Scope.ADMIN,
    "/apps/hello/forge/hook-secret/remove": Scope.ADMIN,
    "/apps/hello/credential": Scope.ADMIN,
    "/apps/hello/credential/remove": Scope.ADMIN,
    "/apps/hello/access": Scope.ADMIN,
    "/apps/hello/access/end": Scope.ADMIN,
    "/tokens": Scope.ADMIN,
    "/tokens/read/remove": Scope.ADMIN,
}


def state(dashboard: Dashboard) -> State:
    return dashboard.previews.snapshot.preview("hello", SHA).state


def test_a_preview_is_started_stopped_tried_again_and_pinned(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    back = "/apps/hello?show=branches"
    answer = visitor.act("/apps/hello/start", label="main", back=back)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{back}&did=start")
    assert state(dashboard) is State.QUEUED
    assert "Requested." in visitor.get(answer.headers["Location"]).text
    visitor.act(f"{PREVIEW}/stop")
    assert state(dashboard) is State.STOPPED
    answer = visitor.act(f"{PREVIEW}/retry", back="/")
    assert answer.status_code == 409
    assert "only a failed preview can be retried" in answer.text
    dashboard.previews.put("hello", SHA, State.FAILED)
    assert visitor.act(f"{PREVIEW}/retry").headers["Location"] == f"{PREVIEW}?did=retry"
    assert state(dashboard) is State.QUEUED
    visitor.act(f"{PREVIEW}/pin")
    assert dashboard.previews.snapshot.preview("hello", SHA).pinned
    visitor.act(f"{PREVIEW}/unpin")
    assert not dashboard.previews.snapshot.preview("hello", SHA).pinned


def test_a_start_from_an_unreachable_repository_shows_its_time(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    dashboard.refs.put_away("hello", "main", age=720.0)
    answer = visitor.act("/apps/hello/start", label="main", back="/apps/hello")
    assert answer.headers["Location"] == "/apps/hello?did=start-known"
    assert "from what is known of the repository" in visitor.get(answer.headers["Location"]).text


def test_each_write_is_noted_with_its_token_and_its_outcome(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    visitor.act("/apps/hello/start", label="main")
    visitor.act("/apps/hello/start", label="nonsense")
    visitor.act("/add-app", name="more", repository="/more.git")
    visitor.act("/tokens", name="ci", scope="use")
    visitor.post(f"{PREVIEW}/stop", {"csrf": "wrong"})
    assert dashboard.notes() == [
        ("operator", "start preview", f"hello/{SHA}", 303),
        ("operator", "start preview", "hello", 404),
        ("operator", "add app", "more", 303),
        ("operator", "add token", "ci", 200),
        ("operator", "stop preview", f"hello/{SHA}", 403),
    ]


@pytest.mark.parametrize("scope", STORED)
def test_a_token_cannot_do_more_than_its_scope(dashboard: Dashboard, scope: Scope) -> None:
    visitor = dashboard.enter(scope)
    for path, needed in WRITES.items():
        answer = visitor.act(path)
        if scope.includes(needed):
            assert answer.status_code != 403, path
        else:
            assert answer.status_code == 403
            assert f"needs a token with the scope {needed.value}" in answer.text
    for path in ("/add-app", "/apps/hello/settings", "/apps/hello/forge", "/tokens", "/audit"):
        assert visitor.get(path).is_success is scope.includes(Scope.ADMIN), path


def test_an_app_is_added_with_all_its_settings(dashboard: Dashboard, visitor: Visitor) -> None:
    form = {
        "name": " shop ",
        "repository": " https://git.example.org/shop.git",
        "port": "8000",
        "health": "/ready",
        "cpus": "0.5",
        "mem": " 256",
        "max_previews": "",
        "max_jobs": "3",
        "idle_after": "0",
        "keep_warm": "mon-fri 08:00-18:00\r\n\r\nsat 10:00-12:00\r\n",
        "constraints": "zone=a|b",
        "folder": "services/web",
        "max_cpus": "1.5",
        "max_mem": "1024",
    }
    dashboard.refs.put("shop", "main", SHA)
    answer = visitor.act("/add-app", **form)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/apps/shop?did=add")
    assert dashboard.previews.known_apps["shop"] == AppRecord(
        "shop",
        "https://git.example.org/shop.git",
        port=8000,
        cpus=0.5,
        mem=256,
        health="/ready",
        idle_after=0,
        keep_warm=("mon-fri 08:00-18:00", "sat 10:00-12:00"),
        constraints=("zone=a|b",),
        created=1000.0,
        folder="services/web",
        max_cpus=1.5,
        max_jobs=3,
        max_mem=1024,
    )


def test_a_mistake_is_shown_at_its_field_and_nothing_typed_is_lost(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    form = {
        "name": "Sh<op",
        "repository": "https://a:b@git.example.org/x.git",
        "port": "many",
        "mem": "1",
        "keep_warm": "always",
    }
    answer = visitor.act("/add-app", **form)
    assert answer.status_code == 422
    for typed in ("Sh&lt;op", "https://a:b@git.example.org/x.git", "many", "always"):
        assert typed in answer.text
    for name in form:
        assert f'id="p-{name}"' in answer.text
        assert f'href="#f-{name}"' in answer.text
    assert answer.text.count('aria-invalid="true"') == len(form)
    assert list(dashboard.previews.known_apps) == ["hello"]


@pytest.mark.parametrize(
    ("listing", "did", "text"),
    [
        (RepositoryUnreachable("shop", "/shop.git", "no such host"), "add-unread", "no such host"),
        (Listing((), 60.0, "it is away"), "add-unread", "none of its previews can start"),
        (Listing((), 1.0), "add-empty", "no branch to start yet: push one"),
        (BeingFetched("shop"), "add", "The app is registered."),
    ],
)
def test_a_new_app_shows_whether_its_repository_can_be_read(
    dashboard: Dashboard, visitor: Visitor, listing: Listing | FrameworkError, did: str, text: str
) -> None:
    dashboard.refs.listings["shop"] = listing
    answer = visitor.act("/add-app", name="shop", repository="/shop.git")
    assert answer.headers["Location"] == f"/apps/shop?did={did}"
    page = visitor.get(answer.headers["Location"]).text
    assert text in page
    assert ("/apps/shop/forge#credential" in page) == (did == "add-unread" or "fetched" in page)


def test_a_refused_repository_is_shown_at_its_field(dashboard: Dashboard, visitor: Visitor) -> None:
    dashboard.previews.error = InvalidSettings([Problem("repository", "is on this machine")])
    answers = [
        visitor.act("/add-app", name="shop", repository="/shop.git"),
        visitor.act("/apps/hello/settings", **{"repository": "/x.git", "was-repository": "/y.git"}),
    ]
    for answer in answers:
        assert answer.status_code == 422
        assert 'id="p-repository"' in answer.text
        assert "is on this machine" in answer.text
    assert list(dashboard.previews.known_apps) == ["hello"]


def test_a_taken_name_is_shown_as_taken(dashboard: Dashboard, visitor: Visitor) -> None:
    answer = visitor.act("/add-app", name="hello", repository="/other.git")
    assert answer.status_code == 409
    assert "is the name of another app" in answer.text
    assert "/other.git" in answer.text


def test_only_changed_fields_are_written(dashboard: Dashboard, visitor: Visitor) -> None:
    hello = dashboard.previews.change_app("hello", {"keep_warm": ("mon-fri 08:00-18:00",)})
    page = visitor.get("/apps/hello/settings").text
    assert 'name="was-keep_warm" value="mon-fri 08:00-18:00"' in page
    dashboard.previews.change_app("hello", {"mem": 512})
    shown = {"mem": "128", "port": "8080", "keep_warm": "mon-fri 08:00-18:00"}
    form = {**shown, **{f"was-{name}": value for name, value in shown.items()}}
    answer = visitor.act("/apps/hello/settings", **{**form, "port": "9000"})
    assert answer.headers["Location"] == "/apps/hello/settings?did=change"
    expected = dataclasses.replace(hello, mem=512, port=9000)
    assert dashboard.previews.known_apps["hello"] == expected
    answer = visitor.act("/apps/hello/settings", **{**form, "port": ""})
    assert answer.status_code == 422
    assert 'id="p-port"' in answer.text
    visitor.act("/apps/hello/settings", **{**form, "keep_warm": "", "name": "other"})
    assert dashboard.previews.known_apps["hello"] == dataclasses.replace(expected, keep_warm=())


def test_before_an_app_is_removed_the_page_says_what_goes_too(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    dashboard.previews.put("hello", "a" * 40, State.RUNNING)
    assert "This also removes 1 preview (1 running)." in visitor.get("/apps/hello/settings").text
    dashboard.stacks.command(
        lambda stacks: stacks.write(
            "shop", WrittenStack("web", {"web": Member("hello", "main")}), by="ada"
        )
    )
    kept = visitor.get("/apps/hello/settings").text
    assert 'href="/stacks/shop"' in kept
    assert 'action="/apps/hello/remove"' not in kept


def test_an_app_is_removed_once_its_name_is_typed(dashboard: Dashboard, visitor: Visitor) -> None:
    answer = visitor.act("/apps/hello/remove", confirmed="helo")
    assert answer.status_code == 422
    assert "nothing was removed" in answer.text
    assert "hello" in dashboard.previews.known_apps
    answer = visitor.act("/apps/hello/remove", confirmed="hello")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/?did=remove")
    assert not dashboard.previews.known_apps


def test_a_token_is_shown_once_and_valid_until_it_is_removed(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    page = visitor.act("/tokens", name="ci", scope="use").text
    token = page.partition('id="new-token" value="')[2].partition('"')[0]
    assert token.startswith("prevs_use_")
    assert token not in visitor.get("/tokens").text
    other = dashboard.sign_in(token)
    assert "ci" in other.get("/").text
    assert "is taken" in visitor.act("/tokens", name="ci", scope="read").text
    answer = visitor.act("/tokens", name="C I", scope="everything")
    assert answer.status_code == 422
    assert 'value="C I"' in answer.text
    visitor.act("/tokens/ci/remove")
    assert other.get("/").status_code == 303


def test_the_audit_log_is_shown_the_last_first(dashboard: Dashboard, visitor: Visitor) -> None:
    visitor.act("/apps/hello/start", label="<b>")
    visitor.act("/add-app", name="more", repository="/more.git")
    text = visitor.get("/audit").text
    assert text.index("add app") < text.index("start preview")


def test_an_app_is_for_its_team_once_people_can_sign_in(
    dashboard: Dashboard, visitor: Visitor
) -> None:
    path, settings = "/apps/hello/access", "/apps/hello/settings"
    assert "PREVS_SIGN_IN" in visitor.get(settings).text
    assert visitor.act(path, access="team").status_code == 409
    dashboard.previews.has_sign_in = True
    assert "PREVS_SIGN_IN" not in visitor.get(settings).text
    assert visitor.act(path, access="team").headers["Location"] == f"{settings}?did=change-access"
    assert 'value="team" checked' in visitor.get(settings).text
    assert "open to the team, or with a pass" in visitor.get("/apps/hello").text


def test_an_app_is_closed_shown_and_opened_again(dashboard: Dashboard, visitor: Visitor) -> None:
    path, settings = "/apps/hello/access", "/apps/hello/settings"
    assert "open to everybody" in visitor.get("/apps/hello").text
    refused = visitor.act(path, access="password", password="")
    assert (refused.status_code, "password is missing" in refused.text) == (422, True)
    refused = visitor.act(path, access="password", password="7 chars")
    assert (refused.status_code, "8 to 200 characters" in refused.text) == (422, True)
    assert "7 chars" not in refused.text
    answer = visitor.act(path, access="password", password="correct horse")
    assert answer.headers["Location"] == f"{settings}?did=change-access"
    record = dashboard.previews.access["hello"]
    later = {"a": IssuedPass("demo", "share", 4e9, "main"), "b": IssuedPass("ci", "machine", 4e9)}
    ended = {"c": IssuedPass("former", "share", 1.0, "main")}
    dashboard.previews.access["hello"] = dataclasses.replace(record, passes={**later, **ended})
    page = visitor.get("/apps/hello").text
    for shown in ("need a password or a pass", "share links: 2", "demo", "all of hello"):
        assert shown in page
    assert "former" not in page
    assert visitor.act(f"{path}/end").headers["Location"] == f"{settings}?did=end-access"
    assert dashboard.previews.access["hello"].passes == {}
    assert visitor.act(path, access="public").status_code == 303
    assert dashboard.previews.access == {}
    assert visitor.act(f"{path}/end").status_code == 409
    assert [note[1:] for note in dashboard.notes()] == [
        ("change access", "hello", 422),
        ("change access", "hello", 422),
        ("change access", "hello", 303),
        ("end access", "hello", 303),
        ("change access", "hello", 303),
        ("end access", "hello", 409),
    ]
