"""A request that is sent again until it is answered."""

from collections.abc import Callable

import pytest

from cli.client.event_streams import PAUSES
from cli.errors import ApiConfused, ApiRefused, ApiUnreachable, CliError, Failure, Problem
from cli.jobs.repetition import repeat

LOST = ApiUnreachable(Failure("http://api", "no answer in time"))


def refused(status: int, slug: str = "some") -> ApiRefused:
    return ApiRefused(Problem(slug, status, "No", "No.", {}))


def fails(*errors: CliError) -> Callable[[], str]:
    left = list(errors)

    def call() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return call


@pytest.mark.parametrize("error", [LOST, refused(503), refused(409, "idempotency-key-in-use")])
def test_what_may_pass_is_asked_again(error: CliError) -> None:
    pauses: list[float] = []
    told: list[str] = []
    assert repeat(fails(error, error), pause=pauses.append, notify=told.append) == "done"
    assert pauses == list(PAUSES[:2])
    assert len(told) == 1


@pytest.mark.parametrize("error", [refused(404), refused(409), ApiConfused("http://x", "no")])
def test_what_will_not_pass_is_told_at_once(error: CliError) -> None:
    pauses: list[float] = []
    with pytest.raises(type(error)):
        repeat(fails(error), pause=pauses.append, notify=lambda _: None)
    assert pauses == []


def test_the_last_error_is_told_in_the_end() -> None:
    pauses: list[float] = []
    errors = [LOST] * len(PAUSES)
    with pytest.raises(ApiRefused):
        repeat(fails(*errors, refused(503)), pause=pauses.append, notify=lambda _: None)
    assert pauses == list(PAUSES)
