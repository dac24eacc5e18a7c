"""Who may look at an app's previews, over the API: no answer and no log has a secret of it."""

import functools
import threading
from typing import Any

import anyio
import httpx
import pytest
from structlog.testing import capture_logs

from framework.access import Scope
from framework.apps import password_digest
from framework.apps.app_secrets import AppSecrets
from framework.http_api.admission.password_checks import PasswordChecks
from framework.http_api.routes.entry_routes import APPS, CLIENTS
from prevs.access import Access
from prevs.records import AppRecord
from program.passes.passes import ANY_HOST, Pass, read_pass
from tests.fakes.asgi import PASS_KEY, ApiInProcess, problems, refusal
from tests.fakes.passwords import make_cheap

PATH = "/v1/apps/hello"
CLOSED = {"access": "password", "password": "correct horse"}
FROM = 4_000_000_000.0
"""When passes are issued: none has ended, whatever the time is."""


@pytest.fixture
def closed(api: ApiInProcess) -> ApiInProcess:
    """An API with an app that has a password."""
    api.previews.known_apps["hello"] = AppRecord("hello", "/srv/hello")
    api.previews.seconds = FROM
    api.previews.given["hello"] = AppSecrets("hello", password=make_cheap("correct horse"))
    assert api.call("PUT", f"{PATH}/access", json={"access": "password"}).status_code == 200
    return api


def issue(api: ApiInProcess, **order: Any) -> httpx.Response:
    return api.call("POST", f"{PATH}/passes", json=order)


def enter(
    api: ApiInProcess, password: str, *, app: str = "hello", client: str = "203.0.113.7"
) -> httpx.Response:
    order = {"password": password, "client": client}
    headers = api.bearer(Scope.PROXY)
    return api.send("POST", f"/v1/apps/{app}/entries", json=order, headers=headers)


def test_the_password_is_stored_as_scrypt_and_shown_nowhere(api: ApiInProcess) -> None:
    api.previews.known_apps["hello"] = AppRecord("hello", "/srv/hello")
    with capture_logs() as logs:
        answer = api.call("PUT", f"{PATH}/access", json={**CLOSED, "preflight": True})
    shown = answer.json()
    assert (answer.status_code, shown) == (200, api.call("GET", f"{PATH}/access").json())
    assert (shown["access"], shown["preflight"], shown["passes"]) == ("password", True, [])
    assert shown["https"] is False
    assert api.notes() == [("operator", "change access", "hello", 200)]
    given = api.previews.given["hello"]
    assert given.password is not None
    assert password_digest.is_right(CLOSED["password"], given.password)
    for text in (answer.text, str(logs), repr(given), given.encode().decode()):
        assert CLOSED["password"] not in text
    assert given.password.digest not in repr(given)


def test_a_share_link_opens_one_label_until_it_ends(closed: ApiInProcess) -> None:
    with capture_logs() as logs:
        answer = issue(closed, name="demo", kind="share", label="main", days=2)
    made = answer.json()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (201, "no-store")
    assert answer.headers["Location"] == f"{PATH}/passes/{made['id']}"
    assert made["link"] == (f"http://main.hello.localhost:8080/_prevs/enter?pass={made['text']}")
    era = closed.previews.access["hello"].era
    until = FROM + 2 * 86400
    expected = Pass("hello", "main.hello.localhost", era, until, made["id"])
    assert read_pass([PASS_KEY], made["text"]) == expected
    listed, audit = (closed.call("GET", path) for path in (f"{PATH}/access", "/v1/audit"))
    assert listed.json()["passes"] == [
        {
            "id": made["id"],
            "name": "demo",
            "kind": "share",
            "label": "main",
            "until": until,
            "by": "operator",
            "created": FROM,
        }
    ]
    assert closed.notes()[-1] == ("operator", "issue pass", f"hello/passes/{made['id']}", 201)
    for text in (listed.text, audit.text, str(logs), str(closed.previews.access)):
        assert made["id"] in text
        assert made["text"] not in text


def test_a_machines_pass_opens_all_labels_or_one(closed: ApiInProcess) -> None:
    made = issue(closed, name="ci", kind="machine").json()
    found = read_pass([PASS_KEY], made["text"])
    assert found is not None
    assert (found.host, found.until, made["link"]) == (ANY_HOST, FROM + 90 * 86400, None)
    one = read_pass([PASS_KEY], issue(closed, kind="machine", label="v1").json()["text"])
    assert one is not None
    assert one.host == "v1.hello.localhost"


def test_a_revoked_pass_is_gone_and_so_are_all_at_the_end(closed: ApiInProcess) -> None:
    first, _ = (issue(closed, kind="share", label="main").json() for _ in range(2))
    path = f"{PATH}/passes/{first['id']}"
    assert first["name"] == first["id"]
    assert closed.call("DELETE", path).status_code == 204
    assert closed.notes()[-1][1:] == ("revoke pass", f"hello/passes/{first['id']}", 204)
    assert refusal(closed.call("DELETE", path)) == (404, "unknown-pass")
    before = closed.call("GET", f"{PATH}/access").json()
    assert len(before["passes"]) == 1
    after = closed.call("POST", f"{PATH}/access/end").json()
    assert (after["era"] > before["era"], after["passes"]) == (True, [])
    assert closed.notes()[-1] == ("operator", "end access", "hello", 200)


def test_the_scope_use_shares_and_an_admin_gives_machines_passes(closed: ApiInProcess) -> None:
    machine = issue(closed, name="ci", kind="machine").json()
    headers = closed.bearer(Scope.USE, "hello")
    link = {"kind": "share", "label": "main"}
    made = closed.send("POST", f"{PATH}/passes", json=link, headers=headers).json()
    assert made["by"] == "a-use-of-hello"
    for method, path, order in (
        ("POST", f"{PATH}/passes", {"kind": "machine"}),
        ("DELETE", f"{PATH}/passes/{machine['id']}", None),
    ):
        refused = closed.send(method, path, json=order, headers=headers)
        assert (*refusal(refused), refused.json()["needed"]) == (403, "forbidden", "admin")
    ended = closed.send("DELETE", f"{PATH}/passes/{made['id']}", headers=headers)
    assert ended.status_code == 204
    assert closed.call("GET", f"{PATH}/access").json()["passes"][0]["id"] == machine["id"]


@pytest.mark.parametrize(
    ("method", "path", "order", "field"),
    [
        ("PUT", "access", {"access": "friends"}, "access"),
        ("PUT", "access", {"access": "public", "password": "correct horse"}, "password"),
        ("PUT", "access", {"access": "public", "preflight": True}, "preflight"),
        ("PUT", "access", {"access": "password", "password": "7 chars"}, "password"),
        ("POST", "passes", {"kind": "share"}, "label"),
        ("POST", "passes", {"kind": "share", "label": "Main"}, "label"),
        ("POST", "passes", {"kind": "share", "label": "main", "days": 31}, "days"),
        ("POST", "passes", {"kind": "machine", "days": 367}, "days"),
        ("POST", "passes", {"kind": "machine", "days": 0}, "days"),
    ],
)
def test_an_invalid_order_names_the_field(
    closed: ApiInProcess, method: str, path: str, order: dict[str, Any], field: str
) -> None:
    answer = closed.call(method, f"{PATH}/{path}", json=order)
    assert refusal(answer) == (422, "invalid-settings")
    assert list(problems(answer)) == [field]
    assert "correct horse" not in answer.text


def test_what_is_there_decides_what_is_possible(closed: ApiInProcess) -> None:
    closed.previews.known_apps["other"] = AppRecord("other", "/srv/other")
    order = {"name": "ci", "kind": "machine"}
    assert issue(closed, **order).status_code == 201
    assert refusal(issue(closed, **order)) == (409, "pass-exists")
    assert closed.call("PUT", f"{PATH}/access", json={"access": "public"}).json()["passes"] == []
    assert closed.previews.access == {}
    assert refusal(issue(closed, **order)) == (409, "is-public")
    assert refusal(closed.call("POST", f"{PATH}/access/end")) == (409, "is-public")
    no_password = closed.call("PUT", "/v1/apps/other/access", json={"access": "password"})
    assert refusal(no_password) == (409, "no-password")
    # The app kept its password.
    assert closed.call("PUT", f"{PATH}/access", json={"access": "password"}).status_code == 200
    assert closed.previews.access["hello"].access is Access.PASSWORD


def test_the_right_password_enters_and_nothing_else_does(closed: ApiInProcess) -> None:
    closed.previews.known_apps["other"] = AppRecord("other", "/srv/other")
    with capture_logs() as logs:
        right = enter(closed, "correct horse")
        wrong = [enter(closed, "wrong horse", app=app) for app in ("hello", "other", "nope")]
    assert (right.status_code, right.content) == (204, b"")
    assert {refusal(answer) for answer in wrong} == {(403, "wrong-password")}
    assert len({answer.text for answer in wrong}) == 1
    assert [note for note in closed.notes() if note[1] == "enter"] == [
        ("proxy", "enter", app, 403) for app in ("hello", "other", "nope")
    ]
    entry = closed.audit.latest()[-1]
    assert entry.client.startswith("203.0.113.7 via ")
    assert "horse" not in str(logs) + str(closed.audit.latest())
    closed.call("PUT", f"{PATH}/access", json={"access": "public"})
    assert refusal(enter(closed, "correct horse")) == (403, "wrong-password")


def test_wrong_passwords_of_a_client_are_limited_and_right_ones_are_not(
    closed: ApiInProcess,
) -> None:
    for _ in range(CLIENTS.quota + 1):
        assert enter(closed, "correct horse").status_code == 204
    network = [f"2001:db8::{number}" for number in range(CLIENTS.quota)]
    assert {enter(closed, "no", client=one).status_code for one in network} == {403}
    refused = enter(closed, "correct horse", client="2001:db8::ffff")
    assert refusal(refused) == (429, "too-many-requests")
    assert refused.headers["Retry-After"] == "12"
    assert enter(closed, "correct horse").status_code == 204
    closed.clock.pass_seconds(12)
    assert enter(closed, "correct horse", client="2001:db8::ffff").status_code == 204


def test_wrong_passwords_of_an_app_are_limited(closed: ApiInProcess) -> None:
    for number in range(APPS.quota):
        assert enter(closed, "no", client=f"203.0.113.{number}").status_code == 403
    assert enter(closed, "correct horse", client="198.51.100.1").status_code == 429
    assert enter(closed, "no", app="other", client="198.51.100.2").status_code == 403


def test_many_checks_of_passwords_delay_no_other_call(api: ApiInProcess) -> None:
    """Of an app that does not exist: a check takes as long as that of a real password."""
    ended: list[int] = []

    async def run() -> int:
        transport = httpx.ASGITransport(api.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://prevs") as client:

            async def send(method: str, path: str, **request: Any) -> None:
                answer = await client.request(method, path, **request)
                ended.append(answer.status_code)

            headers = api.bearer(Scope.PROXY)
            async with anyio.create_task_group() as group:
                for number in range(3):
                    order = {"password": "no", "client": f"203.0.113.{number}"}
                    checking = functools.partial(send, json=order, headers=headers)
                    group.start_soon(checking, "POST", "/v1/apps/nope/entries")
                group.start_soon(send, "GET", "/healthz")
            return sum("AnyIO worker" in thread.name for thread in threading.enumerate())

    assert anyio.run(run) == 2
    assert sorted(ended) == [200, 403, 403, 403]
    assert ended[-1] == 403


def test_a_right_password_enters_while_60_wrong_ones_wait(closed: ApiInProcess) -> None:
    """Of apps that do not exist, whose checks take as long as that of a real password."""
    ended: list[str] = []

    async def run() -> int:
        answered = anyio.Event()
        transport = httpx.ASGITransport(closed.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://prevs") as client:

            async def send(app: str, password: str, address: str) -> int:
                answer = await client.post(
                    f"/v1/apps/{app}/entries",
                    json={"password": password, "client": address},
                    headers=closed.bearer(Scope.PROXY),
                )
                ended.append(app if answer.status_code != 429 else "no place")
                answered.set()
                return answer.status_code

            async with anyio.create_task_group() as group:
                for number in range(60):
                    address = f"203.0.113.{number % 20}"
                    group.start_soon(send, f"no-{number % 3}", "no", address)
                await answered.wait()
                status = await send("hello", "correct horse", "198.51.100.1")
                group.cancel_scope.cancel()
            return status

    assert anyio.run(run) == 204
    assert len([app for app in ended if app.startswith("no-")]) <= 3


def test_a_check_that_waits_too_long_is_given_up(closed: ApiInProcess) -> None:
    async def run() -> list[bool | None]:
        checks = PasswordChecks(closed.clock.read, longest_wait=0)
        free, found = threading.Event(), []

        async def check(client: str) -> None:
            found.append(await checks.check(client, free.wait))

        async with anyio.create_task_group() as group:
            for client in "ab":
                group.start_soon(check, client)
            await anyio.wait_all_tasks_blocked()
            found.append(await checks.check("c", lambda: True))
            free.set()
        found.append(await checks.check("c", lambda: True))
        return found

    assert anyio.run(run) == [None, True, True, True]
