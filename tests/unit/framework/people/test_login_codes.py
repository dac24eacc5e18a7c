import itertools

import pytest

from framework.people.attempts import make_challenge
from framework.people.login_codes import LIFE_S, Agreed, LoginCodes
from framework.ports.identity import Person

ADA = Agreed(Person("1", "ada"), 5000.0)
VERIFIER = "v" * 43
CHALLENGE = make_challenge(VERIFIER)


class Codes(LoginCodes):
    def __init__(self) -> None:
        self.seconds = 1000.0
        numbers = itertools.count()
        super().__init__(
            lambda: self.seconds, lambda letters: letters[next(numbers) % len(letters)]
        )


def test_a_code_counts_once() -> None:
    codes = Codes()
    code = codes.add(ADA, CHALLENGE)
    assert code == "2345-6789-ABCD"
    assert codes.take(code, VERIFIER) == ADA
    assert codes.take(code, VERIFIER) is None


@pytest.mark.parametrize(
    "typed", ["2345-6789-ABCD", "2345 6789 abcd", "23456789ABCD", " 2345-6789-abcd\n"]
)
def test_a_code_counts_as_people_type_it(typed: str) -> None:
    codes = Codes()
    codes.add(ADA, CHALLENGE)
    assert codes.take(typed, VERIFIER) == ADA


def test_a_code_without_its_verifier_is_lost() -> None:
    codes = Codes()
    code = codes.add(ADA, CHALLENGE)
    assert codes.take(code, "another") is None
    assert codes.take(code, VERIFIER) is None


def test_a_code_ends_after_two_minutes() -> None:
    codes = Codes()
    code = codes.add(ADA, CHALLENGE)
    codes.seconds += LIFE_S
    assert codes.take(code, VERIFIER) is None


@pytest.mark.parametrize("code", ["", "größe", "\ud800", "2345"])
def test_another_text_is_no_code(code: str) -> None:
    codes = Codes()
    codes.add(ADA, CHALLENGE)
    assert codes.take(code, VERIFIER) is None
    assert codes.take(code, "\ud800") is None


def test_of_very_many_codes_the_oldest_go() -> None:
    codes = Codes()
    known = [codes.add(ADA, CHALLENGE) for _ in range(1100)]
    assert codes.take(known[-1], VERIFIER) == ADA
    assert len(codes._known) <= 1000
