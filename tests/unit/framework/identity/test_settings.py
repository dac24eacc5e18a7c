from pathlib import Path

import pytest

from framework.identity.settings import SignIn, SignInSettings
from program.settings import environment
from program.settings.environment import SettingsError


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    file = tmp_path / "secret"
    file.write_text("hunter2\n")
    return file


def read(**given: object) -> SignInSettings:
    environ = {f"PREVS_{name.upper()}": str(value) for name, value in given.items()}
    return environment.read(SignInSettings, environ)


def test_nobody_signs_in_elsewhere_unless_that_is_set(secret: Path) -> None:
    assert read().provider() is None
    assert read(sign_in_client_id="prevs", sign_in_secret_file=secret).provider() is None


@pytest.mark.parametrize(
    ("kind", "url", "found"),
    [
        ("github", "", "https://github.com"),
        ("github", "https://ghe.example.org", "https://ghe.example.org"),
        ("gitlab", "", "https://gitlab.com"),
        ("gitea", "https://codeberg.org/", "https://codeberg.org/"),
        ("openid", "https://login.example.org/realms/a", "https://login.example.org/realms/a"),
        ("openid", "http://127.0.0.1:9000", "http://127.0.0.1:9000"),
        ("openid", "http://[::1]:9000", "http://[::1]:9000"),
    ],
)
def test_a_provider_is_what_the_settings_name(
    secret: Path, kind: str, url: str, found: str
) -> None:
    chosen = read(
        sign_in=kind, sign_in_url=url, sign_in_client_id="prevs", sign_in_secret_file=secret
    )
    assert chosen.provider() == SignIn(kind, found, "prevs", "hunter2")  # type: ignore[arg-type]
    assert "hunter2" not in repr(chosen)


@pytest.mark.parametrize(
    ("given", "problem"),
    [
        ({"sign_in": "openid"}, "PREVS_SIGN_IN_URL"),
        ({"sign_in": "gitea"}, "PREVS_SIGN_IN_URL"),
        ({"sign_in_client_id": ""}, "PREVS_SIGN_IN_CLIENT_ID"),
        ({"sign_in_secret_file": ""}, "PREVS_SIGN_IN_SECRET_FILE"),
        ({"sign_in_secret_file": "/nowhere"}, "PREVS_SIGN_IN_SECRET_FILE"),
        ({"sign_in_url": "http://login.example.org"}, "https://"),
        ({"sign_in_url": "http://127.0.0.1.example.org"}, "https://"),
        ({"sign_in_url": "https://user@login.example.org"}, "https://"),
        ({"sign_in_url": "https://login.example.org?tenant=a"}, "https://"),
        ({"sign_in_url": "login.example.org"}, "https://"),
        ({"sign_in_url": "https://[broken"}, "https://"),
        ({"sign_in": "saml"}, "PREVS_SIGN_IN"),
        ({"sign_in": "proxy"}, "PREVS_TRUSTED_PROXIES"),
        ({"trusted_proxies": "10.0.0.1/8"}, "PREVS_TRUSTED_PROXIES"),
    ],
)
def test_settings_that_cannot_work_are_refused_at_the_start(
    secret: Path, given: dict[str, str], problem: str
) -> None:
    good = {"sign_in": "github", "sign_in_client_id": "prevs", "sign_in_secret_file": secret}
    with pytest.raises(SettingsError, match=problem):
        read(**{**good, **given})


def test_proxies_in_front_count_only_where_they_sign_people_in() -> None:
    networks = "10.0.1.10, fd00:1::/64"
    chosen = read(sign_in="proxy", trusted_proxies=networks)
    assert chosen.proxies_in_front() == ("10.0.1.10/32", "fd00:1::/64")
    assert chosen.provider() is None
    assert read(trusted_proxies=networks).proxies_in_front() == ()
