import pytest

from proxy.room.tokens import Tokens

HOST = "main.hello.localhost"


def test_a_token_is_valid_for_its_host_until_it_expires() -> None:
    tokens = Tokens(["secret"])
    token = tokens.sign(HOST, 1000.0)
    assert tokens.is_valid(token, HOST, 1000.0)
    assert not tokens.is_valid(token, "other.hello.localhost", 1000.0)
    assert not tokens.is_valid(token, HOST, 1000.0 + 13 * 3600)


def test_proxies_with_the_same_token_accept_each_others_and_others_do_not() -> None:
    token = Tokens(["secret"]).sign(HOST, 1000.0)
    assert Tokens(["secret"]).is_valid(token, HOST, 1000.0)
    assert not Tokens(["another"]).is_valid(token, HOST, 1000.0)
    assert "secret" not in token


def test_during_a_change_of_the_proxies_token_pages_of_both_are_accepted() -> None:
    before, after = Tokens(["old"]), Tokens(["new", "old"])
    assert after.is_valid(before.sign(HOST, 1000.0), HOST, 1000.0)
    assert Tokens(["new"]).is_valid(after.sign(HOST, 1000.0), HOST, 1000.0)
    assert not Tokens(["new"]).is_valid(before.sign(HOST, 1000.0), HOST, 1000.0)


@pytest.mark.parametrize(
    "token", ["", ".", "1", "1.", "x.y", "99999999999.00", "9" * 30 + ".00", "१.00", "1.ä"]
)
def test_an_unsigned_token_is_refused(token: str) -> None:
    assert not Tokens(["secret"]).is_valid(token, HOST, 0.0)


def test_an_expiry_cannot_be_changed() -> None:
    tokens = Tokens(["secret"])
    _, _, mac = tokens.sign(HOST, 1000.0).partition(".")
    assert not tokens.is_valid(f"99999999999.{mac}", HOST, 1000.0)
