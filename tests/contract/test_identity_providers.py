"""Our client of OpenID Connect against two providers that others have written."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import pytest

from framework.clock import Clock
from framework.identity.providers import make_provider
from framework.identity.settings import SignIn
from framework.ports.identity import IdentityProvider, Person
from framework.ports.identity_errors import ProviderUnreachable, SignInRefused
from tests.contract.signing_in import BACK, attempt
from tests.fakes.identity import real
from tests.fakes.identity.real import Issuer

pytestmark = [pytest.mark.contract, pytest.mark.daemons]

ADA = Person("ada", "ada", frozenset({"ada-devs", "everybody"}))
_ACTION = re.compile(r'<form[^>]*\baction="([^"]+)"')


@pytest.fixture
def strict(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Issuer]:
    """A certified provider, which checks PKCE, and has one name only."""
    with real.oidc_provider(tmp_path, free_port(), [BACK]) as issuer:
        yield issuer


@pytest.fixture
def lax(tmp_path: Path, free_port: Callable[[], int]) -> Iterator[Issuer]:
    with real.oidc_provider_mock(tmp_path, free_port()) as issuer:
        yield issuer


@pytest.fixture(params=["strict", "lax"])
def issuer(request: pytest.FixtureRequest) -> Issuer:
    found: Issuer = request.getfixturevalue(request.param)
    return found


def make(issuer: Issuer, secret: str = "") -> IdentityProvider:
    chosen = SignIn("openid", issuer.url, issuer.client_id, secret or issuer.secret)
    return make_provider(chosen, Clock())


def browse(place: str) -> str:
    """Follow the provider's pages as ada, and agree to everything; return the code at the end."""
    state = parse_qs(urlsplit(place).query)["state"]
    with httpx.Client() as browser:
        answer = browser.get(place)
        for _ in range(20):
            if answer.is_redirect:
                to = urljoin(str(answer.request.url), answer.headers["Location"])
                if to.startswith(BACK):
                    query = parse_qs(urlsplit(to).query)
                    assert query["state"] == state
                    return query["code"][0]
                answer = browser.get(to)
                continue
            assert answer.is_success, answer.text
            found = _ACTION.search(answer.text)
            action = urljoin(str(answer.request.url), found[1] if found else "")
            prompt = "consent" if 'value="consent"' in answer.text else "login"
            form = {"prompt": prompt, "login": "ada", "password": "x", "sub": "ada"}
            answer = browser.post(action, data=form)
    pytest.fail("the provider's pages have no end")


def test_a_person_signs_in_with_their_groups(issuer: Issuer) -> None:
    provider, tried = make(issuer), attempt()
    assert provider.finish(tried, browse(provider.begin(tried))) == ADA


def test_a_code_counts_once(issuer: Issuer) -> None:
    provider, mine = make(issuer), attempt(1)
    code = browse(provider.begin(mine))
    provider.finish(mine, code)
    with pytest.raises(SignInRefused):
        provider.finish(mine, code)


def test_a_code_is_of_no_use_without_its_verifier(strict: Issuer) -> None:
    provider, mine = make(strict), attempt(1)
    code = browse(provider.begin(mine))
    with pytest.raises(SignInRefused):
        provider.finish(mine._replace(verifier=attempt(2).verifier), code)


def test_an_answer_to_another_attempt_does_not_count(issuer: Issuer) -> None:
    provider, mine = make(issuer), attempt(1)
    code = browse(provider.begin(mine))
    with pytest.raises(SignInRefused, match="another try"):
        provider.finish(mine._replace(nonce=attempt(2).nonce), code)


def test_an_issuer_by_another_name_is_refused(strict: Issuer) -> None:
    other = strict._replace(url=strict.url.replace("127.0.0.1", "localhost"))
    with pytest.raises(ProviderUnreachable, match="another issuer"):
        make(other).begin(attempt())


def test_a_wrong_secret_is_the_operators_to_correct(strict: Issuer) -> None:
    provider, mine = make(strict, "another"), attempt()
    with pytest.raises(SignInRefused, match="PREVS_SIGN_IN_SECRET_FILE"):
        provider.finish(mine, browse(provider.begin(mine)))
