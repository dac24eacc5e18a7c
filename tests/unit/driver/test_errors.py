"""The messages of the errors."""

import pytest

from driver import errors


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("Framework failed over", errors.FailedOver),
        ("Framework has been removed", errors.FrameworkRemoved),
        ("Completed framework attempted to re-register: has been removed", errors.FrameworkRemoved),
        ("Framework with id x is not authorized", errors.Rejected),
        ("", errors.Rejected),
    ],
)
def test_an_error_event_is_read_by_its_message(
    message: str, kind: type[errors.DriverError]
) -> None:
    error = errors.read_error_event(message)
    assert type(error) is kind
    assert message in str(error)


def test_every_error_is_of_one_family() -> None:
    own = [one for one in vars(errors).values() if isinstance(one, type)]
    assert len(own) == 10
    assert all(issubclass(one, errors.DriverError) for one in own)


def test_the_error_of_a_failed_call_shows_its_outcome() -> None:
    known = errors.CallFailed("KILL", "HTTP 400 no", status=400, outcome_unknown=False)
    unknown = errors.CallFailed("ACCEPT", "no answer", status=None, outcome_unknown=True)
    assert str(known) == "KILL failed, Mesos has not executed it: HTTP 400 no"
    assert str(unknown) == "ACCEPT failed, Mesos may have executed it: no answer"
