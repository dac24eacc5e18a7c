import base64
import itertools
import json

import pytest

from framework.people import attempts, sealed_texts
from framework.people.attempts import LIFE_S, Pending, new_attempt

KEY, OTHER = "a1" * 32, "b2" * 32
NOW = 1_764_000_000.0
BACK = "https://prevs.example.org/sign-in/callback"


def begin(to: str = "/apps/shop?page=größe") -> Pending:
    numbers = itertools.count()
    attempt = new_attempt(BACK, lambda: f"{next(numbers):043}")
    return Pending(attempt, to, NOW + LIFE_S)


def test_an_attempt_comes_back_to_the_browser_that_began_it() -> None:
    pending = begin()
    text = attempts.seal(KEY, pending)
    assert attempts.unseal(KEY, text, pending.attempt.state, NOW) == pending
    assert text.isascii()
    assert not set(text) & set(' ",;\\')  # what a cookie cannot hold
    assert len(text) < 800


def test_its_texts_differ() -> None:
    attempt = begin().attempt
    assert len({attempt.state, attempt.nonce, attempt.verifier}) == 3


@pytest.mark.parametrize("state", ["", "another", "größe", "\ud800"])
def test_another_state_is_another_attempt(state: str) -> None:
    assert attempts.unseal(KEY, attempts.seal(KEY, begin()), state, NOW) is None


def test_an_attempt_ends() -> None:
    pending = begin()
    text, state = attempts.seal(KEY, pending), pending.attempt.state
    assert attempts.unseal(KEY, text, state, NOW + LIFE_S - 1)
    assert attempts.unseal(KEY, text, state, NOW + LIFE_S) is None


def test_only_we_make_attempts() -> None:
    pending = begin()
    text, state = attempts.seal(KEY, pending), pending.attempt.state
    header, claims, mac = text.split(".")
    changed = json.loads(base64.urlsafe_b64decode(claims + "=="))
    changed["to"] = "/admin"
    forged = base64.urlsafe_b64encode(json.dumps(changed).encode()).decode().rstrip("=")
    none = base64.urlsafe_b64encode(b'{"alg":"none"}').decode().rstrip("=")
    for wrong in ("", "a.b.c", f"{header}.{forged}.{mac}", f"{none}.{claims}.", f"{text}x"):
        assert attempts.unseal(KEY, wrong, state, NOW) is None
    assert attempts.unseal(OTHER, text, state, NOW) is None


def test_a_text_for_one_use_is_good_for_no_other() -> None:
    pending = begin()
    text = sealed_texts.seal(KEY, "session", pending.attempt._asdict(), pending.until)
    assert attempts.unseal(KEY, text, pending.attempt.state, NOW) is None
    assert sealed_texts.unseal(KEY, "session", text, NOW)
    assert sealed_texts.unseal(KEY, "attempt", text, NOW) is None


def test_names_of_attempts_differ_and_fit_into_a_cookies_name() -> None:
    names = {attempts.name_attempt(str(number)) for number in range(100)}
    assert len(names) == 100
    assert all(name.isalnum() for name in names)
