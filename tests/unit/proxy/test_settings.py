from collections.abc import Mapping
from pathlib import Path

import pytest

from program.settings.environment import SettingsError
from proxy import settings
from proxy.haproxy.config import Front


@pytest.fixture
def environ(tmp_path: Path) -> Mapping[str, str]:
    (tmp_path / "token").write_text("secret\n")
    return {
        "PREVS_ZOOKEEPER": "127.0.0.1:2181",
        "PREVS_PROXY_DIR": "/srv/prevs/proxy",
        "PREVS_TOKEN_FILE": str(tmp_path / "token"),
        "PREVS_MASTER": "not ours",
    }


def test_a_missing_setting_has_its_default(environ: Mapping[str, str]) -> None:
    chosen = settings.read(environ)
    assert chosen.proxy_listen == "127.0.0.1:8080"
    assert chosen.api == "http://127.0.0.1:8090"
    assert chosen.domain == "localhost"
    assert chosen.root == "/prevs"
    assert chosen.tokens() == ("secret",)


def test_the_first_of_several_tokens_is_sent(environ: Mapping[str, str], tmp_path: Path) -> None:
    (tmp_path / "token").write_text("new\nold\n")
    assert settings.read(environ).tokens() == ("new", "old")


def test_all_problems_are_reported_with_their_variables() -> None:
    environ = {
        "PREVS_DOMAIN": "Not A Domain",
        "PREVS_PROXY_LISTEN": "127.0.0.1:99999",
        "PREVS_PROXY_DIR": "/srv/with space",
        "PREVS_TOKEN_FILE": "/nowhere/token",
        "PREVS_API": "ftp://x",
    }
    with pytest.raises(SettingsError) as refused:
        settings.read(environ)
    text = "\n".join(refused.value.problems)
    for name in ("ZOOKEEPER", "DOMAIN", "PROXY_LISTEN", "PROXY_DIR", "TOKEN_FILE", "API"):
        assert f"PREVS_{name}:" in text


@pytest.mark.parametrize(
    "listen",
    ["[::1]:80", "*:8080", "10.0.0.1:8080", "proxy.example:80", "127.0.0.1:80,172.20.0.1:80"],
)
def test_any_address_may_be_listened_on(environ: Mapping[str, str], listen: str) -> None:
    assert settings.read({**environ, "PREVS_PROXY_LISTEN": listen}).proxy_listen == listen


REFUSED = {
    "PREVS_PROXY_LISTEN": [
        *("8080", "127.0.0.1", "a b:80", "127.0.0.1:0", "x:80\nuser root"),
        *("a:80,b:81", "a:80,", "a:80, b:80"),
    ],
    "PREVS_API": [
        *("http://a,", "http://a b", "http://a,ftp://b", ",", "http://a,http://b:x"),
        *("http://a:port", "http://a:99999", "http://a:0", "http://:80"),
    ],
    "PREVS_TRUSTED_PROXIES": ["all", "10.0.0.1/8", "10.0.0.0/8,"],
    "PREVS_PROXY_DIR": ["/srv/" + "x" * 100],
}


@pytest.mark.parametrize(
    ("variable", "value"), [(name, value) for name, bad in REFUSED.items() for value in bad]
)
def test_an_unusable_setting_is_reported_at_the_start(
    environ: Mapping[str, str], variable: str, value: str
) -> None:
    text = "longer than" if variable == "PREVS_PROXY_DIR" else variable
    with pytest.raises(SettingsError, match=text):
        settings.read({**environ, variable: value})


def test_the_api_may_have_several_addresses(environ: Mapping[str, str]) -> None:
    both = "http://10.0.0.1:8090,https://prevs.example"
    chosen = settings.read({**environ, "PREVS_API": both})
    assert chosen.addresses() == ["http://10.0.0.1:8090", "https://prevs.example"]


def test_certificates_turn_tls_on_and_a_redirect_needs_them(
    environ: Mapping[str, str], tmp_path: Path
) -> None:
    assert settings.read(environ).front() == Front("127.0.0.1:8080", "localhost", pass_keys=1)
    folder = tmp_path / "certificates"
    folder.mkdir()
    tls = {**environ, "PREVS_CERTIFICATES": str(folder), "PREVS_REDIRECT_TO_TLS": "yes"}
    with pytest.raises(SettingsError, match="put PEM files there, each with its key"):
        settings.read(tls)
    (folder / "a.pem").touch()
    front = settings.read({**tls, "PREVS_PROXY_TLS_LISTEN": "*:443"}).front()
    assert front == Front(
        "127.0.0.1:8080", "localhost", "*:443", folder, redirects=True, pass_keys=1
    )
    with pytest.raises(SettingsError, match="PREVS_REDIRECT_TO_TLS needs PREVS_CERTIFICATES"):
        settings.read({**environ, "PREVS_REDIRECT_TO_TLS": "yes"})


def test_the_proxies_in_front_are_networks(environ: Mapping[str, str]) -> None:
    chosen = settings.read({**environ, "PREVS_TRUSTED_PROXIES": "10.0.0.0/8, 10.1.2.3,fd00::/8"})
    assert chosen.front().trusted == ("10.0.0.0/8", "10.1.2.3/32", "fd00::/8")
