"""Signing in: what a browser keeps counts for one use, for a time, and only as it was written."""

import itertools

import pytest

from framework.people import attempts, seals
from framework.ports.identity import Person
from framework.visitors import sign_in
from framework.visitors.errors import NobodyNamed, NoProvider, SignInEnded, SignInNeeded
from framework.visitors.sign_in import Terms, VisitorSignIn
from prevs.roles import RoleRecord
from tests.fakes.clock import FakeClock
from tests.fakes.identity_provider import FakeProvider

REDIRECT = "https://sign-in.prevs.example/_prevs/signed-in"
ADA = Person("1", "ada", frozenset({"devs", "ops"}))
NOBODY = Person("", "")
KEY = seals.derive_key("a token", "visitors at Fake")


class Host:
    """A sign-in with a provider."""

    def __init__(self, key: str = KEY, *, is_set: bool = True, trusts: bool = False) -> None:
        self.provider, self.clock = FakeProvider(), FakeClock()
        numbers = itertools.count()
        terms = Terms(
            key,
            REDIRECT,
            trusts_proxy=trusts,
            now=self.clock.read,
            new_secret=lambda: f"secret-{next(numbers)}",
        )
        self.sign_in = VisitorSignIn(self.provider if is_set else None, terms)

    def session(self) -> str:
        return self.sign_in.write_session(ADA, ())


def test_somebody_signs_in_with_what_the_provider_sent_back() -> None:
    host = Host()
    first, second = host.sign_in.begin(), host.sign_in.begin()
    begun = list(host.provider.begun.values())
    assert {one.redirect for one in begun} == {REDIRECT}
    assert len({secret for one in begun for secret in one[1:]}) == 6
    # In any order: each tab has its own.
    for one in (second, first):
        code = host.provider.sign_in(one.address, ADA)
        assert host.sign_in.finish(one.attempt, one.state, code) == ADA
    assert host.sign_in.identify(host.session(), NOBODY) == ADA


def test_a_sign_in_is_finished_by_what_began_it_and_in_time() -> None:
    host = Host()
    one, other = host.sign_in.begin(), host.sign_in.begin()
    code = host.provider.sign_in(one.address, ADA)
    for sealed, state in (
        (one.attempt, other.state),
        (one.attempt, ""),
        (one.attempt, "\udc80"),
        (one.attempt[:-4], one.state),
        ("", one.state),
        (host.session(), one.state),
    ):
        with pytest.raises(SignInEnded):
            host.sign_in.finish(sealed, state, code)
    assert code in host.provider.codes  # nothing of this reached the provider
    host.clock.pass_seconds(attempts.LIFE_S)
    with pytest.raises(SignInEnded):
        host.sign_in.finish(one.attempt, one.state, code)


def test_a_session_ends_and_counts_for_its_provider_and_its_key() -> None:
    host = Host()
    session = host.session()
    attempt = host.sign_in.begin().attempt
    keys = ("another token", "visitors at Fake"), ("a token", "visitors at GitHub")
    strangers = [Host(seals.derive_key(*one)) for one in keys]
    for other, text in (*((one, session) for one in strangers), (host, attempt), (host, "x")):
        with pytest.raises(SignInNeeded):
            other.sign_in.identify(text, ADA)
    host.clock.pass_seconds(sign_in.LIFE_S - 1)
    assert host.sign_in.identify(session, NOBODY) == ADA
    host.clock.pass_seconds(1)
    with pytest.raises(SignInNeeded):
        host.sign_in.identify(session, NOBODY)


def test_a_session_fits_into_a_cookie_with_the_groups_that_have_a_role() -> None:
    host = Host()
    groups = frozenset(f"a-group-of-the-company-{number}" for number in range(300))
    role = RoleRecord("read", group="a-group-of-the-company-99")
    text = host.sign_in.write_session(ADA._replace(groups=groups), [role])
    found = host.sign_in.identify(text, NOBODY)
    assert (len(text) < 3800, found.groups < groups, role.group in found.groups) == (True,) * 3


def test_a_proxy_in_front_names_people_only_if_it_is_set_so() -> None:
    host = Host(is_set=False, trusts=True)
    assert host.sign_in.identify("", ADA) == ADA
    with pytest.raises(SignInNeeded):
        host.sign_in.identify(host.session(), NOBODY)
    with pytest.raises(NobodyNamed, match="X-Auth-Request-User"):
        host.sign_in.begin()
    with pytest.raises(SignInNeeded):
        Host().sign_in.identify("", ADA)


def test_without_a_provider_nobody_signs_in() -> None:
    host = Host(is_set=False)
    with pytest.raises(NoProvider, match="PREVS_SIGN_IN"):
        host.sign_in.begin()
    with pytest.raises(NoProvider):
        host.sign_in.finish(Host().sign_in.begin().attempt, "x", "c1")
