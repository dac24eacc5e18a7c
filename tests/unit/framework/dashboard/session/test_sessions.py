import itertools
import time
from collections.abc import Callable
from typing import cast

import pytest
from starlette.requests import Request

from framework import access
from framework.access import Identity, Scope
from framework.dashboard.session.page_access import PageAccess
from framework.dashboard.session.responses import Pages
from framework.dashboard.session.sessions import LIFE_SECONDS, Sessions
from framework.http_api.admission.audit import Audit
from framework.ports.identity import Person
from prevs.roles import RoleRecord
from tests.fakes.clock import FakeClock
from tests.fakes.tokens import FakeTokens

OPERATOR = "the-operator's"


class Bench:
    def __init__(self, operator: str = OPERATOR) -> None:
        self.tokens = FakeTokens(OPERATOR)
        self.clock = FakeClock(1000.0)
        numbers = itertools.count()
        self.sessions = Sessions(
            self.tokens, operator, now=self.clock.read, new_nonce=lambda: str(next(numbers))
        )

    def begin(self, token: str) -> str:
        cookie = self.sessions.begin(token)
        assert cookie is not None
        return cookie


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_a_session_names_the_token_that_began_it(bench: Bench) -> None:
    _, token = bench.tokens.add_token("ci", Scope.USE)
    viewer = bench.sessions.find(bench.begin(token))
    assert viewer is not None
    assert viewer.identity == Identity("ci", Scope.USE)
    assert (viewer.may_use, viewer.may_admin) == (True, False)
    operator = bench.sessions.find(bench.begin(OPERATOR))
    assert operator is not None
    assert operator.identity == Identity(access.OPERATOR, Scope.ADMIN)
    assert bench.sessions.begin("another") is None


def test_a_cookie_has_no_token(bench: Bench) -> None:
    _, token = bench.tokens.add_token("ci", Scope.USE)
    cookie = bench.begin(token)
    assert token not in cookie
    assert access.digest(token) not in cookie


def test_a_session_ends_after_twelve_hours(bench: Bench) -> None:
    cookie = bench.begin(OPERATOR)
    bench.clock.pass_seconds(LIFE_SECONDS - 1)
    assert bench.sessions.find(cookie)
    bench.clock.pass_seconds(1)
    assert bench.sessions.find(cookie) is None


def test_a_session_ends_with_its_token_also_where_another_gets_its_name(bench: Bench) -> None:
    _, token = bench.tokens.add_token("ci", Scope.USE)
    cookie = bench.begin(token)
    bench.tokens.remove_token("ci")
    assert bench.sessions.find(cookie) is None
    bench.tokens.add_token("ci", Scope.ADMIN)
    assert bench.sessions.find(cookie) is None


def test_another_framework_with_the_operator_s_token_knows_the_session(bench: Bench) -> None:
    cookie = bench.begin(OPERATOR)
    assert Bench().sessions.find(cookie)
    assert Bench("another").sessions.find(cookie) is None


@pytest.mark.parametrize(
    "change",
    [
        lambda cookie: "",
        lambda cookie: "...",
        lambda cookie: cookie[:-1],
        lambda cookie: cookie + "0",
        lambda cookie: "é" + cookie,
        lambda cookie: "." + cookie,
        lambda cookie: cookie.replace(".", "..", 1),
        lambda cookie: "Y2k." + cookie.partition(".")[2],
        lambda cookie: "%." + cookie.partition(".")[2],
        lambda cookie: cookie.replace(str(1000 + LIFE_SECONDS), str(1001 + LIFE_SECONDS)),
        lambda cookie: cookie.replace(str(1000 + LIFE_SECONDS), "9" * 5000),
        lambda cookie: cookie.replace(".0.", ".1."),
    ],
)
def test_a_changed_cookie_is_no_session(bench: Bench, change: Callable[[str], str]) -> None:
    bench.tokens.add_token("ci", Scope.ADMIN)
    cookie = bench.begin(OPERATOR)
    assert change(cookie) != cookie
    assert bench.sessions.find(change(cookie)) is None


def test_a_form_belongs_to_one_session(bench: Bench) -> None:
    first = bench.sessions.find(bench.begin(OPERATOR))
    second = bench.sessions.find(bench.begin(OPERATOR))
    assert first is not None
    assert second is not None
    assert first.is_form(first.csrf)
    assert not first.is_form(second.csrf)
    assert not first.is_form("")
    assert not first.is_form("é\udcff")


def test_a_person_sees_a_stream_for_as_long_as_their_roles_stay_the_same() -> None:
    tokens = FakeTokens(OPERATOR)
    roles: dict[str, RoleRecord] = {}
    tokens.roles = lambda: roles
    sessions = Sessions(tokens, OPERATOR, now=time.time, new_nonce=lambda: "n")
    cookie = sessions.begin_person(Person("1", "ada"))
    headers = [
        (b"host", b"prevs.localhost"),
        (b"cookie", f"prevs-session-{sessions.mark}={cookie}".encode()),
    ]
    scope = {"type": "http", "scheme": "http", "path": "/", "query_string": b"", "headers": headers}
    request = Request({**scope, "server": ("prevs.localhost", 80)})
    pages = PageAccess(sessions, cast(Pages, None), cast(Audit, None))
    viewer = pages.find(request)
    assert viewer
    assert pages.is_still(request, viewer)
    role = RoleRecord("read", person="ada")
    roles[role.id] = role
    assert not pages.is_still(request, viewer)
    reader = pages.find(request)
    assert reader
    del roles[role.id]
    assert not pages.is_still(request, reader)
