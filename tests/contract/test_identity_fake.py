"""The same suite on the fake identity provider, and on ours at a double of OpenID Connect."""

from collections.abc import Callable, Iterator
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from framework.clock import Clock
from framework.identity.providers import make_provider
from framework.identity.settings import SignIn
from framework.ports.identity import IdentityProvider, Person
from framework.ports.identity_errors import SignInRefused
from tests.contract.signing_in import attempt
from tests.fakes.identity.openid import OpenIdServer
from tests.fakes.identity.server import CLIENT_ID, SECRET, Account
from tests.fakes.identity_provider import FakeProvider

pytestmark = pytest.mark.contract

ADA = Person("583231", "ada", frozenset({"shop-devs"}))


class Desk(NamedTuple):
    """A provider; `sign_in` signs Ada in at an address, and returns the code."""

    provider: IdentityProvider
    sign_in: Callable[[str], str]


@pytest.fixture(params=["fake", "openid"])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    if request.param == "fake":
        fake = FakeProvider()
        yield Desk(fake, lambda address: fake.sign_in(address, ADA))
        return
    server = OpenIdServer()
    server.account = Account(ADA.id, ADA.login, tuple(ADA.groups))
    chosen = SignIn("openid", server.origin, CLIENT_ID, SECRET)
    yield Desk(make_provider(chosen, Clock()), browse)
    server.close()


def browse(address: str) -> str:
    back = httpx.get(address, follow_redirects=False).headers["Location"]
    return parse_qs(urlsplit(back).query)["code"][0]


def test_an_address_has_what_comes_back_and_not_what_proves_it(desk: Desk) -> None:
    tried = attempt(1)
    address = desk.provider.begin(tried)
    query = parse_qs(urlsplit(address).query)
    assert (query["state"], query["redirect_uri"]) == ([tried.state], [tried.redirect])
    assert tried.verifier not in address


def test_a_code_counts_once_and_for_its_own_attempt(desk: Desk) -> None:
    mine, others = attempt(1), attempt(2)
    desk.provider.begin(others)
    code = desk.sign_in(desk.provider.begin(mine))
    assert desk.provider.finish(mine, code) == ADA
    for one in (mine, others):
        with pytest.raises(SignInRefused):
            desk.provider.finish(one, code)
    with pytest.raises(SignInRefused):
        desk.provider.finish(others, desk.sign_in(desk.provider.begin(mine)))
