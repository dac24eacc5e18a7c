"""Sign-in by a proxy in front: its headers count from its own address alone."""

import asyncio
import re

import httpx
import pytest

from prevs.records import AppRecord
from prevs.roles import RoleRecord
from prevs.states import State
from tests.fakes.dashboard import BASE, Dashboard

PROXY = "10.0.1.10"
SHA = "5c80e7d1a2b3c4d5e6f708192a3b4c5d6e7f8091"
ADA = [("X-Auth-Request-User", "ada"), ("X-Auth-Request-Groups", "shop-devs, größe")]


@pytest.fixture
def dashboard() -> Dashboard:
    made = Dashboard(proxies=["10.0.1.10/32", "fd00:1::/64"])
    for app in ("shop", "zebra"):
        made.previews.known_apps[app] = AppRecord(app, f"/{app}.git", created=1000.0)
        made.previews.put(app, SHA, State.RUNNING, labels=("main",))
    roles = [RoleRecord("use", group="shop-devs", app="shop"), RoleRecord("read", group="größe")]
    made.previews.roles = {role.id: role for role in roles}
    return made


def send(
    dashboard: Dashboard,
    client: str,
    headers: list[tuple[str, str]],
    method: str = "GET",
    path: str = "/",
    **request: object,
) -> httpx.Response:
    async def run() -> httpx.Response:
        transport = httpx.ASGITransport(dashboard.app, client=(client, 1234))
        encoded = [(name.encode(), value.encode()) for name, value in headers]
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as browser:
            return await browser.request(method, path, headers=encoded, **request)  # type: ignore[arg-type]

    return asyncio.run(run())


@pytest.mark.parametrize("client", [PROXY, "fd00:1::7", "::ffff:10.0.1.10"])
def test_whom_the_proxy_names_has_their_roles(dashboard: Dashboard, client: str) -> None:
    shown = send(dashboard, client, ADA)
    assert shown.status_code == 200
    assert "@ada" in shown.text
    assert "use of shop, read of all apps" in shown.text
    assert "Sign out" not in shown.text
    assert "Set-Cookie" not in shown.headers


def test_forms_need_the_pages_of_that_person(dashboard: Dashboard) -> None:
    page = send(dashboard, PROXY, ADA).text
    found = re.search('name="csrf" value="([0-9a-f]+)"', page)
    assert found
    stop = f"/apps/shop/previews/{SHA}/stop"
    for csrf, expected in ((found[1], 303), ("0" * 64, 403)):
        answer = send(dashboard, PROXY, ADA, "POST", stop, data={"csrf": csrf})
        assert answer.status_code == expected
    other = [("X-Auth-Request-User", "grace"), ADA[1]]
    answer = send(dashboard, PROXY, other, "POST", stop, data={"csrf": found[1]})
    assert answer.status_code == 403
    foreign = [*ADA, ("Origin", "https://evil.example")]
    answer = send(dashboard, PROXY, foreign, "POST", stop, data={"csrf": found[1]})
    assert answer.status_code == 403
    assert ("@ada", "stop preview", f"shop/{SHA}", 303) in dashboard.notes()


@pytest.mark.parametrize("client", ["10.0.1.11", "127.0.0.1", "fd00:2::1", "testclient"])
def test_headers_from_elsewhere_sign_nobody_in(dashboard: Dashboard, client: str) -> None:
    forged = [*ADA, ("X-Forwarded-For", PROXY), ("Prevs-Forwarded", PROXY)]
    for headers in (ADA, forged):
        assert send(dashboard, client, headers).status_code == 303


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("X-Auth-Request-User", "")],
        [("X-Auth-Request-User", "a" * 300)],
        [*ADA, ("X-Auth-Request-User", "grace")],
    ],
)
def test_without_one_name_nobody_has_signed_in(
    dashboard: Dashboard, headers: list[tuple[str, str]]
) -> None:
    assert send(dashboard, PROXY, headers).status_code == 303


def test_groups_that_come_twice_do_not_count(dashboard: Dashboard) -> None:
    headers = [*ADA, ("X-Auth-Request-Groups", "admins")]
    assert send(dashboard, PROXY, headers).status_code == 403


def test_the_api_goes_by_tokens(dashboard: Dashboard) -> None:
    assert send(dashboard, PROXY, ADA, path="/v1/apps").status_code == 401


def test_without_the_setting_no_header_counts() -> None:
    assert send(Dashboard(), PROXY, ADA).status_code == 303
