"""The exit code shows an operator and the supervisor why a framework has ended."""

import signal

import pytest

from framework import errors
from framework.__main__ import Ended, Notice, _read_code

CODES: list[tuple[Notice, int]] = [
    (Ended(signal.SIGTERM.name), 0),
    (Ended(signal.SIGINT.name), 0),
    (Ended("service"), 1),
    (errors.Fatal("a defect"), 1),
    (errors.Refused("Role 'x' is not allowed"), 3),
    (errors.Unavailable("ZooKeeper"), 4),
    (errors.SessionLost(), 4),
    (errors.Superseded("/prevs/framework/leader"), 5),
    (errors.FailedOver("Framework failed over"), 6),
    (errors.Removed("Framework has been removed"), 7),
    (errors.ForeignState("/prevs", "holds znodes that are not from prevs"), 8),
    (errors.Unauthorized("Mesos rejects this framework's credentials"), 9),
    (errors.OtherSettings("/prevs/framework/installation", "is of other settings"), 10),
]


@pytest.mark.parametrize(("notice", "code"), CODES)
def test_every_end_has_its_documented_exit_code(notice: Notice, code: int) -> None:
    assert _read_code(notice) == code
