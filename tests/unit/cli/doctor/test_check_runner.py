"""Checks side by side."""

import threading

import pytest

from cli.doctor.check_runner import Check, run
from cli.doctor.findings import Finding, Level, ok
from cli.errors import ApiUnreachable, Failure


def test_findings_come_in_the_order_of_the_checks() -> None:
    second_is_over = threading.Event()

    def first() -> list[Finding]:
        assert second_is_over.wait(30)
        return [ok("first", "well")]

    def second() -> list[Finding]:
        second_is_over.set()
        return []

    found = run([Check("first", first), Check("second", second)])
    assert found == [[ok("first", "well")], []]


def test_a_check_that_hangs_is_reported_and_delays_no_other() -> None:
    over = threading.Event()

    def hang() -> list[Finding]:
        over.wait(60)
        return []

    hangs = Check("hangs", hang, 0.05)
    [[slow], [well]] = run([hangs, Check("well", lambda: [ok("well", "well")])])
    over.set()
    assert (slow.part, slow.level) == ("hangs", Level.WRONG)
    assert "within 0.05 s" in slow.message
    assert well.level is Level.OK


def test_an_error_of_the_api_is_a_finding_and_any_other_is_raised() -> None:
    def refuse() -> list[Finding]:
        raise ApiUnreachable(Failure("http://api", "gone"))

    def break_down() -> list[Finding]:
        raise ZeroDivisionError

    [[found]] = run([Check("queue", refuse)])
    assert (found.part, found.level) == ("queue", Level.WRONG)
    assert found.advice
    with pytest.raises(ZeroDivisionError):
        run([Check("broken", break_down)])
